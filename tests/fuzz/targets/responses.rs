//! Any bytes, as what a server sends to a client.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::responses(bytes);
});
