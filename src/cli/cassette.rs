//! Cassettes: what came over the wire, with the borders and times of its reads, as an event stream.
//!
//! A cassette is a valid event stream, and its events are the recorded ones. Everything else that
//! it says stands in comments. The recorded bytes stand between them as they came:
//!
//! ```text
//! : tidings cassette 1
//! : about GET http://127.0.0.1:3000/events/news
//! : open +1ms 200 text/event-stream      the response came 1 ms after the request
//! : read +12ms 9                         12 ms later, 9 bytes in one piece
//! data: a
//!                                        (these are the 9 bytes)
//! : part +3ms 4                          a piece that ends within a block: its bytes
//! : read +250us 5                        come before those of the next piece
//! data: b
//!
//! : read +1s 9                           a piece that ends after a border: so much
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
//! Three things can't stand verbatim, as they would change the events:
//!
//! - A byte order mark counts only at the start of a stream, and the start is taken. `: bom` stands
//!   for it, and the first piece counts its three bytes.
//! - What a connection left unfinished would join the first event of the next: `: rest` carries it.
//! - Content of another status or type, as no client reads events from it: `: rest` carries it too.
//!
//! The writer waits for the end of a block. What a piece holds after that end belongs to the next
//! group, which begins with "on".
//!
//! A *piece* is what the server sent at once: a chunk, or without chunks the bytes of one read.
//! What is less than a microsecond is carried over to the next time, so that times don't drift. How
//! long the client took to reconnect is not recorded. A connection without a status had no
//! response. `stall` means that nothing came for as long as the client waited; `left`, that the
//! client closed the connection for a reason of its own.
//!
//! `kill -9` or a full disk may break a recording off. Then its last connection has no end,
//! and the mock plays it as one that was cut. The reader leaves out a group or a line that the file
//! does not contain to its end, and says so.
//!
//! Lengths count bytes, so don't edit a cassette or change its line ends (in git, `*.sse -text`
//! keeps them). To edit a stream, write a script.

mod border;
mod read;
mod write;

use std::time::Duration;

use tidings::Status;

pub(crate) use read::{Flaw, is_cassette, is_changed, read};
pub(crate) use write::Recorder;

/// The first line, by which a cassette is known.
const FIRST_LINE: &[u8] = b": tidings cassette 1\n";

/// In place of a time: this piece continues the one before.
const ON: &str = "on";

pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The response to a request, and how long it took; `None` if none came.
    Open {
        after: Duration,
        response: Option<Head>,
    },
    /// A piece of the response's content.
    Read {
        after: Duration,
        bytes: Vec<u8>,
    },
    End {
        after: Duration,
        how: End,
    },
}

/// What the head of a response said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: Status,
    /// Visible ASCII and single spaces; empty where there was none.
    pub(crate) content_type: String,
    /// Where a redirect leads; visible ASCII and spaces, and not empty.
    pub(crate) location: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should: with the last chunk, or where there are no chunks, with the connection.
    Close,
    /// Without the last chunk.
    Cut,
    Reset,
    /// By the client, as nothing came for too long.
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

impl Head {
    /// Whether a client reads events from it.
    pub(crate) fn is_event_stream(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        self.status == Status::OK && essence.trim().eq_ignore_ascii_case("text/event-stream")
    }
}

#[cfg(test)]
mod tests;
