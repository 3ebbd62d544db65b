//! The report as a page that needs nothing else: no script, no style or font from elsewhere.

use super::report::Report;
use super::text;

/// The whole page.
pub(super) fn report(report: &Report) -> String {
    format!("<!doctype html>\n<pre>{}</pre>\n", escape(&text::report(report)))
}

/// Text that means nothing in HTML, in attributes as well.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
