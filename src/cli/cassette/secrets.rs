//! What a cassette may say of the request that it is the answer to, and of the answer's head.
//!
//! Cassettes are kept, sent to others and put under version control. So what goes into one is the
//! least that tells what it is about: of a URL neither the user, nor the parameters of its path,
//! nor the values of its query; of a content type no parameter but the charset; and of the fields
//! only the values of those that are known to hold no secret. A list of what is secret would always
//! lack the next name; this is a list of what is not.
//!
//! The path itself is kept: without it nobody knows what was recorded. Where it holds a secret, as
//! in `/bot<token>/`, the cassette does too, and the help says so.

/// What stands in place of a value that is left out.
const LEFT_OUT: &str = "...";

/// Fields whose values are no secrets.
const PUBLIC: [&str; 6] =
    ["accept", "accept-language", "cache-control", "content-type", "last-event-id", "user-agent"];

/// The URL without the user, the parameters of the path, the values of the query and the fragment.
pub(crate) fn public_url(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (base, query) = url.split_once('?').map_or((url, None), |(base, rest)| (base, Some(rest)));
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    let query = query.map(|query| format!("?{}", public_query(query))).unwrap_or_default();
    format!("{scheme}{separator}{host}{}{query}", public_path(path))
}

/// `/a;b=1/c` becomes `/a;.../c`: such parameters name sessions.
fn public_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.split_once(';') {
        Some((name, _)) => format!("{name};{LEFT_OUT}"),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// `a=1&b=2&c` becomes `a=...&b=...&...`: what has no name may be a secret as a whole.
fn public_query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={LEFT_OUT}"),
        None => LEFT_OUT.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A field line, without its value if that may be a secret.
pub(crate) fn public_field(name: &str, value: &str) -> String {
    let is_public = PUBLIC.iter().any(|public| public.eq_ignore_ascii_case(name));
    let value = match name {
        _ if !is_public => LEFT_OUT.into(),
        name if name.eq_ignore_ascii_case("content-type") => public_type(value),
        _ => value.to_owned(),
    };
    format!("{name}: {value}")
}

/// A content type with no parameter but its charset. What is kept, is kept as it was spelt.
pub(crate) fn public_type(value: &str) -> String {
    let is_charset = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("charset")
    };
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or_default();
    let kept = std::iter::once(essence).chain(parts.filter(is_charset));
    kept.collect::<Vec<_>>().join(";").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_where_and_loses_who() {
        for (url, public) in [
            ("http://a.example/events", "http://a.example/events"),
            ("http://me:pass@a.example:80/x#frag", "http://a.example:80/x"),
            ("http://a@b@c/x?token=1&k", "http://c/x?token=...&..."),
            ("http://a.example?key=a?b=c", "http://a.example?key=..."),
            ("/events/x@y?z=1", "/events/x@y?z=..."),
            ("http://a.example/e;jsessionid=7?a", "http://a.example/e;...?..."),
            ("http://a.example/a;b=1;c/d;/e;f", "http://a.example/a;.../d;.../e;..."),
        ] {
            assert_eq!(public_url(url), public);
        }
    }

    #[test]
    fn a_field_keeps_its_value_only_if_that_is_known_to_be_harmless() {
        assert_eq!(public_field("Last-Event-ID", "7"), "Last-Event-ID: 7");
        for name in ["Authorization", "Cookie", "X-Api-Key", "x-unheard-of"] {
            assert_eq!(public_field(name, "secret"), format!("{name}: ..."));
        }
    }

    #[test]
    fn a_content_type_keeps_its_charset_alone() {
        for (value, public) in [
            ("text/event-stream", "text/event-stream"),
            ("text/event-stream;CharSet=utf-8", "text/event-stream;CharSet=utf-8"),
            ("a/b; key=1; charset = \"utf-8\"; charsets=2", "a/b; charset = \"utf-8\""),
            ("a/b ; boundary=1", "a/b"),
            ("", ""),
        ] {
            assert_eq!(public_type(value), public);
        }
        let field = public_field("content-type", "multipart/mixed; boundary=secret");
        assert_eq!(field, "content-type: multipart/mixed");
    }
}
