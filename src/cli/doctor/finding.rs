//! What the doctor has found out: a fact in words, whether it stands in the way of a stream, and
//! what to do about it.

use super::remedy::Remedy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be.
    Good,
    /// Could not be told, or matters to some.
    Note,
    /// Stands in the way of a stream.
    Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) topic: &'static str,
    pub(super) said: String,
    pub(super) remedy: Option<Remedy>,
}

impl Finding {
    pub(super) fn good(topic: &'static str, said: impl Into<String>) -> Self {
        Self { level: Level::Good, topic, said: said.into(), remedy: None }
    }

    pub(super) fn note(topic: &'static str, said: impl Into<String>) -> Self {
        Self { level: Level::Note, topic, said: said.into(), remedy: None }
    }

    pub(super) fn fault(topic: &'static str, said: impl Into<String>, remedy: Remedy) -> Self {
        Self { level: Level::Fault, topic, said: said.into(), remedy: Some(remedy) }
    }

    pub(super) fn with(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}
