//! Which hub is followed, and how.

use std::fmt;

use crate::client::Url;
use crate::error::{Error, Result};
use crate::http::response::check_field;

/// Another hub, which a hub follows ([`Hub::follow`](crate::Hub::follow)).
///
/// ```
/// use tidings::Follow;
///
/// let follow = Follow::new("http://hub.example:3000")?.token("2YotnFZFEjr1")?;
/// assert_eq!(format!("{follow:?}"), "Follow(\"http://hub.example:3000/\")");
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone)]
pub struct Follow {
    /// Its target ends in a slash.
    root: Url,
    token: Option<String>,
}

impl Follow {
    /// The hub at this URL: `http://HOST:PORT`, or `unix:PATH` for one that listens on a unix
    /// socket. Where it has a path, as behind a proxy, that is where the hub is: `/feed` and
    /// `/events/NAME` come after it. For a unix socket it comes after a colon: `unix:PATH:/hub`.
    ///
    /// # Errors
    ///
    /// If it is no URL ([`Url::parse`]), if it needs TLS, which only a proxy can speak for a hub,
    /// and if it has a query.
    pub fn new(url: &str) -> Result<Self> {
        let root = match url.strip_prefix("unix:") {
            Some(at) => {
                let (path, target) = at.split_at(at.find(":/").unwrap_or(at.len()));
                if path.is_empty() {
                    return Err(Error::invalid("unix: needs the path of a socket after it"));
                }
                let target = target.strip_prefix(':').unwrap_or("/");
                Url::parse(&format!("http://localhost{target}"))?.at_socket(path)
            }
            None => Url::parse(url)?,
        };
        if root.is_https() {
            return Err(Error::invalid(
                "a hub follows another one without TLS: go through a proxy on this machine that \
                 speaks it, and follow that",
            ));
        }
        if root.target().contains('?') {
            return Err(Error::invalid("the URL of a hub to follow has no query"));
        }
        let root = match root.target() {
            whole if whole.ends_with('/') => root,
            part => root.join(&format!("{part}/"))?,
        };
        Ok(Self { root, token: None })
    }

    /// The token that the other hub wants. Defaults to none.
    ///
    /// # Errors
    ///
    /// If no field can carry it.
    pub fn token(mut self, token: impl Into<String>) -> Result<Self> {
        let credentials = format!("Bearer {}", token.into());
        // Not with the token in the message.
        check_field("Authorization", &credentials).map_err(|_| {
            Error::invalid("a token must have neither control characters nor a space at its end")
        })?;
        self.token = Some(credentials);
        Ok(self)
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// The value of the field `Authorization`.
    pub(super) fn credentials(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Follow").field(&self.root.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_named_by_its_root() {
        for (url, root) in [
            ("http://hub:3000", "http://hub:3000/"),
            ("http://hub/", "http://hub/"),
            ("http://proxy/hub", "http://proxy/hub/"),
            ("http://proxy/hub/#a", "http://proxy/hub/"),
            ("unix:/run/a.sock", "unix:/run/a.sock:/"),
            ("unix:a:b.sock:/hub", "unix:a:b.sock:/hub/"),
        ] {
            assert_eq!(Follow::new(url).unwrap().root().to_string(), root, "{url}");
        }
    }

    #[test]
    fn what_is_no_hub_s_url_is_refused() {
        for (url, why) in [
            ("hub:3000", "must begin with http://"),
            ("https://hub", "without TLS"),
            ("http://hub/?a=b", "no query"),
            ("unix:", "path of a socket"),
            ("unix::/a", "path of a socket"),
        ] {
            let error = Follow::new(url).expect_err(url);
            assert!(error.is_invalid() && error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_token_is_shown_nowhere() {
        let follow = || Follow::new("http://hub").unwrap();
        let good = follow().token("secret").unwrap();
        assert_eq!(good.credentials(), Some("Bearer secret"));
        assert!(!format!("{good:?}").contains("secret"));
        let error = follow().token("secret\r\nX: y").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
