//! What the server said, and how a client understands it.

use crate::http::{BodyDecoder, Framing, ResponseHeadParser};

pub(super) enum Said {
    /// 100 Continue.
    GoOn,
    Response {
        status: u16,
        content: Vec<u8>,
        closes: bool,
        /// The request was HEAD.
        only_head: bool,
    },
}

impl Said {
    /// Panics unless this has been `sent` next, with this number. Gives what was sent after it, or
    /// nothing if it was cut off.
    pub(super) fn check<'a>(&self, number: usize, sent: &'a [u8]) -> Option<&'a [u8]> {
        let Self::Response { status, content, closes, only_head } = self else {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            assert!(go_on.starts_with(&sent[..sent.len().min(go_on.len())]));
            return sent.get(go_on.len()..);
        };
        let (head, len) = ResponseHeadParser::new(1000).parse(sent).expect("a response")?;
        assert_eq!(head.field_text("number"), Some(&*number.to_string()));
        assert_eq!(head.status().code(), *status);
        assert_eq!(head.values("connection").any(|value| value == b"close"), *closes);
        let framing = if *only_head { Framing::None } else { head.framing() };
        let (mut decoder, mut read) = (BodyDecoder::endless(framing), Vec::new());
        let taken = decoder.decode(&sent[len..], &mut read).expect("a body");
        assert!(content.starts_with(&read));
        decoder.is_done().then(|| {
            assert_eq!(read, *content);
            &sent[len + taken..]
        })
    }
}
