//! `tidings token`: makes the tokens that a hub with `--key-file` takes, and says what one allows.
//!
//! ```text
//! --key-file ──► Keys ─┬─ sign(claims) ──► a token, or the URL with it
//!                      └─ check(token) ──► what it claims, and whether it holds
//! ```
//!
//! What a token is stands in [`access`](super::access). The token goes to standard output alone, so
//! that `$(tidings token ...)` is one.

mod options;
mod show;

use std::time::{SystemTime, UNIX_EPOCH};

use super::access::{Claims, Keys};
use super::{Failure, Outcome, print};
use options::Options;
pub(super) use options::TABLE;

/// The parameter of a URL that carries a token.
const PARAMETER: &str = "token";

fn token(options: &Options) -> Outcome {
    options.check().map_err(Failure::Usage)?;
    let keys = options.key_file.as_deref().map(Keys::read).transpose().map_err(Failure::Failed)?;
    match (&options.show, keys) {
        (None, Some(keys)) => print(&format!("{}\n", made(options, &keys)?)),
        (Some(token), keys) if token != show::STANDARD_INPUT => show::show(token, keys.as_ref()),
        (Some(_), Some(keys)) => show::show_all(&keys),
        (_, None) => Err(Failure::Usage(options::NO_KEYS.into())),
    }
}

/// A new token, or the URL with it.
fn made(options: &Options, keys: &Keys) -> Result<String, Failure> {
    let now = now();
    let claims = Claims {
        issued: Some(now),
        expires: Some(now + options.lasts.as_secs()),
        ..options.claims.clone()
    };
    let token = keys.sign(&claims);
    match &options.url {
        Some(url) => with_token(url, &token).map_err(Failure::Usage),
        None => Ok(token),
    }
}

/// The URL with the token in its query, before a fragment. A token needs no percent-encoding.
fn with_token(url: &str, token: &str) -> Result<String, String> {
    let (before, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let query = before.split_once('?').map(|(_, query)| query);
    let mut names = query.into_iter().flat_map(|query| query.split('&'));
    if names.any(|pair| pair.split('=').next() == Some(PARAMETER)) {
        return Err("--url has a token already: give the URL without it".into());
    }
    let joint = match query {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    Ok(format!("{before}{joint}{PARAMETER}={token}{fragment}"))
}

/// The time, in seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_comes_last_in_the_query_of_a_url() {
        for (url, expected) in [
            ("http://h/events/a", "http://h/events/a?token=T"),
            ("http://h/events?channel=a", "http://h/events?channel=a&token=T"),
            ("http://h/?", "http://h/?token=T"),
            ("http://h/?a&", "http://h/?a&token=T"),
            ("http://h/?a=token", "http://h/?a=token&token=T"),
            ("http://h/#a?token=b", "http://h/?token=T#a?token=b"),
            ("unix:/run/hub:/events/a", "unix:/run/hub:/events/a?token=T"),
        ] {
            assert_eq!(with_token(url, "T").as_deref(), Ok(expected));
        }
        for url in ["http://h/?token=old", "/?a=b&token", "/?token=#a"] {
            let said = "--url has a token already: give the URL without it";
            assert_eq!(with_token(url, "T"), Err(said.into()), "{url}");
        }
    }
}
