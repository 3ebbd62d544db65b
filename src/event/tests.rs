//! What an event may be made of, and the bytes it becomes.

use super::*;
use crate::event::encode::{encode_comment, encode_retry};

fn text(event: &Event) -> String {
    String::from_utf8(event.to_bytes()).unwrap()
}

fn typed(name: &'static str) -> EventType {
    EventType::new(name).unwrap()
}

fn id(id: &str) -> EventId {
    EventId::new(id).unwrap()
}

fn comment(text: &str) -> String {
    let mut out = Vec::new();
    encode_comment(text, &mut out);
    String::from_utf8(out).unwrap()
}

// Row 24 of ROBUSTNESS.md: what may not be in an id or an event type.

#[test]
fn row_24_cr_lf_and_nul_are_refused_in_an_event_type() {
    for name in ["\r", "a\nb", "a\r\nb", "end\0", "number\ndata: smuggled"] {
        assert!(EventType::new(name).unwrap_err().is_invalid(), "{name:?}");
        assert!((name, "data").into_event().unwrap_err().is_invalid(), "{name:?}");
    }
}

#[test]
fn row_24_cr_lf_and_nul_are_refused_in_an_id() {
    for name in ["\r", "1\n2", "1\r\n2", "1\0", "1\n\nretry: 0"] {
        assert!(EventId::new(name).unwrap_err().is_invalid(), "{name:?}");
        assert!((name, "type", "data").into_event().unwrap_err().is_invalid(), "{name:?}");
    }
}

#[test]
fn the_error_names_the_value_with_its_control_characters_escaped() {
    assert_eq!(
        EventId::new("1\r2").unwrap_err().to_string(),
        r#"an event id must not contain CR, LF or NUL, as they end a field: "1\r2""#,
    );
}

#[test]
fn anything_else_may_be_in_an_id_or_a_type() {
    for name in ["", " ", " a: b ", "\t", "\u{1b}", "\u{feff}", "\u{2028}", "größe", "数"] {
        assert_eq!(EventType::new(name).unwrap().as_str(), name);
        assert_eq!(EventId::new(name).unwrap().as_str(), name);
    }
}

#[test]
fn an_id_and_a_type_are_shown_and_taken_as_their_text() {
    let (name, id) = (typed("größe"), id("1-7"));
    assert_eq!((name.to_string(), id.to_string()), ("größe".into(), "1-7".into()));
    assert_eq!((name.as_ref(), id.as_ref()), ("größe", "1-7"));
    assert_eq!((String::from(name), String::from(id)), ("größe".into(), "1-7".into()));
}

#[test]
fn an_event_is_written_into_room_that_was_reserved_once() {
    let event = Event::new("x".repeat(100)).with_type(typed("type")).with_id(id("id"));
    for event in [event.clone().with_retry(Duration::from_secs(3)), event, Event::new("\n\r\n")] {
        let bytes = event.to_bytes();
        assert_eq!(bytes.capacity(), bytes.len(), "{event:?}");
    }
}

// Rows 24 and 26: how data and comments are split, and how lines end.

#[test]
fn row_24_data_is_split_at_cr_lf_and_crlf_alike() {
    let event = Event::new("a\rb\nc\r\nd");
    assert_eq!(event.data(), "a\nb\nc\nd");
    assert_eq!(text(&event), "data: a\ndata: b\ndata: c\ndata: d\n\n");
}

#[test]
fn lf_before_cr_is_two_line_breaks() {
    assert_eq!(text(&Event::new("a\n\rb")), "data: a\ndata: \ndata: b\n\n");
}

#[test]
fn line_breaks_at_either_end_of_data_are_kept() {
    assert_eq!(text(&Event::new("\na\n")), "data: \ndata: a\ndata: \n\n");
    assert_eq!(text(&Event::new("\r\n")), "data: \ndata: \n\n");
}

#[test]
fn empty_data_is_one_empty_field_so_that_the_event_is_dispatched() {
    assert_eq!(text(&Event::new("")), "data: \n\n");
}

#[test]
fn a_leading_space_stands_behind_the_space_that_the_reader_strips() {
    assert_eq!(text(&Event::new(" a\n b")), "data:  a\ndata:  b\n\n");
    assert_eq!(text(&Event::new("").with_id(id(" 7"))), "id:  7\ndata: \n\n");
}

#[test]
fn data_may_hold_what_looks_like_fields_and_comments() {
    let event = Event::new("id: 1\n: x\n\0\u{feff}");
    assert_eq!(text(&event), "data: id: 1\ndata: : x\ndata: \0\u{feff}\n\n");
}

#[test]
fn fields_come_in_the_order_id_event_retry_data() {
    let event = Event::new("seven")
        .with_retry(Duration::from_secs(3))
        .with_type(typed("number"))
        .with_id(id("7"));
    assert_eq!(text(&event), "id: 7\nevent: number\nretry: 3000\ndata: seven\n\n");
}

#[test]
fn an_empty_event_type_is_the_same_as_none() {
    let event = Event::new("a").with_type(typed(""));
    assert_eq!(event, Event::new("a"));
    assert_eq!(event.event_type(), None);
    assert_eq!(text(&event), "data: a\n\n");
}

#[test]
fn an_empty_id_is_written_since_it_makes_the_client_forget_its_own() {
    assert_eq!(text(&Event::new("a").with_id(id(""))), "id: \ndata: a\n\n");
}

#[test]
fn a_reconnection_time_is_whole_milliseconds() {
    let event = Event::new("").with_retry(Duration::from_micros(1_999));
    assert_eq!(event.retry(), Some(Duration::from_millis(1)));
    assert_eq!(text(&event), "retry: 1\ndata: \n\n");
}

#[test]
fn a_reconnection_time_past_what_readers_hold_is_the_longest_they_do() {
    let event = Event::new("").with_retry(Duration::MAX);
    assert_eq!(event.retry(), Some(Duration::from_millis(u64::MAX)));
    assert_eq!(text(&event), "retry: 18446744073709551615\ndata: \n\n");
}

#[test]
fn the_id_of_a_channel_replaces_the_events_own() {
    let event = Event::new("a").with_id(id("own")).with_type(typed("t"));
    let mut out = b"before\n".to_vec();
    event.encode_with(Some("5f-1"), &mut out);
    assert_eq!(out, b"before\nid: 5f-1\nevent: t\ndata: a\n\n");
}

#[test]
fn row_24_a_comment_is_split_at_cr_lf_and_crlf_alike_and_has_no_blank_line() {
    assert_eq!(comment("a\rb\nc\r\nd"), ": a\n: b\n: c\n: d\n");
    assert_eq!(comment(""), ": \n");
    assert_eq!(comment("x\n\ndata: smuggled"), ": x\n: \n: data: smuggled\n");
}

#[test]
fn a_reconnection_time_of_its_own_is_a_field_and_a_blank_line() {
    let mut out = Vec::new();
    encode_retry(Duration::from_millis(3000), &mut out);
    assert_eq!(out, b"retry: 3000\n\n");
}

#[test]
fn texts_and_tuples_with_what_can_be_displayed_become_events() {
    let tick = Event::new("7").with_type(typed("tick"));
    let owned = String::from("7");
    let borrowed: &str = &String::from("tick");
    assert_eq!("7".into_event().unwrap(), Event::new("7"));
    assert_eq!(owned.clone().into_event().unwrap(), Event::new("7"));
    assert_eq!((&owned).into_event().unwrap(), Event::new("7"));
    assert_eq!((borrowed, owned).into_event().unwrap(), tick);
    assert_eq!((typed("tick"), '7').into_event().unwrap(), tick);
    assert_eq!((typed("tick"), 7).into_event().unwrap(), tick);
    assert_eq!(("tick", format_args!("{:.0}", 7.4)).into_event().unwrap(), tick);
    assert_eq!((&tick).into_event().unwrap(), tick);
    assert_eq!((1, "tick", 7).into_event().unwrap(), tick.clone().with_id(id("1")));
    assert_eq!((id("1"), "tick", "7").into_event().unwrap(), tick.clone().with_id(id("1")));
    assert_eq!(tick.clone().into_event().unwrap(), tick);
}
