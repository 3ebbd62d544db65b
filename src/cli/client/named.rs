//! What a URL on the command line names: a server, and what to ask it for.
//!
//! ```text
//! named = [ "http://" ] host [ ":" port ] [ target ]
//!       / "unix:" path ":" target                      target begins with "/"
//!
//! unix:/run/tidings.sock:/events/news
//!      └── the socket ──┘└─ target ─┘                  Host: localhost
//! ```
//!
//! Only the command line names a socket. No server can lead a client to the sockets of the client's
//! machine by a redirect.

use std::io::ErrorKind;

use tidings::client::{StreamRequest, Url};

/// What to do about a URL that needs TLS.
pub(crate) const NO_TLS: &str = "tidings speaks no TLS: go through a command that does, with --via \
    'openssl s_client -quiet -verify_return_error -connect HOST:443', or pipe 'curl -N URL' into \
    'tidings tail -'";

/// Makes the request for what a URL names, and has it go to the socket if that names one. With
/// `--via`, a command leads to the server, which may speak TLS.
pub(crate) fn request(
    named: &str,
    has_via: bool,
    make: impl FnOnce(&str) -> tidings::Result<StreamRequest>,
) -> Result<StreamRequest, String> {
    if named.starts_with(['/', '.']) {
        return Err("a path is no URL: a server on a unix socket is unix:PATH:/TARGET, such as \
                    unix:/run/tidings.sock:/events/news"
            .into());
    }
    let (url, socket) = match named.strip_prefix(UNIX) {
        None => (whole(named), None),
        Some(rest) => {
            let (path, target) = split(rest)?;
            (format!("http://localhost{target}"), Some(path))
        }
    };
    if has_via && socket.is_some() {
        return Err(
            "unix: names a socket, and --via a command that leads to the server: give one \
                    of them"
                .into(),
        );
    }
    let request = make(&url).map_err(|error| error.to_string())?;
    if !has_via {
        plain(request.url())?;
    }
    Ok(match socket {
        Some(path) => request.at_socket(path),
        None => request,
    })
}

const UNIX: &str = "unix:";

/// Whether a reference names a socket.
pub(crate) fn names_socket(reference: &str) -> bool {
    reference.starts_with(UNIX)
}

/// Adds what to do to a message that says that a socket can't be reached.
pub(crate) fn with_remedy(said: String, why: Option<ErrorKind>) -> String {
    let remedy = match why {
        _ if !said.starts_with("can't connect to unix:") => return said,
        Some(ErrorKind::NotFound) => "start the server, or mend the path",
        Some(ErrorKind::ConnectionRefused) => "no process listens there: start the server",
        Some(ErrorKind::PermissionDenied) => "this user must be in the socket's group",
        _ => return said,
    };
    format!("{said}: {remedy}")
}

/// Fails for a URL that needs TLS.
pub(crate) fn plain(url: &Url) -> Result<(), String> {
    if url.is_https() { Err(format!("the URL begins with https: {NO_TLS}")) } else { Ok(()) }
}

/// `path ":" target`; the path may have colons too.
fn split(rest: &str) -> Result<(&str, &str), String> {
    if cfg!(not(unix)) {
        return Err("this system has no unix sockets: give a URL that begins with http://".into());
    }
    let colon = rest.find(":/").filter(|colon| *colon > 0).ok_or(
        "unix: needs the path of a socket, a colon and what to ask for, such as \
         unix:/run/tidings.sock:/events/news",
    )?;
    Ok((&rest[..colon], &rest[colon + 1..]))
}

/// The URL with its scheme, which may be left out. `://` after the host is part of the path.
pub(crate) fn whole(url: &str) -> String {
    let host = url.split(['/', '?', '#']).next().unwrap_or_default();
    let has_scheme = host.ends_with(':') && url[host.len()..].starts_with("//");
    if has_scheme || names_socket(url) { url.to_owned() } else { format!("http://{url}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_put_before_a_url_that_has_none() {
        for url in ["http://h/x", "https://h", "ftp://h", "HTTP://h?u=http://y", "://h"] {
            assert_eq!(whole(url), url);
        }
        for url in
            ["h", "h:3000/x", "h/x?u=http://y", "h?u=http://y", "h#://", "h/x://y", "[::1]:8"]
        {
            assert_eq!(whole(url), format!("http://{url}"));
        }
        assert_eq!(whole("unix:/run/a.sock:/x"), "unix:/run/a.sock:/x");
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_and_what_to_ask_there_are_named_together() {
        for (named, path, target) in [
            ("unix:/run/a.sock:/events/x?history=1", "/run/a.sock", "/events/x?history=1"),
            ("unix:hub.sock:/", "hub.sock", "/"),
            ("unix:/run/a:b.sock:/x:/y", "/run/a:b.sock", "/x:/y"),
            ("unix:///run/a b.sock:/x", "///run/a b.sock", "/x"),
        ] {
            let request = request(named, false, StreamRequest::get).expect(named);
            let url = request.url();
            assert_eq!(url.socket(), Some(std::path::Path::new(path)), "{named}");
            assert_eq!((url.target(), &*url.authority()), (target, "localhost"), "{named}");
        }
        for named in ["unix:", "unix:/run/a.sock", "unix:/run/a.sock:", "unix::/x", "unix:a:b"] {
            let wrong = request(named, false, StreamRequest::get).expect_err(named);
            assert!(wrong.ends_with("such as unix:/run/tidings.sock:/events/news"), "{wrong}");
        }
    }

    #[test]
    fn a_socket_that_can_not_be_reached_is_told_what_to_do() {
        let said = "can't connect to unix:/run/a.sock: Permission denied (os error 13)";
        let told = format!("{said}: this user must be in the socket's group");
        let why = Some(ErrorKind::PermissionDenied);
        assert_eq!(with_remedy(said.into(), why), told);
        let tcp = "can't connect to localhost:80: Permission denied (os error 13)";
        assert_eq!(with_remedy(tcp.into(), why), tcp);
    }

    #[test]
    fn a_path_is_told_the_form_of_a_socket_s_url() {
        for path in ["/run/a.sock", "./a.sock", "../a.sock:/x"] {
            let wrong = request(path, false, StreamRequest::get).expect_err(path);
            assert!(wrong.starts_with("a path is no URL: "), "{wrong}");
        }
    }

    #[test]
    fn a_url_that_needs_tls_is_told_what_to_do() {
        let wrong = request("https://h/x", false, StreamRequest::get).expect_err("no TLS");
        assert_eq!(wrong, format!("the URL begins with https: {NO_TLS}"));
        let request =
            request("https://h/x", true, StreamRequest::get).expect("a command speaks it");
        assert_eq!(&*request.url().authority(), "h");
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_and_a_command_are_not_named_together() {
        let wrong = request("unix:/run/a.sock:/x", true, StreamRequest::get).expect_err("both");
        assert!(wrong.ends_with("give one of them"), "{wrong}");
    }
}
