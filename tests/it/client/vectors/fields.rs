//! What fields mean.

use super::*;

#[test]
fn several_lines_of_data_are_joined_by_lf() {
    plain(&[b"data: a\ndata: +2\ndata: 10\n\n"], &["a\n+2\n10"]);
}

#[test]
fn a_comment_an_id_and_an_id_that_is_taken_back() {
    let stream = ": hello\n\ndata: one\nid: 1\n\ndata:two\nid\n\ndata:  three\n\n";
    identified(stream, &[("one", "1"), ("two", ""), (" three", "")], "");
}

#[test]
fn a_field_without_a_colon_has_an_empty_value() {
    plain(&[b"data\n\ndata\ndata\n\ndata:\n"], &["", "\n"]);
}

#[test]
fn the_space_behind_the_colon_may_be_left_out_and_only_one_is_dropped() {
    plain(&[b"data:x\n\ndata: x\n\n"], &["x", "x"]);
    plain(&[b"data:  x\n\ndata:\tx\n\n"], &[" x", "\tx"]);
}

#[test]
fn an_event_type_is_for_one_event_and_an_empty_one_is_none() {
    typed("event: sum\ndata: 1\n\ndata: 2\n\n", &[("sum", "1"), ("message", "2")]);
    typed("event: sum\ndata: 1\n\nevent:\ndata: 2\n\n", &[("sum", "1"), ("message", "2")]);
    typed("event: tick\n\ndata: 1\n\n", &[("message", "1")]);
    typed("event:  é \ndata\n\n", &[(" é ", "")]);
}

#[test]
fn comments_dispatch_nothing_and_may_stand_within_an_event() {
    plain(&[b": tick\n\n:\n: tock\n\n"], &[]);
    plain(&[b"data:1\r:\0\n:data:no\r\ndata:2\n\n"], &["1\n2"]);
}

#[test]
fn names_are_taken_to_the_letter() {
    plain(&[b"other: 1\ndata: 2\nData: 3\n data: 4\ndata : 5\n\n"], &["2"]);
    plain(&[b"data\0: 1\n\0data: 2\ndata: 3\n\n"], &["3"]);
    plain(&[b"data: a\n \ndata: b\n\n"], &["a\nb"]);
}

#[test]
fn only_the_first_colon_divides() {
    plain(&[b"data: a:b: c\n\n"], &["a:b: c"]);
}

#[test]
fn nul_may_stand_in_data_and_not_in_an_id() {
    plain(&[b"data: a\0b\n\n\n\n"], &["a\0b"]);
    identified("id: 1\ndata: a\n\nid: x\0y\ndata: b\n\n", &[("a", "1"), ("b", "1")], "1");
}

#[test]
fn an_id_stays_and_needs_no_data() {
    identified("id: 7\ndata: a\n\ndata: b\n\n", &[("a", "7"), ("b", "7")], "7");
    identified("id: 42\n\ndata: a\n\n", &[("a", "42")], "42");
    identified("id: 9\n\n", &[], "9");
}

#[test]
fn the_last_of_several_ids_counts_and_an_empty_one_takes_it_away() {
    identified("id: 1\ndata: a\nid: 2…\n\n", &[("a", "2…")], "2…");
    identified("id: 1\ndata: a\n\nid:\ndata: b\n\n", &[("a", "1"), ("b", "")], "");
}

#[test]
fn an_id_whose_block_has_no_end_does_not_count() {
    identified("id: 1\ndata: a\n\nid: 2\ndata: b\n", &[("a", "1")], "1");
}

#[test]
fn a_reconnection_time_is_digits_and_nothing_else() {
    let stream = "retry: 3000\ndata: a\n\nretry: 30x0\ndata: b\n\nretry: 12 \ndata: c\n\n";
    timed(stream, &[("a", Some(3000)), ("b", None), ("c", None)], 3000);
    timed("retry: 1\nretry: 01000\nretry: -1\ndata: a\n\n", &[("a", Some(1000))], 1000);
    plain(&[b"retry\ndata: a\n\nretry: \ndata: b\n\n"], &["a", "b"]);
}

#[test]
fn a_reconnection_time_needs_no_event_and_no_blank_line() {
    timed("retry: 5000\n\ndata: a\n\n", &[("a", Some(5000))], 5000);
    timed("data: a\n\nretry: 5000\n", &[("a", None)], 5000);
}
