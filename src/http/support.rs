//! For the tests of this module: heads and refusals from byte literals.

use super::{Head, HeadParser, Refusal};
use crate::limits::Limits;

/// Parses one whole head, with the default limits.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    HeadParser::new(&Limits::default()).parse(bytes)
}

/// A head that must be valid and take all the bytes.
#[track_caller]
pub(crate) fn head(bytes: &[u8]) -> Head {
    match parse(bytes) {
        Ok(Some((head, consumed))) => {
            assert_eq!(consumed, bytes.len(), "{}", bytes.escape_ascii());
            head
        }
        Ok(None) => panic!("the head goes on: {}", bytes.escape_ascii()),
        Err(refusal) => panic!("{refusal}: {}", bytes.escape_ascii()),
    }
}

/// The status with which these bytes are refused.
#[track_caller]
pub(crate) fn refused(bytes: &[u8]) -> u16 {
    match parse(bytes) {
        Err(refusal) => refusal.status().code(),
        other => panic!("not refused: {} gives {other:?}", bytes.escape_ascii()),
    }
}

/// The fields of a head between a plain request line with a Host and the empty line.
pub(crate) fn with_fields(fields: &[u8]) -> Vec<u8> {
    [b"POST / HTTP/1.1\r\nHost: h\r\n", fields, b"\r\n"].concat()
}
