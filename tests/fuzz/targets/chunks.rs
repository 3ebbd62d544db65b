//! Any bytes, as a chunked body, and as the content of one.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::chunks(bytes);
});
