//! Whether a client that was away gets what it missed.

use super::super::facts::{Ids, Visit};
use super::super::finding::Finding;
use super::super::remedy::Remedy;
use super::flow;

const TOPIC: &str = "resume";
/// By which a tidings hub tells that events are missing.
const GAP: &str = "tidings.gap";

/// The last event ID to come back with, so that the server has something to send: the one before
/// the last event. `None` if the stream names none.
pub(in super::super) fn asks_after(ids: &Ids) -> Option<&str> {
    let id = if ids.has_event { &ids.before } else { &ids.last };
    let id = if id.is_empty() { &ids.last } else { id };
    Some(&**id).filter(|id| !id.is_empty())
}

/// The stream has named no id.
pub(in super::super) fn no_ids(visit: &Visit) -> Finding {
    let said = match visit.flow.events {
        0 => "no event came, and no id",
        _ => "no event has an id, so what is sent while a client is away is lost to it",
    };
    Finding::note(TOPIC, said).with(Remedy::Ids)
}

/// What came of the request after `asked`.
pub(in super::super) fn resume(ids: &Ids, asked: &str, visit: &Visit) -> Finding {
    if !visit.is_stream() {
        let status = visit.head.as_ref().map(|(head, _)| head.status().to_string());
        let status = status.unwrap_or_else(|| "no response".into());
        let said = format!("a request with Last-Event-ID gets no stream: {status}");
        return Finding::fault(TOPIC, said, Remedy::Resume);
    }
    if flow::is_away(visit) {
        let said = "not known: the server had no room for a request with Last-Event-ID";
        return Finding::note(TOPIC, said);
    }
    let is_owed = ids.has_event && asked == ids.before;
    match &visit.flow.first_event {
        Some((_, event_type)) if event_type == GAP => {
            let said = "the server tells a gap, though the id is its own: it has forgotten, or the \
                        request reached another server";
            Finding::fault(TOPIC, said, Remedy::Resume)
        }
        Some((id, _)) if is_owed && *id == ids.last => {
            Finding::good(TOPIC, "after Last-Event-ID comes the event that was missed")
        }
        Some((id, _)) if ids.has_event && *id == asked => {
            let said = "the event that Last-Event-ID names comes again";
            Finding::fault(TOPIC, said, Remedy::Resume)
        }
        Some(_) if is_owed => {
            let said = "after Last-Event-ID comes another event than the one that was missed: what \
                        is sent while a client is away is lost to it, or comes twice";
            Finding::fault(TOPIC, said, Remedy::Resume)
        }
        None if is_owed => {
            let said = "an event that came after Last-Event-ID does not come again: what is sent \
                        while a client is away is lost to it";
            Finding::fault(TOPIC, said, Remedy::Resume)
        }
        _ => Finding::good(TOPIC, "a request with Last-Event-ID gets a stream; none was owed it"),
    }
}
