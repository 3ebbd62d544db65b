//! The verdicts of the report card.

use std::time::Duration;

use tidings::Status;

use super::tracks::tracks;
use super::visit::{End, Visit, seconds};
use crate::cli::plural;

/// How long most clients wait that were told nothing.
const UNTOLD: Duration = Duration::from_secs(3);
/// A client that has not come back after so many times its reconnection time, and at least for
/// [`LEAST`], does not come back.
const ENOUGH: u32 = 2;
/// A client has other things to do, too.
const LEAST: Duration = Duration::from_millis(500);
/// Clocks are not the same on both sides.
const TOLERANCE: f64 = 0.95;

/// A connection, what the client had by its end, and the client's next connection.
struct Pair<'a> {
    before: &'a Visit,
    /// The id that the client had.
    id: Option<&'a str>,
    /// The reconnection time that it had been told.
    retry: Option<Duration>,
    /// The next connection; `None` if nothing came.
    after: Option<&'a Visit>,
    /// From the end of the one to the beginning of the next, or to the end of the mock.
    wait: Duration,
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Yes,
    No,
    /// It was not tried, or it can't be known.
    Unknown,
}

impl Pair<'_> {
    /// How long the mock has to watch whether a client comes back.
    fn enough(&self) -> Duration {
        self.retry.unwrap_or(UNTOLD).saturating_mul(ENOUGH).max(LEAST)
    }

    /// Whether a client that comes back would have been back.
    fn was_watched(&self) -> bool {
        self.after.is_some() || self.wait >= self.enough()
    }

    fn too_short(&self) -> (Verdict, String) {
        let [wait, enough] = [self.wait, self.enough()].map(seconds);
        let why = format!("not watched for long enough: {wait} of {enough}");
        (Verdict::Unknown, why)
    }
}

/// The whole card of these connections, of which the last `open` have not ended, and whether the
/// client did as it should; the mock ends at `now`.
pub(super) fn card(visits: &[Visit], begun: u64, open: usize, now: Duration) -> (String, bool) {
    let (pairs, has_several) = pairs(visits, now);
    let rows = [
        ("reconnects", reconnects(&pairs)),
        ("sends its last event ID", sends_id(&pairs)),
        ("waits as long as told", waits(&pairs)),
        ("leaves a stalled stream", leaves(&pairs)),
        ("stops at a 204", stops(&pairs, true)),
        ("stops at other failures", stops(&pairs, false)),
    ];
    let is_good = rows.iter().all(|(_, (verdict, _))| *verdict != Verdict::No);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let rows = rows.map(|(name, (verdict, why))| {
        let (verdict, why) = match verdict {
            Verdict::Yes => ("yes", why),
            Verdict::No => ("NO", why),
            Verdict::Unknown if has_several => ("-", "several clients at once".into()),
            Verdict::Unknown => ("-", why),
        };
        format!("  {name:width$} {verdict:3}  {why}\n")
    });
    let ended = plural(begun - open as u64, "connection");
    let open = match open {
        0 => String::new(),
        n => format!(" and {n} that {} still open", if n == 1 { "is" } else { "are" }),
    };
    (format!("report card, after {ended}{open}\n{}", rows.concat()), is_good)
}

/// Which connection comes after which, and whether there were clients at the same time that can't
/// be told apart: what they did is not judged.
fn pairs(visits: &[Visit], now: Duration) -> (Vec<Pair<'_>>, bool) {
    let (several, tracks): (Vec<_>, Vec<_>) =
        tracks(visits.iter()).into_iter().partition(|track| track.has_several);
    let mut pairs = Vec::new();
    for track in tracks {
        let (mut id, mut retry) = (None, None);
        let followers = track.visits.iter().skip(1).copied().map(Some).chain([None]);
        for (before, after) in track.visits.iter().copied().zip(followers) {
            let set = before.seen.id.as_deref().or(before.last_event_id.as_deref());
            id = set.or(id).filter(|id| !id.is_empty());
            retry = before.seen.retry.or(retry);
            let wait = after.map_or(now, |after| after.opened).saturating_sub(before.closed);
            pairs.push(Pair { before, id, retry, after, wait });
        }
    }
    (pairs, !several.is_empty())
}

fn reconnects(pairs: &[Pair<'_>]) -> (Verdict, String) {
    // A client that has gone by itself may have gone for good.
    let may_stay_away = |pair: &&Pair<'_>| pair.after.is_none() && pair.before.was_left();
    let needed = pairs.iter().filter(|pair| pair.before.should_return());
    let needed = needed.filter(|pair| !may_stay_away(pair));
    let (back, away): (Vec<_>, Vec<_>) = needed.partition(|pair| pair.after.is_some());
    if let Some(pair) = away.iter().find(|pair| pair.was_watched()) {
        let (wait, before) = (seconds(pair.wait), pair.before.number);
        return (Verdict::No, format!("nothing came for {wait} after #{before}"));
    }
    match (back.len(), away.first()) {
        (0, None) => (Verdict::Unknown, "there was no need to".into()),
        (0, Some(pair)) => pair.too_short(),
        (n, _) => (Verdict::Yes, plural(n as u64, "time")),
    }
}

fn sends_id(pairs: &[Pair<'_>]) -> (Verdict, String) {
    let mut right = 0;
    for pair in pairs.iter().filter(|pair| pair.before.should_return()) {
        let Some(after) = pair.after else { continue };
        match (pair.id, after.last_event_id.as_deref().filter(|id| !id.is_empty())) {
            (None, None) => {}
            (expected, sent) if expected.map(str::trim_ascii) == sent => right += 1,
            (expected, sent) => {
                let told = |id: Option<&str>| id.map_or("none".into(), |id| format!("{id:?}"));
                let (number, sent, expected) = (after.number, told(sent), told(expected));
                return (Verdict::No, format!("#{number} sent {sent}, not {expected}"));
            }
        }
    }
    match right {
        0 => (Verdict::Unknown, "there was none to send".into()),
        n => (Verdict::Yes, plural(n, "time")),
    }
}

fn waits(pairs: &[Pair<'_>]) -> (Verdict, String) {
    let back = pairs.iter().filter(|pair| pair.before.should_return() && pair.after.is_some());
    // The standard has nothing to say of a client that goes by itself.
    let told = back.filter(|pair| !pair.before.was_left());
    let told: Vec<_> = told.filter_map(|pair| Some((pair, pair.retry?))).collect();
    let early = told.iter().find(|(pair, retry)| pair.wait < retry.mul_f64(TOLERANCE));
    if let Some((pair, retry)) = early {
        let [wait, retry] = [pair.wait, *retry].map(seconds);
        return (Verdict::No, format!("{wait} after #{}, not {retry}", pair.before.number));
    }
    match (range(told.iter().map(|(pair, _)| pair.wait)), told.first()) {
        (Some(range), Some((_, retry))) => {
            (Verdict::Yes, format!("{range}, first told {}", seconds(*retry)))
        }
        _ => (Verdict::Unknown, "it was told nothing, or did not come back".into()),
    }
}

/// From the shortest of these to the longest.
fn range(times: impl Iterator<Item = Duration> + Clone) -> Option<String> {
    let [shortest, longest] = [times.clone().min()?, times.max()?].map(seconds);
    Some(if shortest == longest { shortest } else { format!("{shortest} to {longest}") })
}

/// A client need have no deadline for silence, and so may stay.
fn leaves(pairs: &[Pair<'_>]) -> (Verdict, String) {
    let stalls = pairs.iter().filter_map(|pair| match pair.before.end {
        End::Stalled { stayed, has_left } => Some((stayed, has_left)),
        _ => None,
    });
    if let Some((stayed, _)) = stalls.clone().find(|(_, has_left)| !has_left) {
        return (Verdict::Unknown, format!("it stayed for {}", seconds(stayed)));
    }
    match range(stalls.map(|(stayed, _)| stayed)) {
        Some(range) => (Verdict::Yes, format!("after {range}")),
        None => (Verdict::Unknown, "there was none".into()),
    }
}

/// Whether the client stops at a 204, or at everything else that says so.
fn stops(pairs: &[Pair<'_>], at_204: bool) -> (Verdict, String) {
    let status = |visit: &Visit| visit.seen.head.as_ref().map(|head| head.status);
    let finals = pairs.iter().filter(|pair| pair.before.is_final());
    let mut finals =
        finals.filter(|pair| (status(pair.before) == Some(Status::NO_CONTENT)) == at_204);
    if let Some(pair) = finals.clone().find(|pair| pair.after.is_some()) {
        let (wait, before) = (seconds(pair.wait), pair.before.number);
        return (Verdict::No, format!("it was back {wait} after #{before}"));
    }
    match finals.next_back() {
        None => (Verdict::Unknown, "there was none".into()),
        Some(pair) if pair.was_watched() => {
            (Verdict::Yes, format!("nothing came for {}", seconds(pair.wait)))
        }
        Some(pair) => pair.too_short(),
    }
}
