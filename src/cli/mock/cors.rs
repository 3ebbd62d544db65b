//! Pages of other origins: they may read everything.
//!
//! ```text
//! OPTIONS /events HTTP/1.1                      HTTP/1.1 204 No Content
//! Origin: http://localhost:5173                 Access-Control-Allow-Origin: http://localhost:5173
//! Access-Control-Request-Method: GET            Access-Control-Allow-Credentials: true
//! Access-Control-Request-Headers: x-key         Vary: Origin
//!                                               Access-Control-Allow-Methods: GET
//!                                               Access-Control-Allow-Headers: x-key
//! ```
//!
//! A page under development comes from one port and its stream from another, which makes them two
//! origins. The mock has no secrets, so it allows every origin. It names the origin, as the Fetch
//! standard (section 3.3) has no `*` for a page that sends credentials. A request without `Origin`
//! comes from no such page, and its response has none of these fields.

use tidings::Method;
use tidings::http::Head;

/// The fields with which a preflight asks, and those that grant it.
const ASKED: [(&str, &str); 2] = [
    ("access-control-request-method", "Access-Control-Allow-Methods"),
    ("access-control-request-headers", "Access-Control-Allow-Headers"),
];

/// Whether this is a browser's preflight: it asks if it may send what a page wants to send.
pub(super) fn is_preflight(request: &Head) -> bool {
    let asks = request.field("origin").and(request.field(ASKED[0].0));
    request.method() == Method::Options && asks.is_some()
}

/// The field lines that let the page that sent this request read the response.
pub(super) fn fields(request: &Head) -> Vec<String> {
    let Some(origin) = request.field_text("origin") else { return Vec::new() };
    let mut fields = vec![
        format!("Access-Control-Allow-Origin: {origin}"),
        "Access-Control-Allow-Credentials: true".into(),
        "Vary: Origin".into(),
    ];
    if is_preflight(request) {
        let granted = ASKED.iter().filter_map(|(asked, granted)| {
            request.field_text(asked).map(|value| format!("{granted}: {value}"))
        });
        fields.extend(granted);
    }
    fields
}
