//! The verdicts of the report card.

use std::time::Duration;

use super::tracks::tracks;
use super::{Report, Visit, counted, seconds};

/// What a client waits that was told nothing, as most do.
const UNTOLD: Duration = Duration::from_secs(3);
/// A client that has not come back after so many times as long as it should wait, and at least for
/// [`LEAST`], does not come back.
const ENOUGH: u32 = 2;
/// A client has other things to do, too.
const LEAST: Duration = Duration::from_millis(500);
/// Clocks are not the same on both sides.
const TOLERANCE: f64 = 0.95;

/// A connection, what the client had by its end, and the connection behind it.
struct Pair<'a> {
    before: &'a Visit,
    /// The id that the client had.
    id: Option<&'a str>,
    /// The reconnection time that it had been told.
    retry: Option<Duration>,
    /// `None` if nothing came.
    after: Option<&'a Visit>,
    /// From the end of the one to the begin of the other, or to the end of it all.
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
    /// How long has to be watched whether a client comes back.
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

impl Report {
    /// The whole card, and whether the client did as it should; the mock ends at `now`.
    pub(in super::super) fn card(&self, now: Duration) -> (String, bool) {
        // Who is still there has not ended anything, but it has come back.
        let open = self.open.iter().map(|visit| Visit { closed: now, ..visit.clone() });
        let visits: Vec<Visit> = self.visits.iter().cloned().chain(open).collect();
        let (pairs, has_several) = pairs(&visits, now);
        let rows = [
            ("reconnects", reconnects(&pairs)),
            ("sends its last event ID", sends_id(&pairs)),
            ("waits as long as told", waits(&pairs)),
            ("leaves a stalled stream", leaves(&pairs)),
            ("stops at a 204", stops(&pairs, is_204)),
            ("stops at other failures", stops(&pairs, |visit| !is_204(visit))),
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
        let visits = counted(self.count, "connection");
        let open = match self.open.len() {
            0 => String::new(),
            n => format!(" and {n} that {} still open", if n == 1 { "is" } else { "are" }),
        };
        (format!("report card, after {visits}{open}\n{}", rows.concat()), is_good)
    }
}

/// What is behind what, and whether there were clients at the same time that can't be told apart:
/// what they did is not judged.
fn pairs(visits: &[Visit], now: Duration) -> (Vec<Pair<'_>>, bool) {
    let mut pairs = Vec::new();
    let mut has_several = false;
    for track in tracks(visits.iter()) {
        has_several |= track.has_several;
        if track.has_several {
            continue;
        }
        let (mut id, mut retry) = (None, None);
        for (n, before) in track.visits.iter().enumerate() {
            let set = before.seen.id.as_deref().or(before.last_event_id.as_deref());
            id = set.or(id).filter(|id| !id.is_empty());
            retry = before.seen.retry.or(retry);
            let after = track.visits.get(n + 1).copied();
            let wait = after.map_or(now, |after| after.opened).saturating_sub(before.closed);
            pairs.push(Pair { before, id, retry, after, wait });
        }
    }
    (pairs, has_several)
}

fn is_204(visit: &Visit) -> bool {
    visit.status() == Some(tidings::Status::NO_CONTENT)
}

fn number(visit: &Visit) -> String {
    format!("#{}", visit.number)
}

fn reconnects(pairs: &[Pair<'_>]) -> (Verdict, String) {
    // Who has gone by itself may have gone for good.
    let may_stay_away = |pair: &&Pair<'_>| pair.after.is_none() && pair.before.was_left();
    let needed = pairs.iter().filter(|pair| pair.before.should_return());
    let needed = needed.filter(|pair| !may_stay_away(pair));
    let (back, away): (Vec<_>, Vec<_>) = needed.partition(|pair| pair.after.is_some());
    if let Some(pair) = away.iter().find(|pair| pair.was_watched()) {
        let wait = seconds(pair.wait);
        return (Verdict::No, format!("nothing came for {wait} after {}", number(pair.before)));
    }
    match (back.len(), away.first()) {
        (0, None) => (Verdict::Unknown, "there was no need to".into()),
        (0, Some(pair)) => pair.too_short(),
        (n, _) => (Verdict::Yes, counted(n as u64, "time")),
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
                let (number, expected) = (number(after), told(expected));
                return (Verdict::No, format!("{number} sent {}, not {expected}", told(sent)));
            }
        }
    }
    match right {
        0 => (Verdict::Unknown, "there was none to send".into()),
        n => (Verdict::Yes, counted(n, "time")),
    }
}

fn waits(pairs: &[Pair<'_>]) -> (Verdict, String) {
    let back = pairs.iter().filter(|pair| pair.before.should_return() && pair.after.is_some());
    // The standard has nothing to say of who goes by itself.
    let told = back.filter(|pair| !pair.before.was_left());
    let told: Vec<_> = told.filter_map(|pair| Some((pair, pair.retry?))).collect();
    let early = told.iter().find(|(pair, retry)| pair.wait < retry.mul_f64(TOLERANCE));
    if let Some((pair, retry)) = early {
        let after = number(pair.before);
        let why = format!("{} after {after}, not {}", seconds(pair.wait), seconds(*retry));
        return (Verdict::No, why);
    }
    let Some((first, retry)) = told.first() else {
        return (Verdict::Unknown, "it was told nothing, or did not come back".into());
    };
    let range = range(first.wait, told.iter().map(|(pair, _)| pair.wait));
    (Verdict::Yes, format!("{range}, first told {}", seconds(*retry)))
}

/// From the shortest to the longest of these, of which `one` is one.
fn range(one: Duration, all: impl Iterator<Item = Duration>) -> String {
    let (shortest, longest) =
        all.fold((one, one), |(least, most), time| (least.min(time), most.max(time)));
    let (shortest, longest) = (seconds(shortest), seconds(longest));
    if shortest == longest { shortest } else { format!("{shortest} to {longest}") }
}

/// A client need have no deadline for silence, and so may stay.
fn leaves(pairs: &[Pair<'_>]) -> (Verdict, String) {
    let stalls: Vec<_> = pairs.iter().filter_map(|pair| pair.before.stall).collect();
    let Some(first) = stalls.first() else {
        return (Verdict::Unknown, "there was none".into());
    };
    match stalls.iter().find(|stall| !stall.has_left) {
        Some(stall) => (Verdict::Unknown, format!("it stayed for {}", seconds(stall.stayed))),
        None => {
            let range = range(first.stayed, stalls.iter().map(|stall| stall.stayed));
            (Verdict::Yes, format!("after {range}"))
        }
    }
}

fn stops(pairs: &[Pair<'_>], which: impl Fn(&Visit) -> bool) -> (Verdict, String) {
    let finals = pairs.iter().filter(|pair| pair.before.is_final() && which(pair.before));
    let finals: Vec<_> = finals.collect();
    if let Some(pair) = finals.iter().find(|pair| pair.after.is_some()) {
        let (wait, before) = (seconds(pair.wait), number(pair.before));
        return (Verdict::No, format!("it was back {wait} after {before}"));
    }
    match finals.last() {
        None => (Verdict::Unknown, "there was none".into()),
        Some(pair) if pair.was_watched() => {
            (Verdict::Yes, format!("nothing came for {}", seconds(pair.wait)))
        }
        Some(pair) => pair.too_short(),
    }
}
