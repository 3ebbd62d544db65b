//! Tests of bodies: their end, their limits, and that splits don't matter.

use super::*;

fn limits() -> Limits {
    Limits::default().body(10).chunk_extensions(20).trailer_section(12)
}

/// The content, how many bytes it took, and whether it has ended; or the status of the refusal.
fn decode<'a>(
    framing: Framing,
    limits: &Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, usize, bool), Refusal> {
    let mut decoder = BodyDecoder::new(framing, limits);
    let mut out = Vec::new();
    let mut taken = 0;
    for piece in pieces {
        taken += decoder.decode(piece, &mut out)?;
    }
    Ok((out, taken, decoder.is_done()))
}

#[track_caller]
fn content(bytes: &[u8]) -> Vec<u8> {
    let (content, taken, done) =
        decode(Framing::Chunked, &limits(), [bytes]).expect("a valid body");
    assert!(done, "{}", bytes.escape_ascii());
    assert_eq!(taken, bytes.len(), "{}", bytes.escape_ascii());
    content
}

#[track_caller]
fn refused(bytes: &[u8]) -> u16 {
    match decode(Framing::Chunked, &limits(), [bytes]) {
        Err(refusal) => refusal.status().code(),
        Ok(outcome) => panic!("not refused: {} gives {outcome:?}", bytes.escape_ascii()),
    }
}

#[test]
fn no_body_has_ended_before_it_begins() {
    for framing in [Framing::None, Framing::Length(0)] {
        let outcome = decode(framing, &limits(), [&b"GET /"[..]]);
        assert_eq!(outcome, Ok((Vec::new(), 0, true)));
    }
}

#[test]
fn a_body_with_a_length_ends_there() {
    let outcome = decode(Framing::Length(5), &limits(), [&b"he"[..], b"", b"lloGET /"]);
    assert_eq!(outcome, Ok((b"hello".to_vec(), 5, true)));
}

#[test]
fn row_22_a_body_that_is_cut_off_has_not_ended() {
    assert_eq!(
        decode(Framing::Length(5), &limits(), [&b"hell"[..]]),
        Ok((b"hell".to_vec(), 4, false))
    );
    let whole = b"5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for end in 0..whole.len() {
        let (_, taken, done) = decode(Framing::Chunked, &limits(), [&whole[..end]]).expect("valid");
        assert_eq!((taken, done), (end, false));
    }
}

#[test]
fn a_length_over_the_limit_is_413_before_anything_is_read() {
    for length in [11, u64::from(u32::MAX) + 1, u64::MAX] {
        let refusal = decode(Framing::Length(length), &limits(), [&b""[..]]).expect_err("too long");
        assert_eq!(refusal.status(), Status::CONTENT_TOO_LARGE);
    }
    assert!(decode(Framing::Length(10), &limits(), [&b""[..]]).is_ok());
}

#[test]
fn row_21_nothing_is_allocated_from_a_declared_length() {
    let huge = Limits::default().body(usize::MAX);
    let mut out = Vec::new();
    let length = u64::try_from(usize::MAX).expect("a length");
    BodyDecoder::new(Framing::Length(length), &huge).decode(b"ab", &mut out).expect("valid");
    assert!(out.capacity() < 100);

    let mut out = Vec::new();
    let bytes = b"7FFFFFFF\r\nab";
    BodyDecoder::new(Framing::Chunked, &huge).decode(bytes, &mut out).expect("valid");
    assert!(out.capacity() < 100);
}

#[test]
fn row_21_many_small_chunks_count_like_one_large_one() {
    let chunk = b"1\r\nx\r\n";
    assert_eq!(content(&[&chunk.repeat(10)[..], b"0\r\n\r\n"].concat()), b"xxxxxxxxxx");
    assert_eq!(refused(&chunk.repeat(11)), 413);
    assert_eq!(refused(b"B\r\n"), 413);
    assert_eq!(refused(b"5\r\nhello\r\nFFFFFFFFFFFFFFFF\r\n"), 413);
}

#[test]
fn chunks_are_put_together() {
    assert_eq!(content(b"0\r\n\r\n"), b"");
    assert_eq!(content(b"5\r\nhello\r\n0\r\n\r\n"), b"hello");
    assert_eq!(content(b"3\r\nhel\r\n2\r\nlo\r\n000\r\n\r\n"), b"hello");
    assert_eq!(content(b"000000000000000A\r\n0123456789\r\n0\r\n\r\n"), b"0123456789");
    assert_eq!(content(b"a\r\n\r\n0\r\n\r\n\r\n\r\r\n0\r\n\r\n"), b"\r\n0\r\n\r\n\r\n\r");
}

#[test]
fn row_17_a_chunk_size_is_one_to_sixteen_hex_digits() {
    let bad: [&[u8]; 17] = [
        b"\r\n",
        b";a\r\n",
        b"+5\r\n",
        b"-5\r\n",
        b"0x5\r\n",
        b"\\x5\r\n",
        b" 5\r\n",
        b"5 \r\n",
        b"5\t\r\n",
        b"5 5\r\n",
        b"g\r\n",
        b"5h\r\n",
        b"5_0\r\n",
        b"5,\r\n",
        b"\x005\r\n",
        b"00000000000000005\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
    ];
    for bytes in bad {
        assert_eq!(refused(bytes), 400, "{}", bytes.escape_ascii());
    }
}

#[test]
fn row_17_a_size_line_ends_in_crlf() {
    assert_eq!(refused(b"5\nhello\r\n"), 400);
    assert_eq!(refused(b"5\rhello\r\n"), 400);
    assert_eq!(refused(b"5\r\r\nhello\r\n"), 400);
    assert_eq!(refused(b"5;a\nhello\r\n"), 400);
    assert_eq!(refused(b"5;a\rhello\r\n"), 400);
    assert_eq!(refused(b"0\n\r\n"), 400);
}

#[test]
fn row_17_data_is_followed_by_exactly_crlf() {
    assert_eq!(refused(b"5\r\nhello\n0\r\n"), 400);
    assert_eq!(refused(b"5\r\nhello0\r\n"), 400);
    assert_eq!(refused(b"5\r\nhello\r0\r\n"), 400);
    assert_eq!(refused(b"5\r\nhello!\r\n"), 400);
    assert_eq!(refused(b"5\r\nhello\r\r\n"), 400);
    assert_eq!(refused(b"5\r\nhell\r\n0\r\n"), 400);
}

#[test]
fn row_17_extensions_are_parsed_by_their_grammar_and_ignored() {
    let good: [&[u8]; 12] = [
        b"5;a",
        b"5;a=b",
        b"5;a;b;c",
        b"5 ; a",
        b"5\t;\ta = b",
        b"5;a=\"\"",
        b"5;a=\"b\";c",
        b"5;a=\"b\" ;c=d",
        b"5;a=\"\\\"\\\\\"",
        b"5;a=\"; \xFF\t\"",
        b"5;a ;b",
        b"5;a=b ;c",
    ];
    for line in good {
        assert_eq!(content(&[line, b"\r\nhello\r\n0\r\n\r\n"].concat()), b"hello");
    }
    let bad: [&[u8]; 18] = [
        b"5;",
        b"5x;a",
        b"5;;a",
        b"5;a;",
        b"5;=b",
        b"5;a=",
        b"5;a=;b",
        b"5;a=b c",
        b"5;a b",
        b"5;a ",
        b"5;a=b ",
        b"5;a=\"b\"c",
        b"5;a=\"b",
        b"5;a=b\"c\"",
        b"5;a=\"\x7F\"",
        b"5;a=\"\\\x01\"",
        b"5;\xFF",
        b"5;a=\"b\" ",
    ];
    for line in bad {
        assert_eq!(refused(&[line, b"\r\n"].concat()), 400, "{}", line.escape_ascii());
    }
}

#[test]
fn row_17_a_quoted_line_end_is_no_line_end() {
    assert_eq!(refused(b"5;a=\"\r\n\"\r\n"), 400);
    assert_eq!(refused(b"5;a=\"\n\"\r\n"), 400);
}

#[test]
fn extensions_of_all_chunks_share_one_limit() {
    let chunk = b"1;abcd\r\nx\r\n";
    assert_eq!(content(&[&chunk.repeat(4)[..], b"0\r\n\r\n"].concat()), b"xxxx");
    assert_eq!(refused(&[&chunk.repeat(4)[..], b"0;"].concat()), 400);
}

#[test]
fn row_18_trailers_are_dropped() {
    assert_eq!(content(b"0\r\nA: b\r\nC:\r\n\r\n"), b"");
    assert_eq!(content(b"1\r\nx\r\n0\r\nHost: evil\r\n\r\n"), b"x");
}

#[test]
fn row_18_a_trailer_is_a_field_line() {
    let bad: [&[u8]; 11] = [
        b" A: b\r\n",
        b"A : b\r\n",
        b": b\r\n",
        b"A\r\n",
        b"A b: c\r\n",
        b"A: b\n",
        b"A: b\rc\r\n",
        b"A: \0\r\n",
        b"A: b\r\n c\r\n",
        b"\n",
        b"\r\r\n",
    ];
    for trailer in bad {
        assert_eq!(refused(&[b"0\r\n", trailer].concat()), 400, "{}", trailer.escape_ascii());
    }
}

#[test]
fn row_18_trailers_are_bounded() {
    assert_eq!(content(b"0\r\nA: b\r\nC: d\r\n\r\n"), b"");
    assert_eq!(refused(b"0\r\nA: b\r\nC: de\r\n\r\n"), 400);
    assert_eq!(refused(b"0\r\nA: 0123456789"), 400);
}

#[test]
fn any_split_gives_the_same_as_one_piece() {
    let corpus: [&[u8]; 9] = [
        b"5;a=\"\\\"b\" ; c = d\r\nhello\r\n3\r\nabc\r\n0;e\r\nA: b\r\nC: d\r\n\r\nGET /",
        b"5\r\nhello\r\n6\r\nabcdef\r\n",
        b"5;a=b;c=d;e=f;g=h;i=j;k=l\r\nhello\r\n",
        b"0\r\nA: 0123456789\r\n\r\n",
        b"5\r\nhello\rx",
        b"5\r\nhello\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF",
        b"0\r\nA\r\n\r\n",
        b"2;\"\r\n",
    ];
    for framing in [Framing::Chunked, Framing::Length(10)] {
        for bytes in corpus {
            let whole = decode(framing, &limits(), [bytes]);
            for at in 0..=bytes.len() {
                let done = decode(framing, &limits(), [&bytes[..at], &bytes[at..]]);
                assert_eq!(done, whole, "{} at {at}", bytes.escape_ascii());
            }
            assert_eq!(decode(framing, &limits(), bytes.chunks(1)), whole);
        }
    }
}

// Bodies without end.

#[test]
fn a_body_until_the_connection_ends_is_all_content_and_never_done() {
    let mut decoder = BodyDecoder::endless(Framing::UntilClose);
    let mut out = Vec::new();
    for piece in [&b"5\r\nhello"[..], b"", b"\r\n"] {
        assert_eq!(decoder.decode(piece, &mut out), Ok(piece.len()));
    }
    assert!(!decoder.is_done());
    assert_eq!(out, b"5\r\nhello\r\n");
    let bounded = decode(Framing::UntilClose, &limits(), [&b"12345"[..], b"678901"]);
    assert_eq!(bounded.expect_err("too long").status(), Status::CONTENT_TOO_LARGE);
}

#[test]
fn in_a_body_without_end_each_chunk_has_its_own_room_for_extensions() {
    let extension = "x".repeat(4 * 1024 - 1);
    let mut decoder = BodyDecoder::endless(Framing::Chunked);
    let mut out = Vec::new();
    for _ in 0..3 {
        let chunk = format!("1;{extension}\r\na\r\n");
        decoder.decode(chunk.as_bytes(), &mut out).expect("each has as much as it may");
    }
    assert_eq!(out, b"aaa");
    let longer = format!("1;{extension}x\r\na\r\n");
    assert!(decoder.decode(longer.as_bytes(), &mut out).is_err());
}

#[test]
fn a_body_without_end_may_be_of_any_length() {
    for framing in [Framing::Length(u64::MAX), Framing::Chunked] {
        let mut decoder = BodyDecoder::endless(framing);
        let mut out = Vec::new();
        decoder.decode(b"ffffffffffffffff\r\nab", &mut out).expect("nobody can send that much");
        assert!(out.ends_with(b"ab") && !decoder.is_done());
    }
}

#[test]
fn row_46_a_response_may_pad_the_size_of_a_chunk_and_a_request_may_not() {
    let padded = [
        &b"5 \r\nhello\r\n0\r\n\r\n"[..],
        b"5\t  \r\nhello\r\n0\r\n\r\n",
        b"005;a \r\nhello\r\n0\r\n\r\n",
        b"5 ; a = b \r\nhello\r\n0\r\n\r\n",
        b"5;a=\"b\"\t\r\nhello\r\n0\r\n\r\n",
        b"2\r\nhe\r\n3 \r\nllo\r\n0 \r\n\r\n",
    ];
    for bytes in padded {
        assert!(decode(Framing::Chunked, &limits(), [bytes]).is_err(), "{}", bytes.escape_ascii());
        for at in 0..=bytes.len() {
            let mut decoder = BodyDecoder::endless(Framing::Chunked);
            let mut out = Vec::new();
            for piece in [&bytes[..at], &bytes[at..]] {
                decoder.decode(piece, &mut out).expect("padding is taken");
            }
            assert!(decoder.is_done() && out == b"hello", "{} at {at}", bytes.escape_ascii());
        }
    }
}

#[test]
fn row_46_what_readers_of_a_response_take_for_different_chunks_is_refused() {
    for bytes in [
        &b" 5\r\n"[..],
        b"5 5\r\n",
        b"5 x\r\n",
        b"5 \n",
        b"5\n",
        b"5;a\n",
        b"5 \r ",
        b"5 \r\nhello\n",
        b"5;\r\n",
        b"5;a= \r\n",
        b" \r\n",
    ] {
        let mut decoder = BodyDecoder::endless(Framing::Chunked);
        assert!(decoder.decode(bytes, &mut Vec::new()).is_err(), "{}", bytes.escape_ascii());
    }
    // Padding shares the room of the extensions.
    for (blanks, fits) in [(4 * 1024, true), (4 * 1024 + 1, false)] {
        let line = format!("5{}\r\n", " ".repeat(blanks));
        let mut decoder = BodyDecoder::endless(Framing::Chunked);
        assert_eq!(decoder.decode(line.as_bytes(), &mut Vec::new()).is_ok(), fits, "{blanks}");
    }
}
