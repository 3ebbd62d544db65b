//! Cassettes: what came over the wire, with the borders and times of its reads, as an event stream.
//!
//! A cassette is itself a valid event stream, and its events are the recorded ones. What it has to
//! say beside them stands in comments; the recorded bytes stand between them as they came:
//!
//! ```text
//! : tidings cassette 1
//! : about GET http://127.0.0.1:3000/events/news
//! : open +1ms 200 text/event-stream      the answer came 1 ms after the request
//! : read +12ms 9                         12 ms later, 9 bytes in one piece
//! data: a
//!                                        (these are the 9 bytes)
//! : part +3ms 4                          a piece that ends within a block: its bytes
//! : read +250us 5                        stand in front of those of the next
//! data: b
//!
//! : read +1s 9                           a piece that ends behind a border: so much
//! data: c
//!
//! : part on 7                            of it stood before this, and 7 more bytes follow;
//! : rest data: \xc3                      as they never became an event, not in the open
//! : end +1ms cut                         the end, without a last chunk
//! : open +2ms 204                        another connection
//! : end +0ms close
//! ```
//!
//! The grammar; each line ends in LF, and the length of what is verbatim is what the numbers say:
//!
//! ```text
//! cassette   = ": tidings cassette 1" *( about / connection )
//! about      = ": about " text
//! connection = ": open " after [ SP status [ SP content-type ] ] [ location ] *group [ end ]
//! location   = ": location " text                  where a redirect leads
//! group      = [ ": bom" ] *part ( read verbatim / 1*rest )
//! part       = ": part " ( after / "on" ) SP size  a piece; what follows is its and the next one's
//! read       = ": read " ( after / "on" ) SP size  the last piece of its group
//! rest       = ": rest " escaped                   as Rust does: \n \r \t \\ \' \" \xHH
//! end        = ": end " after SP ( "close" / "cut" / "reset" / "stall" / "left" )
//! after      = "+" duration                        since the line before, or the request
//! ```
//!
//! Three things can't stand in the open, or the events would be others. A byte order mark is one
//! only at the start of a stream, and the start is taken: `: bom` stands for it, and the first
//! piece counts its three bytes. What a connection left unfinished would join the next
//! connection's first event: `: rest` carries it. And so does it carry all that came under another
//! status or type, as no client reads events out of that. A comment of ours may only stand where a
//! line has ended for sure, so after a CR the writer waits for the next byte; and it waits for the
//! end of a block, because only then it knows that the block will have one. What a piece holds
//! behind that end belongs to the next group, which begins with "on": the piece goes on.
//!
//! A *piece* is what the server has sent in one: a chunk, or where there are no chunks, what one
//! read gave. What is less than a microsecond is carried over to the next time, so that times don't
//! drift. How long the client took to come back is its own affair, and not told. A connection
//! without a status had no answer at all. `stall` means that nothing came any more, until the
//! client was tired of waiting; `left`, that it went for a reason of its own.
//!
//! A recording may be broken off: by Ctrl-C, by `kill -9`, by a disk that is full. Then its last
//! connection has no end, and is played as one that was cut. Where the file ends within a group or
//! a line, that was not recorded: the reader leaves it out and says so.
//!
//! Lengths are counted in bytes, so a cassette must not be edited, nor have its line ends changed
//! (in git, `*.sse -text` sees to that). What somebody wants to edit is a script.

mod border;
mod escape;
mod read;
mod write;

use std::time::Duration;

pub(crate) use read::{Flaw, is_cassette, is_changed, read};
pub(crate) use write::Recorder;

/// The first line, by which a cassette is known.
const FIRST_LINE: &[u8] = b": tidings cassette 1\n";

/// In place of a time: the piece before goes on.
const ON: &str = "on";

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What happened, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The answer to a request, and how long it took; `None` if none came.
    Open { after: Duration, answer: Option<Answer> },
    /// A piece of the answer's content.
    Read { after: Duration, bytes: Vec<u8> },
    /// The connection's end.
    End { after: Duration, how: End },
}

/// What the head of an answer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Visible ASCII and single spaces; empty where there was none.
    pub(crate) content_type: String,
    /// Where a redirect leads; visible ASCII and spaces, and not empty.
    pub(crate) location: Option<String>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should: with the last chunk, or where there are no chunks, with the connection.
    Close,
    /// Without the last chunk.
    Cut,
    /// By a reset.
    Reset,
    /// By the client, as nothing came any more.
    Stall,
    /// By the client, for a reason of its own.
    Left,
}

impl End {
    const ALL: [(&str, Self); 5] = [
        ("close", Self::Close),
        ("cut", Self::Cut),
        ("reset", Self::Reset),
        ("stall", Self::Stall),
        ("left", Self::Left),
    ];

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, end)| *end == self);
        found.map(|(word, _)| *word).expect("each of them is in the list")
    }
}

impl Answer {
    /// Whether a client reads events out of it.
    pub(crate) fn is_event_stream(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        self.status == 200 && essence.trim().eq_ignore_ascii_case("text/event-stream")
    }
}

#[cfg(test)]
mod tests;
