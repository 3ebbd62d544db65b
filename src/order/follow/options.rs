//! Which hub is followed, and how.

use std::fmt;
use std::sync::Arc;

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
    credentials: Option<String>,
    renew: Option<Renew>,
}

/// Reads the token again.
pub(super) type Renew = Arc<dyn Fn() -> Result<String> + Send + Sync>;

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
        Ok(Self { root, credentials: None, renew: None })
    }

    /// The token that the other hub wants. Defaults to none.
    ///
    /// # Errors
    ///
    /// If no field can carry it.
    pub fn token(mut self, token: impl Into<String>) -> Result<Self> {
        self.credentials = Some(Self::credentials_of(&token.into())?);
        Ok(self)
    }

    /// How to read the token again, for one that ends: it is called before each connection to the
    /// feed, and when the other hub refuses a publish with 401 or 403, on the thread of whoever
    /// publishes. Where it fails, the token before is kept. Defaults to none.
    ///
    /// ```
    /// use tidings::{Error, Follow};
    ///
    /// let read = || std::fs::read_to_string("hub.token").map_err(Error::other);
    /// let follow = Follow::new("http://hub.example:3000")?;
    /// let follow = follow.renew_token(move || Ok(read()?.trim_end().into()));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn renew_token(
        mut self,
        read: impl Fn() -> Result<String> + Send + Sync + 'static,
    ) -> Self {
        self.renew = Some(Arc::new(read));
        self
    }

    /// The value of the field that carries this token.
    pub(super) fn credentials_of(token: &str) -> Result<String> {
        let credentials = format!("Bearer {token}");
        // Not with the token in the message.
        check_field("Authorization", &credentials).map_err(|_| {
            Error::invalid("a token must have neither control characters nor a space at its end")
        })?;
        Ok(credentials)
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// The value of the field `Authorization`.
    pub(super) fn credentials(&self) -> Option<&str> {
        self.credentials.as_deref()
    }

    pub(super) fn renew(&self) -> Option<&Renew> {
        self.renew.as_ref()
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
        let renewed = follow().renew_token(|| Ok("secret".into()));
        assert!(!format!("{renewed:?}").contains("secret"));
        let error = follow().token("secret\r\nX: y").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
