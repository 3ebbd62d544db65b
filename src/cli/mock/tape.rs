//! A cassette to steps: each piece is a chunk, and comes when it came.
//!
//! What the client left is a stall if there is more on the tape, or if it had no answer: it was
//! most likely tired of waiting.

use std::time::Duration;

use tidings::Status;

use super::step::{Ending, Head, Step};
use crate::cli::cassette::{Answer, End, Entry};

/// What a server has to do, so that a client that is recorded again gives the same entries.
pub(super) fn steps(entries: &[Entry]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let is_last = at + 1 == entries.len();
        let is_unanswered = matches!(entries[..at].last(), Some(Entry::Open { answer: None, .. }));
        match entry {
            Entry::Open { after, answer } => {
                end_open_connection(&mut steps);
                wait(*after, &mut steps);
                if let Some(answer) = answer {
                    steps.extend([head(answer), Step::Flush]);
                }
            }
            Entry::Read { after, bytes } => {
                wait(*after, &mut steps);
                steps.push(Step::Bytes(bytes.clone()));
                steps.push(Step::Flush);
            }
            Entry::End { after, how } => {
                wait(*after, &mut steps);
                steps.push(Step::End(match how {
                    End::Close => Ending::Close,
                    End::Cut => Ending::Cut,
                    End::Reset => Ending::Reset,
                    End::Left if is_last && !is_unanswered => Ending::Close,
                    End::Left => Ending::Stall,
                }));
            }
        }
    }
    end_open_connection(&mut steps);
    steps
}

/// A recording may lack the end of a connection: it was broken off, so the connection is.
fn end_open_connection(steps: &mut Vec<Step>) {
    if !matches!(steps.last(), None | Some(Step::End(_))) {
        steps.push(Step::End(Ending::Cut));
    }
}

fn wait(time: Duration, steps: &mut Vec<Step>) {
    if !time.is_zero() {
        steps.push(Step::Wait(time));
    }
}

/// The head goes out at once, with or without content behind it.
fn head(answer: &Answer) -> Step {
    let status = Status::new(answer.status).unwrap_or(Status::OK);
    let Answer { content_type, location, .. } = answer.clone();
    Step::Head(Head { status, content_type, location })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_a_chunk_at_its_time() {
        let millis = Duration::from_millis;
        let answer = |status, content_type: &str, location: Option<&str>| {
            let location = location.map(Into::into);
            Some(Answer { status, content_type: content_type.into(), location })
        };
        let entries = [
            Entry::Open { after: millis(9), answer: answer(200, "text/event-stream", None) },
            Entry::Read { after: millis(12), bytes: "data: a".into() },
            Entry::Read { after: millis(0), bytes: "\n\n".into() },
            Entry::End { after: millis(3), how: End::Left },
            Entry::Open { after: millis(0), answer: None },
            Entry::End { after: millis(0), how: End::Reset },
            Entry::Open { after: millis(0), answer: answer(302, "", Some("/there")) },
            Entry::End { after: millis(0), how: End::Left },
        ];
        let moved = Head {
            status: Status::FOUND,
            content_type: String::new(),
            location: Some("/there".into()),
        };
        let expected = [
            Step::Wait(millis(9)),
            Step::Head(Head::stream("text/event-stream")),
            Step::Flush,
            Step::Wait(millis(12)),
            Step::Bytes("data: a".into()),
            Step::Flush,
            Step::Bytes("\n\n".into()),
            Step::Flush,
            Step::Wait(millis(3)),
            Step::End(Ending::Stall),
            Step::End(Ending::Reset),
            Step::Head(moved),
            Step::Flush,
            Step::End(Ending::Close),
        ];
        assert_eq!(steps(&entries), expected);
        let unanswered = [entries[4].clone(), entries[3].clone()];
        assert_eq!(steps(&unanswered), [Step::Wait(millis(3)), Step::End(Ending::Stall)]);
        assert_eq!(steps(&entries[..1]).last(), Some(&Step::End(Ending::Cut)));
    }
}
