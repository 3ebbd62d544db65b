//! What the lines of a stream and its head mean, in words.

use std::mem;

use tidings::http::{Framing, ResponseHead};
use tidings::{MessageEvent, Parser};

use crate::cli::lines::field;
use crate::cli::{plural, visible};

pub(super) const REQUEST_LINE: &str = "request line: method, target, version";
pub(super) const STATUS_LINE: &str = "status line: version, status, reason";

/// Adds a piece to a line, and takes the line if the piece ends it.
pub(super) fn whole_line(line: &mut Vec<u8>, piece: &[u8]) -> Option<Vec<u8>> {
    line.extend_from_slice(piece);
    piece.ends_with(b"\n").then(|| mem::take(line))
}

/// A field line of a request or a response.
pub(super) fn field_line(line: &[u8]) -> &'static str {
    const WORDS: [(&str, &str); 28] = [
        ("accept", "which types the client takes"),
        ("accept-encoding", "how the content may be compressed"),
        ("access-control-allow-origin", "pages of this origin may read it"),
        ("allow", "which methods there are for this target"),
        ("authorization", "who the client is"),
        ("cache-control", "what caches may do"),
        ("connection", "whether the connection stays open"),
        ("content-encoding", "how the content is compressed"),
        ("content-length", "how many bytes follow the head"),
        ("content-type", "what the content is"),
        ("cookie", "who the client is"),
        ("date", "when the server made the response"),
        ("expect", "the client waits for a 100 before it sends the body"),
        ("host", "the server's name, as the URL has it"),
        ("idempotency-key", "the same in a retry, so that it is published once"),
        ("keep-alive", "how long the connection is kept"),
        ("last-event-id", "resume after this event"),
        ("location", "request this URL instead"),
        ("origin", "of which origin the page is that asks"),
        ("retry-after", "when to try again"),
        ("server", "the server's software"),
        ("set-cookie", "what to send with the next request"),
        ("transfer-encoding", "in chunks, as the length isn't known yet"),
        ("user-agent", "the client's software"),
        ("vary", "on which fields of the request the response depends"),
        ("www-authenticate", "how the client can say who it is"),
        ("x-accel-buffering", "nginx, pass it on at once"),
        ("x-content-type-options", "don't guess another type"),
    ];
    const WITH_VALUES: [(&str, &str); 6] = [
        ("accept: text/event-stream", "the client takes only an event stream"),
        ("accept-encoding: identity", "not compressed, so that events come at once"),
        ("cache-control: no-cache", "no cache may respond in the server's place"),
        (
            "cache-control: no-cache, no-transform",
            "no cache may respond, no proxy change the content",
        ),
        ("cache-control: no-store", "no cache may keep the response"),
        ("connection: close", "the connection ends after the response"),
    ];
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let find = |words: &[(&str, &'static str)], text: &[u8]| {
        let is = |(known, _): &&(&str, _)| known.as_bytes().eq_ignore_ascii_case(text);
        words.iter().find(is).map(|(_, words)| *words)
    };
    let words = find(&WITH_VALUES, line.trim_ascii_end()).or_else(|| find(&WORDS, name));
    words.unwrap_or("a field")
}

/// The end of the head of a response, which may be one to a HEAD.
pub(super) fn end_of_head(head: &ResponseHead, is_to_head: bool) -> String {
    match head.framing() {
        framing if framing != Framing::None && !is_to_head => end_of(framing),
        _ => "end of the head; nothing follows".into(),
    }
}

/// The end of a head, after which the body is framed so. Few requests have one.
pub(super) fn end_of(framing: Framing) -> String {
    match framing {
        Framing::None => "end of the head".into(),
        Framing::Length(length) => format!("end of the head; {} to come", plural(length, "byte")),
        Framing::Chunked => "end of the head; chunks follow".into(),
        Framing::UntilClose => "end of the head; what follows ends with the connection".into(),
    }
}

/// The line with the size of a chunk that is not the last.
pub(super) fn chunk_size(line: &[u8]) -> String {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = std::str::from_utf8(&line[..digits]).unwrap_or_default();
    match u64::from_str_radix(digits, 16) {
        Ok(size) => format!("chunk: {}", plural(size, "byte")),
        Err(_) => "chunk".into(),
    }
}

/// A line of the stream, before the parser takes it. Only the first may begin with a byte order
/// mark.
pub(super) fn stream_line(line: &[u8], is_first: bool, parser: &mut Parser) -> String {
    let fed = parser.feed(line).and_then(|()| parser.feed(b"\n"));
    if let Err(error) = fed {
        return error.to_string();
    }
    match line.strip_prefix("\u{feff}".as_bytes()).filter(|_| is_first) {
        Some(line) => format!("byte order mark, dropped; {}", meaning(line, parser)),
        None => meaning(line, parser),
    }
}

fn meaning(line: &[u8], parser: &mut Parser) -> String {
    if line.is_empty() {
        return blank_line(parser.next_event());
    }
    let (name, value) = field(line);
    match name {
        b"" => "comment: says only that the server is there".into(),
        b"channel" => "the channel, for a hub that follows: clients ignore it".into(),
        b"data" => "data, a line of it".into(),
        b"event" => "event type".into(),
        b"id" if value.contains(&0) => "an id with NUL in it: ignored".into(),
        b"id" if value.is_empty() => "id: resets the last event ID".into(),
        b"id" => "id: the client resumes after it".into(),
        b"retry" => retry(value),
        _ => "an unknown field: ignored".into(),
    }
}

fn retry(value: &[u8]) -> String {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    match std::str::from_utf8(value) {
        Ok(milliseconds) if digits => format!("reconnection time: {milliseconds} ms"),
        _ => "a reconnection time that is not all digits: ignored".into(),
    }
}

fn blank_line(event: Option<MessageEvent>) -> String {
    match event {
        None => "blank line: no data, so no event".into(),
        Some(event) => {
            let event_type = visible::line(&event.event_type);
            let data = plural(event.data.len() as u64, "byte");
            format!("blank line: dispatch {event_type:?}, {data} of data")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_told_by_its_value_where_that_makes_a_difference() {
        for (line, words) in [
            ("Accept-Encoding: identity", "not compressed, so that events come at once"),
            ("Accept-Encoding: gzip, deflate", "how the content may be compressed"),
            ("cache-control: no-cache", "no cache may respond in the server's place"),
            ("Cache-Control: no-store", "no cache may keep the response"),
            ("Cache-Control: max-age=0", "what caches may do"),
            ("Connection: close", "the connection ends after the response"),
            ("Connection: keep-alive", "whether the connection stays open"),
            ("X-Other: close", "a field"),
        ] {
            assert_eq!(field_line(format!("{line}\r\n").as_bytes()), words, "{line}");
        }
    }
}
