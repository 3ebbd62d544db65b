//! What one client has been sent of the channels that it follows, checked event by event.
//!
//! Each channel's events are numbered from zero by their publisher, and the last says that it is
//! the last:
//!
//! ```text
//! data: <channel> <number> [end] xxxxxxx…
//! ```
//!
//! So whatever is lost, doubled or out of order is seen at once, whoever the client is and however
//! often it came back. A number may be left out only where a gap event has told of it before.

use tidings::MessageEvent;

/// The data of an event, of about this size.
pub(super) fn data(channel: &str, number: u64, end: bool, size: usize) -> String {
    let end = if end { "end" } else { "on" };
    format!("{channel} {number} {end} {}", "x".repeat(size))
}

pub(super) struct Account {
    /// The channels, and the number that each one's next event must have; none before the first
    /// event of a channel that is joined in its middle.
    next: Vec<(&'static str, Option<u64>)>,
    /// What the client sends when it comes back.
    pub(super) last_id: String,
    /// How many events it was told are gone, which have not been missed yet.
    told: u64,
    pub(super) events: u64,
    pub(super) gaps: u64,
    pub(super) missed: u64,
    /// How many channels have had their last event.
    ended: usize,
}

impl Account {
    /// Of a client that follows these channels before anything is published on them.
    pub(super) fn from_the_beginning(channels: &[&'static str]) -> Self {
        Self::new(channels, Some(0))
    }

    /// Of a client that comes at any time.
    pub(super) fn from_now_on(channels: &[&'static str]) -> Self {
        Self::new(channels, None)
    }

    fn new(channels: &[&'static str], first: Option<u64>) -> Self {
        let next = channels.iter().map(|name| (*name, first)).collect();
        let last_id = String::new();
        Self { next, last_id, told: 0, events: 0, gaps: 0, missed: 0, ended: 0 }
    }

    /// Takes the next event in.
    #[track_caller]
    pub(super) fn note(&mut self, event: &MessageEvent) {
        if event.event_type == "tidings.gap" {
            return self.note_gap(event);
        }
        assert!(number(&event.last_event_id) > number(&self.last_id), "a later event comes later");
        self.last_id.clone_from(&event.last_event_id);
        let mut words = event.data.split(' ');
        let mut word = || words.next().expect("a word of the data");
        let (channel, number, end) = (word(), word().parse::<u64>().expect("a number"), word());
        let followed = self.next.iter_mut().find(|(name, _)| *name == channel);
        let (_, next) = followed.expect("an event of a channel that it follows");
        let expected = next.replace(number + 1).unwrap_or(number);
        assert!(number >= expected, "{channel} {number} instead of {expected}: doubled");
        let missed = number - expected;
        assert!(missed <= self.told, "{channel} {number} instead of {expected}: lost");
        // Where there is only one channel, the gap is where the gap event is.
        assert!(self.next.len() > 1 || missed == self.told, "{} told, {missed} gone", self.told);
        self.told -= missed;
        self.missed += missed;
        self.events += 1;
        self.ended += usize::from(end == "end");
    }

    #[track_caller]
    fn note_gap(&mut self, event: &MessageEvent) {
        let from = format!(r#"{{"from":"{}","to":""#, self.last_id);
        assert!(event.data.starts_with(&from), "{from} in {}", event.data);
        let missed =
            event.data.split(r#""missed":"#).nth(1).and_then(|rest| rest.split(',').next());
        let missed = missed.and_then(|missed| missed.parse::<u64>().ok());
        self.told += missed.unwrap_or_else(|| panic!("a gap that is not counted: {}", event.data));
        self.gaps += 1;
        assert!(number(&event.last_event_id) >= number(&self.last_id), "{}", event.last_event_id);
        self.last_id.clone_from(&event.last_event_id);
    }

    /// Whether the last event of every channel has come. Then nothing is unaccounted for.
    #[track_caller]
    pub(super) fn is_complete(&self) -> bool {
        let complete = self.ended == self.next.len();
        assert!(!complete || self.told == 0, "{} more were told to be gone than are", self.told);
        complete
    }

    /// The number of the next event of the only channel.
    pub(super) fn position(&self) -> u64 {
        self.next[0].1.unwrap_or_default()
    }
}

/// The number in an event's id; zero where there is no id.
fn number(id: &str) -> u64 {
    id.split_once('-').map_or(0, |(_, number)| number.parse().expect("an id of the hub"))
}

mod tests {
    //! That it finds what it is there to find.

    use tidings::{MessageEvent, Parser};

    use super::Account;

    fn events(wire: &str) -> Vec<MessageEvent> {
        let mut parser = Parser::new();
        parser.feed(wire.as_bytes()).expect("an event stream");
        std::iter::from_fn(|| parser.next_event()).collect()
    }

    fn note(channels: &[&'static str], wire: &str) -> Account {
        let mut account = Account::from_the_beginning(channels);
        events(wire).iter().for_each(|event| account.note(event));
        account
    }

    #[test]
    fn what_is_told_to_be_gone_may_be_gone() {
        let gap = "id: 1-3\nevent: tidings.gap\ndata: {\"from\":\"1-1\",\"to\":\"1-3\",\"missed\":2,}\n\n";
        let account =
            note(&["a"], &format!("id: 1-1\ndata: a 0 on\n\n{gap}id: 1-4\ndata: a 3 end\n\n"));
        assert!(account.is_complete());
        assert_eq!((account.events, account.gaps, account.missed), (2, 1, 2));
    }

    #[test]
    #[should_panic(expected = "a 1 instead of 0: lost")]
    fn a_loss_is_found() {
        note(&["a", "b"], "id: 1-1\ndata: b 0 on\n\nid: 1-3\ndata: a 1 on\n\n");
    }

    #[test]
    #[should_panic(expected = "a 0 instead of 1: doubled")]
    fn a_double_is_found() {
        note(&["a"], "id: 1-1\ndata: a 0 on\n\nid: 1-2\ndata: a 0 on\n\n");
    }

    #[test]
    #[should_panic(expected = "a later event comes later")]
    fn a_wrong_order_is_found() {
        note(&["a", "b"], "id: 1-2\ndata: b 0 on\n\nid: 1-1\ndata: a 0 on\n\n");
    }

    #[test]
    #[should_panic(expected = "2 told, 1 gone")]
    fn a_wrong_count_is_found() {
        let gap =
            "id: 1-3\nevent: tidings.gap\ndata: {\"from\":\"\",\"to\":\"1-3\",\"missed\":2,}\n\n";
        note(&["a"], &format!("{gap}id: 1-4\ndata: a 1 on\n\n"));
    }
}
