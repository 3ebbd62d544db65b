//! What `serve --trace` prints, taken apart.

use super::process::Process;

/// One call of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Which connection: `#1`.
    pub(crate) connection: String,
    /// The other end's address.
    pub(crate) peer: String,
    pub(crate) name: String,
    /// What it did.
    pub(crate) what: String,
    /// Where the source makes it; empty where that is not told.
    pub(crate) place: String,
    /// Empty for most.
    pub(crate) section: String,
    pub(crate) rows: Vec<Row>,
}

/// Some bytes that went over the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) bytes: String,
    pub(crate) means: String,
    pub(crate) place: String,
    pub(crate) section: String,
}

/// The calls so far, whose lines are all there.
pub(crate) fn calls(hub: &Process) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in hub.stderr() {
        let (text, place) = line.split_once("  src/").unwrap_or((&line, ""));
        let place = if place.is_empty() { String::new() } else { format!("src/{place}") };
        if let Some(row) = text.strip_prefix("           ") {
            let (bytes, means) = row.split_once("  ").unwrap_or((row, ""));
            let (place, section) = place.split_once("  ").unwrap_or((&place, ""));
            let [bytes, means, place, section] =
                [bytes, means, place, section].map(|part| part.trim().to_owned());
            calls.last_mut().expect("a call").rows.push(Row { bytes, means, place, section });
        } else if let Some((_, call)) = text.split_once(" s  #") {
            let (at, what) = call.split_once(": ").expect("a call");
            let [connection, peer, name] =
                at.splitn(3, ' ').map(str::to_owned).collect::<Vec<_>>().try_into().expect("three");
            let what = what.to_owned();
            let (place, section) = place.split_once("  ").unwrap_or((&place, ""));
            let [place, section] = [place, section].map(str::to_owned);
            calls.push(Call { connection, peer, name, what, place, section, rows: Vec::new() });
        }
    }
    calls
}
