//! The fields that the server and the program ask for. A line says once which of them it is. From
//! then on each question compares a number, or finds at once that there is no such line.

/// The name of a field, in any case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    text: &'a [u8],
    pub(super) known: Known,
}

/// A name that is known: its ends in lower case, and the bits that make a letter in them lower.
struct Lower {
    ends: Ends,
    bits: Ends,
}

/// One known field, as one bit; or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known(u32);

/// The first and the last eight bytes of a name, or four of a short one. They are all of a name
/// that has at most sixteen.
type Ends = (u64, u64);

pub(crate) const ACCEPT: Name<'static> = Name::known("accept", 1);
pub(crate) const AUTHORIZATION: Name<'static> = Name::known("authorization", 2);
pub(crate) const CONNECTION: Name<'static> = Name::known("connection", 3);
pub(crate) const CONTENT_ENCODING: Name<'static> = Name::known("content-encoding", 4);
pub(crate) const CONTENT_LENGTH: Name<'static> = Name::known("content-length", 5);
pub(crate) const CONTENT_TYPE: Name<'static> = Name::known("content-type", 6);
pub(crate) const EXPECT: Name<'static> = Name::known("expect", 7);
pub(crate) const HOST: Name<'static> = Name::known("host", 8);
pub(crate) const IDEMPOTENCY_KEY: Name<'static> = Name::known("idempotency-key", 9);
pub(crate) const LAST_EVENT_ID: Name<'static> = Name::known("last-event-id", 10);
pub(crate) const ORIGIN: Name<'static> = Name::known("origin", 11);
pub(crate) const SEC_FETCH_SITE: Name<'static> = Name::known("sec-fetch-site", 12);
pub(crate) const TRANSFER_ENCODING: Name<'static> = Name::known("transfer-encoding", 13);

impl<'a> Name<'a> {
    const fn known(text: &'a str, bit: u32) -> Self {
        Self { text: text.as_bytes(), known: Known(1 << bit) }
    }

    #[inline]
    pub(crate) fn of(text: &'a [u8]) -> Self {
        let ends = ends(text);
        let is = |name: Name<'_>, lower: Lower| {
            let same = (ends.0 | lower.bits.0, ends.1 | lower.bits.1) == lower.ends;
            if same && text.len() == name.text.len() { name.known } else { Known::NONE }
        };
        macro_rules! any_of {
            ($($name:ident)*) => { Known::NONE$(.and(is($name, const { lower($name.text) })))* };
        }
        let known = match text.len() {
            4 => any_of!(HOST),
            6 => any_of!(ACCEPT EXPECT ORIGIN),
            10 => any_of!(CONNECTION),
            12 => any_of!(CONTENT_TYPE),
            13 => any_of!(AUTHORIZATION LAST_EVENT_ID),
            14 => any_of!(CONTENT_LENGTH SEC_FETCH_SITE),
            15 => any_of!(IDEMPOTENCY_KEY),
            16 => any_of!(CONTENT_ENCODING),
            17 if text[8] == b'-' => any_of!(TRANSFER_ENCODING),
            _ => Known::NONE,
        };
        Self { text, known: if known == Known::NONE { Known::OTHER } else { known } }
    }

    /// Whether both are the same.
    pub(super) fn is(self, other: &[u8]) -> bool {
        self.text.eq_ignore_ascii_case(other)
    }
}

impl<'a> From<&'a str> for Name<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self::of(text.as_bytes())
    }
}

impl Known {
    pub(super) const NONE: Self = Self(0);
    /// Any field that is not known: names have to be compared.
    pub(super) const OTHER: Self = Self(1);

    /// All of both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn is_among(self, all: Self) -> bool {
        self.0 & all.0 != 0
    }
}

const fn ends(name: &[u8]) -> Ends {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => {
            (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64)
        }
        _ => (0, 0),
    }
}

const fn lower(name: &[u8]) -> Lower {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let ends = ends(name);
    // A letter has the bit above that of its case, and a hyphen has not.
    let (first, last) = (ends.0 & CASE & ends.0 >> 1, ends.1 & CASE & ends.1 >> 1);
    Lower { ends, bits: (first, last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_known_in_any_case_and_nothing_that_is_nearly_one() {
        let names = [
            ACCEPT,
            AUTHORIZATION,
            CONNECTION,
            CONTENT_ENCODING,
            CONTENT_LENGTH,
            CONTENT_TYPE,
            EXPECT,
            HOST,
            IDEMPOTENCY_KEY,
            LAST_EVENT_ID,
            ORIGIN,
            SEC_FETCH_SITE,
            TRANSFER_ENCODING,
        ];
        for name in names {
            let same = [name.text.to_vec(), name.text.to_ascii_uppercase()];
            for same in same {
                assert_eq!(Name::of(&same).known, name.known, "{}", same.escape_ascii());
            }
            for at in 0..name.text.len() {
                let mut nearly = name.text.to_vec();
                for byte in b"\0\r !#$%&'*+.^_`|~0Qq" {
                    nearly[at] = *byte;
                    assert_eq!(Name::of(&nearly).known, Known::OTHER, "{}", nearly.escape_ascii());
                }
                nearly.remove(at);
                assert_eq!(Name::of(&nearly).known, Known::OTHER, "{}", nearly.escape_ascii());
            }
        }
        assert_eq!(names.iter().fold(Known::NONE, |all, name| all.and(name.known)).0, 0x3FFE);
        for other in ["", "a", "x-a", "cookie", "user-agent", "accept-encoding"] {
            assert_eq!(Name::of(other.as_bytes()).known, Known::OTHER, "{other}");
        }
    }
}
