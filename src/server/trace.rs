//! Who is told of each call of the system on a server's connections.

use std::sync::Arc;

use super::Server;
use crate::net::trace::{Trace, Tracer};

impl Server {
    /// Sets what is told of each call of the system that opens, reads, writes or closes a
    /// connection, with the bytes that it moved: see [`trace`](crate::trace). These are all bytes,
    /// secrets included: a trace that prints them has to mask those, which
    /// [`secrets_in_url`](crate::http::secrets_in_url) and
    /// [`secrets_in_value`](crate::http::secrets_in_value) find. Defaults to nothing, and then it
    /// costs nothing.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use tidings::trace::{Call, Outcome, Trace};
    /// use tidings::{Response, Server};
    ///
    /// struct Sent(mpsc::Sender<Vec<u8>>);
    ///
    /// impl Trace for Sent {
    ///     fn call(&self, call: &Call<'_>) {
    ///         if let Outcome::Sent { bytes, .. } = call.outcome {
    ///             let _ = self.0.send(bytes.to_vec());
    ///         }
    ///     }
    /// }
    ///
    /// let (tell, sent) = mpsc::channel();
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .get("/", |_request| Ok(Response::no_content()))
    ///     .trace(Sent(tell))
    ///     .start()?;
    /// tidings::testing::get(&server, "/")?;
    /// assert!(sent.recv()?.starts_with(b"HTTP/1.1 204 No Content\r\n"));
    /// # server.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn trace(mut self, trace: impl Trace) -> Self {
        self.tracer = Some(Arc::new(Tracer::new(trace)));
        self
    }
}
