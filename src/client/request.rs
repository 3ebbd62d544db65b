//! The request with which a client asks for a stream, and its bytes.
//!
//! ```text
//! GET /events/news HTTP/1.1 CRLF
//! Host: localhost:3000 CRLF
//! Accept: text/event-stream CRLF        by this a server tells a stream's client from a page's
//! Cache-Control: no-cache CRLF          no cache may respond in the server's place
//! Accept-Encoding: identity CRLF        a compressed stream would come in lumps
//! User-Agent: tidings/0.1.0 CRLF
//! Last-Event-ID: 489621003417-17 CRLF   only where there is one that a field can carry
//! Connection: close CRLF                nothing else will be asked on this connection
//! CRLF
//! ```
//!
//! Streams can also be asked for with a POST, as APIs of language models have it. Its body is sent
//! again with each new connection.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::url::Url;
use crate::error::{Error, Result};
use crate::http::response::check_field;
use crate::http::{
    MASK, Method, Status, is_authority, masked_value, secrets_in_url, secrets_in_value,
};

/// What goes out unless a field of the same name is set.
const DEFAULTS: [(&str, &str); 4] = [
    ("Accept", "text/event-stream"),
    ("Cache-Control", "no-cache"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", concat!("tidings/", env!("CARGO_PKG_VERSION"))),
];

/// What is written here: a wrong one would corrupt the connection, or be stale by the next one.
const OWN_FIELDS: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "keep-alive",
    "last-event-id",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The longest last event ID that is sent, in bytes. Many servers take 8 KiB for all fields
/// together, and respond to more with 431, for ever.
const LONGEST_ID: usize = 8 * 1024;

/// What is shorter is found in any text, and is no secret for long.
const SHORTEST_SECRET: usize = 7;

/// A request for an event stream.
///
/// ```
/// use tidings::client::StreamRequest;
///
/// let prompt = r#"{"stream": true, "prompt": "hello"}"#;
/// let request = StreamRequest::post("http://localhost:8080/v1/chat", "application/json", prompt)?
///     .with_field("Authorization", "Bearer 2YotnFZFEjr1")?;
/// let bytes = request.encode("");
/// assert!(bytes.starts_with(b"POST /v1/chat HTTP/1.1\r\nHost: localhost:8080\r\n"));
/// assert!(bytes.ends_with(prompt.as_bytes()));
/// # Ok::<(), tidings::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StreamRequest {
    url: Url,
    /// Names are tokens, each there once, and values are field values.
    fields: Vec<(String, String)>,
    /// What a POST sends; a GET has none.
    content: Option<Content>,
}

#[derive(Clone, PartialEq, Eq)]
struct Content {
    content_type: String,
    bytes: Arc<[u8]>,
}

impl StreamRequest {
    /// Asks with a GET, as a browser does.
    ///
    /// # Errors
    ///
    /// If `url` is none: see [`Url::parse`].
    pub fn get(url: &str) -> Result<Self> {
        Ok(Self { url: Url::parse(url)?, fields: Vec::new(), content: None })
    }

    /// Asks for what is at this URL.
    #[cfg(feature = "follow")]
    pub(crate) fn of(url: Url) -> Self {
        Self { url, fields: Vec::new(), content: None }
    }

    /// Asks with a POST that carries this content.
    ///
    /// # Errors
    ///
    /// If `url` is none, or no field can carry the content type.
    pub fn post(
        url: &str,
        content_type: impl Into<String>,
        content: impl Into<Vec<u8>>,
    ) -> Result<Self> {
        let content_type = content_type.into();
        check_field("Content-Type", &content_type)?;
        let content = Content { content_type, bytes: content.into().into() };
        Ok(Self { content: Some(content), ..Self::get(url)? })
    }

    /// Sets a field; it takes the place of one of the same name. `Accept`, `Cache-Control`,
    /// `User-Agent` and `Host` have defaults, which can be replaced like this.
    ///
    /// Only the server that the URL names is sent these fields: where a redirect leads to another,
    /// they are left out, as they may be secrets. What a POST sends is not left out where the
    /// redirect is a 307 or a 308, and neither is the last event ID: both are what is asked, and
    /// the server that was trusted with them says whom to ask.
    ///
    /// # Errors
    ///
    /// If the name is no token, if the value contains a control character or begins or ends with
    /// white space, if it is a `Host` that is none, and if the field frames the request or is the
    /// event source's own, such as `Content-Length` or `Last-Event-ID`.
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        check_field(&name, &value)?;
        if OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
            return Err(Error::invalid(format!(
                "the event source writes this field itself, and it can't be set: {name}"
            )));
        }
        if name.eq_ignore_ascii_case("host") && !is_authority(value.as_bytes()) {
            let shown = masked_value("host", &value);
            return Err(Error::invalid(format!("this is not a host: {shown:?}")));
        }
        self.fields.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.fields.push((name, value));
        Ok(self)
    }

    /// Asks the server that listens on the unix socket at this path: see [`Url::at_socket`].
    ///
    /// ```no_run
    /// use tidings::client::{EventSource, StreamRequest};
    ///
    /// let request = StreamRequest::get("http://localhost/events/news")?;
    /// for event in EventSource::with(request.at_socket("/run/tidings.sock")) {
    ///     println!("{}", event?.data);
    /// }
    /// # Ok::<(), tidings::Error>(())
    /// ```
    #[must_use]
    pub fn at_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.url = self.url.at_socket(path);
        self
    }

    /// GET or POST.
    pub fn method(&self) -> Method {
        if self.content.is_some() { Method::Post } else { Method::Get }
    }

    /// Where the stream is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The bytes of the request. `last_event_id` is left out where it is empty, and where no field
    /// can carry it: it contains a control character other than the tab, begins or ends with white
    /// space, or is longer than 8 KiB.
    pub fn encode(&self, last_event_id: &str) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method().as_str(), self.url.target());
        let mut put = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                out.push_str(part);
            }
        };
        let authority = self.url.authority();
        let defaults = [&[("Host", &*authority)], &DEFAULTS[..]].concat();
        for (name, value) in &defaults {
            put(name, self.field(name).unwrap_or(value));
        }
        for (name, value) in &self.fields {
            if !defaults.iter().any(|(default, _)| default.eq_ignore_ascii_case(name)) {
                put(name, value);
            }
        }
        if !last_event_id.is_empty() && Self::check_id(last_event_id).is_ok() {
            put("Last-Event-ID", last_event_id);
        }
        if let Some(content) = &self.content {
            put("Content-Type", &content.content_type);
            put("Content-Length", &content.bytes.len().to_string());
        }
        put("Connection", "close");
        out.push_str("\r\n");
        let mut bytes = out.into_bytes();
        bytes.extend_from_slice(self.content.as_ref().map_or(b"", |content| &content.bytes));
        bytes
    }

    /// Whether a request can carry this last event ID. A stream can name ids that no field can
    /// carry (RFC 9110, section 5.5): with control characters, to which strict servers respond with
    /// 400 for ever, or with white space at the ends, which the server would not see.
    ///
    /// # Errors
    ///
    /// If [`encode`](Self::encode) leaves this id out; the error says why.
    pub fn check_id(last_event_id: &str) -> Result<()> {
        let why = if last_event_id.len() > LONGEST_ID {
            "it is longer than 8 KiB, which most servers refuse"
        } else if check_field("Last-Event-ID", last_event_id).is_err() {
            "it contains a control character, or white space at an end, which no field can carry \
             (RFC 9110, section 5.5)"
        } else {
            return Ok(());
        };
        Err(Error::invalid(format!(
            "the last event ID is not sent, so the server does not know where to resume: {why}"
        )))
    }

    /// The request that follows from a redirect with this status (RFC 9110, section 15.4).
    pub(super) fn redirected(&self, status: Status, location: &str) -> Result<Self> {
        let url = self.url.join(location)?;
        // Once they were meant to keep the method, but no client did (Fetch, section 4.4).
        let becomes_get =
            matches!(status, Status::MOVED_PERMANENTLY | Status::FOUND | Status::SEE_OTHER);
        let content = self.content.clone().filter(|_| !becomes_get);
        let same = url.has_origin_of(&self.url);
        let fields = if same { self.fields.clone() } else { Vec::new() };
        Ok(Self { url, fields, content })
    }

    /// A text of the server's without what may be a secret in this request: some servers tell the
    /// client which token it is that they don't know.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let url = self.url.to_string();
        let of_url = secrets_in_url(url.as_bytes()).into_iter().map(|secret| &url[secret]);
        let of_fields = self.fields.iter().flat_map(|(name, value)| {
            let secrets = secrets_in_value(name, value.as_bytes()).into_iter();
            secrets.map(|secret| &value[secret])
        });
        let words = of_url.chain(of_fields).flat_map(|secret| secret.split([' ', ',', ';', '=']));
        let secrets = words.filter(|word| word.len() >= SHORTEST_SECRET);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }
}

/// Shows the names of the fields but not their values, which may be secrets, and the URL masked.
impl fmt::Debug for StreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRequest")
            .field("method", &self.method())
            .field("url", &self.url)
            .field("fields", &self.fields.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
