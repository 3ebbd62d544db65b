//! Requests: the bytes that a client sends on one connection.
//!
//! [`connection`] gives them to the state machine of a server's connection, in any pieces. What
//! that accepts is held against the bytes by a second reader, `plain`, which knows nothing but RFC
//! 9112 and is simple enough to be believed. Then it is written again, in the plainest form, and
//! read again. And a server takes any course with it: it refuses, stops, and lets time pass.

mod connection;
mod head;
mod message;
mod said;

use std::time::Duration;

use self::connection::{End, Read, read, wander};
use self::message::Message;
use super::random::{Random, cuts};
use crate::http::chunk;
use crate::http::{Framing, Version};
use crate::limits::Limits;

/// Gives how many requests there are, up to the first that is refused or goes on.
pub fn requests(bytes: &[u8]) -> usize {
    let limits = Limits::default();
    let whole = read(&limits, [bytes]);
    assert_same_in_pieces(&limits, bytes, &whole);
    for (sent, message) in &whole.requests {
        head::check(sent, message);
    }
    check_limits(bytes, &whole);
    check_written_again(&whole);
    check_any_course(bytes, &whole);
    whole.whole().count()
}

fn assert_same_in_pieces(limits: &Limits, bytes: &[u8], whole: &Read) {
    for pieces in cuts(bytes) {
        assert_eq!(read(limits, pieces.iter().copied()), *whole, "cut to {pieces:?}");
    }
}

/// A request is refused for its size exactly if it is past a limit. The limits are those that the
/// first one just meets, or misses by one.
fn check_limits(bytes: &[u8], whole: &Read) {
    let mut random = Random::of(bytes);
    let mut near = |size: usize| (size + random.below(3)).saturating_sub(1);
    let (request_line, section, lines) =
        whole.requests.first().map_or((30, 40, 2), |(sent, _)| head::sizes(sent));
    let limits = Limits::default()
        .request_line(near(request_line))
        .field_section(near(section))
        .field_lines(near(lines));
    let limited = read(&limits, [bytes]);
    assert_same_in_pieces(&limits, bytes, &limited);

    let fits = |sent: &[u8]| {
        let (request_line, section, lines) = head::sizes(sent);
        request_line <= limits.request_line
            && section <= limits.field_section
            && lines <= limits.field_lines
    };
    let fitting = whole.requests.iter().take_while(|(sent, _)| fits(sent)).count();
    assert_eq!(limited.requests, whole.requests[..fitting], "{limits:?}");
    if fitting < whole.requests.len() {
        let End::Refused(refusal) = limited.end else { panic!("not refused: {:?}", limited.end) };
        assert!([414, 431].contains(&refusal.status().code()), "{refusal}");
    }
}

/// What was accepted can be passed on: a reader of what we would write reads what we read.
fn check_written_again(whole: &Read) {
    let mut bytes = Vec::new();
    whole.whole().for_each(|message| write(message, &mut bytes));
    // A space after each colon may make fields longer than they came.
    let again = read(&Limits::default().field_section(usize::MAX), [&bytes[..]]);
    assert!(again.whole().eq(whole.whole()), "{}", bytes.escape_ascii());
}

fn write(message: &Message, out: &mut Vec<u8>) {
    let version = match message.version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    let line = format!("{} {} {version}\r\n", message.method, message.target);
    out.extend_from_slice(line.as_bytes());
    for (name, value) in &message.fields {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if message.framing == Framing::Chunked {
        chunk::encode(&message.body, out);
        out.extend_from_slice(chunk::LAST);
    } else if let Framing::Length(length) = message.framing {
        out.extend_from_slice(&message.body);
        // What was dropped, as it means nothing.
        out.resize(out.len() + length as usize - message.body.len(), b'x');
    }
}

/// Limits are small, and nearly each time that is awaited is another.
fn check_any_course(bytes: &[u8], whole: &Read) {
    let mut random = Random::of(bytes);
    let mut limits = Limits::default()
        .requests_per_connection(1 + random.below(4) as u32)
        .drain(random.below(40));
    if random.once_in(2) {
        limits.body = random.below(40);
    }
    let mut time = || Duration::from_secs(1 + random.below(20) as u64);
    let limits = limits.idle_deadline(time()).head_deadline(time());
    let limits = limits.body_deadline(time()).write_deadline(time());
    wander(limits, random.cut(bytes, 1 + bytes.len() / 4), whole);
}
