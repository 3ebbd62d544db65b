//! Steps: what the mock does, one after the other, whatever kind of file it plays.
//!
//! Bytes go out as they are. [`mark`] finds where a block of them is complete, so that the mock can
//! send a client that comes back with an id what comes after it.

use std::mem;
use std::str;
use std::time::Duration;

use tidings::Status;

use crate::cli::cassette::BYTE_ORDER_MARK;
pub(super) use crate::cli::cassette::Head;
use crate::cli::lines::{Line, field, lines};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes of the stream; they go out in one chunk with those before and after them.
    Bytes(Vec<u8>),
    /// A block is complete here. Only [`mark`] makes this step.
    Block(Block),
    /// A line is complete here that sets the reconnection time. That holds from here on, whether
    /// the block is ever completed or not (HTML standard, section 9.2.6). Only [`mark`] makes this
    /// step.
    Retry(Duration),
    /// The chunk ends here.
    Flush,
    /// The chunk ends here, and nothing happens for so long.
    Wait(Duration),
    /// The next head says this: that of this connection if none has gone out, else of the next one.
    Head(Head),
    /// The connection ends here; the next one goes on after it.
    End(Ending),
    /// Everything from here to the end is repeated for ever.
    Forever,
}

/// What a client has learned from the lines before a blank line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// It has data, and so is an event.
    pub(super) is_event: bool,
    /// The id that it sets itself.
    pub(super) id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With the last chunk, as the standard wants it.
    Close,
    /// Without the last chunk.
    Cut,
    Reset,
    /// Not at all: nothing more comes until the client goes or has stayed for long enough.
    Stall,
    /// With the last chunk; then the mock ends.
    Finish,
}

impl Head {
    pub(super) fn stream(content_type: impl Into<String>) -> Self {
        Self { status: Status::OK, content_type: content_type.into(), location: None }
    }

    pub(super) fn no_content() -> Self {
        Self { status: Status::NO_CONTENT, content_type: String::new(), location: None }
    }

    /// Whether it sends a client somewhere else.
    pub(super) fn is_redirect(&self) -> bool {
        self.status.is_redirect() && self.location.is_some()
    }
}

/// Adds a [`Step::Block`] after each blank line that a client sees, a [`Step::Retry`] after each
/// reconnection time, and an end after all steps.
pub(super) fn mark(steps: Vec<Step>) -> Vec<Step> {
    let mut marked = Vec::with_capacity(steps.len() * 2);
    let mut scanner = Scanner::new();
    for step in steps {
        match step {
            Step::Bytes(bytes) if scanner.is_stream => scanner.mark_bytes(&bytes, &mut marked),
            Step::Head(head) => {
                scanner = Scanner { is_stream: head.is_event_stream(), ..Scanner::new() };
                marked.push(Step::Head(head));
            }
            Step::End(ending) => {
                scanner = Scanner::new();
                marked.push(Step::End(ending));
            }
            step => marked.push(step),
        }
    }
    if !matches!(marked.last(), Some(Step::End(_))) && !marked.contains(&Step::Forever) {
        marked.push(Step::End(Ending::Close));
    }
    marked
}

/// Whether these marked steps have no event, and nothing else that somebody could want: a status, a
/// type or an end.
pub(super) fn says_nothing(steps: &[Step]) -> bool {
    let says = |step: &Step| match step {
        Step::Block(block) => block.is_event,
        Step::Head(_) => true,
        Step::End(ending) => *ending != Ending::Close,
        _ => false,
    };
    !steps.iter().any(says)
}

/// What a client knows of the unfinished block.
struct Scanner {
    /// A client reads events from this connection.
    is_stream: bool,
    at_start: bool,
    after_cr: bool,
    line: Vec<u8>,
    block: Block,
}

impl Scanner {
    fn new() -> Self {
        let (line, block) = (Vec::new(), Block::default());
        Self { is_stream: true, at_start: true, after_cr: false, line, block }
    }

    /// Appends the bytes, and after each line what a client learns from it.
    fn mark_bytes(&mut self, bytes: &[u8], marked: &mut Vec<Step>) {
        let (mut start, mut at) = (0, 0);
        for Line { content, end } in lines(bytes) {
            at += content.len() + end.len();
            // The other half of a CR LF ends no line of its own.
            let is_half = mem::take(&mut self.after_cr) && content.is_empty() && end == b"\n";
            self.line.extend_from_slice(content);
            if end.is_empty() || is_half {
                continue;
            }
            self.after_cr = end == b"\r";
            if let Some(learned) = self.take_line() {
                marked.extend([Step::Bytes(bytes[start..at].to_vec()), learned]);
                start = at;
            }
        }
        if start < bytes.len() {
            marked.push(Step::Bytes(bytes[start..].to_vec()));
        }
    }

    /// Takes the line that has ended; returns what a client learns from it at once.
    fn take_line(&mut self) -> Option<Step> {
        let line = mem::take(&mut self.line);
        let mut line = line.as_slice();
        if mem::take(&mut self.at_start) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        match field(line) {
            (b"", _) if line.is_empty() => return Some(Step::Block(mem::take(&mut self.block))),
            (b"data", _) => self.block.is_event = true,
            (b"id", id) if !id.contains(&0) => {
                self.block.id = Some(String::from_utf8_lossy(id).into_owned());
            }
            (b"retry", digits) => {
                let time = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                let time = time.filter(|_| digits.iter().all(u8::is_ascii_digit));
                return time.map(|millis| Step::Retry(Duration::from_millis(millis)));
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Step {
        Step::Bytes(text.into())
    }

    fn block(is_event: bool, id: Option<&str>) -> Step {
        Step::Block(Block { is_event, id: id.map(Into::into) })
    }

    #[test]
    fn each_blank_line_completes_a_block_whatever_way_lines_end() {
        let stream = bytes("id: 1\r\ndata\r\n\r\n\u{feff}data\r\r: x\n\nid:\0\ndata:a\n\nid");
        let expected = [
            bytes("id: 1\r\ndata\r\n\r\n"),
            block(true, Some("1")),
            bytes("\u{feff}data\r\r"),
            block(false, None),
            bytes(": x\n\n"),
            block(false, None),
            bytes("id:\0\ndata:a\n\n"),
            block(true, None),
            bytes("id"),
            Step::End(Ending::Close),
        ];
        assert_eq!(mark(vec![stream]), expected);
    }

    #[test]
    fn a_block_may_come_in_many_pieces() {
        let pieces = ["\u{feff}id", ": ", "7\r", "\nda", "ta\r", "\n\r", "\n"];
        let mut expected = pieces.map(bytes).to_vec();
        // It is complete with the CR, and the LF that belongs to it says nothing more.
        expected.insert(6, block(true, Some("7")));
        expected.push(Step::End(Ending::Close));
        assert_eq!(mark(pieces.map(bytes).to_vec()), expected);
    }

    #[test]
    fn what_is_unfinished_ends_with_its_connection() {
        let cut = || Step::End(Ending::Cut);
        let steps = vec![bytes("id: 1\ndata: a\n"), cut(), bytes("data: b\n\n"), cut()];
        let mut expected = steps.clone();
        expected.insert(3, block(true, None));
        assert_eq!(mark(steps), expected);
    }

    #[test]
    fn what_no_client_reads_events_out_of_has_no_blocks() {
        let other = Step::Head(Head::stream("text/html"));
        let steps = vec![Step::Forever, other, bytes("data: a\n\n")];
        assert_eq!(mark(steps.clone()), steps);
    }

    #[test]
    fn a_reconnection_time_holds_from_the_end_of_its_line() {
        let steps = vec![bytes("retry: 1\r\ndata: a\n"), Step::End(Ending::Cut)];
        let expected = [
            bytes("retry: 1\r\n"),
            Step::Retry(Duration::from_millis(1)),
            bytes("data: a\n"),
            Step::End(Ending::Cut),
        ];
        assert_eq!(mark(steps), expected);
    }

    #[test]
    fn what_brings_no_event_says_nothing_unless_it_does_something_else() {
        let says_nothing = |step: Step| says_nothing(&mark(vec![step]));
        for nothing in ["", "data: a", "data: a\n", ": a\n\n", "id: 1\n\n", "<p>\n\n"] {
            assert!(says_nothing(bytes(nothing)), "{nothing:?}");
        }
        assert!(!says_nothing(bytes("data: a\n\n")));
        assert!(!says_nothing(Step::End(Ending::Stall)));
        assert!(!says_nothing(Step::Head(Head::no_content())));
    }

    #[test]
    fn a_reconnection_time_is_digits_alone() {
        let retry = |value: &str| {
            let marked = mark(vec![bytes(&format!("retry: {value}\n\n"))]);
            marked.into_iter().find_map(|step| match step {
                Step::Retry(time) => Some(time.as_millis()),
                _ => None,
            })
        };
        assert_eq!(retry("20"), Some(20));
        for value in ["", "-1", "+1", "1s"] {
            assert_eq!(retry(value), None, "{value}");
        }
    }
}
