//! The credential of a request: a token, and what carries it.
//!
//! ```text
//! Authorization: Bearer 2YotnFZFEjr1     for programs, and what a page fetches (RFC 6750, 2.1)
//! Cookie: tidings=2YotnFZFEjr1           for a browser's EventSource, which sets no field
//! GET /events/news?token=2YotnFZFEjr1    for one of another origin; URLs get logged (2.3)
//!
//! credentials = "Bearer" 1*SP token      the scheme in any case (RFC 9110, section 11.1)
//! ```
//!
//! The first of these that is there counts alone, whatever it is worth. Another scheme of
//! `Authorization` is not for the hub: a proxy in front may want a password. A carrier that says
//! two things is refused: a proxy may have checked another of them than the hub would take, and a
//! page of another host of the same domain may have planted a second cookie.

use std::borrow::Cow;

use tidings::Response;
use tidings::http::Head;

use super::refuse::bad_request;

/// A token that came with a request, good or bad. It is never shown, not even for debugging.
pub(super) struct Credential<'a> {
    pub(super) token: Cow<'a, str>,
    /// Whether a browser adds it by itself, also to what pages of other origins send.
    pub(super) is_cookie: bool,
}

/// The credential of the request with this head, if it has one.
pub(super) fn of(head: &Head) -> Result<Option<Credential<'_>>, Response> {
    check_once(head, "authorization")?;
    if let Some(token) = head.field("authorization").and_then(bearer) {
        // What is no text is no token.
        let token = str::from_utf8(token).unwrap_or_default().into();
        return Ok(Some(Credential { token, is_cookie: false }));
    }
    let cookie = one(&mut head.cookies("tidings").map(Cow::from), "cookie tidings")?;
    if let Some(token) = cookie {
        return Ok(Some(Credential { token, is_cookie: true }));
    }
    let token = one(&mut head.query_values("token").map(Cow::from), "parameter token")?;
    Ok(token.map(|token| Credential { token, is_cookie: false }))
}

/// Refuses a request that has this field twice, even with one value.
pub(super) fn check_once(head: &Head, name: &str) -> Result<(), Response> {
    let mut values = head.values(name);
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(bad_request(format_args!("there may be only one field {name}"))),
        _ => Ok(()),
    }
}

/// The one value of all these. What they are is not said to anybody.
fn one<'a>(
    values: &mut dyn Iterator<Item = Cow<'a, str>>,
    what: &str,
) -> Result<Option<Cow<'a, str>>, Response> {
    let first = values.next();
    for value in values {
        if Some(&value) != first.as_ref() {
            return Err(bad_request(format_args!("there are two values of the {what}: send one")));
        }
    }
    Ok(first)
}

/// The token of `Authorization`, unless that has another scheme. It may be empty.
fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked("Bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer") && matches!(token, [] | [b' ', ..]);
    is_bearer.then(|| token.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings::{Limits, http::HeadParser};

    /// The token and whether it is a cookie's, or the body of the refusal.
    fn found(target: &str, fields: &str) -> Result<Option<(String, bool)>, String> {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let parsed = HeadParser::new(&Limits::default()).parse(bytes.as_bytes());
        let (head, _) = parsed.expect("a valid head").expect("a whole head");
        let found = of(&head).map(|found| found.map(|it| (it.token.into_owned(), it.is_cookie)));
        found.map_err(|refusal| String::from_utf8(refusal.content_bytes().into()).expect("text"))
    }

    #[test]
    fn the_first_carrier_that_is_there_counts_alone() {
        let bearer = "Authorization: Bearer f\r\n";
        let cookie = "Cookie: a=b; tidings=c\r\n";
        for (target, fields, token, is_cookie) in [
            ("/?token=q", format!("{bearer}{cookie}"), "f", false),
            ("/", "Authorization: bearer  f\r\n".into(), "f", false),
            ("/?token=q", format!("Authorization: Bearer\r\n{cookie}"), "", false),
            ("/?token=q", format!("Authorization: Basic dTpw\r\n{cookie}"), "c", true),
            ("/?token=q", "Cookie: tidings=\r\n".into(), "", true),
            ("/?a=b&token=q%2B+", String::new(), "q+ ", false),
            ("/?token=q", "Authorization: Bearerf\r\nCookie: Tidings=c\r\n".into(), "q", false),
            ("/?token=q&token=q", format!("{cookie}{cookie}"), "c", true),
        ] {
            let expected = Ok(Some((token.to_owned(), is_cookie)));
            assert_eq!(found(target, &fields), expected, "{target} {fields}");
        }
        for (target, fields) in [("/?Token=q", ""), ("/", "Authorization: Basic dTpw\r\n")] {
            assert_eq!(found(target, fields), Ok(None), "{target} {fields}");
        }
    }

    #[test]
    fn what_says_two_things_is_refused_and_not_quoted() {
        let twice = |of: &str| {
            Err(format!("400 Bad Request: there are two values of the {of}: send one\n"))
        };
        assert_eq!(found("/?token=a&token=b", ""), twice("parameter token"));
        assert_eq!(found("/", "Cookie: tidings=a; tidings=b\r\n"), twice("cookie tidings"));
        assert_eq!(
            found("/", "Cookie: tidings=a\r\nCookie: tidings=b\r\n"),
            twice("cookie tidings")
        );
        let fields = "Authorization: Bearer a\r\n".repeat(2);
        let said = "400 Bad Request: there may be only one field authorization\n";
        assert_eq!(found("/", &fields), Err(said.into()));
    }
}
