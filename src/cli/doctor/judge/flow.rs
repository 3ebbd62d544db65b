//! What comes after the head: is anything held back, how long is it silent, and does it stay open.

use std::time::Duration;

use tidings::http::Framing;

use super::super::facts::{End, How, Visit};
use super::super::finding::Finding;
use super::super::publish::Publication;
use super::super::remedy::Remedy;
use super::{response, time};

/// An event that is whole so much later than it began has been in a buffer. A packet that was lost
/// comes 200 ms later.
const APART: Duration = Duration::from_millis(400);
/// What comes so much later was not sent together.
const LATER: Duration = Duration::from_millis(100);
/// A server that is far away may need as long for what it sends at once as for two responses. How
/// long a response takes counts no further than this.
const FAR: Duration = Duration::from_millis(500);
/// An event that takes so much longer than the response to its publish has waited somewhere.
const LATE: Duration = Duration::from_millis(40);
/// What is published so shortly before the end needn't have come.
const GRACE: Duration = Duration::from_secs(1);
/// Most proxies close a stream after 60 s of silence; some after 30 s.
const SILENT: Duration = Duration::from_secs(30);
/// A shorter silence isn't why a proxy has closed a stream.
const LEAST_SILENCE: Duration = Duration::from_secs(1);

const BUFFERING: &str = "buffering";

/// Whether text comes, and no event of it.
pub(in super::super) fn no_events(visit: &Visit) -> Option<Finding> {
    let flow = &visit.flow;
    // The first event may have begun just then, or something holds back its rest.
    let is_begun = visit.unfinished().is_some_and(|time| time < LEAST_SILENCE || flow.reads == 1);
    if flow.events > 0 || flow.texts == 0 || is_begun {
        return None;
    }
    let said = "text came, and no event: each line of an event's data must begin with data:, and a \
                blank line must follow the last";
    Some(Finding::fault("events", said, Remedy::Events))
}

/// Whether events come when they are sent.
pub(in super::super) fn buffering(visit: &Visit, published: &[Publication]) -> Finding {
    if let Some(finding) = published_ones(visit, published) {
        return finding;
    }
    let flow = &visit.flow;
    if came_with_the_end(visit) {
        let end = time(flow.last.unwrap_or_default());
        let said = format!(
            "all events came together with the end, after {end}: something held \
                            them back until then"
        );
        return Finding::fault(BUFFERING, said, Remedy::Flush);
    }
    let begin = visit.head.as_ref().map(|(_, at)| *at).unwrap_or_default();
    let later = flow.last.unwrap_or_default().saturating_sub(begin);
    if flow.slowest >= APART.max(2 * begin.min(FAR)) {
        let apart = time(flow.slowest);
        let said = format!(
            "an event came in two parts, {apart} apart: something holds back what it gets until it \
             has enough"
        );
        return Finding::fault(BUFFERING, said, Remedy::Flush);
    }
    if let Some(unfinished) = visit.unfinished().filter(|time| *time >= LEAST_SILENCE) {
        let said = format!(
            "an event began, and was not whole {} later: something holds back what it gets until \
             it has enough, or the blank line after the event is missing",
            time(unfinished)
        );
        return Finding::fault(BUFFERING, said, Remedy::Flush);
    }
    if later >= LATER && flow.reads > 1 {
        let said = format!("{} reads over {}, and no event in parts", flow.reads, time(later));
        return Finding::good(BUFFERING, said);
    }
    let came = if flow.reads == 0 { "nothing" } else { "nothing more" };
    if let Some(end) = &visit.end {
        let said = format!("{came} came before the end, after {}", time(end.at));
        return Finding::note(BUFFERING, said);
    }
    let said = format!(
        "{came} came in {}: the stream is silent, or its events are held back; --publish tells \
         which on a tidings hub, and elsewhere a longer --wait",
        time(visit.watched)
    );
    let unknown = Finding::note(BUFFERING, said);
    if flow.reads == 0 { unknown.with(Remedy::Flush) } else { unknown }
}

/// Whether several events came at one moment, and the end with them, though there was time to send
/// them before.
fn came_with_the_end(visit: &Visit) -> bool {
    let (Some(End { at, how: How::Whole }), Some(first)) = (&visit.end, visit.flow.first) else {
        return false;
    };
    visit.flow.events > 1 && first >= LEAST_SILENCE && at.saturating_sub(first) < LATER
}

fn published_ones(visit: &Visit, published: &[Publication]) -> Option<Finding> {
    if let Some(refused) = published.iter().find_map(|one| one.taken.as_ref().err()) {
        let said = format!("no event could be published to see when it comes: {}", refused.why);
        let note = Finding::note(BUFFERING, said);
        let lets_nobody_in = refused.status.is_some_and(response::wants_credentials);
        return Some(if lets_nobody_in { note.with(Remedy::Credentials) } else { note });
    }
    let until = visit.end.as_ref().map_or(visit.watched, |end| end.at).saturating_sub(GRACE);
    let due = published.iter().filter_map(|one| Some((one, *one.taken.as_ref().ok()?)));
    let due: Vec<_> = due.filter(|(_, taken)| *taken < until).collect();
    if due.is_empty() {
        return None;
    }
    let when = |data: &str| visit.flow.own.iter().find(|(own, _)| own == data).map(|own| own.1);
    let came: Vec<_> =
        due.iter().filter_map(|(one, at)| Some((one, at, when(&one.data)?))).collect();
    let missing = due.len() - came.len();
    if missing > 0 {
        let said = format!(
            "of {} events that the server took, {missing} had not come when the stream was left or \
             closed: something holds them back",
            due.len()
        );
        return Some(Finding::fault(BUFFERING, said, Remedy::Flush));
    }
    // The least of each, since how long a request takes says how far away the server is.
    let since = came.iter().map(|(one, _, came)| came.saturating_sub(one.sent)).min()?;
    let response = came.iter().map(|(one, at, _)| at.saturating_sub(one.sent)).min()?;
    if since >= response + LATE {
        let said = format!("each event came {} or more after it was published", time(since));
        return Some(Finding::fault(BUFFERING, said, Remedy::NoDelay));
    }
    Some(Finding::good(BUFFERING, format!("events came {} after they were published", time(since))))
}

/// When the first byte of the stream came.
pub(in super::super) fn first_byte(visit: &Visit) -> Finding {
    const TOPIC: &str = "first byte";
    let why = "some proxies hold a head back until a byte follows it, so send a comment at once";
    let head = visit.head.as_ref().map(|(_, at)| *at).unwrap_or_default();
    match visit.flow.first {
        Some(at) if at.saturating_sub(head) < LEAST_SILENCE => {
            Finding::good(TOPIC, format!("after {}", time(at)))
        }
        Some(at) => Finding::note(TOPIC, format!("after {}: {why}", time(at))),
        None => Finding::note(TOPIC, format!("none came: {why}")),
    }
}

/// Whether it is silent for so long that somebody may close it.
pub(in super::super) fn heartbeat(visit: &Visit) -> Finding {
    const TOPIC: &str = "heartbeat";
    let silence = visit.flow.longest_silence.max(visit.last_silence());
    let comments = match visit.flow.comments {
        0 => "no comments".into(),
        1 => "1 comment".into(),
        n => format!("{n} comments"),
    };
    let said = format!("{comments}; silent for {} at most", time(silence));
    if silence >= SILENT {
        let said =
            format!("{said}: some proxies close what is silent for 30 s, and most after 60 s");
        let long = Finding::note(TOPIC, said);
        // If that has closed it, its end comes with the remedy.
        return if visit.end.is_some() { long } else { long.with(Remedy::KeepOpen) };
    }
    if visit.end.is_some() {
        return Finding::note(TOPIC, said);
    }
    // What was watched for less than that proves nothing of a stream that has no heartbeat.
    if visit.flow.comments == 0 && visit.watched < SILENT {
        let said = format!("{said}; --wait 70s would show whether that is so for longer");
        return Finding::note(TOPIC, said);
    }
    Finding::good(TOPIC, said)
}

/// Whether somebody has responded in the place of a server that is away or full: nothing but when
/// to come back.
pub(in super::super) fn is_away(visit: &Visit) -> bool {
    let began = visit.head.as_ref().map(|(_, at)| *at).unwrap_or_default();
    let is_at_once = |end: &End| end.at.saturating_sub(began) < LEAST_SILENCE;
    // One that goes on for longer was a stream, and named the reconnection time at its beginning.
    let is_over = visit.end.as_ref().is_some_and(|end| end.how == How::Whole && is_at_once(end));
    is_over && visit.flow.events == 0 && visit.flow.retry.is_some()
}

/// Whether it stays open.
pub(in super::super) fn end(visit: &Visit) -> Finding {
    const TOPIC: &str = "end";
    let Some(End { at, how }) = &visit.end else {
        return Finding::good(TOPIC, format!("still open after {}", time(visit.watched)));
    };
    let (after, silence) = (time(*at), visit.last_silence());
    let way = match how {
        How::Whole => "ended".into(),
        How::Cut | How::NoHead => "cut off".into(),
        How::Failed(why) => format!("broken ({why})"),
        How::Broken(why) => {
            let said = format!("after {after}, the response breaks the rules: {why}");
            return Finding::fault(TOPIC, said, Remedy::Rules);
        }
    };
    let flow = &visit.flow;
    if is_away(visit) {
        let retry = time(flow.retry.unwrap_or_default());
        let said = format!(
            "ended after {after}, and told the client to come back in {retry}: the server is away, \
             or full"
        );
        return Finding::fault(TOPIC, said, Remedy::ComeBack);
    }
    // Whoever sends the last chunk had no more to say; what a proxy closes for silence has none.
    let head = visit.head.as_ref().map(|(head, _)| head.framing());
    let is_meant = *how == How::Whole && head == Some(Framing::Chunked);
    let least = if is_meant { SILENT } else { LEAST_SILENCE };
    // A longer silence has not closed it, and one as long as those before is its rhythm.
    if silence >= least && silence > flow.longest_silence + flow.longest_silence / 5 {
        let said = format!("{way} after {} of silence", time(silence));
        return Finding::fault(TOPIC, said, Remedy::KeepOpen);
    }
    match how {
        How::Whole => {
            Finding::note(TOPIC, format!("{way} after {after}; an EventSource reconnects"))
        }
        _ => {
            let said = format!("{way} after {after}, though it was not silent");
            Finding::fault(TOPIC, said, Remedy::Last)
        }
    }
}
