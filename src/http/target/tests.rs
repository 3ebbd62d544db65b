//! Tests of the forms of a target, and of hosts.

use super::is_authority;
use crate::http::support::{head, parse, refused};

fn with_target(method: &[u8], target: &[u8]) -> Vec<u8> {
    [method, b" ", target, b" HTTP/1.1\r\nHost: host.example\r\n\r\n"].concat()
}

#[test]
fn a_target_is_split_at_its_first_question_mark() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/a/b", "/a/b", None),
        ("/a?", "/a", Some("")),
        ("/a?b=c?d", "/a", Some("b=c?d")),
        ("//a", "//a", None),
        ("/a:b@c;d", "/a:b@c;d", None),
        ("/?http://x", "/", Some("http://x")),
    ] {
        let head = head(&with_target(b"GET", target.as_bytes()));
        assert_eq!((head.target(), head.path(), head.query()), (target, path, query));
        assert_eq!(head.authority(), Some("host.example"));
    }
}

#[test]
fn row_5_a_target_is_visible_ascii_without_a_fragment() {
    for byte in 0..=255 {
        let target = [b'/', b'a', byte, b'4', b'1'];
        let good = matches!(byte, b'!'..=b'~') && byte != b'#';
        let result = parse(&with_target(b"GET", &target));
        assert_eq!(result.is_ok(), good, "{byte:#04x}");
        let query = parse(&with_target(b"GET", &[b"/?", &target[..]].concat()));
        assert_eq!(query.is_ok(), good, "{byte:#04x}");
    }
    assert_eq!(refused(b"GET /\x01 HTTP/1.1\r\n"), 400);
    assert_eq!(refused(b"GET /\x7F HTTP/1.1\r\n"), 400);
    assert_eq!(refused(b"GET /\xC3\xA9 HTTP/1.1\r\n"), 400);
    assert_eq!(refused(b"GET /#top HTTP/1.1\r\n"), 400);
}

#[test]
fn what_browsers_send_unencoded_is_taken_as_it_is() {
    let target = "/a|b{c}^`[d]\\\"<>?e|f{g}^`[h]\\\"<>";
    let head = head(&with_target(b"GET", target.as_bytes()));
    assert_eq!(head.target(), target);
}

#[test]
fn row_6_the_asterisk_is_for_options_alone() {
    let head = head(&with_target(b"OPTIONS", b"*"));
    assert_eq!((head.target(), head.path(), head.query()), ("*", "*", None));
    assert_eq!(refused(&with_target(b"GET", b"*")), 400);
    assert_eq!(refused(&with_target(b"OPTIONS", b"*?a")), 400);
    assert_eq!(refused(&with_target(b"OPTIONS", b"**")), 400);
}

#[test]
fn row_6_the_authority_of_an_absolute_form_wins_over_host() {
    for (target, authority, path, query) in [
        ("http://a.example", "a.example", "/", None),
        ("http://a.example/", "a.example", "/", None),
        ("HTTPS://a.example:8080/b/c?d", "a.example:8080", "/b/c", Some("d")),
        ("http://[::1]:80?d=/e", "[::1]:80", "/", Some("d=/e")),
    ] {
        let head = head(&with_target(b"GET", target.as_bytes()));
        assert_eq!(head.target(), target);
        assert_eq!(head.authority(), Some(authority));
        assert_eq!((head.path(), head.query()), (path, query));
    }
}

#[test]
fn row_6_every_other_form_is_refused() {
    for target in [
        "a",
        "?a",
        "a/b",
        "example.com:80",
        "http:",
        "http:/a",
        "http://",
        "http:///a",
        "http://user@a/",
        "http://user:word@a/",
        "http://a:b/",
        "http://a,b/",
        "ftp://a/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "://a",
    ] {
        assert_eq!(refused(&with_target(b"GET", target.as_bytes())), 400, "{target}");
    }
}

#[test]
fn row_7_a_target_that_does_not_decode_is_refused() {
    for target in ["/%", "/%4", "/%4x", "/%00", "/%ff", "/%C3", "/?%", "/?a=%zz", "/?%00", "/?%FF"]
    {
        assert_eq!(refused(&with_target(b"GET", target.as_bytes())), 400, "{target}");
    }
    let head = head(&with_target(b"GET", b"/%0d%0aX:%20y?%C3%A9"));
    assert_eq!((head.path(), head.query()), ("/%0d%0aX:%20y", Some("%C3%A9")));
}

#[test]
fn row_8_a_host_is_one_name_or_address_with_an_optional_port() {
    for good in [
        "a",
        "a.example",
        "A.Example:3000",
        "a.example:",
        "a:0",
        "a:65535",
        "a:00080",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:3000",
        "[::ffff:127.0.0.1]",
        "[v1.a:b]",
        "[V1f.x]:80",
        "a%41b",
        "a_b~c!$&'()*+;=",
    ] {
        assert!(is_authority(good.as_bytes()), "{good}");
    }
    for bad in [
        "",
        ":",
        ":80",
        "a:65536",
        "a:99999999999999999999",
        "a:-1",
        "a:8o",
        "a:80:80",
        "a b",
        "a,b",
        "a, b",
        "a/b",
        "a?b",
        "a#b",
        "a\\b",
        "user@a",
        "user:word@a",
        "http://a",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[1]",
        "[::1]x",
        "[::1]80",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[v.a]",
        "[v1.]",
        "[v1]",
        "[vg.a]",
        "a%4",
        "a%zz",
        "a\u{e9}",
        "a\t",
        "a<",
        "a\"",
    ] {
        assert!(!is_authority(bad.as_bytes()), "{bad}");
    }
}
