//! The head of the response: is there a stream at all, what says so, and through whom it came.

use std::time::Duration;

use tidings::Status;
use tidings::http::{Framing, ResponseHead, Version, masked_value};

use super::super::facts::{How, Visit};
use super::super::finding::Finding;
use super::super::proxies::Seen;
use super::super::remedy::Remedy;
use super::time;

/// A head that takes longer has probably waited for the first event.
const SLOW: Duration = Duration::from_secs(1);

const RESPONSE: &str = "response";

/// Whether the response is an event stream.
pub(in super::super) fn response(visit: &Visit) -> Finding {
    let Some((head, at)) = &visit.head else { return nothing(visit) };
    let status = head.status();
    let (code, after) = (status.code(), time(*at));
    if status == Status::OK && head.is_event_stream() {
        let said = format!("200 and text/event-stream, after {after}");
        return match *at > SLOW {
            true => {
                let why = format!("{said}: a head that waits for the first event is late");
                Finding::note(RESPONSE, why).with(Remedy::Flush)
            }
            false => Finding::good(RESPONSE, said),
        };
    }
    let (why, remedy) = match code {
        200 => (not_a_stream(head), Remedy::Type),
        204 => ("an EventSource takes it for the end of the stream, for good".into(), Remedy::Url),
        301..=399 => ("it redirects in a circle, or nowhere".into(), Remedy::Url),
        // Servers that speak TLS say so to whoever does not.
        400 => ("a browser's EventSource takes only 200".into(), Remedy::Tls),
        _ if wants_credentials(status) => {
            ("it does not let this request in".into(), Remedy::Credentials)
        }
        421 => ("it does not serve this name".into(), Remedy::Name),
        405 => ("it takes no GET, and an EventSource sends nothing else".into(), Remedy::Method),
        426 => ("it speaks another protocol there, such as WebSocket".into(), Remedy::Url),
        500 | 501 => ("the server has failed at it".into(), Remedy::Log),
        429 => ("it was asked too often, and an EventSource gives up at this".into(), Remedy::Log),
        502..=599 => ("a browser's EventSource gives up for good at this".into(), Remedy::ComeBack),
        _ => ("a browser's EventSource takes only 200".into(), Remedy::Url),
    };
    Finding::fault(RESPONSE, format!("{status}, after {after}: {why}"), remedy)
}

/// Whether this status says that the request was not let in.
pub(super) fn wants_credentials(status: Status) -> bool {
    matches!(status.code(), 401 | 403 | 407)
}

fn not_a_stream(head: &ResponseHead) -> String {
    let given = head.content_type().map(|given| String::from_utf8_lossy(given).into_owned());
    match given {
        Some(given) => {
            let given = masked_value("content-type", &given).into_owned();
            format!("the type is {given}, and an EventSource takes only text/event-stream")
        }
        None => "it has no Content-Type, and an EventSource takes only text/event-stream".into(),
    }
}

/// There was no head.
fn nothing(visit: &Visit) -> Finding {
    match visit.end.as_ref().map(|end| (&end.how, time(end.at))) {
        Some((How::Failed(why), _)) => Finding::fault(RESPONSE, why, Remedy::Look),
        Some((How::Broken(why), _)) => Finding::fault(RESPONSE, why, Remedy::Tls),
        Some((_, after)) => {
            let said =
                format!("the connection was closed after {after}, before there was a response");
            // Perhaps it waits for the first event.
            let waited = visit.end.as_ref().is_some_and(|end| end.at >= SLOW);
            Finding::fault(RESPONSE, said, if waited { Remedy::Flush } else { Remedy::Tls })
        }
        None => {
            let said = format!("none within {}", time(visit.watched));
            Finding::fault(RESPONSE, said, Remedy::Flush)
        }
    }
}

/// What the response has come through.
pub(in super::super) fn proxies(head: &ResponseHead, seen: &Seen) -> Finding {
    let version = match head.version() {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    let traces = match seen.traces.is_empty() {
        true => "no field tells of a proxy".into(),
        false => seen.traces.join("; "),
    };
    Finding::good("proxies", format!("{version}; {traces}"))
}

/// Whether a client can tell a stream that has ended from one that was cut off.
pub(in super::super) fn framing(head: &ResponseHead) -> Finding {
    const TOPIC: &str = "framing";
    let cut = "a stream that is cut off looks as if it had ended well";
    match (head.framing(), head.version()) {
        (Framing::Chunked, _) => Finding::good(TOPIC, "chunked"),
        (Framing::Length(length), _) => {
            let said = format!("its length is {length} bytes, so it is no stream that goes on");
            Finding::fault(TOPIC, said, Remedy::NoLength)
        }
        (_, Version::Http10) => {
            Finding::note(TOPIC, format!("HTTP/1.0 has no chunks: {cut}")).with(Remedy::Chunks)
        }
        _ => Finding::note(TOPIC, format!("no chunks: {cut}")).with(Remedy::Chunks),
    }
}

/// Whether a cache may have sent it, or may keep it.
pub(in super::super) fn caching(head: &ResponseHead) -> Finding {
    const TOPIC: &str = "caching";
    let given = |name: &str| head.field_text(name).unwrap_or_default().to_ascii_lowercase();
    let age = given("age").parse::<u64>().unwrap_or(0);
    let is_hit = ["x-cache", "cf-cache-status", "x-proxy-cache"]
        .iter()
        .any(|name| given(name).split([' ', ',']).any(|word| word == "hit"));
    if age > 0 || is_hit {
        let said = "it comes from a cache, and not from the server";
        return Finding::fault(TOPIC, said, Remedy::NoCache);
    }
    let is_control = |name: &str| name.eq_ignore_ascii_case("cache-control");
    let lines = head.fields().filter(|(name, _)| is_control(name));
    let lines: Vec<_> = lines.map(|(_, value)| String::from_utf8_lossy(value)).collect();
    let control = lines.join(",").to_ascii_lowercase();
    let says = |word: &&&str| control.split(',').any(|element| element.trim() == **word);
    match ["no-cache", "no-store", "private"].iter().find(says) {
        Some(word) => Finding::good(TOPIC, format!("Cache-Control has {word}")),
        None => {
            let said = "Cache-Control has neither no-cache nor no-store: a cache may keep it";
            Finding::note(TOPIC, said).with(Remedy::NoCache)
        }
    }
}
