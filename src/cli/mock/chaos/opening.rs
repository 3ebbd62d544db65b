//! Openings: how a connection begins, before the first byte of the script.
//!
//! An opening is no step of the script, as a connection may begin anywhere in it.

use crate::cli::random::Random;

/// How a connection begins.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Opening {
    pub(in super::super) content_type: &'static str,
    pub(in super::super) has_mark: bool,
}

impl Opening {
    /// The opening of every connection without chaos.
    pub(in super::super) const PLAIN: Self =
        Self { content_type: "text/event-stream", has_mark: false };

    /// The opening of one connection, numbered from 1.
    pub(in super::super) fn of(seed: Option<u64>, connection: u64) -> Self {
        let Some(seed) = seed else { return Self::PLAIN };
        let mut random = Random::new(seed ^ connection.rotate_right(16));
        let content_type = random.pick(&[
            "text/event-stream",
            "text/event-stream;charset=utf-8",
            "Text/Event-Stream; charset=UTF-8",
            "text/event-stream; charset=\"utf-8\"",
        ]);
        Self { content_type, has_mark: random.one_in(2) }
    }
}
