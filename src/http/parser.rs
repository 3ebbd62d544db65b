//! The parser of heads: bytes in, in any pieces, and a [`Head`] or a [`Refusal`] out.
//!
//! ```text
//! HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]
//! ```
//!
//! RFC 9112, section 2.1. Each line is checked as soon as its LF is there, and the first byte of a
//! request even before: a client that speaks TLS, or ends lines in LF alone, is refused at once and
//! not after a deadline. Nothing is read twice: complete lines are done with, and in a line that
//! goes on the search for its end continues where it stopped. What the lines say as a whole, such
//! as a second `Host` or two lengths, is judged in [`Head::new`] and [`Framing`](super::Framing).
//!
//! The same bytes give the same result however they are split. For the limits this means that a
//! line is measured before anything else in it is judged, as a part of it may be all we have.

use super::field_line::FieldLine;
use super::head::Head;
use super::refusal::Refusal;
use super::request_line::RequestLine;
use super::status::Status;
use super::syntax::TCHAR;
use super::target::LONGEST_HEAD;
use crate::limits::Limits;
use crate::search::first_of;

/// Some clients send an empty line after a body, and a server should pass over it (RFC 9112,
/// section 2.2). No client has a reason to send many.
const EMPTY_LINES: usize = 2;

/// Room for the field lines of nearly every request, so that the list seldom grows.
const USUAL_FIELD_LINES: usize = 16;

const BARE_LF: Refusal =
    Refusal::bad_request("a line must end in CRLF, not in LF alone (RFC 9112, section 2.2)");
const BARE_CR: Refusal =
    Refusal::bad_request("a CR must be followed by LF: lines end in CRLF (RFC 9112, section 2.2)");
const PROXY_PROTOCOL: Refusal = Refusal::bad_request(
    "the PROXY protocol is spoken here by none but listed proxies (Proxies::proxy_protocol; of the \
     hub, --behind-proxy ADDR with --proxy-protocol)",
);
const LONG_REQUEST_LINE: Refusal = Refusal::new(
    Status::URI_TOO_LONG,
    "this request line is longer than this server takes (RFC 9112, section 3)",
);
const LONG_FIELDS: Refusal = Refusal::new(
    Status::FIELDS_TOO_LARGE,
    "these field lines are longer together than this server takes (RFC 6585, section 5)",
);
const MANY_FIELDS: Refusal = Refusal::new(
    Status::FIELDS_TOO_LARGE,
    "there are more field lines than this server takes (RFC 6585, section 5)",
);

/// Parses the heads of the requests on one connection, one after the other.
///
/// After a head it is ready for the next; after a refusal it is of no more use, like its
/// connection.
#[derive(Debug)]
pub struct HeadParser {
    longest_request_line: usize,
    longest_field_section: usize,
    most_field_lines: usize,
    progress: Progress,
}

/// How far one head is. All positions but `start` are counted from `start`.
#[derive(Debug, Default)]
struct Progress {
    /// Where the request line begins, after the empty lines.
    start: usize,
    /// Whether its first byte has come.
    started: bool,
    /// Where the current line begins.
    line: usize,
    /// Up to here there is no LF in the current line.
    searched: usize,
    /// Where the field lines begin; set together with `request_line`.
    fields_start: usize,
    request_line: Option<RequestLine>,
    fields: Vec<FieldLine>,
}

impl HeadParser {
    /// A parser for a connection with these limits.
    pub fn new(limits: &Limits) -> Self {
        Self {
            longest_request_line: limits.request_line.min(LONGEST_HEAD),
            longest_field_section: limits.field_section.min(LONGEST_HEAD),
            most_field_lines: limits.field_lines,
            progress: Progress::default(),
        }
    }

    /// Whether the first byte of a head has come. Empty lines before a request line are none.
    pub fn started(&self) -> bool {
        self.progress.started
    }

    /// Parses a head, or as much of it as there is.
    ///
    /// `input` is everything received of this head so far, so that it always begins with the same
    /// byte. When the head goes on, the result is `None`, and `parse` is to be called again with
    /// more. When its empty line is there, the result is the head and how many bytes of `input` it
    /// took; what comes after them is the body or the next request.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], as soon as the bytes cannot become a valid head any more.
    pub fn parse(&mut self, input: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
        if !self.skip_empty_lines(input)? {
            return Ok(None);
        }
        let head = input.get(self.progress.start..).unwrap_or_default();
        while let Some(end) = self.line_end(head)? {
            let line = &head[self.progress.line..end];
            let Some(line) = line.strip_suffix(b"\r") else { return Err(BARE_LF) };
            if self.take_line(line)? {
                return self.finish(&head[..=end]).map(Some);
            }
            self.progress.line = end + 1;
            self.progress.searched = end + 1;
        }
        Ok(None)
    }

    /// Passes over the empty lines before a request line; `true` when its first byte is there.
    fn skip_empty_lines(&mut self, input: &[u8]) -> Result<bool, Refusal> {
        while !self.progress.started {
            match input.get(self.progress.start..).unwrap_or_default() {
                [] | [b'\r'] => return Ok(false),
                [b'\r', b'\n', ..] if self.progress.start < 2 * EMPTY_LINES => {
                    self.progress.start += 2;
                }
                [b'\r', b'\n', ..] => {
                    return Err(Refusal::bad_request(
                        "a request must begin with its request line, not with empty lines \
                         (RFC 9112, section 2.2)",
                    ));
                }
                [b'\r', ..] => return Err(BARE_CR),
                [b'\n', ..] => return Err(BARE_LF),
                [first, ..] if !TCHAR[usize::from(*first)] => {
                    // Version 2 of the PROXY protocol begins so.
                    if *first == 0 && self.progress.start > 0 {
                        return Err(PROXY_PROTOCOL);
                    }
                    return Err(Refusal::bad_request(
                        "a request must begin with the name of a method; HTTP is spoken here, \
                         without TLS (RFC 9112, section 3)",
                    ));
                }
                _ => self.progress.started = true,
            }
        }
        Ok(true)
    }

    /// Where the LF of the current line is, if it has come. Measures the line, whether it is
    /// complete or not.
    fn line_end(&mut self, head: &[u8]) -> Result<Option<usize>, Refusal> {
        let progress = &mut self.progress;
        let Some(unsearched) = head.get(progress.searched..) else { return Ok(None) };
        let end = first_of(*b"\n", unsearched).map(|at| progress.searched + at);
        progress.searched = end.unwrap_or(head.len());
        let line = &head[progress.line..progress.searched];
        if progress.request_line.is_none() {
            // One byte more than its limit, as that may be the CR.
            if line.len() > self.longest_request_line.saturating_add(1) {
                return Err(LONG_REQUEST_LINE);
            }
        } else if !matches!(line, b"" | b"\r") {
            // The empty line that ends the head is not counted.
            let section = progress.searched + 1 - progress.fields_start;
            if section > self.longest_field_section {
                return Err(LONG_FIELDS);
            }
        }
        Ok(end)
    }

    /// Takes one line without its CRLF; `true` when it is the empty one that ends the head.
    fn take_line(&mut self, line: &[u8]) -> Result<bool, Refusal> {
        let progress = &mut self.progress;
        if progress.request_line.is_none() {
            let parsed = RequestLine::parse(line);
            // No part of a request line can contain a CR, but it deserves its own words.
            let why = |refusal: Refusal| match refusal.status() {
                _ if line.contains(&b'\r') => BARE_CR,
                Status::BAD_REQUEST if line.starts_with(b"PROXY ") => PROXY_PROTOCOL,
                _ => refusal,
            };
            progress.request_line = Some(parsed.map_err(why)?);
            progress.fields_start = line.len() + 2;
            progress.fields = Vec::with_capacity(USUAL_FIELD_LINES);
        } else if line.is_empty() {
            return Ok(true);
        } else if progress.fields.len() == self.most_field_lines {
            return Err(MANY_FIELDS);
        } else {
            progress.fields.push(FieldLine::parse(line, progress.line)?);
        }
        Ok(false)
    }

    /// Makes the head, whose bytes are all here, and gets ready for the next one.
    fn finish(&mut self, bytes: &[u8]) -> Result<(Head, usize), Refusal> {
        let Progress { start, request_line, fields, .. } = std::mem::take(&mut self.progress);
        let request_line = request_line.expect("it comes before the empty line");
        let head = Head::new(bytes.into(), request_line, fields)?;
        Ok((head, start + bytes.len()))
    }
}

#[cfg(test)]
mod tests;
