//! Line ends, pieces, byte order marks, and what is not UTF-8.

use super::*;

#[test]
fn crlf_cr_and_lf_end_a_line_alike() {
    plain(&[b"data: a\r\ndata: b\r\n\r\n"], &["a\nb"]);
    plain(&[b"data: a\rdata: b\r\r"], &["a\nb"]);
    plain(&[b"data: a\rdata: b\r\ndata: c\n\n"], &["a\nb\nc"]);
}

#[test]
fn lf_before_cr_ends_two_lines() {
    plain(&[b"data: a\n\rdata: b\n\r"], &["a", "b"]);
}

#[test]
fn cr_and_lf_in_two_pieces_are_one_line_end() {
    plain(&[b"data: a\r", b"\ndata: b\r", b"\n\r\n"], &["a\nb"]);
    plain(&[b"data: a\r", b"data: b\n\n"], &["a\nb"]);
}

#[test]
fn a_name_a_value_and_a_line_end_may_come_in_pieces() {
    plain(&[b"da", b"ta: th", b"ing\n", b"\n"], &["thing"]);
    Case {
        pieces: &[b"i", b"d: 1", b"2\nev", b"ent:", b" x", b"y\ndata", b"\n\n"],
        events: vec![("xy", "", "12")],
        id: "12",
        ..Case::default()
    }
    .check();
}

#[test]
fn a_character_may_come_in_pieces() {
    plain(&[b"data: \xc3", b"\xa9\n\n"], &["é"]);
    plain(&[b"data: \xf0", b"\x9f", b"\x97", b"\x9e\n\n"], &["\u{1f5de}"]);
}

#[test]
fn one_byte_order_mark_at_the_start_is_dropped() {
    plain(&[b"\xef\xbb\xbf", b"data: a\n\n"], &["a"]);
    plain(&[b"\xef", b"\xbb", b"\xbf", b"data: a\n\n"], &["a"]);
}

#[test]
fn any_other_byte_order_mark_belongs_to_what_it_stands_in() {
    plain(&[b"\xef\xbb\xbf\xef\xbb\xbf", b"data: a\n\ndata: b\n\n"], &["b"]);
    plain(&[b"data: a\n\n", b"\xef\xbb\xbf", b"data: b\n\ndata: c\n\n"], &["a", "c"]);
    plain(&["data: a\u{feff}b\n\n".as_bytes()], &["a\u{feff}b"]);
    plain(&[b"\xef\xbb", b"data: a\n\ndata: b\n\n"], &["b"]);
}

#[test]
fn what_is_not_utf_8_is_replaced_and_hides_no_line_end() {
    plain(&[b"data: a", b"\xff", b"b\n\n"], &["a\u{fffd}b"]);
    plain(&[b"data: \xe2\x82\ndata: \xf0\x9f\x97\n\n"], &["\u{fffd}\n\u{fffd}"]);
    plain(&[b"data: \xed\xa0\x80\n\n"], &["\u{fffd}\u{fffd}\u{fffd}"]);
}

#[test]
fn what_has_no_end_is_dropped() {
    plain(&[b"data: a\n\ndata: b\n"], &["a"]);
    plain(&[b"data: a\n\ndata: hal"], &["a"]);
    plain(&[], &[]);
}
