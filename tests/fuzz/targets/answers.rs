//! Any bytes, as what a server sends on one connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::answers(bytes);
});
