//! How `tail` and `record` follow a stream: what they request, what they print, and how they end.
//!
//! Both have the same options for it, and the same exit statuses.

use std::io;
use std::time::Duration;

use tidings::client::{EventSource, StreamRequest, Update, Url};
use tidings::http::masked_url;
use tidings::{Error, EventId};

use super::carrier::{self, Carrier};
use super::named::{self, NO_TLS};
use crate::cli::{Failure, Outcome, file, say, signals, visible};

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Follow {
    pub(crate) last_event_id: Option<EventId>,
    /// It ends after this many events.
    pub(crate) count: Option<u32>,
    /// Names and values that a request can carry.
    pub(crate) fields: Vec<(String, String)>,
    /// The media type of the data, if a field names it.
    pub(crate) content_type: Option<String>,
    /// What a POST sends, or `@` and the name of the file that contains it.
    pub(crate) data: Option<String>,
    pub(crate) no_reconnect: bool,
    pub(crate) keep_trying: bool,
    pub(crate) attempts: Option<u32>,
    pub(crate) silence: Option<Duration>,
    pub(crate) quiet: bool,
    /// A command that leads to the server.
    pub(crate) via: Option<String>,
}

/// Exit statuses, besides those that every command has.
pub(crate) const NO_MORE: u8 = 3;
pub(crate) const NO_STREAM: u8 = 4;
pub(crate) const NO_CONNECTION: u8 = 5;
pub(crate) const TOO_LONG: u8 = 6;

impl Follow {
    /// Whether an option concerns a connection. Standard input has none.
    pub(crate) fn is_of_a_connection(&self) -> bool {
        *self != Self { count: self.count, quiet: self.quiet, ..Self::default() }
    }

    pub(crate) fn source(&self, url: &str) -> Result<EventSource, Failure> {
        let request = self.request(url)?;
        let carrier = self.carrier(request.url());
        let mut source = EventSource::with(request).transport(carrier);
        if let Some(id) = &self.last_event_id {
            source = source.with_last_event_id(id.clone());
        }
        if let Some(silence) = self.silence {
            source = source.silence(silence);
        }
        if let Some(attempts) = self.attempts {
            source = source.give_up_after(attempts);
        }
        if self.no_reconnect {
            source = source.reconnects(false);
        }
        Ok(source.keep_trying(self.keep_trying))
    }

    /// The way to this URL, for a caller that puts something around it.
    pub(crate) fn carrier(&self, url: &Url) -> Carrier {
        Carrier::new(self.via.as_deref(), url)
    }

    fn request(&self, url: &str) -> Result<StreamRequest, Failure> {
        let wrong = |error: Error| Failure::Usage(error.to_string());
        if self.data.is_none() && self.content_type.is_some() {
            let what = "--header Content-Type says what is sent: give it with --data";
            return Err(Failure::Usage(what.into()));
        }
        let content = self.data.as_deref().map(content).transpose()?;
        let make = |url: &str| match content {
            None => StreamRequest::get(url),
            Some(content) => StreamRequest::post(url, self.content_type(), content),
        };
        let mut request = named::request(url, self.via.is_some(), make).map_err(Failure::Usage)?;
        for (name, value) in &self.fields {
            request = request.with_field(name, value).map_err(wrong)?;
        }
        Ok(request)
    }

    pub(crate) fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or("application/json")
    }
}

fn content(data: &str) -> Result<Vec<u8>, Failure> {
    let Some(path) = data.strip_prefix('@') else { return Ok(data.into()) };
    let failed = |error| Failure::Failed(format!("can't read {path} to send it: {error}"));
    file::read(path).map_err(failed)
}

/// How long a stream may take to end after a signal. Nothing interrupts a connect, the look-up of a
/// name, or a write to a pipe that nobody reads.
const PATIENCE: Duration = Duration::from_secs(1);

/// Follows the stream until it ends, until `take` returns that nothing more is wanted, or until a
/// signal comes.
pub(crate) fn follow(
    mut source: EventSource,
    quiet: bool,
    mut take: impl FnMut(&tidings::Result<Update>) -> Result<bool, Failure>,
) -> Outcome {
    let closer = source.closer();
    signals::on_first(move |_| {
        closer.close();
        signals::end_within(PATIENCE);
    });
    while let Some(update) = source.next_update() {
        let is_over = take(&update)?;
        match update.map_err(|error| ended(&error))? {
            Update::Stopped => {
                let said = "the server says that there is no more (204)".into();
                return Err(Failure::Ended { status: NO_MORE, said });
            }
            update => tell(&update, &source, quiet),
        }
        if is_over {
            break;
        }
    }
    Ok(())
}

/// Notes on standard error what happens to the connection. If quiet, only what may cost events.
fn tell(update: &Update, source: &EventSource, quiet: bool) {
    match update {
        Update::IdLeftOut { error } => say(&error.to_string()),
        _ if quiet => {}
        Update::Opened { url, .. } => {
            let resumes = match source.last_event_id() {
                id if id.is_empty() || StreamRequest::check_id(id).is_err() => String::new(),
                id => format!(", to resume after {}", visible::line(id)),
            };
            // A redirect may have put a key into the URL, and logs are kept.
            say(&format!("connected to {}{resumes}", masked_url(&url.to_string())));
        }
        Update::Lost { error, retry_in } => {
            let error = told(error);
            let seconds = retry_in.as_secs_f64();
            say(&format!("{error}; connecting again in {seconds:.1} s"));
        }
        Update::Ended => say("the server has ended the stream"),
        _ => {}
    }
}

/// How an error that no retry can mend ends a command.
pub(crate) fn ended(error: &Error) -> Failure {
    let status = if error.is_bad_response() {
        NO_STREAM
    } else if error.is_invalid() {
        TOO_LONG
    } else {
        NO_CONNECTION
    };
    let said = match io_kind(error) {
        Some(io::ErrorKind::Unsupported) if !carrier::leads_elsewhere(error) => {
            format!("the server redirects to an https URL: {NO_TLS}")
        }
        _ => told(error),
    };
    Failure::Ended { status, said }
}

fn told(error: &Error) -> String {
    visible::line(&named::with_remedy(error.to_string(), io_kind(error)))
}

/// What failed in the system, if that is the cause.
pub(crate) fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    let source = std::error::Error::source(error);
    source.and_then(|source| source.downcast_ref()).map(io::Error::kind)
}
