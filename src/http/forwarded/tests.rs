//! Who the client is, by what proxies say.

use super::*;
use crate::http::HeadParser;
use crate::limits::Limits;

#[track_caller]
fn client_by(fields: &[&str]) -> String {
    let proxies = Proxies::new(["10.0.0.0/8", "2001:db8:f::/48"]).unwrap();
    let lines: String = fields.iter().map(|line| format!("{line}\r\n")).collect();
    let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let parsed = HeadParser::new(&Limits::default()).parse(bytes.as_bytes());
    let (head, _) = parsed.expect("it is valid").expect("it is whole");
    client(&head, &proxies).map_or("nobody".into(), |address| address.to_string())
}

#[test]
fn the_last_address_that_is_no_proxy_of_ours_is_the_client() {
    for (field, client) in [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.7,203.0.113.9,\t10.0.0.2 ", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.3, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9, 2001:db8:f::1, 10.0.0.2", "203.0.113.9"),
        // All are proxies: the first of them has sent it itself.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.2", "10.0.0.2"),
        // With ports, and IPv6 in each form.
        ("203.0.113.9:50412", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:DB8::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:50412", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:10.0.0.3], 10.0.0.2", "10.0.0.3"),
        // Empty elements are none.
        (",203.0.113.9,, 10.0.0.2,", "203.0.113.9"),
        ("", "nobody"),
        (" , ", "nobody"),
    ] {
        assert_eq!(client_by(&[&format!("X-Forwarded-For: {field}")]), client, "{field}");
    }
}

#[test]
fn what_is_no_address_hides_everything_before_it() {
    for bad in [
        "unknown",
        "_hidden",
        "localhost",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113.9:",
        "203.0.113.9:x",
        "203.0.113.9:123456",
        "203.0.113.9:+1",
        "203.0.113.9 x",
        "[203.0.113.9]",
        "[2001:db8::9",
        "2001:db8::9]",
        "[2001:db8::9]x",
        "[2001:db8::9]:",
        "2001:db8::9%eth0",
        "\"203.0.113.9\"",
        "203.0.113.9;x",
        "for=203.0.113.9",
        "\u{e9}",
    ] {
        let field = format!("X-Forwarded-For: 198.51.100.7, {bad}");
        assert_eq!(client_by(&[&field]), "nobody", "{bad}");
        assert_eq!(client_by(&[&format!("{field}, 10.0.0.3, 10.0.0.2")]), "10.0.0.3", "{bad}");
        assert_eq!(client_by(&[&format!("{field}, 203.0.113.9")]), "203.0.113.9", "{bad}");
    }
}

#[test]
fn the_lines_of_a_field_are_one_list_in_their_order() {
    let old = ["X-Forwarded-For: 198.51.100.7", "x-forwarded-for: 203.0.113.9", "X: 192.0.2.1"];
    assert_eq!(client_by(&old), "203.0.113.9");
    let new = ["Forwarded: for=198.51.100.7", "FORWARDED: for=203.0.113.9, for=10.0.0.2"];
    assert_eq!(client_by(&new), "203.0.113.9");
}

#[test]
fn the_standard_field_says_the_same_in_its_own_form() {
    for (field, client) in [
        ("for=203.0.113.9", "203.0.113.9"),
        ("For=\"203.0.113.9\"", "203.0.113.9"),
        ("for=198.51.100.7, for=203.0.113.9;proto=https;by=10.0.0.2, for=10.0.0.2", "203.0.113.9"),
        ("proto=https;FOR=203.0.113.9;", "203.0.113.9"),
        ("for=\"203.0.113.9:4711\"", "203.0.113.9"),
        ("for=\"203.0.113.9:_port\"", "203.0.113.9"),
        ("for=\"[2001:db8::9]\"", "2001:db8::9"),
        ("for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
        ("for=203.0.113.9;secret=\"a;b,\\\"for=192.0.2.1\"", "203.0.113.9"),
        ("secret=\"for=198.51.100.7\";for=203.0.113.9", "203.0.113.9"),
        ("", "nobody"),
    ] {
        assert_eq!(client_by(&[&format!("Forwarded: {field}")]), client, "{field}");
    }
    for bad in [
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:4711\"",
        "for=203.0.113.9:4711",
        "for=[2001:db8::9]",
        "for=\"2001:db8::9\"",
        "for=\"[2001:db8::9\"",
        "for=\"203.0.113.9:\"",
        "for=\"203.0.113.9:_\"",
        "for=\"203.0.113.9:_a b\"",
        "for=",
        "for",
        "203.0.113.9",
        "proto=https",
        "for=203.0.113.9;for=203.0.113.9",
        "for=203.0.113.9;proto",
        "for=203.0.113.9;pro to=https",
        "for=203.0.113.9;proto=",
        "for =203.0.113.9",
        "for= 203.0.113.9",
        "for=203.0.113.9 x",
        "for=\"203.0.113.\\9\"",
    ] {
        let field = format!("Forwarded: for=198.51.100.7, {bad}");
        assert_eq!(client_by(&[&field]), "nobody", "{bad}");
        assert_eq!(client_by(&[&format!("{field}, for=10.0.0.2")]), "10.0.0.2", "{bad}");
    }
}

#[test]
fn a_client_that_begins_a_quoted_string_does_not_become_what_it_wrote() {
    // The proxy appends this to the client's line.
    for appended in ["for=203.0.113.9", "for=\"[2001:db8::9]\"", "for=\"[2001:db8::9]\";by=\"a\""] {
        for begun in
            ["for=198.51.100.7;x=\"a", "for=198.51.100.7;x=\"a\\", "for=198.51.100.7;\"", "\""]
        {
            let field = format!("Forwarded: {begun}, {appended}");
            assert_eq!(client_by(&[&field]), "nobody", "{field}");
            assert_eq!(client_by(&[&field, "Forwarded: for=10.0.0.2"]), "10.0.0.2", "{field}");
        }
    }
    // The other field knows no quotes.
    assert_eq!(client_by(&["X-Forwarded-For: \"198.51.100.7, 203.0.113.9"]), "203.0.113.9");
}

#[test]
fn of_two_fields_that_name_different_clients_neither_counts() {
    let old = |client: &str| format!("X-Forwarded-For: {client}");
    let new = |client: &str| format!("Forwarded: for={client}");
    let both = |one: &str, other: &str| client_by(&[&old(one), &new(other)]);
    assert_eq!(both("203.0.113.9", "203.0.113.9"), "203.0.113.9");
    assert_eq!(both("203.0.113.9, 10.0.0.2", "203.0.113.9"), "203.0.113.9");
    assert_eq!(both("203.0.113.9", "198.51.100.7"), "nobody");
    assert_eq!(both("unknown", "203.0.113.9"), "nobody");
    assert_eq!(both("203.0.113.9", "unknown"), "nobody");
    assert_eq!(both("unknown", "unknown"), "nobody");
    // One that has no elements is as good as not there.
    assert_eq!(client_by(&["X-Forwarded-For:", &new("203.0.113.9")]), "203.0.113.9");
    assert_eq!(client_by(&[&old("203.0.113.9"), "Forwarded: ,"]), "203.0.113.9");
    assert_eq!(client_by(&[]), "nobody");
}

/// The same by a walk from the right, as the rule is mostly told.
fn walked(hops: &[&str]) -> String {
    let mut last = "nobody";
    for hop in hops.iter().rev().take_while(|hop| **hop != "unknown") {
        last = hop;
        if !hop.starts_with("10.") {
            break;
        }
    }
    last.into()
}

#[test]
fn one_pass_from_the_left_finds_what_a_walk_from_the_right_does() {
    let known = ["10.0.0.1", "10.0.0.2", "203.0.113.9", "198.51.100.7", "unknown"];
    let mut all: Vec<Vec<&str>> = vec![vec![]];
    for len in 0..=4 {
        for hops in &all {
            assert_eq!(hops.len(), len);
            let field = format!("X-Forwarded-For: {}", hops.join(", "));
            assert_eq!(client_by(&[&field]), walked(hops), "{field}");
        }
        let longer = all.iter().flat_map(|hops| known.map(|hop| [&**hops, &[hop]].concat()));
        all = longer.collect();
    }
}
