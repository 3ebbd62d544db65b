//! Which paths a route is for, and what they have for its parameters.
//!
//! ```text
//! pattern = 1*( "/" segment )
//! segment = *char / "{" name "}" / "{" name "...}"      ; the last one only at the end
//! ```
//!
//! A literal segment matches itself, `{name}` any one segment that is not empty, `{name...}` the
//! whole rest of the path. Segments are compared after percent-decoding, so an encoded slash
//! never divides.

use std::fmt;
use std::mem;
use std::sync::Arc;

use super::percent::first_decoded;
use crate::error::{Error, Result};
use crate::search::first_of;

/// By default one without parameters, that no path matches.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// One or more segments, with the slashes before, between and after them.
    Literal(String),
    Param(Arc<str>),
    Rest(Arc<str>),
}

impl Pattern {
    pub(crate) fn parse(path: &str) -> Result<Self> {
        let Some(rest) = path.strip_prefix('/') else {
            return Err(Error::invalid(format!("a route must begin with a slash: {path:?}")));
        };
        let (mut pattern, mut literal) = (Vec::new(), String::new());
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            literal.push('/');
            let name = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
            let rest = name.and_then(|name| name.strip_suffix("..."));
            let text = rest.or(name).unwrap_or(segment);
            let early = rest.is_some() && segments.peek().is_some();
            if early || text.contains(['{', '}']) || name.is_some() && text.is_empty() {
                return Err(Error::invalid(format!(
                    "a segment of a route must be text, {{name}} or, at the end, {{name...}}: \
                     {path:?}"
                )));
            }
            if name.is_none() {
                literal.push_str(text);
                continue;
            }
            pattern.push(Part::Literal(mem::take(&mut literal)));
            pattern.push(if rest.is_some() { Part::Rest } else { Part::Param }(text.into()));
        }
        if !literal.is_empty() {
            pattern.push(Part::Literal(literal));
        }
        Ok(Self(pattern))
    }

    /// Puts it below a path that was [checked](Self::prefix).
    pub(crate) fn put_below(&mut self, prefix: &str) {
        // It begins with a slash, so with a literal.
        if let Some(Part::Literal(text)) = self.0.first_mut() {
            text.insert_str(0, prefix);
        }
    }

    /// The path that a text names, to put patterns below it: without a slash at its end. That of
    /// the root is empty.
    pub(crate) fn prefix(text: &str) -> Result<&str> {
        let is_path = Self::parse(text)?.names().next().is_none();
        let prefix = text.strip_suffix('/').unwrap_or(text);
        if !is_path || prefix.ends_with('/') {
            return Err(Error::invalid(format!(
                "a prefix must be a path without parameters, such as /hub: {text:?}"
            )));
        }
        Ok(prefix)
    }

    /// Whether a path matches, some of which may be `encoded`. Meanwhile `found` is told what the
    /// path has for each parameter, as it stands there.
    pub(crate) fn matches<'a>(
        &self,
        path: &'a [u8],
        encoded: bool,
        mut found: impl FnMut(&Arc<str>, &'a [u8]),
    ) -> bool {
        let mut rest = path;
        for part in &self.0 {
            let after = match part {
                Part::Literal(text) if encoded => after_encoded(text, rest),
                Part::Literal(text) => rest.strip_prefix(text.as_bytes()),
                Part::Param(name) => {
                    let (raw, after) = rest.split_at(first_of(*b"/", rest).unwrap_or(rest.len()));
                    found(name, raw);
                    (!raw.is_empty()).then_some(after)
                }
                Part::Rest(name) => {
                    found(name, rest);
                    Some(&b""[..])
                }
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        rest.is_empty() && !self.0.is_empty()
    }

    /// What a path that has nothing encoded has for a parameter.
    pub(crate) fn value<'a>(&self, name: &str, path: &'a [u8]) -> Option<&'a [u8]> {
        let mut value = None;
        self.matches(path, false, |param, raw| {
            if **param == *name {
                value = value.or(Some(raw));
            }
        });
        value
    }

    /// The names of the parameters, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Param(name) | Part::Rest(name) => Some(&**name),
        })
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What comes after this text in a path that encodes some of it.
fn after_encoded<'a>(text: &str, path: &'a [u8]) -> Option<&'a [u8]> {
    text.bytes().try_fold(path, |path, byte| {
        let (found, rest) = first_decoded(path)?;
        let is_encoded_slash = byte == b'/' && path[0] != b'/';
        (found == byte && !is_encoded_slash).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the path has for the parameters, if it matches.
    fn params<'a>(pattern: &str, path: &'a str) -> Option<Vec<(String, &'a [u8])>> {
        let mut params = Vec::new();
        let found = |name: &Arc<str>, raw| params.push((name.to_string(), raw));
        let pattern = Pattern::parse(pattern).expect("a pattern");
        pattern.matches(path.as_bytes(), path.contains('%'), found).then_some(params)
    }

    #[test]
    fn a_pattern_below_a_path_matches_what_it_matched_there() {
        for (text, prefix) in [("/hub", "/hub"), ("/hub/", "/hub"), ("/a/b", "/a/b"), ("/", "")] {
            assert_eq!(Pattern::prefix(text).expect("a path"), prefix);
        }
        for bad in ["", "hub", "/{hub}", "/hub//", "/hub/{all...}", "/{"] {
            assert!(Pattern::prefix(bad).is_err_and(|error| error.is_invalid()), "{bad}");
        }
        let mut pattern = Pattern::parse("/{name}/x").expect("a pattern");
        pattern.put_below("/hub");
        assert_eq!(pattern, Pattern::parse("/hub/{name}/x").expect("a pattern"));
    }

    #[test]
    fn a_parameter_is_one_segment() {
        let params = |path| params("/events/{name}", path);
        assert_eq!(params("/events/a%2Fb"), Some(vec![("name".into(), &b"a%2Fb"[..])]));
        assert_eq!(params("/events/"), None);
        assert_eq!(params("/events/a/b"), None);
    }

    #[test]
    fn a_literal_is_compared_decoded_and_an_encoded_slash_divides_nothing() {
        assert!(params("/a b/é/{name}", "/%61%20b/%C3%A9/c").is_some());
        assert!(params("/100%25", "/100%2525").is_some());
        for other in ["/a%20b%2F%C3%A9/c", "/a%20b/%C3/c", "/a%20b/%C3%A9", "/100%25", "%2F100"] {
            assert_eq!(params("/a b/é/{name}", other), None, "{other}");
            assert_eq!(params("/100%25", other), None, "{other}");
        }
    }

    #[test]
    fn the_rest_may_be_empty_or_long() {
        let params = |path| params("/files/{path...}", path);
        assert_eq!(params("/files/"), Some(vec![("path".into(), &b""[..])]));
        assert_eq!(params("/files/a/b"), Some(vec![("path".into(), &b"a/b"[..])]));
        assert_eq!(params("/files"), None);
    }

    #[test]
    fn a_value_is_that_of_the_first_parameter_of_its_name() {
        let pattern = Pattern::parse("/{a}/{b}/{a}").expect("a pattern");
        assert_eq!(pattern.value("a", b"/1/2/3"), Some(&b"1"[..]));
        assert_eq!(pattern.value("b", b"/1/2/3"), Some(&b"2"[..]));
        assert_eq!(pattern.value("c", b"/1/2/3"), None);
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["a", "b", "a"]);
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused() {
        for path in ["", "a", "/{", "/{}", "/a{b}", "/{a...}/b", "/{a}}"] {
            assert!(Pattern::parse(path).is_err(), "{path}");
        }
        assert!(Pattern::parse("/").is_ok());
        assert!(!Pattern::default().matches(b"", false, |_, _| {}));
    }
}
