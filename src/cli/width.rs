//! How wide the lines of the program may be.
//!
//! The standard library can't ask a terminal for its size. So the program reads `COLUMNS`, which
//! shells set (`export COLUMNS` hands it on). Without it the width is 80, as most terminals have.

use std::env;

/// The width unless `COLUMNS` says another.
pub(crate) const USUAL: usize = 80;
/// A smaller width is a mistake: hardly a word would fit.
const LEAST: usize = 20;

pub(crate) fn columns() -> usize {
    env::var("COLUMNS").ok().and_then(|columns| parse(&columns)).unwrap_or(USUAL)
}

fn parse(columns: &str) -> Option<usize> {
    columns.parse().ok().filter(|&columns| columns >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_a_number_that_something_fits_into() {
        assert_eq!(["40", "20", "132"].map(parse), [Some(40), Some(20), Some(132)]);
        assert_eq!(["", "0", "19", "-40", "x", "40.5"].map(parse), [None; 6]);
    }
}
