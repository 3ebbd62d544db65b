//! What holds of the ids of a whole journal: they rise, within an epoch without a hole, each
//! segment begins after the event that its first line names, and batches are whole.
//!
//! ```text
//! 7-1 7-2 [batch 2] 7-3 │ 7-4 │ 9-1        segments; 7 and 9 are epochs
//! 7-4 │ 7-5 │ 9-1                          the same, once the oldest have been rotated away
//! ```
//!
//! That each event is as it was written is what the reader checks, by its crc. Where it found one
//! that isn't, a hole is no news.

use tidings::JournalReader;

use super::{Id, failed, parts};
use crate::cli::{Failure, Outcome, even_if_unread, plural, print};

pub(super) fn check(reader: &JournalReader) -> Outcome {
    let mut check = Check::default();
    let (mut events, mut places) = (0, 0);
    let mut tell = |said: &str| {
        places += 1;
        // What is wrong is wrong, whoever reads of it.
        even_if_unread(print(&format!("{said}\n")))
    };
    for found in reader.records(None).map_err(failed)? {
        match found {
            Ok(record) => {
                events += 1;
                let segment = &reader.segments()[record.segment];
                let after = segment.after.as_ref().filter(|_| segment.first == record.id);
                let wrong = check.event(parts(&record.id), after.map(parts), record.batch);
                wrong.iter().try_for_each(|said| tell(said))?;
            }
            Err(end) if end.is_unfinished => {
                let (file, bytes) = (&end.file, plural(end.bytes, "byte"));
                let what = "are the beginning of an event that was never acknowledged, or not yet";
                even_if_unread(print(&format!("{file}: the last {bytes} {what}\n")))?;
            }
            Err(damage) => {
                check.damaged();
                tell(&damage.to_string())?;
            }
        }
    }
    if let Some(said) = check.end() {
        even_if_unread(print(&format!("{said}: it was never acknowledged, or not yet\n")))?;
    }
    let read = format!(
        "{} in {}",
        plural(events, "event"),
        plural(reader.segments().len() as u64, "segment")
    );
    if places > 0 {
        let said = format!("{read}, and {} where something is wrong", plural(places, "place"));
        return Err(Failure::Failed(said));
    }
    print(&format!("{read}: nothing is wrong\n"))
}

/// What is expected of the next event.
#[derive(Debug, Default)]
struct Check {
    /// The last event, if there was one.
    last: Option<Id>,
    /// Whether something was damaged since.
    is_damaged: bool,
    /// The batch that isn't over yet: its first event, how many it has, and how many are to come.
    batch: Option<(Id, u64, u64)>,
}

impl Check {
    /// Takes the next event, the one that it comes after by the first line of a segment that begins
    /// with it, and how many a batch has that does. Returns what is wrong.
    fn event(&mut self, id: Id, after: Option<Id>, batch: Option<u64>) -> Vec<String> {
        let mut wrong = Vec::new();
        let continues = self.last.is_some_and(|last| last.0 == id.0);
        match self.last {
            Some(last) if id <= last => {
                wrong.push(format!("{} comes after {}", text(id), text(last)));
            }
            _ if self.is_damaged => {}
            // The oldest segments may have been rotated away.
            None => {}
            Some(last) if !continues && after.is_some_and(|after| after != last) => {
                let [id, last, after] = [id, last, after.unwrap_or_default()].map(text);
                wrong.push(format!(
                    "{id} comes after {last}, and its segment's first line says after {after}"
                ));
            }
            Some(last) => {
                let expected = if continues { last.1 + 1 } else { 1 };
                if id.1 != expected {
                    let missing = text((id.0, expected));
                    wrong.push(format!("{} comes where {missing} is missing", text(id)));
                }
            }
        }
        if batch.is_some() || !continues {
            wrong.extend(self.end_batch());
        }
        match (&mut self.batch, batch) {
            (_, Some(count)) => self.batch = Some((id, count, count.saturating_sub(1))),
            (Some((_, _, left)), None) => *left -= 1,
            (None, None) => {}
        }
        self.batch = self.batch.filter(|(_, _, left)| *left > 0);
        (self.last, self.is_damaged) = (Some(id), false);
        wrong
    }

    /// Something here is no event, which has been told.
    fn damaged(&mut self) {
        self.is_damaged = true;
        self.batch = None;
    }

    /// The journal ends here. Returns which batch ends too early: the hub is still writing it, or
    /// died while it did, and the next hub cuts it off. That is no harm.
    fn end(mut self) -> Option<String> {
        self.end_batch()
    }

    /// No more events of a batch come: whether some should have.
    fn end_batch(&mut self) -> Option<String> {
        let (first, count, left) = self.batch.take()?;
        let there = count - left;
        Some(format!("the batch that begins with {} has {there} of {count} events", text(first)))
    }
}

fn text((epoch, sequence): Id) -> String {
    format!("{epoch}-{sequence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_segment_tells_of_one_that_is_missing_before_it() {
        let wrong = |after: Option<Id>| {
            let mut check = Check::default();
            assert!(check.event((7, 4), Some((5, 2)), None).is_empty(), "the oldest");
            check.event((9, 1), after, None)
        };
        assert!(wrong(None).is_empty() && wrong(Some((7, 4))).is_empty());
        let said = "9-1 comes after 7-4, and its segment's first line says after 8-3";
        assert_eq!(wrong(Some((8, 3))), [said]);
    }

    /// What is wrong with these events, each with its batch.
    fn wrong(events: &[(Id, Option<u64>)]) -> Vec<String> {
        let mut check = Check::default();
        events.iter().flat_map(|(id, batch)| check.event(*id, None, *batch)).collect()
    }

    fn ids(ids: &[Id]) -> Vec<String> {
        wrong(&ids.iter().map(|id| (*id, None)).collect::<Vec<_>>())
    }

    #[test]
    fn ids_rise_without_a_hole_from_wherever_the_oldest_segment_begins() {
        assert!(ids(&[]).is_empty());
        assert!(ids(&[(7, 40), (7, 41), (9, 1), (9, 2), (10, 1)]).is_empty());
        assert_eq!(ids(&[(7, 1), (7, 3)]), ["7-3 comes where 7-2 is missing"]);
        assert_eq!(ids(&[(7, 1), (9, 2), (9, 3)]), ["9-2 comes where 9-1 is missing"]);
        assert_eq!(ids(&[(7, 2), (7, 2)]), ["7-2 comes after 7-2"]);
        assert_eq!(ids(&[(7, 2), (6, 9)]), ["6-9 comes after 7-2"]);
    }

    #[test]
    fn a_batch_is_all_there() {
        let whole = [((7, 1), Some(2)), ((7, 2), None), ((7, 3), Some(1)), ((7, 4), None)];
        assert!(wrong(&whole).is_empty());
        let said = |first: &str, there| {
            vec![format!("the batch that begins with {first} has {there} of 3 events")]
        };
        let unfinished = [((7, 1), Some(3)), ((7, 2), None)];
        assert!(wrong(&unfinished).is_empty(), "it may be under way");
        let mut check = Check::default();
        for (id, batch) in unfinished {
            check.event(id, None, batch);
        }
        assert_eq!(check.end(), said("7-1", 2).pop());
        assert_eq!(wrong(&[((7, 1), Some(3)), ((7, 2), Some(1))]), said("7-1", 1));
        assert_eq!(wrong(&[((7, 1), Some(3)), ((7, 2), None), ((9, 1), None)]), said("7-1", 2));
    }

    #[test]
    fn what_is_missing_where_something_is_damaged_is_no_news() {
        let mut check = Check::default();
        assert!(check.event((7, 1), None, Some(3)).is_empty());
        check.damaged();
        assert!(check.event((7, 4), None, None).is_empty());
        assert_eq!(check.event((7, 6), None, None), ["7-6 comes where 7-5 is missing"]);
        check.damaged();
        assert_eq!(check.event((7, 6), None, None), ["7-6 comes after 7-6"]);
        assert_eq!(check.end(), None);
    }
}
