//! The server: where it listens, routes, limits, and the threads that accept connections.
//!
//! ```text
//! acceptor ─► pool of workers ─► connection ─► handler ─► response
//!                                                   └──► stream ─► registry, channels
//! ```
//!
//! To read on: [`listen`] is where it listens, [`accept`] are the threads for that, [`welcome`] is
//! where a connection begins, [`connection`] is one socket, [`dispatch`] finds and runs handlers,
//! [`routes`] has them by path, [`reply`] is what they return, [`site`] is what all connections
//! have in common, [`serving`] is its life from begin to end, [`running`] is a server on a thread
//! of its own, [`handle`] is how others reach it, and `trace` is who is told of each call on a
//! connection.

pub(crate) mod accept;
pub(crate) mod connection;
pub(crate) mod dispatch;
pub(crate) mod handle;
pub(crate) mod hosts;
pub(crate) mod listen;
pub(crate) mod reply;
pub(crate) mod routes;
pub(crate) mod running;
pub(crate) mod serving;
pub(crate) mod site;
#[cfg(feature = "tools")]
mod trace;
pub(crate) mod welcome;

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::http::pattern::Pattern;
use crate::http::request::Rare;
use crate::http::{Cors, Head, IntoContent, Method, Proxies, Request, Response, Status};
use crate::limits::Limits;
use crate::net::budget::Budget;
use crate::net::listener::Listener;
#[cfg(feature = "tools")]
use crate::net::trace::Tracer;
use crate::peer::Peer;
use crate::stream::hooks::Hooks;
use crate::stream::runtime::Runtime;
use crate::stream::writer::SseWriter;
use handle::Handle;
use hosts::Hosts;
use reply::Reply;
use routes::Routes;
use running::Running;
use serving::Serving;
use site::{Admit, Site};

/// A server of event streams and plain responses, on threads that can be counted.
///
/// Made with [`bind`](Self::bind) or [`new`](Self::new), given its routes, and then
/// [`run`](Self::run) on this thread or [`start`](Self::start)ed on another. A handler runs on a
/// worker thread, once for each request; it may block, but a worker that waits serves no other
/// request. The response to an error that it returns, and to a panic, is 500, unless
///
/// - the error has its response in it ([`Error::respond`]);
/// - it is about the request: 400 for what the handler [says is bad](Error::bad_request) and for a
///   value in the query, the path or the body that can't be [sent](Error::is_invalid), 400 or 415
///   for an [unusable body](Error::is_bad_request), 413 for a body that makes an event
///   [too large](Error::is_too_large), 409 or 422 for an idempotency key that is
///   [in use](Error::is_key_in_use) or [used](Error::is_key_reused);
/// - it is about what keeps the events: 503, 504 or 507, as the methods of [`Error`] say.
///
/// ```
/// use tidings::{Channel, Response, Server};
///
/// let news = Channel::new();
/// let server = Server::bind("127.0.0.1:0")?
///     .sse("/events", {
///         let news = news.clone();
///         move |stream, _request| stream.subscribe(&news)
///     })
///     .post("/events", move |request| {
///         let id = news.send(request.body_text()?)?;
///         Ok(Response::text(id))
///     })
///     .start()?;
/// println!("listening on http://{}", server.address());
/// server.stop()?;
/// # Ok::<(), tidings::Error>(())
/// ```
pub struct Server {
    listeners: Vec<Listener>,
    routes: Routes,
    /// Without a slash at its end.
    prefix: String,
    limits: Limits,
    cors: Option<Cors>,
    hosts: Option<Hosts>,
    admit: Option<Admit>,
    proxies: Option<Proxies>,
    remedies: Vec<(Status, String)>,
    hooks: Option<Arc<dyn Hooks>>,
    #[cfg(feature = "tools")]
    tracer: Option<Arc<Tracer>>,
    handle: Handle,
    /// The first thing that was wrong with a route or a listener; returned when the server starts,
    /// so that calls can be chained.
    error: Option<Error>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

impl Server {
    /// A handle that stops the server from anywhere, and tells what it is doing.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves an event stream at a path. The handler runs once for each client. Its stream lives
    /// as long as any owner holds it, and not only as long as the handler runs. What it returns in
    /// `Ok` counts for nothing; a closure that only fails, or never returns, says what it would be:
    /// `|stream, request| -> tidings::Result<()> { … }`.
    ///
    /// The handler runs on one of the server's [`workers`](Limits::workers), with a stack of 1 MiB,
    /// and should return soon: one that loops holds its worker for as long as its stream, and with
    /// 64 such streams no other request is served. What takes its time, or waits for something, is
    /// for [`SseWriter::spawn`], [`SseWriter::every`] or a channel.
    ///
    /// HEAD at this path is responded to with the head alone, and the handler doesn't run.
    ///
    /// A handler that has no stream for a client refuses it by its status: with
    /// `stream.set_status(Status::NO_CONTENT)` an `EventSource` stays away for good.
    ///
    /// If the handler fails before anything was sent the client gets a response: a 500, or what the
    /// error says ([`Error::respond`], [`Error::bad_request`]). Else the stream is cut off without
    /// its last chunk.
    #[must_use]
    pub fn sse<T>(
        self,
        path: &str,
        handler: impl Fn(SseWriter, &Request) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let handler = Arc::new(handler);
        self.route(Method::Get, path, move |_request| {
            let handler = Arc::clone(&handler);
            Ok(Reply::stream(Box::new(move |stream, request| handler(stream, request).map(drop))))
        })
    }

    /// Responds to GET, and HEAD, at a path.
    #[must_use]
    pub fn get<R: Into<Reply>>(
        self,
        path: &str,
        handler: impl Fn(&Request) -> Result<R> + Send + Sync + 'static,
    ) -> Self {
        self.route(Method::Get, path, handler)
    }

    /// Responds to POST at a path.
    #[must_use]
    pub fn post<R: Into<Reply>>(
        self,
        path: &str,
        handler: impl Fn(&Request) -> Result<R> + Send + Sync + 'static,
    ) -> Self {
        self.route(Method::Post, path, handler)
    }

    /// Responds to any method at a path.
    ///
    /// In a path, `{name}` stands for one segment and `{name...}` for the whole rest;
    /// [`Request::param`] gives their values. Of several routes that fit, the first that was added
    /// is taken. A mistake in the path, or the same route twice, is an error when the server
    /// starts.
    #[must_use]
    pub fn route<R: Into<Reply>>(
        mut self,
        method: Method,
        path: &str,
        handler: impl Fn(&Request) -> Result<R> + Send + Sync + 'static,
    ) -> Self {
        let handler = Arc::new(move |request: &Request| handler(request).map(Into::into));
        if let Err(error) = self.routes.add(method, path, handler) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// Responds to all requests that have no route, with any method. Defaults to 404, or 405 where
    /// another method has a route.
    #[must_use]
    pub fn fallback<R: Into<Reply>>(
        mut self,
        handler: impl Fn(&Request) -> Result<R> + Send + Sync + 'static,
    ) -> Self {
        self.routes.set_fallback(Arc::new(move |request| handler(request).map(Into::into)));
        self
    }

    /// Responds to GET at a path with content that never changes: text or bytes. However many
    /// clients receive it, there is one copy in memory.
    ///
    /// ```
    /// # use tidings::Server;
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .content("/", "text/html; charset=utf-8", "<title>news</title>")
    ///     .content("/robots.txt", "text/plain", b"User-agent: *\nDisallow: /\n");
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn content(
        self,
        path: &str,
        content_type: &'static str,
        content: impl IntoContent,
    ) -> Self {
        let response = match content.into_content() {
            Cow::Borrowed(content) => Response::content(content_type, content),
            Cow::Owned(content) => Response::shared(content_type, content.into()),
        };
        self.get(path, move |_request| Ok(response.clone()))
    }

    /// Puts all routes below this path, those too that are added later; elsewhere there is nothing,
    /// and no [`fallback`](Self::fallback) either. So a proxy can pass on what it has below a path
    /// of its own as it is. What a request says of itself stays whole, such as [`Request::path`]. A
    /// prefix that is no path, or has parameters, is an error when the server starts. Defaults to
    /// `/`.
    ///
    /// ```
    /// use tidings::{Channel, Server};
    ///
    /// let news = Channel::new();
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .prefix("/hub")
    ///     .content("/", "text/html; charset=utf-8", "<title>news</title>") // at /hub/
    ///     .sse("/news", move |stream, _request| stream.subscribe(&news)); // at /hub/news
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn prefix(mut self, path: &str) -> Self {
        match Pattern::prefix(path) {
            Ok(prefix) => self.prefix = prefix.to_owned(),
            Err(error) => drop(self.error.get_or_insert(error)),
        }
        self
    }

    /// Sets which pages of other origins may read the responses. Defaults to none.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Serves only requests whose `Host` is an address, `localhost` or one of these names, so that
    /// a page can't reach the server under a name of its own (DNS rebinding). Others get 421.
    /// Defaults to serving all.
    #[must_use]
    pub fn hosts<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.hosts = Some(Hosts::new(self.address(), names.into_iter().map(Into::into)));
        self
    }

    /// Sets which requests are admitted, by their head and the peer. The closure runs for
    /// each request that has a handler, before any of the body is read: so strangers can't fill the
    /// memory for bodies. What it returns is there for the handler, by [`Request::admitted`]; of
    /// `()` nothing is kept. An error that it returns is the response, and the handler does not
    /// run; a panic gets the status 500. Defaults to admitting all.
    ///
    /// ```
    /// use tidings::{Channel, Response, Server, Status};
    ///
    /// struct User(&'static str);
    ///
    /// let news = Channel::new();
    /// let server = Server::bind("127.0.0.1:0")?
    ///     // An `EventSource` sends no fields of a page's own, so the token is in the query.
    ///     .admit(|head, _peer| match head.query_value("token").as_deref() {
    ///         Some("2YotnFZFEjr1") => Ok(User("ann")),
    ///         _ => Err(Response::text("who are you?\n").with_status(Status::UNAUTHORIZED)),
    ///     })
    ///     .sse("/news", move |stream, request| {
    ///         let User(name) = request.admitted().expect("admit has left it");
    ///         news.send(("joined", *name))?;
    ///         stream.subscribe(&news)
    ///     });
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn admit<F, T>(mut self, admit: F) -> Self
    where
        F: Fn(&Head, Peer) -> Result<T, Response> + Send + Sync + 'static,
        T: Any + Send + Sync,
    {
        let keeps = TypeId::of::<T>() != TypeId::of::<()>();
        self.admit = Some(Box::new(move |head, peer| {
            let admitted = admit(head, peer)?;
            Ok(keeps.then(|| Rare::of_admitted(admitted)))
        }));
        self
    }

    /// Sets which proxies the server is behind. The [peer](Request::peer) of a request that comes
    /// through them is then the client that they name, as a [`Peer::Forwarded`], for all that a
    /// peer is for: [`admit`](Self::admit), handlers, [hooks](Self::hooks) and
    /// [`Limits::streams_per_peer`]. Defaults to none, so that the peer is the proxy.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Adds a text to the server's own refusals with this status, such as 421 for a foreign
    /// [host](Self::hosts), 413 for a body past [`Limits::body`] or 503 for a connection past
    /// [`Limits::connections`]: what an operator could do, in the words of the program. Defaults to
    /// nothing.
    ///
    /// ```
    /// use tidings::{Server, Status};
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .hosts(["news.example"])
    ///     .remedy(Status::MISDIRECTED_REQUEST, "add the name to `hosts` in news.toml");
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn remedy(mut self, status: Status, remedy: impl Into<String>) -> Self {
        self.remedies.push((status, remedy.into()));
        self
    }

    /// Sets bounds and deadlines. Defaults to [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the hooks that are called about streams: see [`Hooks`] and [`Logger`](crate::Logger).
    /// Defaults to none. An `Arc` of hooks is hooks too, so a program that keeps a clone can read
    /// what they counted.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// Serves on this thread until a [`Handle`] stops it. Without a listener, it serves just the
    /// connections that it is [given](Handle::serve).
    ///
    /// # Errors
    ///
    /// When a listener is unusable, a route was wrong, the system gives no thread to begin with,
    /// or, at the end, a handler or an interval would not end within the grace period.
    pub fn run(self) -> Result<()> {
        Serving::begin(self)?.wait()
    }

    /// Serves on a thread of its own, until the returned value is dropped or stopped. Without a
    /// listener, it serves just the connections that it is [given](Handle::serve).
    ///
    /// # Errors
    ///
    /// When a listener is unusable, a route was wrong, or the system gives no thread.
    pub fn start(self) -> Result<Running> {
        Running::start(self)
    }

    pub(crate) fn prepare(mut self) -> Result<(Vec<Listener>, Arc<Site>, Handle)> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if !self.prefix.is_empty() {
            self.routes.put_below(&self.prefix)?;
        }
        let site = Arc::new(Site {
            bodies: Budget::new(self.limits.bodies),
            runtime: Runtime::start(self.limits, self.hooks, Arc::clone(self.handle.lifecycle()))?,
            routes: self.routes,
            cors: self.cors,
            hosts: self.hosts,
            admit: self.admit,
            proxies: self.proxies,
            remedies: self.remedies,
            #[cfg(feature = "tools")]
            tracer: self.tracer,
        });
        self.handle.serves(&site);
        Ok((self.listeners, site, self.handle))
    }
}
