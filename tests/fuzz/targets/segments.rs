//! Any bytes, as a segment of a journal.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::segments(bytes);
});
