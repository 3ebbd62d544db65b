//! The response on one connection: steps in, heads and chunks out.
//!
//! ```text
//! HTTP/1.1 200 OK CRLF                        the head goes out with the first chunk, or before
//! Content-Type: text/event-stream CRLF        it if a `flush` says so
//! Cache-Control: no-cache CRLF
//! Transfer-Encoding: chunked CRLF             not in HTTP/1.0, where the content is not wrapped
//! Connection: close CRLF
//! CRLF
//! 9 CRLF data: a LF LF CRLF                   a chunk
//! 0 CRLF CRLF                                 the last chunk, unless the connection is cut
//! ```
//!
//! There is no `Date`, so that the same script gives the same bytes. The mock writes its own heads,
//! as the library writes only right ones.

use std::mem;
use std::time::Duration;

use tidings::Status;

use super::chaos::Opening;
use super::course::{Course, Entrance, Position};
use super::step::{Block, Ending, Head, Step};
use crate::cli::cassette::BYTE_ORDER_MARK;

/// Longer content goes out as several chunks: an endless repeat may never end its chunk.
const LARGEST_CHUNK: usize = 16 * 1024 * 1024;

/// What goes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Head(Head),
    /// Content that goes out as one chunk; never empty.
    Chunk(Vec<u8>),
    Last,
}

/// What to do next, once all [`Part`]s have gone out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Nothing,
    Pause(Duration),
    End(Ending),
}

/// One connection's response: its way along the course, and what has gone out.
pub(super) struct Response<'a> {
    course: &'a Course,
    /// The position after the last step.
    pub(super) at: Position,
    /// The ends of connections before here are done already.
    reached: Position,
    /// What the head says or will say.
    head: Head,
    /// A byte order mark must still go out, before everything else.
    lacks_mark: bool,
    pending: Vec<u8>,
    pub(super) seen: Seen,
}

/// What the client has received, as far as the mock knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// What the head said, if one has gone out.
    pub(super) head: Option<Head>,
    pub(super) events: usize,
    pub(super) id: Option<String>,
    /// The reconnection time that was set last.
    pub(super) retry: Option<Duration>,
}

impl<'a> Response<'a> {
    pub(super) fn new(course: &'a Course, entrance: Entrance, opening: &Opening) -> Self {
        Self {
            course,
            at: entrance.at,
            reached: entrance.reached,
            head: Head::stream(opening.content_type),
            lacks_mark: opening.has_mark,
            pending: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Takes the next step: appends what goes out, and returns what to do then. After all steps the
    /// connection closes, if their own end was met before.
    pub(super) fn advance(&mut self, out: &mut Vec<Part>) -> Deed {
        let Some((here, step)) = self.course.next(&mut self.at, self.reached) else {
            return self.end(Ending::Close, out);
        };
        match step {
            Step::Bytes(bytes) => {
                self.pending.extend_from_slice(bytes);
                if self.pending.len() >= LARGEST_CHUNK {
                    self.send_pending(out);
                }
            }
            Step::Block(Block { is_event, id }) => {
                self.seen.events += usize::from(*is_event);
                self.seen.id = id.clone().or(self.seen.id.take());
            }
            Step::Retry(time) => self.seen.retry = Some(*time),
            Step::Flush => {
                self.send_head(out);
                self.send_pending(out);
            }
            Step::Wait(time) => {
                self.send_pending(out);
                return Deed::Pause(*time);
            }
            // It was that of an earlier connection.
            Step::Head(_) if here < self.reached => {}
            // It is that of the next connection.
            Step::Head(_) if self.seen.head.is_some() || !self.pending.is_empty() => {
                self.at = here;
                return self.end(Ending::Close, out);
            }
            Step::Head(head) => self.head = head.clone(),
            Step::End(ending) => return self.end(*ending, out),
            Step::Forever => {}
        }
        Deed::Nothing
    }

    fn end(&mut self, ending: Ending, out: &mut Vec<Part>) -> Deed {
        let ends_well = matches!(ending, Ending::Close | Ending::Finish);
        // A client that is reset or cut off at once gets no response at all.
        if ends_well {
            self.send_head(out);
        }
        self.send_pending(out);
        if ends_well && has_content(&self.head) {
            out.push(Part::Last);
        }
        Deed::End(ending)
    }

    fn send_head(&mut self, out: &mut Vec<Part>) {
        if self.seen.head.is_none() {
            self.seen.head = Some(self.head.clone());
            out.push(Part::Head(self.head.clone()));
        }
    }

    fn send_pending(&mut self, out: &mut Vec<Part>) {
        if self.pending.is_empty() {
            return;
        }
        self.send_head(out);
        if !has_content(&self.head) {
            return self.pending.clear();
        }
        let mut chunk = Vec::new();
        // Chromium takes a line end right after the mark for a part of the first line. A developer
        // who tests a page could do nothing about that.
        let begins_with_line_end = matches!(self.pending[0], b'\r' | b'\n');
        let may_have_mark = self.head.is_event_stream() && !begins_with_line_end;
        if mem::take(&mut self.lacks_mark) && may_have_mark {
            chunk.extend_from_slice(BYTE_ORDER_MARK);
        }
        chunk.append(&mut self.pending);
        out.push(Part::Chunk(chunk));
    }
}

/// How a connection's response is wrapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrapping<'a> {
    /// The client speaks HTTP/1.1.
    pub(super) chunked: bool,
    pub(super) fields: &'a [String],
}

impl Wrapping<'_> {
    pub(super) fn wire(self, parts: &[Part]) -> Vec<u8> {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Part::Head(head) => self.write_head(head, &mut out),
                Part::Chunk(content) if self.chunked => {
                    out.extend_from_slice(format!("{:x}\r\n", content.len()).as_bytes());
                    out.extend_from_slice(content);
                    out.extend_from_slice(b"\r\n");
                }
                Part::Chunk(content) => out.extend_from_slice(content),
                Part::Last if self.chunked => out.extend_from_slice(b"0\r\n\r\n"),
                Part::Last => {}
            }
        }
        out
    }

    fn write_head(self, head: &Head, out: &mut Vec<u8>) {
        let Head { status, content_type, location } = head;
        let mut lines = vec![format!("HTTP/1.1 {} {}", status.code(), status.reason())];
        if !content_type.is_empty() {
            lines.push(format!("Content-Type: {content_type}"));
        }
        lines.extend(location.as_ref().map(|location| format!("Location: {location}")));
        lines.push("Cache-Control: no-cache".into());
        lines.extend_from_slice(self.fields);
        if self.chunked && has_content(head) {
            lines.push("Transfer-Encoding: chunked".into());
        }
        lines.push("Connection: close\r\n\r\n".into());
        out.extend_from_slice(lines.join("\r\n").as_bytes());
    }
}

/// RFC 9112, section 6.3: these have none, whatever the head says.
fn has_content(head: &Head) -> bool {
    head.status != Status::NO_CONTENT && head.status != Status::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP_1_1: Wrapping<'_> = Wrapping { chunked: true, fields: &[] };
    const HTTP_1_0: Wrapping<'_> = Wrapping { chunked: false, fields: &[] };

    fn bytes(text: &str) -> Step {
        Step::Bytes(text.into())
    }

    /// What goes out for these steps, and what the last one asks for.
    fn wire(opening: &Opening, wrapping: Wrapping<'_>, steps: &[Step]) -> (String, Deed) {
        let course = Course::new(steps.to_vec());
        let mut response = Response::new(&course, Entrance { at: 0, reached: 0 }, opening);
        let mut parts = Vec::new();
        let deeds = steps.iter().map(|_| response.advance(&mut parts));
        let deed = deeds.last().expect("there is a step");
        (String::from_utf8(wrapping.wire(&parts)).expect("UTF-8"), deed)
    }

    #[test]
    fn a_stream_is_a_head_chunks_and_a_last_chunk() {
        let steps = [bytes("data: a"), bytes("\n\n"), Step::Flush, bytes(":\n")];
        let steps = [&steps[..], &[Step::End(Ending::Close)]].concat();
        let (out, _) = wire(&Opening::PLAIN, HTTP_1_1, &steps);
        let expected = "HTTP/1.1 200 OK\r\n\
            Content-Type: text/event-stream\r\n\
            Cache-Control: no-cache\r\n\
            Transfer-Encoding: chunked\r\n\
            Connection: close\r\n\
            \r\n\
            9\r\ndata: a\n\n\r\n\
            2\r\n:\n\r\n\
            0\r\n\r\n";
        assert_eq!(out, expected);
        let (out, _) = wire(&Opening::PLAIN, HTTP_1_0, &steps);
        let expected = "HTTP/1.1 200 OK\r\n\
            Content-Type: text/event-stream\r\n\
            Cache-Control: no-cache\r\n\
            Connection: close\r\n\
            \r\n\
            data: a\n\n:\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_head_says_what_it_is_told_and_a_204_has_no_content() {
        let end = Step::End(Ending::Close);
        let head = Step::Head(Head::no_content());
        let (out, _) = wire(&Opening::PLAIN, HTTP_1_1, &[head, end.clone()]);
        let expected = "HTTP/1.1 204 No Content\r\n\
            Cache-Control: no-cache\r\n\
            Connection: close\r\n\
            \r\n";
        assert_eq!(out, expected);
        let head = Head {
            status: Status::TEMPORARY_REDIRECT,
            content_type: "text/plain".into(),
            location: Some("/there".into()),
        };
        let (out, _) = wire(&Opening::PLAIN, HTTP_1_1, &[Step::Head(head), bytes("x"), end]);
        let expected = "HTTP/1.1 307 Temporary Redirect\r\n\
            Content-Type: text/plain\r\n\
            Location: /there\r\n\
            Cache-Control: no-cache\r\n\
            Transfer-Encoding: chunked\r\n\
            Connection: close\r\n\
            \r\n\
            1\r\nx\r\n0\r\n\r\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_304_has_no_content_whatever_the_script_says() {
        let head = Head { status: Status::NOT_MODIFIED, ..Head::stream("text/plain") };
        let steps = [Step::Head(head), bytes("304"), Step::Flush, Step::End(Ending::Close)];
        for wrapping in [HTTP_1_1, HTTP_1_0] {
            let (out, _) = wire(&Opening::PLAIN, wrapping, &steps);
            let expected = "HTTP/1.1 304 Not Modified\r\n\
                Content-Type: text/plain\r\n\
                Cache-Control: no-cache\r\n\
                Connection: close\r\n\
                \r\n";
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_client_that_is_cut_off_before_anything_gets_no_response() {
        for ending in [Ending::Cut, Ending::Reset, Ending::Stall] {
            let (out, deed) = wire(&Opening::PLAIN, HTTP_1_1, &[Step::End(ending)]);
            assert_eq!((&*out, deed), ("", Deed::End(ending)));
        }
        let (out, _) = wire(&Opening::PLAIN, HTTP_1_1, &[Step::Flush, Step::End(Ending::Cut)]);
        assert!(out.ends_with("close\r\n\r\n"), "{out}");
    }

    #[test]
    fn an_opening_has_its_type_and_its_mark() {
        let opening = Opening { content_type: "Text/Event-Stream", has_mark: true };
        let steps = [Step::Flush, bytes("a"), Step::Wait(Duration::ZERO), bytes("b"), Step::Flush];
        let (out, _) = wire(&opening, HTTP_1_1, &steps);
        assert!(out.contains("Content-Type: Text/Event-Stream\r\n"), "{out}");
        assert!(out.ends_with("4\r\n\u{feff}a\r\n1\r\nb\r\n"), "{out}");
        let head = Step::Head(Head::stream("text/plain"));
        let (out, _) = wire(&opening, HTTP_1_1, &[head, bytes("a"), Step::Flush]);
        assert!(out.ends_with("\r\n\r\n1\r\na\r\n"), "{out}");
        let (out, _) = wire(&opening, HTTP_1_1, &[bytes("\n"), Step::Flush]);
        assert!(out.ends_with("\r\n\r\n1\r\n\n\r\n"), "{out}");
    }

    #[test]
    fn a_head_that_comes_late_is_that_of_the_next_connection() {
        let (first, late) = (Step::Head(Head::no_content()), Step::Head(Head::stream("a/b")));
        for before in [bytes("a"), Step::Flush] {
            let (out, deed) = wire(&Opening::PLAIN, HTTP_1_1, &[before.clone(), late.clone()]);
            assert_eq!(deed, Deed::End(Ending::Close));
            assert!(out.contains("text/event-stream") && out.ends_with("0\r\n\r\n"), "{out}");
            // The next connection begins with it, and what was done before is passed over.
            let course = Course::new(vec![first.clone(), before, late.clone()]);
            let entrance = Entrance { at: 0, reached: 1 };
            let mut response = Response::new(&course, entrance, &Opening::PLAIN);
            let deeds = [(); 3].map(|()| response.advance(&mut Vec::new()));
            assert_eq!(deeds, [Deed::Nothing, Deed::Nothing, Deed::End(Ending::Close)]);
            assert!(response.seen.head.as_ref().is_some_and(Head::is_event_stream));
            assert_eq!(response.at, 2);
        }
    }
}
