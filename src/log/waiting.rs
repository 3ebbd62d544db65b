//! What a stream's socket has not taken yet.
//!
//! ```text
//!   [rest of a large event, the log's own] [bytes: rest of another event, what was sent after]
//!    ▲ goes out first                                           ▲ marks: ends of events
//! ```

use crate::log::batch::{Amount, Rest};
use crate::log::large::{Cut, Part, PastPart};

/// Boxed by its owner, as nearly no stream has it at any time.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    cut: Option<Cut>,
    bytes: Vec<u8>,
    /// How many bytes ever came here, and how many of them have gone out.
    came: u64,
    went: u64,
    /// In their order; at most [`MARKS`].
    marks: Vec<Mark>,
}

/// Events that have gone out once so many bytes went out.
#[derive(Debug)]
struct Mark {
    at: u64,
    of: Amount,
}

/// Past this many, events are told of with those after them: the list must not outgrow the bytes.
const MARKS: usize = 16;

/// What waits when a stream has ended. It keeps a large event alive: nothing else may, once the
/// channel is closed.
#[derive(Debug, Default)]
pub(crate) struct Unsent {
    part: Option<Part>,
    bytes: Vec<u8>,
    /// Those that are whole when everything has gone out.
    pub(crate) events: Amount,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.cut.is_none() && self.bytes.is_empty()
    }

    /// How many bytes it keeps itself.
    pub(crate) fn kept(&self) -> usize {
        self.bytes.len() + self.cut.as_ref().map_or(0, Cut::kept)
    }

    /// Adds bytes, with which so many events end. Those of the past only while nothing waits.
    pub(crate) fn add(&mut self, rest: Rest<'_>, of: Amount) {
        match rest {
            Rest::Bytes(bytes) => {
                self.came += bytes.len() as u64;
                self.bytes.extend_from_slice(bytes);
            }
            Rest::Part(part) => {
                self.came += part.bytes().len() as u64;
                if self.is_empty() {
                    self.cut = Some(part.cut());
                } else {
                    self.bytes.extend_from_slice(part.bytes());
                }
            }
            Rest::Past(past, piece) => {
                debug_assert!(self.is_empty(), "there would be a hole");
                self.came += past.range.len() as u64;
                self.cut = Some(Cut::of_past(past, piece));
            }
        }
        if of == Amount::default() {
            return;
        }
        if self.marks.len() < MARKS {
            self.marks.push(Mark { at: self.came, of });
        } else if let Some(last) = self.marks.last_mut() {
            last.at = self.came;
            last.of += of;
        }
    }

    /// Gives the bytes that go out first; `None` if they are missing. Not while empty.
    pub(crate) fn first<T>(&self, send: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match &self.cut {
            Some(cut) => cut.first(send),
            None => Some(send(&self.bytes)),
        }
    }

    /// What is missing: the log has let go of it, or never had it.
    pub(crate) fn missing(&self) -> Option<&PastPart> {
        self.cut.as_ref()?.missing()
    }

    /// Takes the first bytes of those that are missing.
    pub(crate) fn give(&mut self, piece: &[u8]) {
        if let Some(cut) = &mut self.cut {
            cut.give(piece);
        }
    }

    /// So many of the first bytes have gone out. Returns the events that are whole with them.
    pub(crate) fn advance(&mut self, sent: usize) -> Amount {
        match &mut self.cut {
            Some(cut) => {
                if cut.advance(sent) {
                    self.cut = None;
                }
            }
            None => drop(self.bytes.drain(..sent)),
        }
        self.went += sent as u64;
        let whole = self.marks.partition_point(|mark| mark.at <= self.went);
        let mut amount = Amount::default();
        self.marks.drain(..whole).for_each(|mark| amount += mark.of);
        amount
    }

    /// What its stream's end leaves to be sent; `None` if no log has the first bytes.
    pub(crate) fn into_unsent(self) -> Option<Unsent> {
        let part = self.cut.map_or(Some(None), |cut| cut.part().map(Some))?;
        let mut events = Amount::default();
        self.marks.iter().for_each(|mark| events += mark.of);
        Some(Unsent { part, bytes: self.bytes, events })
    }
}

impl Unsent {
    pub(crate) fn len(&self) -> usize {
        self.part.as_ref().map_or(0, |part| part.bytes().len()) + self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that go out first.
    pub(crate) fn first(&self) -> &[u8] {
        self.part.as_ref().map_or(&self.bytes, |part| part.bytes())
    }

    /// So many of the first bytes have gone out.
    pub(crate) fn advance(&mut self, sent: usize) {
        match self.part.take() {
            Some(part) if sent < part.bytes().len() => {
                self.part = Some(part.part(sent..part.bytes().len()));
            }
            Some(_) => {}
            None => drop(self.bytes.drain(..sent)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::large::LargeEvent;

    fn one(bytes: usize) -> Amount {
        Amount { events: 1, bytes }
    }

    /// Sends this much of what is first, and gives it.
    fn send(waiting: &mut Waiting, most: usize) -> (String, Amount) {
        let sent = waiting.first(|bytes| bytes[..most.min(bytes.len())].to_vec()).expect("bytes");
        let whole = waiting.advance(sent.len());
        (String::from_utf8(sent).unwrap(), whole)
    }

    #[test]
    fn events_are_counted_when_their_last_byte_has_gone_out() {
        let mut waiting = Waiting::default();
        waiting.add(Rest::Bytes(b"ond"), one(6));
        waiting.add(Rest::Bytes(b": comment"), Amount::default());
        waiting.add(Rest::Bytes(b"third"), one(5));
        assert_eq!(send(&mut waiting, 2), ("on".into(), Amount::default()));
        assert_eq!(send(&mut waiting, 1), ("d".into(), one(6)));
        assert_eq!(send(&mut waiting, 13), (": commentthir".into(), Amount::default()));
        assert_eq!(send(&mut waiting, 9), ("d".into(), one(5)));
        assert!(waiting.is_empty());
    }

    #[test]
    fn so_many_events_that_they_are_counted_together_are_all_counted() {
        let mut waiting = Waiting::default();
        (0..1000).for_each(|_| waiting.add(Rest::Bytes(b"event"), one(5)));
        assert!(waiting.marks.len() <= MARKS);
        let mut whole = Amount::default();
        while !waiting.is_empty() {
            whole += send(&mut waiting, 7).1;
        }
        assert_eq!(whole, Amount { events: 1000, bytes: 5000 });
    }

    #[test]
    fn the_rest_of_a_large_event_goes_first_and_is_not_kept_here() {
        let event = LargeEvent::new(b"a large event".to_vec());
        let mut waiting = Waiting::default();
        waiting.add(Rest::Part(event.part(7, 2..13)), one(13));
        waiting.add(Rest::Bytes(b"next"), one(4));
        assert_eq!((waiting.kept(), waiting.is_empty()), (4, false));
        assert_eq!(send(&mut waiting, 6), ("large ".into(), Amount::default()));
        assert_eq!(send(&mut waiting, 99), ("event".into(), one(13)));
        assert_eq!(send(&mut waiting, 99), ("next".into(), one(4)));
    }

    #[test]
    fn where_a_large_event_is_gone_nothing_goes_out_after_its_rest() {
        let event = LargeEvent::new(b"a large event".to_vec());
        let mut waiting = Waiting::default();
        waiting.add(Rest::Part(event.part(7, 2..13)), one(13));
        waiting.add(Rest::Bytes(b"next"), one(4));
        drop(event);
        assert!(waiting.first(|_| ()).is_none());
        assert!(waiting.into_unsent().is_none());
    }

    #[test]
    fn what_a_stream_leaves_at_its_end_keeps_a_large_event() {
        let event = LargeEvent::new(b"a large event".to_vec());
        let mut waiting = Waiting::default();
        waiting.add(Rest::Part(event.part(7, 2..13)), one(13));
        waiting.add(Rest::Bytes(b"next"), one(4));
        let mut unsent = waiting.into_unsent().unwrap();
        drop(event);
        let mut sent = Vec::new();
        assert_eq!((unsent.len(), unsent.events), (15, Amount { events: 2, bytes: 17 }));
        while !unsent.is_empty() {
            let some = unsent.first().len().min(3);
            sent.extend_from_slice(&unsent.first()[..some]);
            unsent.advance(some);
        }
        assert_eq!(sent, b"large eventnext");
    }
}
