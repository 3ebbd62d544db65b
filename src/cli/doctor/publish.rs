//! `--publish`: events of the doctor's own, to see when they come.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use tidings::Status;
use tidings::client::{StreamRequest, Url};

use super::facts::{End, How, OWN_TYPE, Visit};
use super::visit::{Ask, Until, visit};
use crate::cli::client::Carrier;

/// A stream whose server has just sent its head may not yet be among its channel's.
const SETTLE: Duration = Duration::from_millis(300);
/// Some proxies hold an event back for up to 200 ms, if no other follows.
const SPACING: Duration = Duration::from_millis(300);
const EVENTS: usize = 5;
const DEADLINE: Duration = Duration::from_secs(5);

/// An event that was published. Times count from the request for the stream.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) data: String,
    pub(super) sent: Duration,
    /// When the server had taken it.
    pub(super) taken: Result<Duration, Refused>,
}

/// Why an event was not published.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) why: String,
    /// The status of the response, if there was one.
    pub(super) status: Option<Status>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, status: None }
    }
}

/// Publishes some events as a tidings hub takes them, one after another; stops at the first that it
/// does not take.
pub(super) fn publish(
    carrier: &Carrier,
    url: &Url,
    fields: &[(String, String)],
    start: Instant,
) -> Vec<Publication> {
    let run = RandomState::new().build_hasher().finish();
    let mut all = Vec::new();
    thread::sleep(SETTLE);
    for number in 0..EVENTS {
        let data = format!("tidings doctor {run} {number}");
        let (sent, taken) = one(carrier, url, fields, &data, start);
        let is_over = taken.is_err();
        all.push(Publication { data, sent, taken });
        if is_over {
            break;
        }
        thread::sleep(SPACING);
    }
    all
}

fn one(
    carrier: &Carrier,
    url: &Url,
    fields: &[(String, String)],
    data: &str,
    start: Instant,
) -> (Duration, Result<Duration, Refused>) {
    // The query is that of the stream, such as ?history=5.
    let path = url.target().split('?').next().unwrap_or_default();
    let target = format!("{path}?event={OWN_TYPE}");
    let post = |url: &str| StreamRequest::post(url, "text/plain; charset=utf-8", data);
    let ask = match Ask::new(url, &target, fields, "", post) {
        Ok(ask) => ask,
        Err(error) => return (start.elapsed(), Err(error.to_string().into())),
    };
    let (visit, began) = visit(carrier, &ask, &Until::head(DEADLINE), |_| ());
    let sent = began.saturating_duration_since(start);
    (sent, taken(&visit).map(|after| sent + after))
}

/// How long the server took to take it.
fn taken(visit: &Visit) -> Result<Duration, Refused> {
    match (&visit.head, &visit.end) {
        (Some((head, at)), _) if head.status().code() / 100 == 2 => Ok(*at),
        (Some((head, _)), _) => {
            let status = head.status();
            Err(Refused { why: format!("the server responds with {status}"), status: Some(status) })
        }
        (None, Some(End { how: How::Failed(why), .. })) => Err(why.clone().into()),
        (None, _) => Err("there was no response".to_owned().into()),
    }
}
