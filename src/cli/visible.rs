//! Text from the wire, made fit for a terminal.
//!
//! A terminal takes control characters for commands: some clear it, some type into it, some change
//! the lines above. Other characters can't be seen at all, and hide something from the reader, or
//! turn the text around. So this shows what can be seen, and nothing else. There are two ways to
//! write the rest: in text as an escape, and in bytes as its control picture.
//!
//! ```text
//! shown  = what std's Debug prints as it is: letters, digits, marks, punctuation and symbols that
//!          the standard library's Unicode knows; no controls, formats, separators, private use
//!        + SPACES      - BLANKS
//! mark   : only after what is shown, as it would change what stands before it
//! joiner : only after a letter or a picture that is not ASCII, where scripts and emoji need it
//! ```

use std::fmt::Write;

/// Spaces of ordinary texts, beside the usual one: no-break, narrow no-break, ideographic.
const SPACES: [char; 3] = ['\u{a0}', '\u{202f}', '\u{3000}'];

/// Letters, marks and symbols by their category that are drawn as nothing: fillers of Hangul,
/// Braille, hieroglyphs and notes, a joiner of graphemes, inherent vowels, and selectors of a
/// variant of the letter before.
const BLANKS: [(char, char); 12] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{13441}', '\u{13442}'),
    ('\u{16fe4}', '\u{16fe4}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// Whether a reader can see it.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic() || c == ' ';
    }
    let is_blank = BLANKS.iter().any(|(first, last)| (*first..=*last).contains(&c));
    SPACES.contains(&c) || (is_printable(c) && !is_blank)
}

/// Whether `Debug` prints it as it is, wherever it stands.
fn is_printable(c: char) -> bool {
    let mut text = *b"x\0\0\0\0";
    let length = 1 + c.encode_utf8(&mut text[1..]).len();
    // Debug escapes a mark only at the start of a text, so there is an x before it.
    std::str::from_utf8(&text[..length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

/// Whether it changes the character before it: an accent, a vowel sign, a virama.
fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.escape_debug().nth(1).is_some()
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';
const AS_PICTURE: char = '\u{fe0f}';

/// Whether it can't be seen, but is a part of writing: it joins and parts letters in Persian and in
/// the scripts of India, joins pictures, and says whether a sign is one.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | ZERO_WIDTH_JOINER | '\u{fe0e}' | AS_PICTURE)
}

/// Whether this joiner may stand after that character: one may, and not a row of them.
fn may_join(before: char, c: char) -> bool {
    let is_letter = !before.is_ascii() && !is_joiner(before);
    is_letter || (before, c) == (AS_PICTURE, ZERO_WIDTH_JOINER)
}

/// Each character of a text, and whether to show it as it is.
pub(crate) fn shown(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.chars().map(move |c| {
        let is_shown = if is_joiner(c) {
            before.is_some_and(|before| may_join(before, c))
        } else {
            is_visible(c) && (before.is_some() || !is_mark(c))
        };
        before = is_shown.then_some(c);
        (c, is_shown)
    })
}

/// A text on one line; characters that can't be seen are escaped as in Rust.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (c, is_shown) in shown(text) {
        if is_shown {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

/// Bytes on one line, each of them visible: `␍`, `␊` and the like for control bytes, `\xff` for
/// bytes that are not UTF-8.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for (c, is_shown) in shown(chunk.valid()) {
            match u32::from(c) {
                // U+2400 and on are the pictures of U+0000 and on.
                control @ 0..0x20 => out.extend(char::from_u32(0x2400 + control)),
                0x7f => out.push('\u{2421}'),
                _ if !is_shown || is_joiner(c) => out.extend(c.escape_default()),
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a String grows");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_what_can_be_seen_and_nothing_else() {
        assert_eq!(line("grün 🗞 \\"), "grün 🗞 \\");
        assert_eq!(
            line("\u{1b}]0;x\u{7}\t\r\0\u{9b}2J\u{202e}"),
            r"\u{1b}]0;x\u{7}\t\r\u{0}\u{9b}2J\u{202e}"
        );
    }

    #[test]
    fn bytes_are_pictures_and_escapes() {
        assert_eq!(bytes(b"a b\r\n\t\0\x1b\x7f"), "a b␍␊␉␀␛␡");
        assert_eq!(bytes(b"\xff\xc3\xa9\xf0\x9f"), "\\xffé\\xf0\\x9f");
        assert_eq!(bytes("\u{9b}2J\u{202e}".as_bytes()), "\\u{9b}2J\\u{202e}");
    }

    #[test]
    fn what_can_not_be_seen_is_written_out() {
        for c in [
            '\u{ad}',  // soft hyphen
            '\u{34f}', // combining grapheme joiner
            '\u{61c}', // turns the text around, as do the next
            '\u{200e}',
            '\u{202e}',
            '\u{2067}',
            '\u{115f}', // Hangul fillers, which are letters
            '\u{1160}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{17b4}', // an inherent vowel
            '\u{180e}', // Mongolian
            '\u{200b}', // zero width space
            '\u{2028}', // line separator
            '\u{2060}', // word joiner
            '\u{2062}', // invisible times
            '\u{206f}',
            '\u{2800}', // blank Braille
            '\u{e000}', // private use
            '\u{fe00}', // a variant
            '\u{feff}', // byte order mark
            '\u{fff9}',
            '\u{10ffff}',
            '\u{1d159}', // null notehead
            '\u{1d173}',
            '\u{e0001}', // tags
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}', // variants of ideographs
        ] {
            let (text, written) = (format!("a{c}b"), format!("a\\u{{{:x}}}b", u32::from(c)));
            assert_eq!((line(&text), bytes(text.as_bytes())), (written.clone(), written));
        }
    }

    #[test]
    fn ordinary_text_of_any_script_is_shown_as_it_is() {
        for text in [
            "L'été, «\u{a0}ça\u{a0}»: 5\u{202f}€ – größer… naïve e\u{301}",
            "Ελληνικά, кириллица, ქართული, հայերեն",
            "مَرْحَبًا بالعالم",
            "שָׁלוֹם",
            "नमस्ते दुनिया, क्षत्रिय",
            "வணக்கம், বাংলা, తెలుగు, සිංහල",
            "สวัสดีชาวโลก น้ำ",
            "ខ្មែរ, မြန်မာ, བོད་སྐད་",
            "你好，\u{3000}世界。こんにちは、か\u{3099} 안녕하세요",
            "🗞 ✅ → ∑ ½ 🇩🇪 👍🏽",
        ] {
            assert_eq!(line(text), text);
            assert_eq!(bytes(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_joiner_stays_where_letters_and_pictures_need_it() {
        for text in [
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
        ] {
            assert_eq!(line(text), text);
        }
        assert_eq!(bytes("👨\u{200d}👧".as_bytes()), r"👨\u{200d}👧");
        // Where it joins nothing, somebody hides something.
        assert_eq!(line("admin\u{200d}"), r"admin\u{200d}");
        assert_eq!(
            line("\u{200c}é\u{200d}\u{200c}\u{200d}"),
            "\\u{200c}é\u{200d}\\u{200c}\\u{200d}"
        );
        assert_eq!(line("1\u{fe0f}"), r"1\u{fe0f}");
    }

    #[test]
    fn a_mark_changes_nothing_of_ours() {
        assert_eq!(line("\u{336}a\u{336}"), "\\u{336}a\u{336}");
        assert_eq!(line("\u{200b}\u{301}"), r"\u{200b}\u{301}");
    }

    #[test]
    fn what_is_written_out_is_ascii_and_stays_as_it_is() {
        let all = (0..=0xffff).chain(0x1_d000..=0x1_ffff).chain(0xe_0000..=0xe_01ff);
        for c in all.filter_map(char::from_u32) {
            let text = c.to_string();
            let line = line(&text);
            assert!(line == text || line.is_ascii(), "{c:?}");
            assert_eq!(super::line(&line), line);
            assert!(line == text || !bytes(text.as_bytes()).contains(c), "{c:?}");
        }
    }
}
