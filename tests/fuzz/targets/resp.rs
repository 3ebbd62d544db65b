//! Any bytes, as what a Redis sends.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::resp(bytes);
});
