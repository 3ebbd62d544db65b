//! What carries the bytes of a command: TCP or a unix socket, as the URL says, or what `--via`
//! says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidings::client::{Connection, Plain, Transport, Url};

#[cfg(unix)]
use super::via::Via;
#[cfg(unix)]
pub(super) use super::via::leads_elsewhere;

#[derive(Clone, Debug, Default)]
pub(crate) enum Carrier {
    #[default]
    Plain,
    #[cfg(unix)]
    Via(Via),
}

impl Carrier {
    /// The way to the server of this URL.
    pub(crate) fn new(via: Option<&str>, url: &Url) -> Self {
        match via {
            #[cfg(unix)]
            Some(command) => Self::Via(Via::new(command, url)),
            // Elsewhere its flag is refused.
            _ => Self::Plain,
        }
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

impl Transport for Carrier {
    fn connect(&self, url: &Url, within: Duration) -> io::Result<Arc<dyn Connection>> {
        match self {
            Self::Plain => Plain.connect(url, within),
            #[cfg(unix)]
            Self::Via(via) => via.connect(url, within),
        }
    }
}

/// Whether a connection was refused as its URL is not that of `--via`, which is for unix.
#[cfg(not(unix))]
pub(super) fn leads_elsewhere(_error: &tidings::Error) -> bool {
    false
}

/// A command for `--via`.
pub(crate) fn command(text: &str) -> Result<String, String> {
    if cfg!(not(unix)) {
        return Err("this system has no sh to run a command with".into());
    }
    match text.trim() {
        "" => {
            Err("it must be a command, such as 'openssl s_client -quiet -connect HOST:443'".into())
        }
        _ => Ok(text.into()),
    }
}
