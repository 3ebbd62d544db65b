//! How wide the lines of the program may be.
//!
//! The standard library can't ask a terminal for its size. So `COLUMNS` says it, as shells set it
//! (`export COLUMNS` hands it on), and where it says nothing, 80 is what terminals usually have.

use std::env;

/// What is taken where nothing says otherwise.
pub(crate) const USUAL: usize = 80;
/// Less than this is no width, but a mistake: hardly a word would fit.
const LEAST: usize = 20;

/// What `COLUMNS` says, if that is a width.
pub(crate) fn told() -> Option<usize> {
    parse(&env::var("COLUMNS").ok()?)
}

/// How many columns there are.
pub(crate) fn columns() -> usize {
    told().unwrap_or(USUAL)
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
