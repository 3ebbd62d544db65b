//! Any bytes, as a script of events, comments and reconnection times to be sent.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::encoded(bytes);
});
