//! The parser against the standard: the cases that web-platform-tests names `eventsource/format-*`,
//! then when an event and the last event ID come to be, then the bounds.

use std::time::Duration;

use super::*;

/// Every event of a whole stream.
pub(super) fn parse(stream: impl AsRef<[u8]>) -> Vec<MessageEvent> {
    parse_pieces([stream.as_ref()])
}

pub(super) fn parse_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<MessageEvent> {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    for piece in pieces {
        parser.feed(piece).unwrap();
        events.extend(parser.drain());
    }
    events
}

/// The data of every event.
fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    parse(stream).into_iter().map(|event| event.data).collect()
}

/// The type and data of every event.
fn typed(stream: impl AsRef<[u8]>) -> Vec<(String, String)> {
    parse(stream).into_iter().map(|event| (event.event_type, event.data)).collect()
}

/// The data and the last event ID of every event.
fn identified(stream: impl AsRef<[u8]>) -> Vec<(String, String)> {
    parse(stream).into_iter().map(|event| (event.data, event.last_event_id)).collect()
}

fn pair(first: &str, second: &str) -> (String, String) {
    (first.into(), second.into())
}

fn fed(stream: &str) -> Parser {
    let mut parser = Parser::new();
    parser.feed(stream.as_bytes()).unwrap();
    parser
}

#[test]
fn a_byte_order_mark_at_the_start_is_dropped_and_a_later_one_is_not() {
    let stream = "\u{feff}data: 1\n\n\u{feff}data: 2\n\ndata: 3\n\n";
    assert_eq!(data(stream), ["1", "3"]);
}

#[test]
fn only_one_byte_order_mark_is_dropped() {
    assert_eq!(data("\u{feff}\u{feff}data: 1\n\ndata: 2\n\n"), ["2"]);
}

#[test]
fn a_byte_order_mark_before_a_blank_line_is_dropped() {
    assert_eq!(data("\u{feff}\n\u{feff}data: 1\n\ndata: 2\n\n"), ["2"]);
}

#[test]
fn comments_of_any_length_are_dropped() {
    let long = "x".repeat(2 * 1024);
    let stream =
        format!("data:1\r:\0\n:\r\ndata:2\n:{long}\rdata:3\n:data:fail\r:{long}\ndata:4\n\n");
    assert_eq!(data(stream), ["1\n2\n3\n4"]);
}

#[test]
fn an_event_without_its_blank_line_is_discarded() {
    assert_eq!(data("retry:1000\ndata:test1\n\nid:test\ndata:test2"), ["test1"]);
    assert_eq!(data("data:test1\n\ndata:test2\n"), ["test1"]);
}

#[test]
fn a_data_field_without_a_colon_or_value_is_an_empty_line() {
    assert_eq!(data("data:\n\ndata\ndata\n\ndata:test\n\n"), ["", "\n", "test"]);
}

#[test]
fn an_empty_event_field_means_message() {
    assert_eq!(typed("event: \ndata:data\n\n"), [pair("message", "data")]);
    assert_eq!(typed("event: a\nevent\ndata:data\n\n"), [pair("message", "data")]);
}

#[test]
fn an_event_type_is_for_its_own_event_only() {
    let stream = "event:test\ndata:x\n\ndata:y\n\n";
    assert_eq!(typed(stream), [pair("test", "x"), pair("message", "y")]);
}

#[test]
fn an_event_type_without_data_is_forgotten_at_the_blank_line() {
    assert_eq!(typed("event:test\n\ndata:x\n\n"), [pair("message", "x")]);
}

#[test]
fn the_last_of_several_event_fields_counts() {
    assert_eq!(typed("event:one\ndata:x\nevent:two\n\n"), [pair("two", "x")]);
}

#[test]
fn an_id_stays_until_another_replaces_it() {
    let stream = "data:a\n\nid: 1…\ndata:b\n\ndata:c\n\nid:2\ndata:d\n\n";
    let expected = [pair("a", ""), pair("b", "1…"), pair("c", "1…"), pair("d", "2")];
    assert_eq!(identified(stream), expected);
}

#[test]
fn an_empty_id_takes_the_last_event_id_away() {
    for id in ["id", "id:", "id: "] {
        let stream = format!("id:1\ndata:a\n\n{id}\ndata:b\n\n");
        assert_eq!(identified(stream), [pair("a", "1"), pair("b", "")]);
    }
}

#[test]
fn an_id_with_nul_in_it_is_ignored() {
    for id in ["\0", "2\0", "\x002", "2\x003"] {
        let stream = format!("id:1\ndata:a\n\nid:{id}\ndata:b\n\n");
        assert_eq!(identified(stream), [pair("a", "1"), pair("b", "1")]);
    }
}

#[test]
fn field_names_are_taken_to_the_letter() {
    let stream = "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\r\
                  data:\r\n data:32\ndata:4\n\n";
    assert_eq!(data(stream), ["\0\n 2\n1\n3\n\n4"]);
}

#[test]
fn a_retry_of_digits_sets_the_reconnection_time_and_the_last_one_counts() {
    let parser = fed("retry:03000\nretry: 2000\ndata:x\n\n");
    assert_eq!(parser.reconnection_time(), Some(Duration::from_secs(2)));
}

#[test]
fn a_retry_that_is_not_all_ascii_digits_is_ignored() {
    for value in ["1000x", "+1000", "-1", "1 000", "1000 ", " 1000", "1e3", "0x10", "٣", "1.5"] {
        let parser = fed(&format!("retry:3000\nretry: {value}\ndata:x\n\n"));
        assert_eq!(parser.reconnection_time(), Some(Duration::from_secs(3)), "{value:?}");
    }
}

#[test]
fn an_empty_retry_is_ignored() {
    for field in ["retry", "retry:", "retry: "] {
        let parser = fed(&format!("{field}\ndata:test\n\n"));
        assert_eq!(parser.reconnection_time(), None);
    }
}

#[test]
fn a_retry_too_large_to_hold_is_the_longest_time() {
    let longest = Some(Duration::from_millis(u64::MAX));
    for value in ["18446744073709551615", "18446744073709551616", "99999999999999999999999"] {
        assert_eq!(fed(&format!("retry:{value}\n")).reconnection_time(), longest);
    }
}

#[test]
fn fields_that_no_rule_knows_are_ignored() {
    let stream = "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\
                  DATA:x\nId:1\nevent :x\n\n";
    assert_eq!(typed(stream), [pair("message", "test\n")]);
    assert_eq!(fed(stream).last_event_id(), "");
}

#[test]
fn one_space_behind_the_colon_is_stripped_and_a_tab_is_not() {
    assert_eq!(data("data:\ttest\rdata: \ndata:test\n\n"), ["\ttest\n\ntest"]);
    assert_eq!(data("data:  two\n\n"), [" two"]);
    assert_eq!(identified("id:  1 \ndata:\n\n"), [pair("", " 1 ")]);
}

#[test]
fn cr_lf_and_crlf_end_lines_alike() {
    let stream = "data:test\r\ndata\ndata:test\r\n\r\nid:1\rdata:x\r\rdata:y\n\n";
    let expected = [pair("test\n\ntest", ""), pair("x", "1"), pair("y", "1")];
    assert_eq!(identified(stream), expected);
}

#[test]
fn nul_in_data_is_kept() {
    assert_eq!(data("data:\0\n\n\n\n"), ["\0"]);
}

#[test]
fn the_stream_is_utf_8_and_what_is_not_is_replaced() {
    assert_eq!(data("data:ok…\n\n"), ["ok…"]);
    let stream = b"data: \xff|\xe2\x80|\xf0\x9f\x92|\xc3\n\nevent:\xed\xa0\x80\ndata\n\n";
    let expected = [
        pair("message", "\u{fffd}|\u{fffd}|\u{fffd}|\u{fffd}"),
        pair("\u{fffd}\u{fffd}\u{fffd}", ""),
    ];
    assert_eq!(typed(stream), expected);
}

#[test]
fn a_malformed_sequence_hides_no_colon_space_or_line_end() {
    assert_eq!(
        typed(b"\xe2data:x\ndata:\xe2 \xe2\ndata\xf0:y\n\n"),
        [pair("message", "\u{fffd} \u{fffd}")]
    );
    assert_eq!(data(b"data:\xe2\r\rdata: \xe2\x80\n\n"), ["\u{fffd}", "\u{fffd}"]);
}

#[test]
fn decoding_each_value_is_decoding_the_whole_stream() {
    let bytes: &[u8] = b"data: \xe2\x82\ndata:\xf0\x9f\ndata:\x80\xbf: \xc2\r\n\ndata:\xed\xa0\r\r";
    assert_eq!(parse(bytes), parse(String::from_utf8_lossy(bytes).as_bytes()));
}

// When an event and the last event ID come to be.

#[test]
fn an_event_with_no_data_field_is_not_dispatched_but_sets_the_last_event_id() {
    let mut parser = fed("id: 7\nevent: x\nretry: 1\n");
    assert_eq!(parser.last_event_id(), "");
    parser.feed(b"\n").unwrap();
    assert_eq!(parser.next_event(), None);
    assert_eq!(parser.last_event_id(), "7");

    parser.feed(b"data\n\n").unwrap();
    let event = parser.next_event().unwrap();
    assert_eq!((&*event.event_type, &*event.last_event_id), ("message", "7"));
}

#[test]
fn an_id_whose_blank_line_never_came_is_not_the_last_event_id() {
    assert_eq!(fed("id:1\ndata:a\n\nid:2\ndata:b\n").last_event_id(), "1");
}

#[test]
fn a_retry_is_told_with_the_next_event_and_kept_after_it() {
    for stream in ["retry:5\ndata:a\n\ndata:b\n\n", "retry:5\n\n:\n\ndata:a\n\ndata:b\n\n"] {
        let mut parser = fed(stream);
        let times: Vec<_> = parser.drain().map(|event| event.retry).collect();
        assert_eq!(times, [Some(Duration::from_millis(5)), None]);
    }
    let mut parser = fed("retry:5\n\n");
    parser.start_over();
    parser.feed(b"data\n\n").unwrap();
    let told = parser.next_event().unwrap().retry;
    assert_eq!(told, Some(Duration::from_millis(5)), "it was set, and nothing has told of it");
    assert_eq!(parser.reconnection_time(), Some(Duration::from_millis(5)));
}

#[test]
fn a_cr_dispatches_without_waiting_for_the_byte_behind_it() {
    let mut parser = fed("data: a\r\n\r");
    assert_eq!(parser.next_event().unwrap().data, "a");
    parser.feed(b"\ndata: b\r\r").unwrap();
    assert_eq!(parser.next_event().unwrap().data, "b");
    assert_eq!(parser.next_event(), None);
}

#[test]
fn an_empty_piece_between_cr_and_lf_changes_nothing() {
    let pieces: [&[u8]; 4] = [b"data:a\r", b"", b"\ndata:b\r", b"\n\n"];
    assert_eq!(parse_pieces(pieces)[0].data, "a\nb");
}

#[test]
fn starting_over_keeps_what_outlives_a_connection() {
    let mut parser = fed("id:1\nretry:9\ndata:a\n\nid:2\nevent:x\ndata:b\nda");
    parser.start_over();
    assert_eq!(parser.last_event_id(), "1");
    assert_eq!(parser.reconnection_time(), Some(Duration::from_millis(9)));

    parser.feed("\u{feff}data:c\n\n".as_bytes()).unwrap();
    let taken: Vec<_> = parser.drain().map(|event| (event.data, event.last_event_id)).collect();
    assert_eq!(taken, [pair("a", "1"), pair("c", "1")]);
}

#[test]
fn what_is_not_taken_yet_does_not_move_the_id_to_resume_after() {
    let mut parser = Parser::new().with_last_event_id(EventId::new("6").unwrap());
    assert_eq!(parser.taken_last_event_id(), "6");
    parser.feed(b"id:7\ndata:a\n\nid:8\ndata:b\n\nid:9\n\n").unwrap();
    assert_eq!((parser.taken_last_event_id(), parser.last_event_id()), ("6", "9"));
    parser.next_event().unwrap();
    assert_eq!(parser.taken_last_event_id(), "7");
    parser.next_event().unwrap();
    assert_eq!(parser.taken_last_event_id(), "9");
}

#[test]
fn an_id_from_before_the_stream_is_the_last_until_the_stream_names_another() {
    let mut parser = Parser::new().with_last_event_id(EventId::new("6").unwrap());
    assert_eq!(parser.last_event_id(), "6");
    parser.feed(b"data:a\n\nid:7\ndata:b\n\n").unwrap();
    let ids: Vec<_> = parser.drain().map(|event| event.last_event_id).collect();
    assert_eq!(ids, ["6", "7"]);
}

// Bounds.

#[test]
fn a_line_may_be_as_long_as_its_bound_and_no_longer() {
    for line in ["data:6789", ":23456789"] {
        let mut parser = Parser::new().max_line(9);
        parser.feed(line.as_bytes()).unwrap();
        parser.feed(b"\n").unwrap();

        let error = parser.feed(format!("{line}0\n").as_bytes()).unwrap_err();
        assert!(error.is_invalid());
        assert_eq!(error.to_string(), "a line of the event stream is longer than 9 bytes");
    }
}

#[test]
fn a_line_that_never_ends_fails_before_its_end() {
    let mut parser = Parser::new().max_line(9);
    parser.feed(b":2345").unwrap();
    parser.feed(b"6789").unwrap();
    assert!(parser.feed(b"0").is_err());
}

#[test]
fn an_event_may_be_as_long_as_its_bound_and_no_longer() {
    let mut parser = Parser::new().max_event(4);
    parser.feed(b"data:12\ndata:4\n\ndata:1\ndata:3\ndata\n\n").unwrap();
    assert_eq!(parser.drain().map(|event| event.data).collect::<Vec<_>>(), ["12\n4", "1\n3\n"]);

    let error = parser.feed(b"data:12\ndata:45\n\n").unwrap_err();
    let expected = "the data of an event is longer than 4 bytes";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_bounds_are_4_mib_for_a_line_and_16_mib_for_an_event() {
    let line = |length: usize| format!("data:{}\n", "x".repeat(length - 5));
    let mut parser = Parser::new();
    parser.feed(line(4_194_304).as_bytes()).unwrap();
    assert!(parser.feed(line(4_194_305).as_bytes()).is_err());

    // Four lines of 4 MiB with the line feeds between them.
    let data = |last: usize| [line(4_000_005).repeat(4), line(last + 5), "\n".into()].concat();
    let last = 16_777_216 - 4 * 4_000_001;
    let mut parser = Parser::new();
    parser.feed(data(last).as_bytes()).unwrap();
    assert_eq!(parser.next_event().unwrap().data.len(), 16_777_216);
    assert!(parser.feed(data(last + 1).as_bytes()).is_err());
}

#[test]
fn what_a_long_line_took_is_given_back_but_for_64_kib() {
    let mut parser = Parser::new();
    let long = "x".repeat(1_000_000);
    parser.feed(b"data:").unwrap();
    parser.feed(format!("{long}\n\n").as_bytes()).unwrap();
    assert_eq!(parser.line.capacity(), 65_536);
}

#[test]
fn a_failure_stays_and_leaves_the_events_before_it() {
    let mut parser = Parser::new().max_line(9);
    assert!(parser.feed(b"data:a\n\ndata:67890\n\ndata:b\n\n").is_err());
    assert_eq!(parser.next_event().unwrap().data, "a");
    assert!(parser.feed(b"data:c\n\n").is_err());
    assert_eq!(parser.next_event(), None);

    parser.start_over();
    parser.feed(b"data:d\n\n").unwrap();
    assert_eq!(parser.next_event().unwrap().data, "d");
}

#[test]
fn many_small_events_share_one_long_id_until_they_are_taken() {
    let mut parser = Parser::new();
    parser.feed(format!("id:{}\n", "7".repeat(1024 * 1024)).as_bytes()).unwrap();
    // Copied for each, the ids would be 10 GB.
    parser.feed("data\n\n".repeat(10_000).as_bytes()).unwrap();
    assert_eq!(parser.next_event().unwrap().last_event_id.len(), 1024 * 1024);
}

#[test]
fn the_channel_of_an_event_is_told_beside_it_and_holds_for_it_alone() {
    let mut parser = Parser::new();
    parser.feed(b"channel: a\nchannel: news\ndata: 1\n\nchannel: b\n\ndata: 2\n\n").unwrap();
    let channels = std::iter::from_fn(|| parser.next_with_channel());
    let channels: Vec<_> = channels.map(|(event, channel)| pair(&event.data, &channel)).collect();
    assert_eq!(channels, [pair("1", "news"), pair("2", "")]);
}

#[cfg(feature = "follow")]
#[test]
fn an_event_that_is_too_long_has_named_its_id_before() {
    let mut parser = Parser::new().max_line(20);
    parser.feed(b"id: 7-1\ndata: x\n\nid: 7-2\ndata: longer than it may be").unwrap_err();
    assert_eq!((parser.last_event_id(), parser.unfinished_id()), ("7-1", "7-2"));
}
