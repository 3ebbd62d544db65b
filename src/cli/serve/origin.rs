//! Whose page a request comes from, as far as its browser says so, and which pages may publish.
//!
//! ```text
//! POST /events/news HTTP/1.1
//! Host: localhost:3000
//! Origin: http://localhost:3000          the page that sends it; only browsers say so
//! Sec-Fetch-Site: same-origin            whose page that is; only browsers say so
//! ```
//!
//! A browser sends a plain POST wherever a page wants, and asks nobody. So without the check of
//! `Origin`, any page on the web could publish on the hub that runs on its visitor's machine.
//! Programs send no `Origin`.
//!
//! Where a browser says `Sec-Fetch-Site: cross-site` or `same-site` (another host or port of the
//! same domain), only a page whose origin `--cors` lists may publish. `same-origin` is the hub's
//! own page and `none` is the user, without a page. The hub ignores other values, as the standard
//! may get more of them (Fetch Metadata Request Headers, section 2.4).

use tidings::http::Head;
use tidings::{Cors, Response, Status};

use super::refuse::refuse;

/// The origin of the page for which a browser sent the request with this head; empty if that is no
/// text. Programs have no page.
#[inline]
pub(super) fn of(head: &Head) -> Option<&str> {
    head.field("origin").map(|origin| str::from_utf8(origin).unwrap_or_default())
}

/// Whether the page of this origin may publish.
#[inline]
pub(super) fn check(
    head: &Head,
    origin: Option<&str>,
    cors: Option<&Cors>,
) -> Result<(), Response> {
    // Where every origin is allowed, so is one that nobody names.
    if cors.is_some_and(|cors| cors.allows(origin.unwrap_or("null"))) || is_own(head, origin) {
        return Ok(());
    }
    Err(refuse(Status::FORBIDDEN, foreign_page(origin)))
}

/// Whether the request comes from the hub's own page, from the user without a page, or from a
/// program.
#[inline]
pub(super) fn is_own(head: &Head, origin: Option<&str>) -> bool {
    let is_foreign = head.field("sec-fetch-site").is_some()
        && ["cross-site", "same-site"].iter().any(|site| head.has_token("sec-fetch-site", site));
    !is_foreign && origin.is_none_or(|origin| is_same(origin, head.authority()))
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

/// Whether an origin is that of the hub's own pages. The scheme may differ, as a proxy may speak
/// https for the hub. A request that does not name a host (HTTP/1.0) comes from no page of the hub.
fn is_same(origin: &str, authority: Option<&str>) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(is_same(origin, Some(authority)), "{origin} {authority}");
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
            assert!(!is_same(origin, Some(authority)), "{origin} {authority}");
        }
        for origin in ["", "http://", "http://:80", "https://:443", "http://localhost", "null"] {
            assert!(!is_same(origin, None), "{origin}");
            assert!(!is_same(origin, Some("")), "{origin}");
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
