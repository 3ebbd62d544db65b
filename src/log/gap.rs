//! The event that tells a client what it has missed.
//!
//! ```text
//! id: 24378-40
//! event: tidings.gap
//! data: {"from":"24378-17","to":"24378-40","missed":23,"reason":"lagged"}
//! ```
//!
//! `from` is the last event that the client had and `to` the newest one that is gone. `missed` is
//! how many, or null where that can't be known: where the client comes from before a restart, or
//! where events of other channels lie between. `from` is null where the client sent something too
//! long to be an id.

use std::fmt::Write;

use super::cursor::Cursor;
use crate::event::{Event, EventType};

/// Ids of ours have at most 73 characters. A longer one is not repeated to the client.
const LONGEST_ID: usize = 128;

/// Events that a client asks for, or would have been sent, and that are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The event's own: whoever resumes from it is told of nothing that this event tells of, and
    /// loses nothing that other logs still have from before `to`.
    pub(crate) id: String,
    /// As the client sent it, where it did: it may hold anything but CR and LF.
    pub(crate) from: String,
    pub(crate) to: String,
    /// Where a stream goes on that was sent it.
    pub(crate) resume: Cursor,
    pub(crate) missed: Option<u64>,
    pub(crate) reason: Reason,
}

/// Why events are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// They left the log before the client came back.
    Evicted,
    /// They were of an earlier start of the hub, or the id was never one of its own.
    Restarted,
    /// They left the log before the client had read them.
    Lagged,
    /// Their bytes on disk have changed, or can't be read.
    #[cfg_attr(not(feature = "journal"), allow(dead_code))]
    Damaged,
    /// The server that had them has lost some: it was emptied, or another took its place that did
    /// not have them all.
    #[cfg_attr(not(any(feature = "redis", feature = "follow")), allow(dead_code))]
    Failover,
}

impl Reason {
    #[cfg(feature = "follow")]
    const ALL: [Self; 5] =
        [Self::Evicted, Self::Restarted, Self::Lagged, Self::Damaged, Self::Failover];

    fn name(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Restarted => "restarted",
            Self::Lagged => "lagged",
            Self::Damaged => "damaged",
            Self::Failover => "failover",
        }
    }
}

/// What the data of another hub's gap event says: how many events were missed, and why. A reason
/// that a newer hub has is one of its own affairs, as a restart is.
#[cfg(feature = "follow")]
pub(crate) fn told(data: &str) -> (Option<u64>, Reason) {
    // What a client sent stands before these, and is escaped: none of it looks like them.
    let after = |name: &str| data.rsplit_once(name).map_or("", |(_, after)| after);
    let missed = after(r#","missed":"#).split(',').next().and_then(|count| count.parse().ok());
    let named = after(r#","reason":""#).split('"').next().unwrap_or_default();
    let reason = Reason::ALL.into_iter().find(|reason| reason.name() == named);
    (missed, reason.unwrap_or(Reason::Restarted))
}

impl Gap {
    /// The event, without chunk framing.
    pub(crate) fn content(&self) -> Vec<u8> {
        let event_type = EventType::new("tidings.gap").expect("it has no CR, LF or NUL");
        let mut content = Vec::new();
        Event::new(self.json()).with_type(event_type).encode_with(Some(&self.id), &mut content);
        content
    }

    fn json(&self) -> String {
        let from =
            if self.from.len() <= LONGEST_ID { json_string(&self.from) } else { "null".into() };
        let missed = self.missed.map_or_else(|| "null".into(), |missed| missed.to_string());
        let to = &self.to;
        let reason = self.reason.name();
        format!(r#"{{"from":{from},"to":"{to}","missed":{missed},"reason":"{reason}"}}"#)
    }
}

/// A JSON string (RFC 8259, section 7).
fn json_string(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            // Writing to a String cannot fail.
            c if c.is_control() => drop(write!(json, "\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_one_event_with_json_data() {
        let gap = Gap {
            id: "24378-40".into(),
            from: "24378-17".into(),
            to: "24378-40".into(),
            resume: Cursor::default(),
            missed: Some(23),
            reason: Reason::Lagged,
        };
        assert_eq!(
            String::from_utf8(gap.content()).unwrap(),
            concat!(
                "id: 24378-40\n",
                "event: tidings.gap\n",
                r#"data: {"from":"24378-17","to":"24378-40","missed":23,"reason":"lagged"}"#,
                "\n\n",
            ),
        );
    }

    #[test]
    fn what_the_client_sent_is_escaped_or_left_out() {
        let gap = Gap {
            id: "1-0".into(),
            from: "\"\\\u{1}é".into(),
            to: "1-0".into(),
            resume: Cursor::default(),
            missed: None,
            reason: Reason::Restarted,
        };
        let json = r#"{"from":"\"\\\u0001é","to":"1-0","missed":null,"reason":"restarted"}"#;
        assert_eq!(gap.json(), json);
        let long = Gap { from: "9".repeat(1000), ..gap };
        assert!(long.json().starts_with(r#"{"from":null,"#));
    }

    #[cfg(feature = "follow")]
    #[test]
    fn what_another_hub_tells_is_read_as_it_is_written() {
        for (missed, reason) in
            Reason::ALL.map(|reason| [(None, reason), (Some(7), reason)]).into_iter().flatten()
        {
            let gap = Gap {
                id: "1-0".into(),
                from: r#"","missed":9,"reason":"evicted"#.into(),
                to: "1-0".into(),
                resume: Cursor::default(),
                missed,
                reason,
            };
            assert_eq!(told(&gap.json()), (missed, reason));
        }
        for data in ["", "{}", r#"{"from":null,"to":"1-0","missed":-1,"reason":"new"}"#] {
            assert_eq!(told(data), (None, Reason::Restarted), "{data}");
        }
    }
}
