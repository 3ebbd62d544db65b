//! Which piece of what the library writes or reads a line is.
//!
//! A line alone doesn't always tell: `id: 7` may be that of an event, or of the place where the
//! stream begins, which only the blank line after it shows. So the rows of a block are looked at
//! again at its end, as far as they came in the same call.

use tidings::trace::Piece;

use super::row::Rows;
use crate::cli::lines::field;

/// A field line of a request.
pub(super) fn of_request_field(line: &[u8]) -> Piece {
    const FIELDS: [(&str, Piece); 6] = [
        ("accept", Piece::RequestAccept),
        ("connection", Piece::RequestConnection),
        ("content-length", Piece::RequestLength),
        ("host", Piece::Host),
        ("last-event-id", Piece::LastEventId),
        ("transfer-encoding", Piece::RequestCoding),
    ];
    named(line, &FIELDS).unwrap_or(Piece::FieldLine)
}

/// A field line of a response. Those of an event stream stand together, after its type.
pub(super) fn of_response_field(line: &[u8], is_stream: &mut bool) -> Piece {
    const FIELDS: [(&str, Piece); 5] = [
        ("content-length", Piece::ContentLength),
        ("content-type", Piece::ContentType),
        ("date", Piece::Date),
        ("transfer-encoding", Piece::TransferEncoding),
        ("x-content-type-options", Piece::Sniffing),
    ];
    const OF_STREAMS: [(&str, Piece); 4] = [
        ("cache-control", Piece::EventStreamCaching),
        ("content-type", Piece::EventStreamType),
        ("x-accel-buffering", Piece::EventStreamBuffering),
        ("x-content-type-options", Piece::EventStreamSniffing),
    ];
    *is_stream |= line.starts_with(b"Content-Type: text/event-stream\r");
    match line {
        b"Connection: close\r\n" => return Piece::ConnectionClose,
        b"Connection: keep-alive\r\n" => return Piece::KeepAlive,
        _ => {}
    }
    let of_stream = named(line, &OF_STREAMS).filter(|_| *is_stream);
    of_stream.or_else(|| named(line, &FIELDS)).unwrap_or(Piece::ResponseField)
}

fn named(line: &[u8], fields: &[(&str, Piece)]) -> Option<Piece> {
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let found = fields.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    found.map(|(_, piece)| *piece)
}

/// Whether one call wrote a heartbeat: nothing else goes out as this, and alone.
pub(super) fn is_heartbeat(bytes: &[u8]) -> bool {
    matches!(bytes, b"2\r\n:\n\r\n" | b":\n")
}

/// One block of a stream, up to its blank line.
#[derive(Default)]
pub(super) struct Block {
    /// How many rows there were when it began; none, if that was in an earlier call.
    first: usize,
    has_data: bool,
    has_id: bool,
    tells_gap: bool,
}

impl Block {
    /// The rows of the call before are gone.
    pub(super) fn begin_call(&mut self) {
        self.first = 0;
    }

    /// Takes a line whose row is the last of these. `None` if the library never writes it.
    pub(super) fn take(&mut self, line: &[u8], rows: &mut Rows) -> Option<Piece> {
        if line.is_empty() {
            return Some(self.end(rows));
        }
        match field(line) {
            (b"", b"") => Some(Piece::FirstComment),
            (b"", _) => Some(Piece::Comment),
            (b"channel", _) => Some(Piece::Channel),
            (b"id", _) => {
                self.has_id = true;
                Some(Piece::Id)
            }
            (b"event", event_type) => {
                self.tells_gap = event_type == b"tidings.gap";
                Some(if self.tells_gap { Piece::GapType } else { Piece::Type })
            }
            (b"retry", _) => Some(Piece::Retry),
            (b"data", _) => {
                self.has_data = true;
                Some(if self.tells_gap { Piece::GapData } else { Piece::Data })
            }
            _ => None,
        }
    }

    fn end(&mut self, rows: &mut Rows) -> Piece {
        let first = self.first;
        let Self { has_data, has_id, .. } = *self;
        *self = Self { first: rows.len(), ..Self::default() };
        match (has_data, has_id) {
            (true, _) => return Piece::EndOfEvent,
            (false, false) => return Piece::EndOfRetry,
            (false, true) => {}
        }
        for row in rows.since(first).iter_mut().filter(|row| row.piece == Some(Piece::Id)) {
            row.piece = Some(Piece::FirstId);
        }
        Piece::EndOfFirstId
    }
}
