//! Finds a line of the source, while the library is compiled.
//!
//! ```text
//! "src/http/chunk.rs"   after "fn encode_size_line"   the first line with "hexadecimal"
//! ```
//!
//! Line numbers that stand in a table are wrong after the next change above them, and
//! [`line!`](std::line) gives the line of whoever calls it: that would be a mark beside the code.
//! This is the very line of the code, and the code knows nothing of it.

use std::fmt;

/// A line of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The path of the file, from the root of the repository.
    pub file: &'static str,
    /// Counted from 1.
    pub line: u32,
    /// What stands in this line, among other things.
    pub text: &'static str,
}

/// It is shown as `src/http/chunk.rs:247`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The first line with a text, in a file below `src`, after the only place where another stands,
/// and before the next empty line: so it is of the same function.
macro_rules! place {
    ($path:literal, $after:literal, $text:literal) => {
        $crate::trace::find::find(
            concat!("src/", $path),
            include_str!(concat!("../", $path)),
            [$after, $text],
            concat!("src/trace/pieces.rs must say where this is now: ", $path, ", after ", $after),
        )
    };
}

pub(super) use place;

/// Finds it, or panics with these words, which ends the compilation.
pub(super) const fn find(
    file: &'static str,
    source: &str,
    [after, text]: [&'static str; 2],
    gone: &'static str,
) -> Place {
    let mut line = 1;
    let mut is_after = false;
    let mut rest = source.as_bytes();
    let (mut found, mut afters) = (0, 0);
    while let [first, next @ ..] = rest {
        if begins_with(rest, b"\n\n") {
            is_after = false;
        } else if begins_with(rest, after.as_bytes()) {
            is_after = true;
            afters += 1;
        }
        if is_after && found == 0 && begins_with(rest, text.as_bytes()) {
            found = line;
        }
        if *first == b'\n' {
            line += 1;
        }
        rest = next;
    }
    assert!(afters == 1 && found > 0, "{}", gone);
    Place { file, line: found, text }
}

const fn begins_with(bytes: &[u8], text: &[u8]) -> bool {
    let (mut bytes, mut text) = (bytes, text);
    while let [wanted, rest @ ..] = text {
        match bytes {
            [first, next @ ..] if *first == *wanted => bytes = next,
            _ => return false,
        }
        text = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn a() {\n    x();\n}\n\nfn b() {\n    y();\n    x();\n    x();\n}\n";

    fn line(source: &str, after: &'static str, text: &'static str) -> u32 {
        find("src/a.rs", source, [after, text], "it has moved").line
    }

    #[test]
    fn it_is_the_first_line_with_the_text_in_the_function() {
        assert_eq!([line(SOURCE, "fn a", "x("), line(SOURCE, "fn b", "x(")], [2, 7]);
        assert_eq!(line(SOURCE, "fn b", "fn b"), 5);
    }

    #[test]
    #[should_panic(expected = "it has moved")]
    fn one_of_another_function_is_not_taken_for_it() {
        line(SOURCE, "fn a", "y(");
    }

    #[test]
    #[should_panic(expected = "it has moved")]
    fn one_after_what_stands_twice_is_not_known() {
        line(&SOURCE.repeat(2), "fn a", "x(");
    }
}
