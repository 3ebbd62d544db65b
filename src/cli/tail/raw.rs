//! The learner's view: what goes over the wire, with times and meanings.
//!
//! ```text
//!   0.512 s  received 24 bytes
//!            e␍␊                                      chunk: 14 bytes
//!            data: hello␊                             data, a line of it
//!            ␊                                        blank line: dispatch "message", 5 bytes
//!            ␍␊                                       end of the chunk
//! ```

use std::time::Instant;

use tidings::client::Traffic;

use crate::cli::explain::{Layout, Request, Response};
use crate::cli::paint::Paint;
use crate::cli::plural;

/// Lays out one connection after another.
pub(super) struct View {
    layout: Layout,
    start: Instant,
    request: Request,
    response: Response,
}

impl View {
    pub(super) fn new(paint: Paint, columns: usize) -> Self {
        let layout = Layout { paint, columns, places: false };
        let (request, response) = (Request::new(), Response::new());
        Self { layout, start: Instant::now(), request, response }
    }

    pub(super) fn show(&mut self, traffic: Traffic<'_>) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        let (title, rows) = match traffic {
            Traffic::Connected(url) => {
                (self.request, self.response) = (Request::new(), Response::new());
                let port = || format!("{} port {}", url.host(), url.port());
                let server = url.socket().map(|path| format!("unix:{}", path.display()));
                (format!("connected to {}", server.unwrap_or_else(port)), Vec::new())
            }
            Traffic::Sent(bytes) => {
                let title = format!("sent {}", plural(bytes.len() as u64, "byte"));
                (title, self.request.take(bytes))
            }
            Traffic::Received(bytes) => {
                let title = format!("received {}", plural(bytes.len() as u64, "byte"));
                (title, self.response.read(bytes))
            }
            Traffic::Ended => {
                (format!("the server ends the connection: {}", self.response.end()), Vec::new())
            }
            _ => return String::new(),
        };
        let rows: String = rows.iter().map(|row| self.layout.row(row)).collect();
        self.layout.title(seconds, &title) + &rows
    }
}
