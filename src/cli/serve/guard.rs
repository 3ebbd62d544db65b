//! Decides whether a request may publish or follow, with the token that it carries or without one.
//! A hub that other machines can reach starts only if it is told who may publish: see
//! `check_loopback` in [`serve`](super).
//!
//! | what | on a hub with `--token-file` or `--key-file` | with `--private` too |
//! | --- | --- | --- |
//! | to publish on a channel | a token that publishes there | the same |
//! | to follow `*`, or the feed | a token that follows `*` | the same |
//! | to follow anything else | nothing | a token that follows each of it |
//! | `/metrics`, and whatever may come | nothing | a token |
//! | `/health`, the page | nothing | nothing |
//!
//! The token of `--token-file` does all of this, and it alone stops the hub. Others are signed with
//! a key of `--key-file`, and say themselves what their bearers may do, and until when: see
//! [`access`](crate::cli::access). [`credential`] finds the token of a request, and [`mod@origin`]
//! keeps the pages of other origins from publishing.
//!
//! All is checked before the hub takes in anything of a body, so that strangers can't fill the
//! memory for bodies. Where following needs no token, none is looked for.

use std::fmt::{self, Display};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidings::http::Head;
use tidings::{Cors, Method, Request, Response, SseWriter, Status};

use super::channels::ALL;
use super::credential::{self, Credential, check_once};
use super::origin;
use super::refuse::refuse;
use super::token::Remedies;
use crate::cli::access::{Claims, Keys};
use crate::cli::secret::is_same;

/// The token that does everything. It is never shown, not even for debugging.
pub(super) struct Token(Vec<u8>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    const REMEDIES: Remedies = Remedies {
        missing: "make one with '(umask 077; openssl rand -hex 16 > FILE)'",
        empty: "write a token into it that is hard to guess",
    };

    /// Reads the file that contains the token.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        Self::REMEDIES.read(path).map(|token| Self(token.into_bytes()))
    }

    fn is(&self, given: &str) -> bool {
        is_same(&self.0, given.as_bytes())
    }
}

/// What a token that holds lets its bearer do.
pub(super) enum Pass {
    Everything,
    Claims(Claims),
}

/// What a token says of the streams that are opened with it.
pub(super) struct Bound {
    end: Option<Instant>,
    user: Option<String>,
}

impl Bound {
    fn of(claims: &Claims) -> Option<Box<Self>> {
        let left = |at| Duration::from_secs(at).saturating_sub(since_1970());
        let end = claims.expires.and_then(|at| Instant::now().checked_add(left(at)));
        let user = claims.subject.clone();
        (end.is_some() || user.is_some()).then(|| Box::new(Self { end, user }))
    }

    pub(super) fn set(&self, stream: &SseWriter) {
        if let Some(end) = self.end {
            stream.close_at(end);
        }
        if let Some(user) = &self.user {
            stream.set_user(user);
        }
    }
}

/// What a token may let its bearer do, by the word that 'tidings token' has for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Publish,
    Subscribe,
}

/// What no private hub keeps to itself: the page has nothing in it but the way to ask for the rest.
const OPEN: [&str; 7] =
    ["/health", "/", "/page.css", "/page.js", "/watch.js", "/parts.js", "/tidings.js"];

/// Decides about each request.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) token: Option<Token>,
    pub(super) keys: Option<Keys>,
    /// Whether following needs a token. Then there is a token or a key.
    pub(super) private: bool,
    pub(super) cors: Option<Cors>,
}

impl Guard {
    /// Whether a client that may do everything else may stop the hub, too; if not, the refusal.
    /// Without a token anybody may publish, and not anybody may stop the hub.
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
    #[inline]
    pub(super) fn check(&self, head: &Head) -> Result<(), Response> {
        if changes_nothing(head) {
            return Ok(());
        }
        let origin = origin::of(head);
        if origin.is_some() || head.field("authorization").is_some() {
            check_once(head, "origin")?;
            check_once(head, "authorization")?;
        }
        origin::check(head, origin, self.cors.as_ref())?;
        match self.wants_tokens() {
            true => self.check_publisher(head),
            false => Ok(()),
        }
    }

    /// The same on a private hub, where a request that changes nothing needs a token as well. What
    /// that is worth is there for the handler.
    pub(super) fn admit(&self, head: &Head) -> Result<Option<Pass>, Response> {
        match changes_nothing(head) {
            false => self.check(head).map(|()| None),
            true if OPEN.contains(&head.path()) => Ok(None),
            true => self.pass(head, Right::Subscribe).map(Some),
        }
    }

    #[inline]
    fn wants_tokens(&self) -> bool {
        self.token.is_some() || self.keys.is_some()
    }

    #[cold]
    fn check_publisher(&self, head: &Head) -> Result<(), Response> {
        let pass = self.pass(head, Right::Publish)?;
        let Pass::Claims(claims) = pass else { return Ok(()) };
        match head.decoded_path().strip_prefix("/events/") {
            Some(name) if claims.publish.cover(name) => Ok(()),
            Some(name) => Err(not_covered(Right::Publish, name)),
            None => Err(refuse(
                Status::FORBIDDEN,
                "only the token of the hub's --token-file is good for this",
            )),
        }
    }

    /// Whether following all of these needs a token. A channel's name may be a secret, and `*`
    /// shows all of them.
    pub(super) fn needs_token(&self, names: &[String]) -> bool {
        self.wants_tokens() && (self.private || names.iter().any(|name| name == ALL))
    }

    /// Whether a request that was admitted may follow all of these names and patterns; if not, the
    /// refusal. Then what holds for its stream.
    #[inline]
    pub(super) fn check_follow(
        &self,
        request: &Request,
        names: &[String],
    ) -> Result<Option<Box<Bound>>, Response> {
        match self.needs_token(names) {
            true => self.check_follower(request, names),
            false => Ok(None),
        }
    }

    /// The same where that needs a token. It stands apart, so that nobody else pays for it.
    #[cold]
    fn check_follower(
        &self,
        request: &Request,
        names: &[String],
    ) -> Result<Option<Box<Bound>>, Response> {
        if !self.private {
            return self.pass(request.head(), Right::Subscribe)?.follow(names);
        }
        match request.admitted::<Option<Pass>>() {
            Some(Some(pass)) => pass.follow(names),
            _ => Err(self.missing(request.head().path(), Right::Subscribe)),
        }
    }

    /// What the token of the request with this head is worth.
    fn pass(&self, head: &Head, right: Right) -> Result<Pass, Response> {
        let Credential { token, is_cookie } =
            credential::of(head)?.ok_or_else(|| self.missing(head.path(), right))?;
        // The browser has sent it, and nobody knows whether the page has it.
        if is_cookie && right == Right::Publish && !origin::is_own(head, origin::of(head)) {
            return Err(refuse(
                Status::FORBIDDEN,
                "a page of another origin may not publish with a cookie: send the token in the \
                 field Authorization",
            ));
        }
        if self.token.as_ref().is_some_and(|own| own.is(&token)) {
            return Ok(Pass::Everything);
        }
        let Some(keys) = &self.keys else {
            let remedy = "send what the hub's --token-file contains";
            return Err(invalid("this is not the token", remedy));
        };
        let checked = keys.check(&token, since_1970().as_secs());
        checked.map(Pass::Claims).map_err(|why| invalid(why, right.remedy(head.path())))
    }

    /// The refusal of a request for this path without a token.
    fn missing(&self, path: &str, right: Right) -> Response {
        let why = "this needs a token in the field 'Authorization: Bearer TOKEN'";
        let refusal = match self.keys {
            Some(_) => refuse(Status::UNAUTHORIZED, format_args!("{why}: {}", right.remedy(path))),
            None => refuse(Status::UNAUTHORIZED, why),
        };
        challenge(refusal, "Bearer".into())
    }
}

impl Right {
    fn verb(self) -> &'static str {
        match self {
            Self::Publish => "publish on",
            Self::Subscribe => "follow",
        }
    }

    /// How to come by a token that is good for this path.
    fn remedy(self, path: &str) -> String {
        let command = match (self, path) {
            (Self::Publish, _) if !path.starts_with("/events/") => {
                return "send what the hub's --token-file contains".into();
            }
            (Self::Subscribe, "/metrics") => "'tidings token --key-file FILE'",
            (Self::Subscribe, "/feed" | "/channels") => {
                "'tidings token --key-file FILE --subscribe \"*\"'"
            }
            _ => self.command(),
        };
        format!("make one with {command}")
    }

    /// What makes a token with it.
    fn command(self) -> &'static str {
        match self {
            Self::Publish => "'tidings token --key-file FILE --publish NAME'",
            Self::Subscribe => "'tidings token --key-file FILE --subscribe NAME'",
        }
    }
}

impl Pass {
    /// Whether it lets its bearer follow all of these; if so, what holds for the stream.
    fn follow(&self, names: &[String]) -> Result<Option<Box<Bound>>, Response> {
        let Self::Claims(claims) = self else { return Ok(None) };
        match names.iter().find(|name| !claims.subscribe.cover(name)) {
            None => Ok(Bound::of(claims)),
            Some(name) => Err(not_covered(Right::Subscribe, name)),
        }
    }
}

/// Whether the method is one of those that change nothing (RFC 9110, section 9.2.1).
#[inline]
fn changes_nothing(head: &Head) -> bool {
    matches!(head.method(), Method::Get | Method::Head | Method::Options | Method::Trace)
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The refusal of a token that doesn't hold (RFC 6750, section 3.1).
fn invalid(why: impl Display, remedy: impl Display) -> Response {
    let refusal = refuse(Status::UNAUTHORIZED, format_args!("{why}: {remedy}"));
    challenge(refusal, format!("Bearer error=\"invalid_token\", error_description=\"{why}\""))
}

/// The refusal of a token that holds, and does not let its bearer do this.
fn not_covered(right: Right, name: &str) -> Response {
    let (verb, command) = (right.verb(), right.command());
    let why = format_args!(
        "this token does not let its bearer {verb} {name:?}: make one that does with {command}"
    );
    challenge(refuse(Status::FORBIDDEN, why), "Bearer error=\"insufficient_scope\"".into())
}

fn challenge(refusal: Response, challenge: String) -> Response {
    refusal.with_field("WWW-Authenticate", challenge).expect("the name is a token, the value text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_the_token() {
        let token = Token(b"secret".into());
        assert!(token.is("secret"));
        for other in ["", "secre", "secrets", "Secret", "secreT", "terces"] {
            assert!(!token.is(other), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token");
    }
}
