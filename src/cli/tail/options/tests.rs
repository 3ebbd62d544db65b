//! The options of `tail`: what each word on the command line sets, and which are refused.

use super::*;
use crate::cli::flags::{Command, support};

fn parse(arguments: &[&str]) -> Result<Options, String> {
    support::parse(&TABLE, arguments)
}

#[test]
fn the_table_keeps_the_rules_of_tables() {
    support::check(&TABLE);
}

#[test]
fn a_field_is_a_name_a_colon_and_a_value() {
    let options = parse(&["--header", "A:b", "--header=C: d: e \t"]).unwrap();
    let fields: Vec<_> = options.follow.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    assert_eq!(fields, [("A", "b"), ("C", "d: e")]);
    let options = parse(&["--header", "content-type: text/plain"]).unwrap();
    let Follow { fields, content_type, .. } = options.follow;
    assert_eq!((fields.len(), content_type.as_deref()), (0, Some("text/plain")));
}

#[test]
fn a_field_that_can_not_be_sent_is_told_why() {
    for (line, why) in [
        ("no colon", "of the form"),
        (": x", "must be a token"),
        ("A: \u{7}", "no control characters"),
        ("Content-Length: 5", "can't be set"),
        ("Last-Event-ID: 5", "give --last-event-id"),
    ] {
        let wrong = parse(&["--header", line]).unwrap_err();
        assert!(wrong.starts_with("--header: ") && wrong.contains(why), "{wrong}");
    }
    for (one, other) in [("A: b", "a: b"), ("Content-Type: a/b", "content-type: c/d")] {
        let wrong = parse(&["--header", one, "--header", other]).unwrap_err();
        assert!(wrong.starts_with("--header: ") && wrong.contains("is given twice"), "{wrong}");
    }
}

#[test]
fn an_id_that_no_stream_can_name_is_refused() {
    assert!(parse(&["--last-event-id", "a\nb"]).unwrap_err().contains("CR, LF or NUL"));
    assert_eq!(parse(&["--last-event-id=7"]).unwrap().follow.last_event_id.unwrap().as_str(), "7");
}

#[test]
fn the_help_tells_the_exit_statuses() {
    let help = TABLE.shown().help(80);
    assert!(help.contains("\nExit status:\n  0   The events of --count"), "{help}");
}
