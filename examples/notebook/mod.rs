//! What the examples' pages report: each page posts what its `EventSource` received back to the
//! server that it came from, where a test, or you with curl, can read it.
//!
//! ```text
//! $ curl http://127.0.0.1:3000/received
//! open
//! number 7
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use tidings::{Response, Server};

/// Nobody reads further back than this; a page that is left open must not fill the memory.
const MOST: usize = 100;

/// Adds `POST /received`, which notes a line, and `GET /received`, which gives all lines.
pub(crate) fn add_to(server: Server) -> Server {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&lines);
    server
        .post("/received", move |request| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < MOST {
                lines.push(request.body_text()?.to_owned());
            }
            Ok(Response::no_content())
        })
        .get("/received", move |_request| {
            let lines = noted.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Response::text(lines.iter().map(|line| format!("{line}\n")).collect::<String>()))
        })
}
