//! Who may publish: which requests, from which pages, and with which token. That a hub which other
//! machines can reach needs a token or a word is `check_loopback` in [`serve`](super).
//!
//! ```text
//! POST /events/news HTTP/1.1
//! Host: localhost:3000
//! Origin: http://localhost:3000          the page that sends it; only browsers say so
//! Sec-Fetch-Site: same-origin            whose page that is; only browsers say so
//! Authorization: Bearer 2YotnFZFEjr1     RFC 6750, section 2.1
//! ```
//!
//! A browser sends a plain POST wherever a page wants, and asks nobody. So without the check of
//! `Origin`, any page on the web could publish on the hub that runs on its visitor's machine.
//! Programs send no `Origin`; the hub can require a token of them. It checks both before it takes
//! in anything of a body, so that strangers can't fill the memory for bodies.
//!
//! Where a browser says `Sec-Fetch-Site: cross-site` or `same-site` (another host or port of the
//! same domain), only a page whose origin `--cors` lists may publish. `same-origin` is the hub's
//! own page and `none` is the user, without a page. The hub ignores other values, as the standard
//! may get more of them (Fetch Metadata Request Headers, section 2.4).

use std::fmt;
use std::hint::black_box;
use std::path::Path;

use tidings::http::Head;
use tidings::{Cors, Method, Response, Status};

use super::refuse::{bad_request, refuse};
use super::token::Remedies;

/// What a publisher has to know. It is never shown, not even for debugging.
pub(super) struct Token(Vec<u8>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    const REMEDIES: Remedies = Remedies {
        missing: "make one with 'openssl rand -hex 16 > FILE'",
        empty: "write a token into it that is hard to guess",
    };

    /// Reads the file that contains the token.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        Self::REMEDIES.read(path).map(|token| Self(token.into_bytes()))
    }

    /// Takes as long for a token that is nearly right as for one that is all wrong, so that nobody
    /// can find it out byte by byte. Its length is no secret.
    fn is(&self, given: &[u8]) -> bool {
        let differences = self.0.iter().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
        self.0.len() == given.len() && black_box(differences) == 0
    }
}

/// Decides for each request whether it may publish.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) token: Option<Token>,
    pub(super) cors: Option<Cors>,
}

impl Guard {
    /// Whether a client that may publish may stop the hub, too; if not, the refusal. Without a
    /// token anybody may publish, and not anybody may stop the hub.
    pub(super) fn check_stop(&self) -> Result<(), Response> {
        match self.token {
            Some(_) => Ok(()),
            None => Err(refuse(
                Status::FORBIDDEN,
                "a client must have the hub's token to stop it, and this hub has no token: start \
                 it with --token-file, or end its process",
            )),
        }
    }

    /// Whether the request with this head may publish, or do anything else that changes the hub;
    /// if not, the refusal.
    pub(super) fn check(&self, head: &Head) -> Result<(), Response> {
        // The methods that change nothing (RFC 9110, section 9.2.1) are anybody's.
        if matches!(head.method(), Method::Get | Method::Head | Method::Options | Method::Trace) {
            return Ok(());
        }
        let (origin, authorization) = (head.field("origin"), head.field("authorization"));
        if origin.is_some() || authorization.is_some() {
            check_once(head)?;
        }
        self.check_page(head, origin)?;
        match &self.token {
            Some(token) => check_token(token, authorization),
            None => Ok(()),
        }
    }

    /// Whether the request with this head may have the events of all channels; if not, the refusal.
    /// That is as much as publishers may: a channel's name may be a secret.
    pub(super) fn check_all(&self, head: &Head) -> Result<(), Response> {
        let Some(token) = &self.token else { return Ok(()) };
        check_once(head)?;
        check_token(token, head.field("authorization"))
    }

    /// Whether the page for which a browser sent this may publish. Programs have no page.
    fn check_page(&self, head: &Head, origin: Option<&[u8]>) -> Result<(), Response> {
        let origin = origin.map(|origin| std::str::from_utf8(origin).unwrap_or_default());
        // Where every origin is allowed, so is one that nobody names.
        if self.cors.as_ref().is_some_and(|cors| cors.allows(origin.unwrap_or("null"))) {
            return Ok(());
        }
        let foreign = head.field("sec-fetch-site").is_some()
            && ["cross-site", "same-site"]
                .iter()
                .any(|site| head.has_token("sec-fetch-site", site));
        match origin {
            None if !foreign => Ok(()),
            Some(origin) if !foreign && is_same_origin(origin, head.authority()) => Ok(()),
            origin => Err(refuse(Status::FORBIDDEN, foreign_page(origin))),
        }
    }
}

/// What the hub says to a page that may not publish.
fn foreign_page(origin: Option<&str>) -> String {
    let Some(origin) = origin else {
        return "pages of other sites may not publish here, and this request does not say of which \
                origin its page is: start the hub with --cors '*' to let pages of all origins"
            .into();
    };
    // The command that the remedy names must work, and mean nothing else to a shell.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte);
    let remedy = match origin.bytes().all(is_plain) && Cors::origins([origin]).is_ok() {
        true => format!("start the hub with --cors {origin} to let them"),
        false => "start the hub with --cors '*' to let pages of all origins".into(),
    };
    format!("pages of the origin {origin:?} may not publish here: {remedy}")
}

/// Refuses a request that has one of these fields twice: a proxy in front may have checked another
/// of them than the hub would.
fn check_once(head: &Head) -> Result<(), Response> {
    for name in ["origin", "authorization"] {
        if head.values(name).count() > 1 {
            return Err(bad_request(format_args!("there may be only one field {name}")));
        }
    }
    Ok(())
}

/// Whether an origin is that of the hub's own pages. The scheme may differ, as a proxy may speak
/// https for the hub. A request that does not name a host (HTTP/1.0) comes from no page of the hub.
fn is_same_origin(origin: &str, authority: Option<&str>) -> bool {
    let Some(authority) = authority else { return false };
    let (scheme, host) = origin.split_once("://").unwrap_or_default();
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    Cors::origins([origin]).is_ok() && host == authority.to_ascii_lowercase()
}

/// ```text
/// credentials = "Bearer" 1*SP token          the scheme in any case (RFC 9110, section 11.1)
/// ```
fn check_token(token: &Token, authorization: Option<&[u8]>) -> Result<(), Response> {
    match authorization.and_then(bearer) {
        Some(given) if token.is(given) => Ok(()),
        Some(_) => Err(refuse(
            Status::FORBIDDEN,
            "this is not the token: send what the hub's --token-file contains",
        )),
        None => Err(refuse(
            Status::UNAUTHORIZED,
            "this needs a token: send it in the field Authorization: Bearer TOKEN",
        )
        .with_field("WWW-Authenticate", "Bearer")
        .expect("the name is a token and the value is text")),
    }
}

fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_the_token() {
        let token = Token(b"secret".into());
        assert!(token.is(b"secret"));
        for other in [&b""[..], b"secre", b"secrets", b"Secret", b"secreT", b"terces"] {
            assert!(!token.is(other), "{}", other.escape_ascii());
        }
        assert_eq!(format!("{token:?}"), "Token");
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for credentials in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(bearer(credentials.as_bytes()), Some(&b"abc"[..]), "{credentials}");
        }
        for other in ["", "Bearer", "Basic abc", "Bearerabc", "abc"] {
            assert_eq!(bearer(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_origin_is_ours_if_its_authority_is() {
        for (origin, authority) in [
            ("http://localhost:3000", "localhost:3000"),
            ("http://localhost:3000", "LOCALHOST:3000"),
            ("http://hub.example", "hub.example"),
            ("http://hub.example", "hub.example:"),
            ("http://hub.example", "hub.example:80"),
            ("https://hub.example", "hub.example"),
            ("https://hub.example", "hub.example:443"),
            ("http://[::1]:3000", "[::1]:3000"),
            ("http://[::1]", "[::1]:80"),
            ("http://localhost.:3000", "localhost.:3000"),
        ] {
            assert!(is_same_origin(origin, Some(authority)), "{origin} {authority}");
        }
        for (origin, authority) in [
            ("http://evil.example", "localhost:3000"),
            ("http://localhost:4000", "localhost:3000"),
            ("http://localhost", "localhost:3000"),
            ("http://localhost:3000", "localhost"),
            ("http://localhost:443", "localhost"),
            ("https://localhost:80", "localhost"),
            ("http://localhost:3000.evil.example", "localhost:3000"),
            ("http://localhost.:3000", "localhost:3000"),
            ("http://localhost:3000", "localhost.:3000"),
            ("http://::1:3000", "[::1]:3000"),
            ("http://[::1]", "[::1]:3000"),
            ("null", "localhost:3000"),
            ("null", "null"),
            ("foo://localhost:3000", "localhost:3000"),
            ("localhost:3000", "localhost:3000"),
            // These are written as no browser writes an origin.
            ("HTTP://localhost:3000", "localhost:3000"),
            ("http://LOCALHOST:3000", "LOCALHOST:3000"),
            ("http://localhost:80", "localhost:80"),
            ("http://localhost:", "localhost"),
            ("http://localhost:3000/", "localhost:3000"),
            ("http://localhost:3000, http://evil.example", "localhost:3000"),
            ("http://user@localhost:3000", "localhost:3000"),
            ("http://localhost:3000@evil.example", "localhost:3000"),
        ] {
            assert!(!is_same_origin(origin, Some(authority)), "{origin} {authority}");
        }
        for origin in ["", "http://", "http://:80", "https://:443", "http://localhost", "null"] {
            assert!(!is_same_origin(origin, None), "{origin}");
            assert!(!is_same_origin(origin, Some("")), "{origin}");
        }
    }

    #[test]
    fn a_refusal_names_the_option_only_where_it_would_help() {
        for good in ["https://a.example", "http://[::1]:3000", "http://a_b.example:8080"] {
            let said = foreign_page(Some(good));
            assert!(said.ends_with(&format!("start the hub with --cors {good} to let them")));
        }
        for other in ["null", "", "http://:80", "https://$(reboot)", "https://a;b", "a\"b\u{202E}"]
        {
            let said = foreign_page(Some(other));
            assert!(said.starts_with(&format!("pages of the origin {other:?} may")), "{said}");
            assert!(said.ends_with("pages of all origins") && !said.contains('\u{202E}'), "{said}");
        }
    }
}
