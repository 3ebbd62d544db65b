//! What a cassette may say of the request that it is the answer to.
//!
//! Cassettes are kept, sent to others and put under version control. So nothing of a request goes
//! into one that may be a secret: of a URL neither the user nor the values of its query, and of
//! the fields only the values of those that are known to hold none. A list of what is secret would
//! always lack the next name; this is a list of what is not.

/// What stands in place of a value that is left out.
const LEFT_OUT: &str = "...";

/// Fields whose values are no secrets.
const PUBLIC: [&str; 6] =
    ["accept", "accept-language", "cache-control", "content-type", "last-event-id", "user-agent"];

/// The URL without the user, the values of the query and the fragment.
pub(crate) fn public_url(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (base, query) = url.split_once('?').map_or((url, None), |(base, rest)| (base, Some(rest)));
    let (scheme, rest) = base.split_once("://").unwrap_or(("", base));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    let query = query.map(|query| format!("?{}", public_query(query))).unwrap_or_default();
    format!("{scheme}{separator}{host}{path}{query}")
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
    format!("{name}: {}", if is_public { value } else { LEFT_OUT })
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
}
