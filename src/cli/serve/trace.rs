//! `--trace`: what goes over each connection, as it happens.
//!
//! ```text
//!   0.004 s  #1 127.0.0.1:50412 sendto: 36 bytes sent
//!            data: hello␊            data, a line of it      src/event/encode.rs:57  HTML, …
//! ```
//!
//! The server tells of each of its calls, on the thread that made it. What it means is found there
//! and then; a [`Logger`] writes it, on a thread of its own, so that no stream waits for whoever
//! reads it. With `--log` both write to the same one.

mod connection;

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tidings::trace::{Call, Outcome, Trace};
use tidings::{Logger, Proxies};

use crate::cli::explain::Layout;
use crate::cli::paint::Paint;
use crate::cli::width;
use connection::Connection;

/// Prints each call, and what its bytes mean.
pub(super) struct Printer {
    /// What the targets begin with of the requests that are shown.
    prefix: Arc<str>,
    /// The proxies that begin their connections with the PROXY protocol, if there are any.
    proxies: Option<Proxies>,
    layout: Layout,
    start: Instant,
    logger: Arc<Logger>,
    connections: Mutex<HashMap<u64, Connection>>,
}

impl Printer {
    /// Where nothing is known of the columns, as in a file, there are as many as are needed.
    pub(super) fn new(prefix: &str, proxies: Option<Proxies>, logger: Arc<Logger>) -> Self {
        let out = io::stderr();
        let columns = if out.is_terminal() { width::columns() } else { usize::MAX };
        Self {
            prefix: prefix.into(),
            proxies,
            layout: Layout { paint: Paint::on(&out), columns, places: true },
            start: Instant::now(),
            logger,
            connections: Mutex::default(),
        }
    }
}

impl Trace for Printer {
    fn call(&self, call: &Call<'_>) {
        // A connection's calls come one after the other; so that what is printed of several is in
        // the order of their times too, there is one lock.
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = self.start.elapsed().as_secs_f64();
        let Call { connection: number, peer, name, outcome, .. } = *call;
        let connection = connections.entry(number);
        let connection = connection.or_insert_with(|| {
            let may_begin = self.proxies.as_ref().is_some_and(|proxies| proxies.has_peer(peer));
            Connection::new(number, peer, &self.prefix, may_begin)
        });
        let text = connection.tell(name, outcome, seconds, self.layout);
        if let Some(text) = text.strip_suffix('\n') {
            self.logger.log(text);
        }
        if matches!(outcome, Outcome::Closed) {
            connections.remove(&number);
        }
    }
}
