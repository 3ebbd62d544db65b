//! A cassette to steps: each piece is a chunk, and goes out as late as it came.
//!
//! A stall has no time of its own, as it ends when the client goes; the time on the tape is how
//! long that client waited. Where a client left for a reason of its own, the connection stalls,
//! too, if there is more on the tape or it had no response: a clean end would be another story.

use std::time::Duration;

use super::step::{Ending, Step};
use crate::cli::cassette::{End, Entry};

/// What a server has to do so that recording a client again gives the same entries.
pub(super) fn steps(entries: &[Entry]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Open { after, response } => {
                end_open_connection(&mut steps);
                wait(*after, &mut steps);
                // The head goes out at once, with or without content after it.
                if let Some(head) = response {
                    steps.extend([Step::Head(head.clone()), Step::Flush]);
                }
            }
            Entry::Read { after, bytes } => {
                wait(*after, &mut steps);
                steps.push(Step::Bytes(bytes.clone()));
                steps.push(Step::Flush);
            }
            Entry::End { after, how } => {
                let ending = ending(*how, &entries[..at], &entries[at + 1..]);
                if ending == Ending::Stall {
                    // A wait before a stall is a part of it: a client that went during the wait
                    // would count as one that did not meet the stall.
                    while steps.pop_if(|step| matches!(step, Step::Wait(_))).is_some() {}
                } else {
                    wait(*after, &mut steps);
                }
                steps.push(Step::End(ending));
            }
        }
    }
    end_open_connection(&mut steps);
    steps
}

/// How to end a connection that ended like this, between these entries.
fn ending(how: End, before: &[Entry], after: &[Entry]) -> Ending {
    let has_response = !matches!(before, [.., Entry::Open { response: None, .. }]);
    match how {
        End::Close => Ending::Close,
        End::Cut => Ending::Cut,
        End::Reset => Ending::Reset,
        End::Left if after.is_empty() && has_response => Ending::Close,
        End::Stall | End::Left => Ending::Stall,
    }
}

/// A recording may lack the end of a connection: it was broken off, so the mock cuts the
/// connection.
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

#[cfg(test)]
mod tests {
    use tidings::Status;

    use super::super::step::Head;
    use super::*;

    #[test]
    fn a_stall_is_one_again_and_begins_at_once() {
        let open = |response| Entry::Open { after: Duration::from_secs(9), response };
        let stall = Entry::End { after: Duration::from_secs(2), how: End::Stall };
        let stall_alone = [Step::End(Ending::Stall)];
        assert_eq!(steps(&[open(None), stall.clone()]), stall_alone);
        let steps = steps(&[open(Some(Head::no_content())), stall]);
        assert!(steps.ends_with(&[Step::Flush, stall_alone[0].clone()]));
    }

    #[test]
    fn each_piece_is_a_chunk_at_its_time() {
        let millis = Duration::from_millis;
        let stream = Head::stream("text/event-stream");
        let moved = Head {
            status: Status::FOUND,
            content_type: String::new(),
            location: Some("/there".into()),
        };
        let entries = [
            Entry::Open { after: millis(9), response: Some(stream.clone()) },
            Entry::Read { after: millis(12), bytes: "data: a".into() },
            Entry::Read { after: millis(0), bytes: "\n\n".into() },
            Entry::End { after: millis(3), how: End::Left },
            Entry::Open { after: millis(0), response: None },
            Entry::End { after: millis(0), how: End::Reset },
            Entry::Open { after: millis(0), response: Some(moved.clone()) },
            Entry::End { after: millis(0), how: End::Left },
        ];
        let expected = [
            Step::Wait(millis(9)),
            Step::Head(stream),
            Step::Flush,
            Step::Wait(millis(12)),
            Step::Bytes("data: a".into()),
            Step::Flush,
            Step::Bytes("\n\n".into()),
            Step::Flush,
            Step::End(Ending::Stall),
            Step::End(Ending::Reset),
            Step::Head(moved),
            Step::Flush,
            Step::End(Ending::Close),
        ];
        assert_eq!(steps(&entries), expected);
        let without_response = [entries[4].clone(), entries[3].clone()];
        assert_eq!(steps(&without_response), [Step::End(Ending::Stall)]);
        assert_eq!(steps(&entries[..1]).last(), Some(&Step::End(Ending::Cut)));
    }
}
