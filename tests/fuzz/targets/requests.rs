//! Any bytes, as what a client sends on one connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::requests(bytes);
});
