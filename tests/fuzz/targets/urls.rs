//! Any bytes, as a URL, a reference as in a redirect, and a last event ID, each on a line.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tidings::fuzz::urls(bytes);
});
