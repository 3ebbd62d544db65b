//! The page that shows the hub at work, and its style and script.
//!
//! They come from the hub alone, and the page's policy says so. A browser loads nothing from
//! elsewhere, runs nothing that stands in the page itself, and lets no other page frame it. So
//! published text could do no harm even if it were taken for markup, which it never is.

use tidings::{Response, Server};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &[u8] = include_bytes!("page/page.css");
const SCRIPT: &[u8] = include_bytes!("page/page.js");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(super) fn add_to(server: Server) -> Server {
    server
        .get("/", |_request| {
            Response::html(PAGE)
                .with_field("Content-Security-Policy", POLICY)?
                .with_field("Referrer-Policy", "no-referrer")?
                .with_field("Cache-Control", "no-cache")
        })
        .content("/page.css", "text/css; charset=utf-8", STYLE)
        .content("/page.js", "text/javascript; charset=utf-8", SCRIPT)
}
