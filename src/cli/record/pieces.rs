//! What goes over the wire to entries: where an answer begins, its chunks, and how it ends.
//!
//! ```text
//! sent        GET /events/news HTTP/1.1 ...                       0 ms
//! received    HTTP/1.1 200 OK ... 9 CRLF data                     2 ms   open +2ms 200
//! received    : a LF LF CRLF 9 CRLF data: b LF LF CRLF 0 CRLF     5 ms   read +3ms 9, read +0ms 9
//! received    CRLF                                                6 ms   end +1ms close
//! ```
//!
//! A chunk is known to be over by what is between chunks: whatever the body's decoder makes no
//! content of. It is told with the time of its last byte. What came of a chunk that was cut off is
//! a piece too.
//!
//! Times are counted from wherever the caller does; each entry's is the one since the entry before
//! of its connection, or since the request.

use std::mem;
use std::time::Duration;

use tidings::http::{BodyDecoder, Framing, ResponseHead, ResponseHeadParser, secrets_in_value};

use crate::cli::cassette::{Answer, End, Entry};

/// As much as the client takes for a head.
const LONGEST_HEAD: usize = 64 * 1024;

/// A chunk may be as large as the server likes, and is kept until it is whole. One that is larger
/// than this becomes several pieces. What sends events sends smaller ones.
const LONGEST_PIECE: usize = 1024 * 1024;

/// Follows one connection after the other.
#[derive(Debug)]
pub(super) struct Pieces {
    state: State,
    /// When the last entry was, or the request.
    last: Duration,
}

#[derive(Debug)]
enum State {
    /// There is no connection, or nothing more of it is recorded.
    Over,
    /// Everything that has come, which may be the beginning of a head.
    Head(ResponseHeadParser, Vec<u8>),
    Body(Body),
}

#[derive(Debug)]
struct Body {
    decoder: BodyDecoder,
    framing: Framing,
    /// What has come of a chunk, and when.
    piece: Vec<u8>,
    came: Duration,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self { state: State::Over, last: Duration::ZERO }
    }

    /// There is a new connection.
    pub(super) fn connected(&mut self, now: Duration) {
        self.state = State::Head(ResponseHeadParser::new(LONGEST_HEAD), Vec::new());
        self.last = now;
    }

    /// More of the request has been sent; the answer's time begins behind it.
    pub(super) fn sent(&mut self, now: Duration) {
        self.last = now;
    }

    pub(super) fn received(&mut self, bytes: &[u8], now: Duration, out: &mut Vec<Entry>) {
        match mem::replace(&mut self.state, State::Over) {
            State::Over => {}
            State::Head(parser, before) => self.take_head(parser, before, bytes, now, out),
            State::Body(body) => self.take_body(body, bytes, now, out),
        }
    }

    fn take_head(
        &mut self,
        mut parser: ResponseHeadParser,
        mut head: Vec<u8>,
        bytes: &[u8],
        now: Duration,
        out: &mut Vec<Entry>,
    ) {
        head.extend_from_slice(bytes);
        match parser.parse(&head) {
            Ok(Some((whole, length))) => {
                if is_redirect(&whole) {
                    return;
                }
                let after = self.since_last(now);
                out.push(Entry::Open { after, answer: Some(answer(&whole)) });
                let framing = whole.framing();
                let decoder = BodyDecoder::endless(framing);
                let body = Body { decoder, framing, piece: Vec::new(), came: now };
                self.take_body(body, &head[length..], now, out);
            }
            // The client says what is wrong with it, and ends the connection.
            Ok(None) | Err(_) => self.state = State::Head(parser, head),
        }
    }

    fn take_body(&mut self, mut body: Body, bytes: &[u8], now: Duration, out: &mut Vec<Entry>) {
        // One byte at a time, so that it is seen which of them are no content.
        let is_chunked = body.framing == Framing::Chunked;
        let step = if is_chunked { 1 } else { bytes.len().max(1) };
        for bytes in bytes.chunks(step) {
            let before = body.piece.len();
            // The client stops at what breaks the rules, and then says that it has left.
            let broken = body.decoder.decode(bytes, &mut body.piece).is_err();
            let is_content = body.piece.len() > before;
            body.came = if is_content { now } else { body.came };
            let is_over = !is_chunked || !is_content || body.piece.len() >= LONGEST_PIECE;
            if is_over && !broken {
                self.end_piece(&mut body, out);
            }
            if broken || body.decoder.is_done() {
                break;
            }
        }
        let is_done = body.decoder.is_done();
        self.state = State::Body(body);
        if is_done {
            self.end(End::Close, now, out);
        }
    }

    fn end_piece(&mut self, body: &mut Body, out: &mut Vec<Entry>) {
        let bytes = mem::take(&mut body.piece);
        if !bytes.is_empty() {
            out.push(Entry::Read { after: self.since_last(body.came), bytes });
        }
    }

    /// The server has ended the connection.
    pub(super) fn ended(&mut self, now: Duration, out: &mut Vec<Entry>) {
        let is_whole = |body: &Body| body.framing == Framing::UntilClose;
        let whole = matches!(&self.state, State::Body(body) if is_whole(body));
        self.end(if whole { End::Close } else { End::Cut }, now, out);
    }

    /// The connection has ended like this; nothing happens where its end is known already.
    pub(super) fn end(&mut self, how: End, now: Duration, out: &mut Vec<Entry>) {
        match mem::replace(&mut self.state, State::Over) {
            State::Over => return,
            State::Head(..) => {
                out.push(Entry::Open { after: self.since_last(now), answer: None });
            }
            State::Body(mut body) => self.end_piece(&mut body, out),
        }
        out.push(Entry::End { after: self.since_last(now), how });
    }

    fn since_last(&mut self, now: Duration) -> Duration {
        now.saturating_sub(mem::replace(&mut self.last, now))
    }
}

/// Whether the client goes on elsewhere.
fn is_redirect(head: &ResponseHead) -> bool {
    head.status().is_redirect() && head.field("location").is_some()
}

/// What a cassette says of a head: nothing that could be a secret. Parameters of the content type
/// that could be one are left out, as the type is played back.
fn answer(head: &ResponseHead) -> Answer {
    let given = head.content_type().unwrap_or_default();
    let public = secrets_in_value("content-type", given).first().map_or(given.len(), |secret| {
        secret.start - usize::from(given[..secret.start].ends_with(b";"))
    });
    let visible: Vec<u8> = given[..public]
        .iter()
        .map(|&byte| if byte.is_ascii_graphic() { byte } else { b' ' })
        .collect();
    let text = String::from_utf8(visible).expect("visible ASCII is UTF-8");
    let content_type = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    Answer { status: head.status().code(), content_type, location: None }
}

#[cfg(test)]
mod tests;
