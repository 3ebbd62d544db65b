//! What a browser's page would get: whether the stream is compressed for it, and whether a page of
//! another origin may read it.

use std::time::Duration;

use tidings::http::{ResponseHead, masked_value};

use super::super::facts::Visit;
use super::super::finding::Finding;
use super::super::remedy::Remedy;
use super::time;

/// If the plain stream was never silent for so long, the compressed one must not be either.
const LIVELY: Duration = Duration::from_secs(1);
/// What comes so much later was not compressed together.
const LATER: Duration = Duration::from_millis(100);

/// What browsers accept.
pub(in super::super) const ENCODINGS: &str = "gzip, deflate, br, zstd";

/// An origin that no server knows.
pub(in super::super) const STRANGER: &str = "https://doctor.invalid";

fn head(visit: &Visit) -> Option<&ResponseHead> {
    visit.head.as_ref().map(|(head, _)| head).filter(|head| head.status().code() == 200)
}

const TOPIC: &str = "compression";

/// The response to a client that accepts no coding, if it has one all the same.
pub(in super::super) fn compressed_unasked(head: &ResponseHead) -> Option<Finding> {
    let coding = coding(head)?;
    let said = format!("the stream comes in {coding}, even to a client that accepts none");
    Some(Finding::fault(TOPIC, said, Remedy::Plain))
}

fn coding(head: &ResponseHead) -> Option<String> {
    const FIELD: &str = "content-encoding";
    let coding = head.field_text(FIELD)?;
    let is_none = ["", "identity", "none"].iter().any(|none| coding.eq_ignore_ascii_case(none));
    (!is_none).then(|| masked_value(FIELD, coding).into_owned())
}

/// There was no response to a client that accepts every coding, and none to this one that accepts
/// none.
pub(in super::super) fn no_response(control: &Visit) -> Finding {
    let said = format!(
        "not known: a further request gets no response within {}, whatever it accepts",
        time(control.watched)
    );
    Finding::fault(TOPIC, said, Remedy::Many)
}

/// Whether there is nothing more to wait for: it isn't compressed, or events come one by one all
/// the same.
pub(in super::super) fn is_told(visit: &Visit) -> bool {
    head(visit).and_then(coding).is_none() || is_flushed(visit)
}

fn is_flushed(visit: &Visit) -> bool {
    let flow = &visit.flow;
    flow.last.unwrap_or_default().saturating_sub(flow.first.unwrap_or_default()) >= LATER
}

/// The response to a client that accepts every coding, beside the one `before` to a client that
/// accepts none.
pub(in super::super) fn compression(visit: &Visit, before: &Visit) -> Finding {
    let Some(head) = head(visit) else {
        return match (&visit.head, &visit.end) {
            (None, None) => {
                let said = format!(
                    "a client that accepts it, as every browser, gets no response within {}: a \
                     compressor waits for more",
                    time(visit.watched)
                );
                Finding::fault(TOPIC, said, Remedy::Plain)
            }
            _ => Finding::note(TOPIC, "not known: the request that accepts it got no stream"),
        };
    };
    match coding(head) {
        None => Finding::good(TOPIC, "none, for a client that accepts any"),
        Some(coding) => {
            let said = format!(
                "a client that accepts it, as every browser, gets the stream in {coding}: "
            );
            let silence = before.flow.longest_silence.max(before.last_silence());
            let is_lively = before.over() >= 2 * LIVELY && silence < LIVELY;
            if is_flushed(visit) {
                let said = said + "events come at once, and cost more memory and time";
                Finding::note(TOPIC, said).with(Remedy::Plain)
            } else if is_lively {
                Finding::fault(TOPIC, said + "events wait in the compressor", Remedy::Plain)
            } else {
                let said = said + "events may wait in the compressor";
                Finding::note(TOPIC, said).with(Remedy::Plain)
            }
        }
    }
}

/// The response to a page of this origin, if one was given, and else of a stranger.
pub(in super::super) fn cors(visit: &Visit, origin: Option<&str>) -> Finding {
    const TOPIC: &str = "CORS";
    let Some(head) = head(visit) else {
        let status = visit.head.as_ref().map(|(head, _)| head.status().to_string());
        let said = format!("a page of another origin gets {}", status.unwrap_or("nothing".into()));
        return match origin {
            Some(_) => Finding::fault(TOPIC, said, Remedy::Origin),
            None => Finding::note(TOPIC, said).with(Remedy::Origin),
        };
    };
    const ALLOW: &str = "access-control-allow-origin";
    let given = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case(ALLOW));
    let given: Vec<_> = given.map(|(_, value)| String::from_utf8_lossy(value)).collect();
    let with_cookies = head.field("access-control-allow-credentials") == Some(b"true");
    let allowed = match &given[..] {
        [] => None,
        [one] if !one.contains(',') => Some(&**one),
        _ => {
            let said = "Access-Control-Allow-Origin has more than one value, and browsers refuse \
                        that";
            return Finding::fault(TOPIC, said, Remedy::OneOrigin);
        }
    };
    match (allowed, origin) {
        (Some("*"), _) if with_cookies => {
            let said = "Access-Control-Allow-Origin is * beside Access-Control-Allow-Credentials, \
                        and browsers refuse that for requests with cookies";
            Finding::note(TOPIC, said).with(Remedy::Origin)
        }
        (Some("*"), _) => Finding::good(TOPIC, "pages of all origins may read it"),
        (Some(STRANGER), None) if with_cookies => {
            let said = "pages of any origin may read it with the cookies of whoever visits them";
            Finding::note(TOPIC, said).with(Remedy::Origin)
        }
        (Some(STRANGER), None) => Finding::good(TOPIC, "pages of all origins may read it"),
        (Some(allowed), Some(origin)) if allowed == origin => {
            let cookies = if with_cookies { ", also with cookies" } else { ", without cookies" };
            Finding::good(TOPIC, format!("pages of {origin} may read it{cookies}"))
        }
        (_, Some(origin)) => {
            let said = format!("pages of {origin} may not read it");
            Finding::fault(TOPIC, said, Remedy::Origin)
        }
        (_, None) => {
            let said = "pages of unknown origins may not read it; --origin asks for one";
            Finding::good(TOPIC, said)
        }
    }
}
