//! The order of a hub that remembers nothing: an event is in it once it has its number.
//!
//! The number is drawn while the channel's log is locked, so a reader who holds the logs of several
//! channels sees all numbers up to the newest. No lock spans the hub, but for that of a
//! [view](super::shared_log::view) of all channels, if somebody has asked for one.

use std::sync::Arc;

use super::keys::Keys;
use super::sequence::Sequence;
use super::shared_log::SharedLog;
use super::shared_log::view::Views;
use super::{Appended, Order, Post};
use crate::error::Result;
use crate::event::Event;
use crate::net::moment::Moment;

/// One for each hub, and for each channel that is in none.
pub(crate) struct Memory {
    sequence: Arc<Sequence>,
    keys: Keys,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self::over(Sequence::new())
    }

    pub(crate) fn over(sequence: Sequence) -> Self {
        Self { sequence: Arc::new(sequence), keys: Keys::new() }
    }
}

impl Order for Memory {
    fn sequence(&self) -> &Arc<Sequence> {
        &self.sequence
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn append(&self, to: &Arc<SharedLog>, post: &Post<'_>) -> Result<Appended> {
        let mut log = to.lock();
        let bytes = to.admit(&log, post)?;
        // Before the draw, so that their events are in order too.
        let views = to.feeds_views().then(|| to.views());
        let mut feeding = views.as_ref().map(Views::lock);
        let count = post.events.len();
        let first = self.sequence.draw(count as u64);
        let at = Moment::now();
        let now = self.sequence.time(at);
        let mut first_text = String::new();
        for (place, event) in (first..).zip(post.events) {
            let text = self.sequence.text(place);
            // Nearly every post is one event, whose bytes have been counted.
            let bytes = if count == 1 { bytes } else { event.len_with(None) };
            let len = Event::len_with_id(&text, bytes);
            to.append(&mut log, place, now, len, |out| event.encode_with(Some(&text), out));
            if first_text.is_empty() {
                first_text = text;
            }
        }
        if let Some(feeding) = &mut feeding {
            feeding.copy_newest(to.name(), &log, count, now);
        }
        Ok(Appended { first: self.sequence.id(first), text: first_text, count, at })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::log::History;

    fn log(history: History) -> Arc<SharedLog> {
        Arc::new(SharedLog::new(None, history, 0))
    }

    fn post(events: &[Event]) -> Post<'_> {
        Post { events, key: None }
    }

    #[test]
    fn the_events_of_a_post_are_adjacent_whatever_other_channels_publish() {
        const POSTS: u64 = 1_000;
        let order = Memory::new();
        let firsts: Vec<Vec<u64>> = thread::scope(|scope| {
            let publishers: Vec<_> = [1, 3, 7]
                .map(|count| {
                    let order = &order;
                    scope.spawn(move || {
                        let (log, events) = (log(History::default()), vec![Event::new("x"); count]);
                        let append = |_| order.append(&log, &post(&events)).unwrap();
                        let all = (0..POSTS).map(append).map(|done| done.first.sequence);
                        all.collect()
                    })
                })
                .into();
            publishers.into_iter().map(|publisher| publisher.join().unwrap()).collect()
        });
        let mut taken: Vec<u64> = [1, 3, 7]
            .iter()
            .zip(firsts)
            .flat_map(|(count, firsts)| {
                firsts.into_iter().flat_map(move |first| first..first + count)
            })
            .collect();
        taken.sort_unstable();
        assert_eq!(taken, (1..=POSTS * 11).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_refused_uses_no_number_up() {
        let (order, log) = (Memory::new(), log(History::default().events(2).event(20)));
        let small = || Event::new("small");
        for refused in [vec![small(), Event::new("x".repeat(20))], vec![small(); 3]] {
            assert!(order.append(&log, &post(&refused)).is_err_and(|error| error.is_too_large()));
        }
        let Appended { first, count, .. } = order.append(&log, &post(&[small(), small()])).unwrap();
        assert_eq!((first.sequence, count, log.lock().len()), (1, 2, 2));
    }
}
