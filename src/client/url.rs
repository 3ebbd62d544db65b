//! Where a stream is: an `http` or `https` URL, and what a redirect makes of it.
//!
//! ```text
//! http-URI  = "http" "://" authority path-abempty [ "?" query ]    RFC 9110, section 4.2
//! authority = host [ ":" port ]
//!
//! http://localhost:3000/events/news?history=5#top
//!        └── host ──┘└──┘└─────── target ──────┘└──┘ for the client alone: dropped
//!                    port
//! ```
//!
//! What can stand in a target goes out as it was given. What can't, but is plainly meant (a space,
//! letters beyond ASCII), is percent-encoded as a browser does it. Control characters are refused,
//! as nobody means those. So is user information: what is in a URL ends up in logs. For the same
//! reason a token is better sent in a field than in the query. Errors and `Debug` show a URL
//! [masked](crate::http::masked_url), `Display` as it is.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::http::{is_authority, masked_url};

/// An absolute `http` or `https` URL.
///
/// ```
/// use tidings::client::Url;
///
/// let url = Url::parse("http://localhost:3000/events/news?history=5#top")?;
/// assert_eq!((url.host(), url.port()), ("localhost", 3000));
/// assert_eq!(url.target(), "/events/news?history=5");
/// assert_eq!(url.join("/events/late")?.to_string(), "http://localhost:3000/events/late");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    /// In lower case; an IPv6 address in its brackets.
    host: Box<str>,
    port: u16,
    /// Visible ASCII that begins with a slash.
    target: Box<str>,
    /// Boxed, as few have it.
    socket: Option<Box<PathBuf>>,
}

impl Url {
    /// Reads an absolute URL. Without a path its target is `/`.
    ///
    /// # Errors
    ///
    /// If it is not one: no scheme, or another than `http` and `https`; no host, or one that is not
    /// ASCII; a port that is no number of 16 bits; user information; control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| Error::invalid(format!("{why}: {:?}", masked_url(text)));
        if text.chars().any(char::is_control) {
            return Err(bad("a URL must have no control characters"));
        }
        let scheme = scheme(text).unwrap_or_default();
        let secure = scheme.eq_ignore_ascii_case("https");
        let after = text[scheme.len()..].strip_prefix("://");
        let Some(rest) = after.filter(|_| secure || scheme.eq_ignore_ascii_case("http")) else {
            return Err(bad("a URL must begin with http:// or https://"));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(bad(
                "a URL must have no user name and no password; set the field Authorization",
            ));
        }
        if !is_authority(authority.as_bytes()) {
            return Err(bad(
                "a URL must name a host, in ASCII, and may have a port from 0 to 65535",
            ));
        }
        let (host, port) = split_port(authority, if secure { 443 } else { 80 });
        let host = host.to_ascii_lowercase().into();
        Ok(Self { secure, host, port, target: encode(target).into(), socket: None })
    }

    /// Whether it begins with `https`.
    pub fn is_https(&self) -> bool {
        self.secure
    }

    /// The host, in lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// The port, which is 80 for `http` and 443 for `https` where none is named.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is asked of the host: the path and the query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The host and, unless it is that of the scheme, the port: what the field `Host` says.
    pub fn authority(&self) -> String {
        let default = if self.secure { 443 } else { 80 };
        if self.port == default {
            return self.host.to_string();
        }
        format!("{}:{}", self.host, self.port)
    }

    /// The same, for a server that listens on the unix socket at this path: a transport connects
    /// there in place of the host and the port, which only the field `Host` has then. It is shown
    /// as `unix:/run/tidings.sock:/events/news`. What is [joined](Self::join) to it stays at the
    /// socket as long as scheme, host and port stay the same.
    ///
    /// ```
    /// use tidings::client::Url;
    ///
    /// let url = Url::parse("http://localhost/events/news")?.at_socket("/run/tidings.sock");
    /// assert_eq!(url.to_string(), "unix:/run/tidings.sock:/events/news");
    /// assert_eq!(url.join("/health")?.to_string(), "unix:/run/tidings.sock:/health");
    /// assert_eq!(url.join("http://other.example/")?.socket(), None);
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn at_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(Box::new(path.into()));
        self
    }

    /// The path of the unix socket to connect to, if there is one.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_ref().map(|path| path.as_path())
    }

    /// Where a transport connects, for messages.
    pub(super) fn server(&self) -> String {
        let socket = self.socket().map(|path| format!("unix:{}", path.display()));
        socket.unwrap_or_else(|| self.authority())
    }

    /// Whether both have the same scheme, host and port, and the same socket if they have one.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.has_authority_of(other) && self.socket == other.socket
    }

    fn has_authority_of(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// What a reference means that was found at this URL, as in `Location` (RFC 3986, section
    /// 5.2).
    ///
    /// # Errors
    ///
    /// If what it refers to is no URL that [`parse`](Self::parse) would take.
    pub fn join(&self, reference: &str) -> Result<Self> {
        let mut joined = self.join_plainly(reference)?;
        if joined.has_authority_of(self) {
            joined.socket.clone_from(&self.socket);
        }
        Ok(joined)
    }

    fn join_plainly(&self, reference: &str) -> Result<Self> {
        let reference = reference.split('#').next().unwrap_or_default();
        if scheme(reference).is_some() {
            return Self::parse(reference);
        }
        let scheme = if self.secure { "https" } else { "http" };
        if reference.starts_with("//") {
            return Self::parse(&format!("{scheme}:{reference}"));
        }
        let (path, _) = split_query(&self.target);
        let target = match reference {
            "" => self.target.to_string(),
            query if query.starts_with('?') => format!("{path}{query}"),
            whole if whole.starts_with('/') => without_dots(whole),
            relative => {
                let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
                without_dots(&format!("{folder}{relative}"))
            }
        };
        Self::parse(&format!("{scheme}://{}{target}", self.authority()))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&masked_url(&self.to_string())).finish()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.socket() {
            return write!(f, "unix:{}:{}", path.display(), self.target);
        }
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

/// `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`, if a colon follows it.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    (begins && scheme.bytes().all(good)).then_some(scheme)
}

/// The authority is valid, so a colon after the bracket, if there is one, is that of the port.
fn split_port(authority: &str, default: u16) -> (&str, u16) {
    let bracket = authority.rfind(']').unwrap_or(0);
    match authority[bracket..].rfind(':') {
        Some(colon) => {
            let (host, port) = authority.split_at(bracket + colon);
            (host, port[1..].parse().unwrap_or(default))
        }
        None => (authority, default),
    }
}

fn split_query(target: &str) -> (&str, &str) {
    target.split_at(target.find('?').unwrap_or(target.len()))
}

/// The target without its fragment, with a slash at its start, and fit to be sent.
fn encode(target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut encoded = String::from(if target.starts_with('/') { "" } else { "/" });
    for byte in target.bytes() {
        match byte {
            b'!'..=b'~' if !b"\"<>`".contains(&byte) => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Takes out `.` and `..` of a path (RFC 3986, section 5.2.4).
fn without_dots(target: &str) -> String {
    let (path, query) = split_query(target);
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn a_url_has_a_host_a_port_and_a_target() {
        for (text, secure, host, port, target, authority) in [
            ("http://h", false, "h", 80, "/", "h"),
            ("HTTP://Host:80/", false, "host", 80, "/", "host"),
            ("http://h:/a", false, "h", 80, "/a", "h"),
            ("https://h?a=b", true, "h", 443, "/?a=b", "h"),
            ("https://h:80/a/b?c#d", true, "h", 80, "/a/b?c", "h:80"),
            ("http://[::1]:3000/", false, "::1", 3000, "/", "[::1]:3000"),
            ("http://[::1]", false, "::1", 80, "/", "[::1]"),
            ("http://127.0.0.1:1/#a/b", false, "127.0.0.1", 1, "/", "127.0.0.1:1"),
            ("http://h/a:b@c//d", false, "h", 80, "/a:b@c//d", "h"),
        ] {
            let url = url(text);
            assert_eq!((url.is_https(), url.host(), url.port()), (secure, host, port), "{text}");
            assert_eq!((url.target(), &*url.authority()), (target, authority), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_sent_but_is_plainly_meant_is_encoded() {
        let given = "http://h/a b/straße?q=<\"`>&x={|}%20%";
        assert_eq!(url(given).target(), "/a%20b/stra%C3%9Fe?q=%3C%22%60%3E&x={|}%20%");
    }

    #[test]
    fn what_is_no_url_is_told_what_one_is() {
        for (text, why) in [
            ("", "must begin with http://"),
            ("localhost:3000/events", "must begin with http://"),
            ("/events", "must begin with http://"),
            ("ftp://h/", "must begin with http://"),
            ("http:/h", "must begin with http://"),
            ("http://", "must name a host"),
            ("http:///a", "must name a host"),
            ("http://:80/", "must name a host"),
            ("http://h:65536/", "must name a host"),
            ("http://h:+1/", "must name a host"),
            ("http://a b/", "must name a host"),
            ("http://straße/", "must name a host"),
            ("http://::1/", "must name a host"),
            ("http://me:secret@h/", "set the field Authorization"),
            ("http://h/\r\nX: y", "control characters"),
            ("http://h/\u{85}", "control characters"),
        ] {
            let error = Url::parse(text).expect_err(text);
            assert!(error.is_invalid() && error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_reference_is_taken_as_the_standard_says() {
        let base = url("http://a:81/b/c/d?q");
        for (reference, joined) in [
            ("https://x/y", "https://x/y"),
            ("//x/y", "http://x/y"),
            ("g", "http://a:81/b/c/g"),
            ("./g", "http://a:81/b/c/g"),
            ("g/", "http://a:81/b/c/g/"),
            ("/g", "http://a:81/g"),
            ("?y", "http://a:81/b/c/d?y"),
            ("g?y#s", "http://a:81/b/c/g?y"),
            ("#s", "http://a:81/b/c/d?q"),
            ("", "http://a:81/b/c/d?q"),
            (".", "http://a:81/b/c/"),
            ("./", "http://a:81/b/c/"),
            ("..", "http://a:81/b/"),
            ("../g", "http://a:81/b/g"),
            ("../../../g", "http://a:81/g"),
            ("/./g/../h/.", "http://a:81/h/"),
            ("g;x=1/../y?a/../b", "http://a:81/b/c/y?a/../b"),
            ("/a:b", "http://a:81/a:b"),
        ] {
            assert_eq!(base.join(reference).expect(reference).to_string(), joined, "{reference}");
        }
        assert!(base.join("mailto:me").is_err());
        assert!(base.join("http://").is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let one = url("http://h/a");
        assert!(one.has_origin_of(&url("http://H:80/b")));
        for other in ["https://h:80/", "http://h:81/", "http://i/"] {
            assert!(!one.has_origin_of(&url(other)), "{other}");
        }
    }

    #[test]
    fn what_is_at_a_socket_stays_there_unless_another_server_is_named() {
        let at = |text| url(text).at_socket("/run/a b.sock");
        let base = at("http://localhost/a/b?token=x");
        assert_eq!((base.host(), base.port(), &*base.authority()), ("localhost", 80, "localhost"));
        for reference in ["c", "/c", "?c", "", "//localhost/c", "http://localhost:80/c"] {
            let joined = base.join(reference).unwrap();
            assert_eq!(joined.socket(), Some(Path::new("/run/a b.sock")), "{reference}");
            assert!(joined.has_origin_of(&base));
        }
        for reference in ["//other/c", "http://localhost:81/c", "https://localhost/c"] {
            let joined = base.join(reference).unwrap();
            assert_eq!(joined.socket(), None, "{reference}");
            assert!(!joined.has_origin_of(&base));
        }
        // No server leads its clients to the sockets of their machines.
        assert!(base.join("unix:/run/other.sock:/c").is_err());
        assert!(!base.has_origin_of(&url("http://localhost/")));
        assert!(!base.has_origin_of(&url("http://localhost/").at_socket("/run/other.sock")));
        assert_eq!(format!("{base:?}"), "Url(\"unix:/run/a b.sock:/a/b?token=...\")");
    }

    #[test]
    fn row_48_errors_and_debug_mask_what_may_be_a_secret() {
        let url = url("http://h/a?channel=b&token=hunter2");
        assert_eq!(format!("{url:?}"), "Url(\"http://h/a?channel=b&token=...\")");
        assert!(url.to_string().ends_with("token=hunter2"), "it is the URL itself");
        for text in ["http://me:hunter2@h/", "ftp://h/?t=hunter2", "h\n?hunter2", "http://hunter2@"]
        {
            let error = Url::parse(text).expect_err(text).to_string();
            assert!(!error.contains("hunter2") && error.contains("..."), "{error}");
        }
    }
}
