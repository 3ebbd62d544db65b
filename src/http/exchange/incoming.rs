//! A request whose head is whole: its body, while that comes in or is not wanted.

use std::mem;

use super::{Recipient, State};
use crate::http::body::BodyDecoder;
use crate::http::head::Head;
use crate::http::refusal::Refusal;
use crate::http::status::Status;
use crate::limits::Limits;

const MANY_BODIES: Refusal =
    Refusal::new(Status::SERVICE_UNAVAILABLE, "too much is being sent to this server at once");

/// A request whose head is whole.
pub(super) struct Incoming<R> {
    pub(super) head: Head,
    pub(super) decoder: BodyDecoder,
    /// What has come of the body. Stays empty where the method gives it no meaning.
    pub(super) body: Vec<u8>,
    /// Set when the request is accepted.
    pub(super) recipient: Option<R>,
}

impl<R: Recipient> Incoming<R> {
    /// Where the input is the whole body and nothing else, it becomes the body without a copy.
    pub(super) fn take_whole(&mut self, input: &mut Vec<u8>) {
        let len = input.len();
        if self.head.method().has_content()
            && self.decoder.is_to_take(len)
            && self.recipient.as_mut().is_some_and(|of| of.has_room_for(len))
        {
            self.decoder.finish();
            self.body = mem::take(input);
        }
    }

    /// Takes in a part of the body, and returns how many bytes that were.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let taken = self.decoder.decode(bytes, &mut self.body)?;
        if !self.head.method().has_content() {
            self.body.clear();
        } else if self.recipient.as_mut().is_some_and(|of| !of.has_room_for(self.body.len())) {
            return Err(MANY_BODIES);
        }
        Ok(taken)
    }

    /// The state after a response that needed no body. A body that the client still holds back may
    /// or may not come, and then it is unknown where the next request begins.
    pub(super) fn unread(&self, limits: &Limits) -> State<R> {
        let rest = BodyDecoder::bounded(self.head.framing(), limits.drain, limits);
        let too_large = self.decoder.is_too_large() || rest.is_too_large();
        match too_large || self.head.expects_continue() {
            true => State::Closing,
            false if rest.is_done() => State::Head,
            false => State::Drain(rest),
        }
    }
}
