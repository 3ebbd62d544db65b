//! What the other hub says: one event of its feed, or a text.
//!
//! ```text
//! channel: news               an event of a channel
//! id: 1795849075123-17
//! event: headline
//! data: rain
//!
//! id: 1795849075123-40        a gap of the feed itself: no channel
//! event: tidings.gap
//! data: {"from":"1795849075123-17","to":"1795849075123-40","missed":23,"reason":"lagged"}
//! ```

use crate::event::parser::MessageEvent;
use crate::event::{Event, EventType};
use crate::log::gap;
use crate::log::id::Id;
use crate::order::remote::Loss;

const GAP: &str = "tidings.gap";

/// In characters.
const LONGEST_SHOWN: usize = 400;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Event(Id, Event),
    Loss(Loss),
    /// It has no id of ours, or no channel, or can't be sent on as it is.
    Nothing,
}

impl Message {
    pub(super) fn read(message: MessageEvent, channel: &str) -> Self {
        let Some(id) = id(&message.last_event_id) else { return Self::Nothing };
        match channel {
            "" if message.event_type == GAP => {
                let (missed, reason) = gap::told(&message.data);
                Self::Loss(Loss { through: id, missed, reason })
            }
            "" => Self::Nothing,
            // No other field can hold CR or LF, but NUL.
            channel if channel.contains('\0') => Self::Nothing,
            _ => event(message).map_or(Self::Nothing, |event| Self::Event(id, event)),
        }
    }
}

fn event(message: MessageEvent) -> Option<Event> {
    let MessageEvent { event_type, data, retry, .. } = message;
    let mut event = Event::new(data);
    if event_type != "message" {
        event = event.with_type(EventType::new(event_type).ok()?);
    }
    Some(retry.into_iter().fold(event, Event::with_retry))
}

/// The id, which may have more after it: how much was sent of which logs.
pub(super) fn id(text: &str) -> Option<Id> {
    let end = text.match_indices('-').nth(1).map_or(text.len(), |(at, _)| at);
    Id::parse(&text[..end])
}

/// A text of the other hub's as it may be shown: in one line, and no longer than one.
pub(super) fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.trim_end().chars().map(visible).take(LONGEST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::parser::Parser;
    use crate::log::gap::Reason;

    fn read(block: &str) -> Message {
        let mut parser = Parser::new();
        parser.feed(block.as_bytes()).unwrap();
        let (message, channel) = parser.next_with_channel().expect("an event");
        Message::read(message, &channel)
    }

    const ID: Id = Id { epoch: 7, sequence: 17 };

    #[test]
    fn an_event_is_what_was_published() {
        let plain = Message::Event(ID, Event::new("a\nb"));
        assert_eq!(read("channel: news\nid: 7-17\ndata: a\ndata: b\n\n"), plain);
        let event = Event::new("").with_type(EventType::new("x").unwrap());
        let event = event.with_retry(Duration::from_millis(30));
        let block = "channel: news\nid: 7-17\nevent: x\nretry: 30\ndata: \n\n";
        assert_eq!(read(block), Message::Event(ID, event));
    }

    #[test]
    fn a_gap_without_a_channel_is_a_loss_and_one_of_a_channel_an_event() {
        let data = r#"{"from":"7-1","to":"7-17","missed":16,"reason":"lagged"}"#;
        let loss = Loss { through: ID, missed: Some(16), reason: Reason::Lagged };
        let block = format!("id: 7-17\nevent: tidings.gap\ndata: {data}\n\n");
        assert_eq!(read(&block), Message::Loss(loss));
        let long = block.replace("7-17\ne", "7-17-3-9\ne");
        assert_eq!(read(&long), Message::Loss(loss));
        assert!(matches!(read(&format!("channel: a\n{block}")), Message::Event(..)));
    }

    #[test]
    fn what_is_no_event_of_a_hub_is_left_out() {
        for block in [
            "channel: a\ndata: x\n\n",
            "channel: a\nid: x\ndata: x\n\n",
            "id: 7-17\ndata: x\n\n",
            "channel: a\0b\nid: 7-17\ndata: x\n\n",
            "channel: a\nid: 7-17\nevent: a\0b\ndata: x\n\n",
        ] {
            assert_eq!(read(block), Message::Nothing, "{block}");
        }
    }
}
