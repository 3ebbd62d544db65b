//! The pieces of what goes over a connection: for each its place in the source, and the section of
//! the standard that it follows.

use super::find::{Place, place};

/// The row of each piece: its name, its section, and where it is.
macro_rules! pieces {
    ($($(#[doc = $doc:literal])+ $name:ident, $section:literal,
        $path:literal, $after:literal, $text:literal;)*) => {
        /// A piece of what goes over a connection, or a call that moves it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Piece {
            $($(#[doc = $doc])+ $name,)*
        }

        const ALL: &[Piece] = &[$(Piece::$name),*];

        impl Piece {
            /// Where the code of this library writes or reads it, or makes the call.
            pub fn place(self) -> Place {
                match self {
                    $(Self::$name => const { place!($path, $after, $text) },)*
                }
            }

            /// The section of the standard that it follows. Empty where there is none.
            pub fn section(self) -> &'static str {
                match self {
                    $(Self::$name => $section,)*
                }
            }
        }
    };
}

/// All pieces, each with its place.
pub fn places() -> impl Iterator<Item = (Piece, Place)> {
    ALL.iter().map(|piece| (*piece, piece.place()))
}

pieces! {
    /// What a proxy says of a connection before anything else.
    ProxyPreface, "PROXY protocol, section 2",
        "http/proxy_protocol.rs", "pub(super) fn parse(", "begins(SIGNATURE)";
    /// The first line of a request.
    RequestLine, "RFC 9112, section 3",
        "http/request_line.rs", "pub(crate) fn parse(", "split_space(line)";
    /// A field line of a request that nothing more is said of.
    FieldLine, "RFC 9112, section 5",
        "http/field_line.rs", "pub(crate) fn parse(", "first_of(*b\":\", line)";
    /// `Host` in a request.
    Host, "RFC 9112, section 3.2",
        "http/head.rs", "fn host(&self)", "is_authority(self.fields.part(host))";
    /// `Accept` in a request.
    RequestAccept, "RFC 9110, section 12.5.1",
        "http/head.rs", "fn accepts_event_stream(&self)", "elements(ACCEPT)";
    /// `Last-Event-ID` in a request.
    LastEventId, "HTML, section 9.2.4",
        "http/request.rs", "pub fn last_event_id(&self)", "all(LAST_EVENT_ID)";
    /// `Content-Length` in a request.
    RequestLength, "RFC 9110, section 8.6",
        "http/framing.rs", "pub(crate) fn of(", "content_length(length)";
    /// `Transfer-Encoding` in a request.
    RequestCoding, "RFC 9112, section 6.1",
        "http/framing.rs", "pub(crate) fn of(", "transfer_encoding(";
    /// `Connection` in a request.
    RequestConnection, "RFC 9112, section 9.3",
        "http/head.rs", "pub fn keep_alive(&self)", "has_token(CONNECTION, \"close\")";
    /// The empty line that ends the head of a request.
    EndOfRequestHead, "RFC 9112, section 2.1",
        "http/parser.rs", "fn take_line(", "line.is_empty()";
    /// The body of a request.
    RequestBody, "RFC 9112, section 6",
        "http/body.rs", "State::Length(left) | State::ChunkData(left) => {", "extend_from_slice";
    /// The line with the size of a chunk of a request's body.
    RequestChunk, "RFC 9112, section 7.1",
        "http/body.rs", "State::ChunkLine(line) => {", "line.take(byte";
    /// The line end after the data of such a chunk.
    RequestChunkEnd, "RFC 9112, section 7.1",
        "http/body.rs", "State::ChunkCr if byte == ", "State::ChunkLf if byte == ";
    /// Trailers of a request's body, and the empty line that ends it.
    RequestTrailers, "RFC 9112, section 7.1.2",
        "http/body.rs", "State::Trailers(trailers) => {", "trailers.take(byte)";

    /// The first line of a response.
    StatusLine, "RFC 9112, section 4",
        "http/response.rs", "pub(crate) fn encode_head(", "b\"HTTP/1.1 200 \"";
    /// `Date` in a response.
    Date, "RFC 9110, section 6.6.1",
        "http/response.rs", "pub(crate) fn encode_head(", "Date: ";
    /// `Content-Type` of an event stream.
    EventStreamType, "HTML, section 9.2.5",
        "http/response.rs", "pub(crate) fn event_stream_head()", "Content-Type: text/event-stream";
    /// `Cache-Control` of an event stream.
    EventStreamCaching, "RFC 9111, section 5.2.2",
        "http/response.rs", "pub(crate) fn event_stream_head()", "Cache-Control: ";
    /// `X-Accel-Buffering` of an event stream.
    EventStreamBuffering, "",
        "http/response.rs", "pub(crate) fn event_stream_head()", "X-Accel-Buffering: no";
    /// `X-Content-Type-Options` of an event stream.
    EventStreamSniffing, "Fetch, X-Content-Type-Options",
        "http/response.rs", "pub(crate) fn event_stream_head()", "nosniff";
    /// `Content-Type` of any other response.
    ContentType, "RFC 9110, section 8.3",
        "http/response.rs", "macro_rules! fields_of", "Content-Type: ";
    /// `X-Content-Type-Options` of any other response.
    Sniffing, "Fetch, X-Content-Type-Options",
        "http/response.rs", "macro_rules! fields_of", "nosniff";
    /// A field line of a response that nothing more is said of.
    ResponseField, "RFC 9112, section 5",
        "http/response.rs", "pub(crate) fn add_field(", "[name, \": \", value";
    /// `Transfer-Encoding` in a response.
    TransferEncoding, "RFC 9112, section 6.1",
        "http/response.rs", "pub(crate) fn encode_head(", "Transfer-Encoding: chunked";
    /// `Content-Length` in a response.
    ContentLength, "RFC 9110, section 8.6",
        "http/response.rs", "pub(crate) fn encode_head(", "Content-Length: ";
    /// `Connection: close` in a response.
    ConnectionClose, "RFC 9112, section 9.6",
        "http/response.rs", "pub(crate) fn encode_head(", "Connection: close";
    /// `Connection: keep-alive` in a response.
    KeepAlive, "RFC 9112, section 9.3",
        "http/response.rs", "pub(crate) fn encode_head(", "Connection: keep-alive";
    /// The empty line that ends the head of a response.
    EndOfHead, "RFC 9112, section 2.1",
        "http/response.rs", "Connection: keep-alive", "b\"\\r\\n\"";
    /// The response before the response to a request whose client waits for it.
    Continue, "RFC 9110, section 15.2.1",
        "http/exchange/output.rs", "pub(super) fn go_on(", "100 Continue";
    /// The content of a response that is no event stream.
    Content, "RFC 9112, section 6",
        "http/exchange/output.rs", "pub(super) fn rest(", "body.bytes()[";

    /// The line with the size of a chunk.
    ChunkSize, "RFC 9112, section 7.1",
        "http/chunk.rs", "pub(crate) fn encode_size_line(", "Digits::hexadecimal(";
    /// The line end after the data of a chunk.
    ChunkEnd, "RFC 9112, section 7.1",
        "http/chunk.rs", "pub(crate) fn encode_with(", "extend_from_slice(CRLF)";
    /// The chunk of size 0 and the empty line after it.
    LastChunk, "RFC 9112, section 7.1",
        "http/chunk.rs", "pub(crate) const LAST: ", "b\"0\\r\\n\\r\\n\"";

    /// The channel of an event, in the feed of a hub.
    Channel, "",
        "order/shared_log/view.rs", "pub(crate) fn channel_line(", "[FIELD, name";
    /// The id of an event.
    Id, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_with(", "\"id: \"";
    /// The type of an event.
    Type, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_with(", "\"event: \"";
    /// A reconnection time.
    Retry, "HTML, section 9.2.6",
        "event/encode.rs", "fn retry_field(", "\"retry: \"";
    /// A line of an event's data.
    Data, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_with(", "\"data: \"";
    /// The blank line that ends an event.
    EndOfEvent, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_with(", "out.push(b'\\n')";
    /// The id of the place where a stream begins, and of no event.
    FirstId, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_id(", "\"id: \", id";
    /// The blank line after such an id.
    EndOfFirstId, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_id(", "out.push(b'\\n')";
    /// The blank line after a reconnection time that belongs to no event.
    EndOfRetry, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_retry(", "out.push(b'\\n')";
    /// A line of a comment.
    Comment, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) fn encode_comment(", "\": \"";
    /// The comment without text that goes out with a head, where nothing else does.
    FirstComment, "HTML, section 9.2.6",
        "event/encode.rs", "pub(crate) const NOTHING", "b\":\\n\"";
    /// The comment without text that goes out on a silent stream, with its chunk.
    Heartbeat, "HTML, section 9.2.7",
        "stream/delivery.rs", "const HEARTBEAT", "b\"2\\r\\n:\\n\\r\\n\"";
    /// What stands around that comment to make it a chunk: both are one constant.
    HeartbeatFrame, "RFC 9112, section 7.1",
        "stream/delivery.rs", "const HEARTBEAT", "HEARTBEAT: &[u8]";
    /// The type of an event that tells of a gap.
    GapType, "HTML, section 9.2.6",
        "log/gap.rs", "fn content(&self)", "tidings.gap";
    /// The data of such an event.
    GapData, "HTML, section 9.2.6",
        "log/gap.rs", "fn json(&self)", "format!(r#\"{{\"from\":";

    /// A connection is accepted.
    Accept, "",
        "net/listener.rs", "pub(crate) fn accept(&self)", "listener.accept()";
    /// Bytes are read from a connection.
    Read, "",
        "net/link.rs", "pub(crate) fn read<T>(", "read_told(buffer)";
    /// A stream is checked: whether its peer has ended its side of the connection.
    Check, "",
        "net/link.rs", "pub(crate) fn discard(", "read_told(&mut [0; 64])";
    /// Bytes are written to a connection.
    Write, "",
        "net/link.rs", "pub(crate) fn write(", "write_told(bytes)";
    /// Bytes that stand in two places are written to a connection: a head and a body.
    WriteBoth, "",
        "net/link.rs", "pub(crate) fn write_both(", "write_vectored_told(";
    /// A connection is half-closed.
    HalfClose, "RFC 9112, section 9.6",
        "net/linger.rs", "fn go_on(", "shutdown(Shutdown::Write)";
    /// A connection is closed: whoever drops its socket closes it.
    Close, "RFC 9112, section 9.6",
        "net/socket.rs", "impl Drop for Socket", "fn drop(&mut self)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_a_line_of_the_source_with_its_text() {
        for (piece, place) in places() {
            let path = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), place.file);
            let source = std::fs::read_to_string(&path).expect("a file of the source");
            let line = source.lines().nth(place.line as usize - 1).expect("a line of it");
            assert!(line.contains(place.text), "{piece:?} at {place}: {line}");
            assert!(!line.trim_start().starts_with("//"), "{piece:?} at {place}: {line}");
        }
    }

    #[test]
    fn no_two_pieces_are_the_same_place() {
        let all: Vec<_> = places().collect();
        for (piece, place) in &all {
            let same = all.iter().filter(|(_, other)| other == place);
            assert_eq!(same.count(), 1, "{piece:?} is where another is");
        }
    }
}
