//! A response, whole.

use std::borrow::Cow;
use std::fmt;

use crate::http::{ResponseHead, Status};

/// What a server under test responded: the head, and the whole content.
#[derive(Clone)]
pub struct Response {
    head: ResponseHead,
    content: Vec<u8>,
}

impl Response {
    pub(super) fn new(head: ResponseHead, content: Vec<u8>) -> Self {
        Self { head, content }
    }

    /// How the request went.
    pub fn status(&self) -> Status {
        self.head.status()
    }

    /// The value of the first field of this name, in any case, if it is UTF-8.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field_text(name)
    }

    /// The head, for everything that has no shorter way here.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The content of the body, without the framing of chunks.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The same as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.content)
    }
}

/// Shows the content as text: it is for the message of a test that fails.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("head", &self.head).field("content", &self.text()).finish()
    }
}
