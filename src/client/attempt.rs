//! One attempt at a stream: connect, ask, check the response, follow redirects.
//!
//! ```text
//! 200 and text/event-stream    the stream is open
//! 204                          no more will come: stop for good
//! 301 302 303 307 308          ask there instead; next time, ask here again
//! 429 502 503 504              fail for good, unless it is to keep trying
//! anything else                fail for good
//! no response, or half of one  try again later
//! ```
//!
//! This is what the HTML standard says in section 9.2.3, but for `keep_trying`, which is ours.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::closer::Closer;
use super::request::StreamRequest;
use super::session::Session;
use super::transport::{Connection, Transport};
use super::url::Url;
use crate::error::{Error, Result};
use crate::http::{ResponseHead, Status, masked_url, masked_value};

/// What an attempt may take.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) connect_deadline: Duration,
    pub(crate) response_deadline: Duration,
    pub(crate) silence: Option<Duration>,
    pub(crate) longest_head: usize,
    pub(crate) most_redirects: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect_deadline: Duration::from_secs(10),
            response_deadline: Duration::from_secs(30),
            silence: None,
            // As much as browsers take, more or less.
            longest_head: 64 * 1024,
            // As many as browsers follow (Fetch, section 4.4).
            most_redirects: 20,
        }
    }
}

/// How an attempt went wrong.
pub(crate) enum Trouble {
    /// Another attempt may go better.
    Passing(Error),
    /// Another attempt would go the same way.
    Lasting(Error),
    /// The server, or one that it asks, is busy or down: after that time, if it names one, another
    /// attempt may go better. The standard has a client give up all the same.
    Busy(Error, Option<Duration>),
    /// The server said 204.
    NoMore,
}

/// A stream that is open, where it is, and how it was announced.
pub(crate) type Open = (Session, Url, ResponseHead);

/// Tries to open the stream. The connection is put where closers find it.
pub(crate) fn attempt(
    request: &StreamRequest,
    last_event_id: &str,
    transport: &dyn Transport,
    bounds: &Bounds,
    closer: &Closer,
) -> Result<Open, Trouble> {
    // A server that may not be silent may not be so before its response either.
    let within = bounds.silence.unwrap_or(Duration::MAX).min(bounds.response_deadline);
    let mut request = request.clone();
    for _ in 0..=bounds.most_redirects {
        let connection = connect(request.url(), transport, bounds)?;
        closer.adopt(&connection);
        let deadline = Instant::now() + within;
        let bytes = request.encode(last_event_id);
        let (head, mut session) = Session::open(connection, &bytes, bounds.longest_head, deadline)
            .map_err(Trouble::Passing)?;
        let Some(location) = location(&head)? else {
            check(&request, &head, &mut session)?;
            session.set_silence(bounds.silence).map_err(Trouble::Passing)?;
            return Ok((session, request.url().clone(), head));
        };
        request = request.redirected(head.status(), location).map_err(|error| {
            let what = format!("the server redirects, and can't be followed: {error}");
            Trouble::Lasting(Error::bad_response(what, Some(head.status().code())))
        })?;
        closer.release();
    }
    let most = bounds.most_redirects;
    let url = request.url().to_string();
    let url = masked_url(&url);
    let what = format!("the server redirects more than {most} times, now to {url}");
    Err(Trouble::Lasting(Error::bad_response(what, None)))
}

fn connect(
    url: &Url,
    transport: &dyn Transport,
    bounds: &Bounds,
) -> Result<Arc<dyn Connection>, Trouble> {
    transport.connect(url, bounds.connect_deadline).map_err(|error| {
        let (kind, doing) = (error.kind(), format!("can't connect to {}", url.server()));
        match kind {
            ErrorKind::Unsupported => Trouble::Lasting(Error::io(doing, error)),
            ErrorKind::TimedOut => {
                let time = bounds.connect_deadline;
                Trouble::Passing(Error::timed_out(format!("{doing} within {time:?}")))
            }
            _ => Trouble::Passing(Error::io(doing, error)),
        }
    })
}

/// Where a redirect leads; `None` if the response is no redirect.
fn location(head: &ResponseHead) -> Result<Option<&str>, Trouble> {
    if !head.status().is_redirect() {
        return Ok(None);
    }
    let mut locations = head.values("location").map(std::str::from_utf8);
    match (locations.next(), locations.next()) {
        (Some(Ok(location)), None) => Ok(Some(location)),
        _ => {
            let what =
                format!("the server responded with {} and did not say where to go", head.status());
            Err(Trouble::Lasting(Error::bad_response(what, Some(head.status().code()))))
        }
    }
}

/// Whether the response is an event stream.
fn check(
    request: &StreamRequest,
    head: &ResponseHead,
    session: &mut Session,
) -> Result<(), Trouble> {
    let lasting =
        |what: String| Err(Trouble::Lasting(Error::bad_response(what, Some(head.status().code()))));
    match head.status() {
        Status::NO_CONTENT => Err(Trouble::NoMore),
        Status::OK if !head.is_event_stream() => {
            let given = head.content_type().map(|given| given.escape_ascii().to_string());
            lasting(match given.as_ref().map(|given| masked_value("content-type", given)) {
                Some(given) => format!("the response is not text/event-stream but {given}"),
                None => "the response does not say that it is text/event-stream".into(),
            })
        }
        Status::OK if is_encoded(head) => {
            lasting("the stream is compressed, though it was asked for as it is".into())
        }
        Status::OK => Ok(()),
        status => {
            let said = session.excerpt(|said| request.without_secrets(said));
            // Many a server begins its text with the status as well.
            let status = status.to_string();
            let said = said.strip_prefix(&status).unwrap_or(&said).trim_start_matches([':', ' ']);
            let colon = if said.is_empty() { "" } else { ": " };
            let what = format!("the server responded with {status}{colon}{said}");
            let error = Error::bad_response(what, Some(head.status().code()));
            Err(match BUSY.contains(&head.status().code()) {
                true => Trouble::Busy(error, head.retry_after(SystemTime::now().into())),
                false => Trouble::Lasting(error),
            })
        }
    }
}

/// Too many requests; a bad gateway; unavailable; a gateway whose server did not respond in time.
const BUSY: [u16; 4] = [429, 502, 503, 504];

/// The content codings there are (IANA's registry). What else servers write there is none: `none`
/// keeps some frameworks from compressing, and `utf-8` is a mistake.
const CODINGS: [&str; 9] =
    ["br", "compress", "dcb", "dcz", "deflate", "gzip", "x-compress", "x-gzip", "zstd"];

fn is_encoded(head: &ResponseHead) -> bool {
    let is_coding = |element: &[u8]| {
        CODINGS.iter().any(|coding| coding.as_bytes().eq_ignore_ascii_case(element))
    };
    head.elements("content-encoding").any(is_coding)
}
