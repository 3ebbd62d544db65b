//! What a handler returns: a response, or an event stream.

use std::fmt;

use crate::error::Result;
use crate::http::{Request, Response};
use crate::stream::writer::SseWriter;

/// What runs when a stream begins.
pub(crate) type StreamHandler = Box<dyn FnOnce(SseWriter, &Request) -> Result<()> + Send>;

/// What a handler returns that responds with either a [`Response`] or an event stream.
///
/// A handler that always responds with a [`Response`] just returns that. One that decides for each
/// client whether it gets a stream returns this.
///
/// ```no_run
/// use tidings::{Reply, Response, Server};
///
/// Server::bind("127.0.0.1:3000")?
///     .get("/news", |request| {
///         if !request.wants_event_stream() {
///             return Ok(Response::text("this is an event stream: ask for one\n").into());
///         }
///         Ok(Reply::event_stream(|stream| stream.send("hello")))
///     })
///     .run()?;
/// # Ok::<(), tidings::Error>(())
/// ```
#[non_exhaustive]
pub struct Reply(pub(crate) Outcome);

/// A plain response, or the head of a stream and what runs when it begins.
pub(crate) enum Outcome {
    Response(Response),
    Stream { head: Response, handler: StreamHandler },
}

impl Reply {
    /// An event stream. The closure runs once, with the stream, which lives as long as any owner
    /// holds it.
    pub fn event_stream<T>(handler: impl FnOnce(SseWriter) -> Result<T> + Send + 'static) -> Self {
        Self::stream(Box::new(|stream, _request| handler(stream).map(drop)))
    }

    /// The same reply, which no cache may keep: for what not everybody may read. Then it has the
    /// field `Cache-Control: no-store`, and a stream `no-store, no-transform`.
    ///
    /// A cache gives one response to all who ask for its URL. The standard keeps it from that where
    /// a request has the field `Authorization` (RFC 9111, section 3.5), and not where a cookie or
    /// the URL says who asks. A stream says `no-cache` in any case, at which some caches still send
    /// one to several clients that ask at the same time.
    ///
    /// ```
    /// use tidings::{Reply, Server, testing};
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .get("/mine", |_request| {
    ///         Ok(Reply::event_stream(|stream| stream.send("hello")).no_store())
    ///     })
    ///     .start()?;
    /// let stream = testing::stream(&server, "/mine")?;
    /// assert_eq!(stream.field("Cache-Control"), Some("no-store, no-transform"));
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn no_store(mut self) -> Self {
        let (Outcome::Response(head) | Outcome::Stream { head, .. }) = &mut self.0;
        head.forbid_to_store();
        self
    }

    pub(crate) fn stream(handler: StreamHandler) -> Self {
        Self(Outcome::Stream { head: Response::event_stream_head(), handler })
    }
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self(Outcome::Response(response))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Outcome::Response(response) => f.debug_tuple("Reply").field(response).finish(),
            Outcome::Stream { .. } => f.debug_tuple("Reply").field(&"event stream").finish(),
        }
    }
}
