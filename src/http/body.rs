//! A body: as many bytes as its length says, or chunks, or what comes until the connection ends
//! (RFC 9112, sections 6 and 7).
//!
//! ```text
//! 5;note=hi CRLF hello CRLF      a chunk of five bytes with an extension, which is ignored
//! 0 CRLF                         the last chunk
//! CRLF                           the end of an empty trailer section
//! ```
//!
//! The grammar of chunks stands in `chunk`, and that of trailers in `trailer`.
//!
//! A size is checked against the limit as soon as it is known, and nothing is ever allocated from
//! it: only bytes that have come take memory.

use super::chunk::ChunkLine;
use super::framing::Framing;
use super::refusal::Refusal;
use super::status::Status;
use super::trailer::TrailerSection;
use crate::limits::Limits;

const TOO_LARGE: Refusal = Refusal::new(
    Status::CONTENT_TOO_LARGE,
    "this body is larger than this server takes (RFC 9110, section 15.5.14)",
);

const UNENDED_DATA: Refusal = Refusal::bad_request(
    "the data of a chunk must be as long as its size says, and be followed by CRLF \
     (RFC 9112, section 7.1)",
);

/// Takes the body of one request or response out of the bytes after its head.
///
/// ```
/// use tidings::Limits;
/// use tidings::http::{BodyDecoder, Framing};
///
/// let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
/// let mut body = Vec::new();
/// let bytes = b"5\r\nhello\r\n0\r\n\r\nGET /";
/// assert_eq!(decoder.decode(bytes, &mut body)?, bytes.len() - 5); // the rest is the next request
/// assert!(decoder.is_done());
/// assert_eq!(body, b"hello");
/// # Ok::<(), tidings::http::Refusal>(())
/// ```
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    /// How much content may still come.
    room: u64,
    /// How many bytes of chunk extensions may still come.
    extension_room: usize,
    /// What each chunk may have of them anew, in a body without end; zero where all chunks share.
    extension_room_per_chunk: usize,
    /// How many bytes of trailers may come.
    trailer_room: usize,
    /// The lines with the sizes of chunks may end in white space.
    may_be_padded: bool,
}

#[derive(Debug)]
enum State {
    /// The declared length is over the limit: refused before anything is taken.
    TooLarge,
    /// This many bytes are still to come; never zero.
    Length(u64),
    /// In the line that says how large the next chunk is.
    ChunkLine(ChunkLine),
    /// This much of the chunk is still to come; never zero.
    ChunkData(u64),
    /// After the data of a chunk.
    ChunkCr,
    /// After the CR after the data of a chunk.
    ChunkLf,
    /// After the last chunk.
    Trailers(TrailerSection),
    /// Everything is content.
    UntilClose,
    Done,
}

impl State {
    fn of(framing: Framing, room: u64) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) if length <= room => Self::Length(length),
            Framing::Length(_) => Self::TooLarge,
            Framing::Chunked => Self::ChunkLine(ChunkLine::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    fn after_data(&self) -> Self {
        match self {
            Self::ChunkData(_) => Self::ChunkCr,
            _ => Self::Done,
        }
    }
}

impl BodyDecoder {
    /// A decoder for the body of a request that is framed like this.
    pub fn new(framing: Framing, limits: &Limits) -> Self {
        Self::bounded(framing, limits.body, limits)
    }

    /// The same for a body that may have `most` bytes.
    pub(crate) fn bounded(framing: Framing, most: usize, limits: &Limits) -> Self {
        let room = most as u64;
        Self {
            state: State::of(framing, room),
            room,
            extension_room: limits.chunk_extensions,
            extension_room_per_chunk: 0,
            trailer_room: limits.trailer_section,
            may_be_padded: false,
        }
    }

    /// A decoder for the body of a response, which may go on for ever, as an event stream does. Its
    /// reader bounds the content; the decoder bounds what each chunk may carry beside its data.
    /// White space is accepted after the size of a chunk, as some servers write it.
    pub fn endless(framing: Framing) -> Self {
        let bounded = Self::new(framing, &Limits::default());
        Self {
            state: State::of(framing, u64::MAX),
            room: u64::MAX,
            extension_room_per_chunk: bounded.extension_room,
            may_be_padded: true,
            ..bounded
        }
    }

    /// Takes what it can of the body from `input`, and appends its content to `out`. Gives how
    /// many bytes it took: all of them, unless the body has ended before.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], as soon as the bytes cannot become a valid body within the limits any more.
    /// A declared length that is over the limit is refused by the first call, even without input.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Refusal> {
        if matches!(self.state, State::TooLarge) {
            return Err(TOO_LARGE);
        }
        let mut rest = input;
        while !rest.is_empty() && !self.is_done() {
            let taken = self.take(rest, out)?;
            rest = &rest[taken..];
        }
        Ok(input.len() - rest.len())
    }

    /// Takes at least one byte of `rest`, which is not empty, unless the body has ended.
    fn take(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<usize, Refusal> {
        let byte = rest[0];
        match &mut self.state {
            State::Length(left) | State::ChunkData(left) => {
                let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                out.extend_from_slice(&rest[..taken]);
                *left -= taken as u64;
                if *left == 0 {
                    self.state = self.state.after_data();
                }
                return Ok(taken);
            }
            State::ChunkLine(line) => {
                if let Some(size) = line.take(byte, self.may_be_padded, &mut self.extension_room)? {
                    self.state = self.begin_chunk(size)?;
                }
            }
            State::ChunkCr if byte == b'\r' => self.state = State::ChunkLf,
            State::ChunkLf if byte == b'\n' => {
                self.state = State::ChunkLine(ChunkLine::default());
            }
            State::ChunkCr | State::ChunkLf => return Err(UNENDED_DATA),
            State::Trailers(trailers) => {
                if trailers.take(byte)? {
                    self.state = State::Done;
                }
            }
            State::UntilClose => {
                self.room = self.room.checked_sub(rest.len() as u64).ok_or(TOO_LARGE)?;
                out.extend_from_slice(rest);
                return Ok(rest.len());
            }
            State::TooLarge => return Err(TOO_LARGE),
            State::Done => return Ok(0),
        }
        Ok(1)
    }

    /// The size of a chunk is known: what comes next?
    fn begin_chunk(&mut self, size: u64) -> Result<State, Refusal> {
        if size == 0 {
            return Ok(State::Trailers(TrailerSection::new(self.trailer_room)));
        }
        // In an endless body two sizes near 2^64 would use up the room; no peer can send the first.
        self.room = self.room.checked_sub(size).ok_or(TOO_LARGE)?;
        self.extension_room = self.extension_room.max(self.extension_room_per_chunk);
        Ok(State::ChunkData(size))
    }

    /// Whether exactly so many bytes are still to come, and all of them are content.
    pub(crate) fn is_to_take(&self, bytes: usize) -> bool {
        matches!(self.state, State::Length(left) if left == bytes as u64)
    }

    /// What was still to come has been taken elsewhere.
    pub(crate) fn finish(&mut self) {
        self.state = State::Done;
    }

    /// Whether the declared length is over the limit.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self.state, State::TooLarge)
    }

    /// Whether the body has ended. A connection that closes before has cut it off, unless the
    /// framing is [`Framing::UntilClose`].
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

#[cfg(test)]
mod tests;
