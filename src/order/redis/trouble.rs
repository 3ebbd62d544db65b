//! *Pure*: what goes wrong with Redis, and what to do about it.

use std::fmt;

use super::resp::Fault;

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    /// It stays until somebody changes something: to try again soon is of no use.
    pub(crate) is_lasting: bool,
    /// Nothing had been sent of what was to be sent, so nothing came of it.
    pub(crate) is_unsent: bool,
}

impl Trouble {
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_lasting: false, is_unsent: false }
    }

    pub(crate) fn lasting(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_lasting: true, is_unsent: false }
    }

    /// What an error reply means. Those whose first word is not known here, such as `LOADING`, say
    /// that the server can't do it now.
    pub(crate) fn refused(error: &str) -> Self {
        let shown = error.escape_debug();
        let remedy = match error.split(' ').next().unwrap_or_default() {
            "ERR" if !error.contains("max number of clients") => "",
            "NOAUTH" => "; give its password with --redis-password-file",
            "WRONGPASS" => "; give the right one with --redis-password-file",
            "NOPERM" => "; allow this user the command in the ACL of Redis",
            "WRONGTYPE" => "; the key is used for something else: choose another --redis-name",
            "MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN" => {
                "; it belongs to a cluster, which is not supported: name one that does not"
            }
            _ => return Self::passing(format!("takes no command now: {shown}")),
        };
        Self::lasting(format!("refuses a command: {shown}{remedy}"))
    }

    pub(crate) fn at(mut self, server: &str) -> Self {
        self.what = format!("Redis at {server} {}", self.what);
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::passing(format!("does not speak its protocol: {fault}"))
    }
}
