//! A field line: a name, a colon and a value (RFC 9112, section 5).
//!
//! ```text
//! field-line    = field-name ":" OWS field-value OWS
//! field-name    = token
//! field-value   = *field-content                     RFC 9110, section 5.5
//! field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
//! obs-fold      = OWS CRLF 1*( SP / HTAB )           ; a line that goes on
//! ```
//!
//! White space before the colon is refused, because some parsers take it for a part of the name and
//! some do not. So is, in a request, a line that begins with white space: it once continued the
//! line before it, and parsers differ on whether it still does. In a response a client must let it
//! continue that line, as if the fold were spaces (section 5.2). White space before the colon is
//! refused in a response only where the field decides what the content is: see
//! [`FieldLine::of_response`].

use super::known::{Known, Name};
use super::refusal::Refusal;
use super::syntax::{is_blank, is_token, is_value, trimmed};
use super::target::Span;
use crate::search::first_of;

/// Where a valid field line is in the bytes of its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldLine {
    pub(crate) name: Span,
    /// Without the white space around it.
    pub(crate) value: Span,
    pub(super) known: Known,
}

/// Fields that decide where the content of a response ends, what it is, and where it is. Readers
/// that take white space before the colon for a part of the name see none of these fields, and
/// others see one.
const DECISIVE: [&[u8]; 5] =
    [b"content-encoding", b"content-length", b"content-type", b"location", b"transfer-encoding"];

impl FieldLine {
    /// Parses a field line that is given without its line end and begins `start` bytes after the
    /// beginning of the head.
    #[inline]
    pub(crate) fn parse(line: &[u8], start: usize) -> Result<Self, Refusal> {
        let Some(colon) = first_of(*b":", line) else { return Err(no_name(line)) };
        Self::named(&line[..colon], colon, line, start)
    }

    /// The same in a response. A name that decides nothing may have white space before its colon,
    /// which is no part of it: a proxy takes it out (section 5.1), and another reader does not know
    /// a name with a space in it.
    pub(crate) fn of_response(line: &[u8], start: usize) -> Result<Self, Refusal> {
        let Some(colon) = first_of(*b":", line) else { return Err(no_name(line)) };
        let padded = &line[..colon];
        let name = &padded[..trimmed(padded).end];
        let decides = DECISIVE.iter().any(|other| other.eq_ignore_ascii_case(name));
        Self::named(if decides { padded } else { name }, colon, line, start)
    }

    /// The line that begins with this name and has its colon there.
    #[inline]
    fn named(name: &[u8], colon: usize, line: &[u8], start: usize) -> Result<Self, Refusal> {
        let known = Name::of(name).known;
        if known == Known::OTHER && !is_token(name) {
            return Err(no_name(line));
        }
        let value = value(&line[colon + 1..], start + colon + 1)?;
        Ok(Self { name: Span::new(start, start + name.len()), value, known })
    }

    /// Takes a line with which this one goes on. What has been folded has to be
    /// [unfolded](unfold) before anybody reads it.
    pub(crate) fn go_on(&mut self, line: &[u8], start: usize) -> Result<(), Refusal> {
        let more = value(line, start)?;
        match (self.value.len(), more.len()) {
            (_, 0) => {}
            (0, _) => self.value = more,
            _ => self.value = Span::new(self.value.range().start, more.range().end),
        }
        Ok(())
    }
}

/// The value that these bytes contain, which begin `start` bytes after the beginning of the head.
#[inline]
fn value(untrimmed: &[u8], start: usize) -> Result<Span, Refusal> {
    if !is_value(untrimmed) {
        return Err(Refusal::bad_request(
            "a field value must contain no control byte but the tab: no NUL, no CR, no LF \
             (RFC 9110, section 5.5)",
        ));
    }
    let range = trimmed(untrimmed);
    Ok(Span::new(start + range.start, start + range.end))
}

/// Puts spaces in the place of each fold in a value.
pub(crate) fn unfold(value: &mut [u8]) {
    for fold in value.chunk_by_mut(|a, b| is_fold(*a) == is_fold(*b)) {
        if fold.contains(&b'\n') {
            fold.fill(b' ');
        }
    }
}

fn is_fold(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'\r' | b'\n')
}

/// Which rule a line breaks that does not begin with a name and a colon.
#[cold]
fn no_name(line: &[u8]) -> Refusal {
    let colon = line.iter().position(|&byte| byte == b':');
    Refusal::bad_request(match (line, colon) {
        ([first, ..], _) if is_blank(*first) => {
            "a field line must not begin with white space: lines are not folded any more \
             (RFC 9112, section 5.2)"
        }
        (_, None) => "a field line must have a colon after its name (RFC 9112, section 5)",
        (_, Some(0)) => "a field line must have a name before its colon (RFC 9112, section 5)",
        (_, Some(colon)) if is_blank(line[colon - 1]) => {
            "between the name of a field and its colon there must be no white space \
             (RFC 9112, section 5.1)"
        }
        _ => {
            "the name of a field must be a token: letters, digits and a few marks \
             (RFC 9110, section 5.1)"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name and the value of a line that stands somewhere in a head.
    fn parse(line: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        let head = [&b"GET / HTTP/1.1\r\n"[..], line].concat();
        let parsed = FieldLine::parse(line, 16)?;
        Ok((parsed.name.of(&head).to_vec(), parsed.value.of(&head).to_vec()))
    }

    #[test]
    fn a_line_is_a_name_and_a_value_without_the_white_space_around_it() {
        let lines: [(&[u8], &[u8], &[u8]); 6] = [
            (b"Accept: a/b", b"Accept", b"a/b"),
            (b"Accept:a/b", b"Accept", b"a/b"),
            (b"A: \t b\tc : \t ", b"A", b"b\tc :"),
            (b"A:", b"A", b""),
            (b"A: \t ", b"A", b""),
            (b"!#$%&'*+-.^_`|~09: \xFF\x80", b"!#$%&'*+-.^_`|~09", b"\xFF\x80"),
        ];
        for (line, name, value) in lines {
            assert_eq!(parse(line), Ok((name.to_vec(), value.to_vec())));
        }
    }

    #[test]
    fn row_9_a_line_must_begin_with_a_token_and_a_colon() {
        let lines: [(&[u8], &str); 12] = [
            (b"Host : h", "no white space"),
            (b"Host\t: h", "no white space"),
            (b" Host: h", "not folded"),
            (b"\tHost: h", "not folded"),
            (b" ", "not folded"),
            (b"Host", "must have a colon"),
            (b"Host h", "must have a colon"),
            (b": h", "a name before its colon"),
            (b"Ho st: h", "must be a token"),
            (b"H(st: h", "must be a token"),
            (b"H\xC3\xB6st: h", "must be a token"),
            (b"\0: h", "must be a token"),
        ];
        for (line, why) in lines {
            let refusal = parse(line).expect_err("a bad line");
            assert_eq!(refusal.status().code(), 400);
            assert!(refusal.why().contains(why), "{}: {refusal}", line.escape_ascii());
        }
    }

    #[test]
    fn row_46_a_name_that_decides_nothing_may_have_white_space_before_its_colon() {
        for (line, name) in [("Server : x", "Server"), ("A \t: x", "A"), ("Date: x", "Date")] {
            let parsed = FieldLine::of_response(line.as_bytes(), 0).expect("a field line");
            assert_eq!(parsed.name.of(line.as_bytes()), name.as_bytes());
            assert_eq!(parsed.value.of(line.as_bytes()), b"x");
        }
        let two_readings = ["Content-Type : x", "CONTENT-LENGTH\t: 1", "Transfer-Encoding : x"];
        let elsewhere = ["Location : /", "content-encoding : gzip"];
        for line in two_readings.into_iter().chain(elsewhere) {
            let refusal = FieldLine::of_response(line.as_bytes(), 0).expect_err(line);
            assert!(refusal.why().contains("no white space"), "{line}: {refusal}");
        }
        for line in [" : x", "A b: x", "A", "A ", ": x", "A\u{b}: x"] {
            assert!(FieldLine::of_response(line.as_bytes(), 0).is_err(), "{line:?}");
        }
    }

    #[test]
    fn row_10_a_value_has_no_control_byte_but_the_tab() {
        for byte in 0..=255 {
            let good = byte == b'\t' || (byte >= b' ' && byte != 0x7F);
            for line in [[b'A', b':', b'x', byte, b'y'], [b'A', b':', b' ', b'x', byte]] {
                assert_eq!(parse(&line).is_ok(), good, "{byte:#04x}");
            }
        }
    }

    #[test]
    fn a_line_that_goes_on_has_spaces_where_it_was_folded() {
        let folded: [(&[u8], &[u8]); 7] = [
            (b"A: b\r\n c", b"b   c"),
            (b"A: b\t \r\n\t \tc \td \t", b"b       c \td"),
            (b"A: b\r\n \r\n c", b"b      c"),
            (b"A:\r\n c", b"c"),
            (b"A: b\r\n \t", b"b"),
            (b"A: \r\n ", b""),
            (b"A: b\tc\r\n d", b"b\tc   d"),
        ];
        for (lines, value) in folded {
            let mut head = [b"HTTP/1.1 200 OK\r\n", lines].concat();
            let mut field = None;
            let mut start = 17;
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                let bare = line.strip_suffix(b"\r\n").unwrap_or(line);
                let gone_on = match &mut field {
                    None => FieldLine::parse(bare, start).map(|line| field = Some(line)),
                    Some(field) => field.go_on(bare, start),
                };
                gone_on.expect("a valid line");
                start += line.len();
            }
            let value_span = field.expect("a field line").value;
            unfold(&mut head[value_span.range()]);
            assert_eq!(value_span.of(&head), value, "{}", lines.escape_ascii());
        }
    }

    #[test]
    fn row_10_only_space_and_tab_are_trimmed() {
        assert_eq!(parse(b"A: \xA0x\xA0 "), Ok((b"A".to_vec(), b"\xA0x\xA0".to_vec())));
    }
}
