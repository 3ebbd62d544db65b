//! A request, as a handler gets it.

use std::sync::Arc;

use crate::http::{Framing, Head, Method, Request, Version};
use crate::peer::Peer;

/// A request, as far as it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) version: Version,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) framing: Framing,
    /// Empty where the method has no content, whatever came.
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn new(head: Head) -> Self {
        let peer = Peer::Tcp(([127, 0, 0, 1], 4000).into());
        let request = Request::new(head, Vec::new(), Arc::default(), peer, None);
        ask_everything(&request);
        let head = request.head();
        Self {
            method: head.method(),
            target: head.target().into(),
            path: head.path().into(),
            query: head.query().map(Into::into),
            authority: head.authority().map(Into::into),
            version: head.version(),
            fields: head.fields().map(|(name, value)| (name.into(), value.into())).collect(),
            framing: head.framing(),
            body: Vec::new(),
        }
    }
}

/// Asks all that a handler or the server may ask of a request.
fn ask_everything(request: &Request) {
    let head = request.head();
    assert!(!request.path().contains('\0'));
    assert!(request.last_event_id() != Some(""));
    request.query_all("a").for_each(drop);
    let answers = (head.keep_alive(), head.expects_continue(), head.accepts_event_stream());
    let shown = format!("{request:?} {answers:?}");
    assert!(shown.bytes().all(|byte| !byte.is_ascii_control()), "{shown:?}");
}
