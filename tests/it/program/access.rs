//! Who may publish and who may follow: tokens that are signed with a key of `--key-file`, the token
//! of `--token-file`, and `--private`.

mod bodies;
mod carriers;
mod ends;
mod kept;

use super::super::support::http::{exchange, get};
use super::super::support::process::run_hub;
use super::*;

/// The keys of all hubs here, of which the first has signed most tokens.
const KEYS: &str = "0123456789abcdef0123456789abcdef\n\nfedcba9876543210fedcba9876543210\r\n";

/// What stands for `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A payload and its signature.
type Signed = (&'static str, &'static str);

/// `{"subscribe":["news","room.*"],"publish":["news","room.*"],"sub":"ann"}`
const ANN: Signed = (
    "eyJzdWJzY3JpYmUiOlsibmV3cyIsInJvb20uKiJdLCJwdWJsaXNoIjpbIm5ld3MiLCJyb29tLioiXSwic3ViIjoi\
     YW5uIn0",
    "zyY1sBIm__WGg1_oxqMVCZnyyqzlVxhngd44UvlnIfM",
);

/// `{"subscribe":["*"],"publish":["*"]}`
const ALL: Signed = (
    "eyJzdWJzY3JpYmUiOlsiKiJdLCJwdWJsaXNoIjpbIioiXX0",
    "keULenZTBQGgsQOZRUE9srU286JcIJWswoPWX66zyO0",
);

/// The same, signed with another key.
const OTHER: Signed = (ALL.0, "IbUHai7kh0vZxxynYML6NVaBi2z2mah9f0uMj8seRVQ");

/// `{"subscribe":["*"],"publish":["*"],"exp":1000000000}`
const EXPIRED: Signed = (
    "eyJzdWJzY3JpYmUiOlsiKiJdLCJwdWJsaXNoIjpbIioiXSwiZXhwIjoxMDAwMDAwMDAwfQ",
    "i5DL_UxungaWsxABipx4SoJKaaGC_XNfHx-CGcwIZtg",
);

/// `{"subscribe":["*"]}`
const READER: Signed =
    ("eyJzdWJzY3JpYmUiOlsiKiJdfQ", "qpzpihdpymSQnc8O974CjK7WOBO8QiJN_xVJKl0AKMI");

/// `{}`
const NOTHING: Signed = ("e30", "svo3sQiBr6VRrugrrB1OoHS7Y-c0pzdPFYhCfjX7elM");

/// `{"publish":["*"]}`, signed with the second key.
const WRITER: Signed = ("eyJwdWJsaXNoIjpbIioiXX0", "LnxMDEOpUMH3stDgOaFiTTIRCdQ2ZJWPWo8-CER9KrY");

fn token((payload, signature): Signed) -> String {
    format!("{HEADER}.{payload}.{signature}")
}

/// A field line with the token.
fn bearer(signed: Signed) -> String {
    format!("Authorization: Bearer {}\r\n", token(signed))
}

/// A hub with the keys and these arguments, and the file that it has read.
fn hub_with_keys(name: &str, arguments: &[&str]) -> (Process, String) {
    let file = TemporaryFile::new(&format!("{name}.keys"), KEYS);
    let keys = format!("--key-file={}", file.0.display());
    (hub(&[&[&*keys], arguments].concat()), keys)
}

/// The response to a request without a body, with these field lines, each with its CRLF.
fn ask(hub: &Process, line: &str, fields: &str) -> HttpResponse {
    let host = hub.address();
    let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
    exchange(host, request.as_bytes())
}

#[track_caller]
fn refused(response: &HttpResponse, status: u16, challenge: &str, said: &str) {
    assert_eq!((response.status, response.text()), (status, said));
    assert_eq!(response.field("WWW-Authenticate"), Some(challenge));
}

const EXPIRED_TOKEN: &str =
    "Bearer error=\"invalid_token\", error_description=\"the token has expired\"";

const NOT_COVERED: &str = "Bearer error=\"insufficient_scope\"";

#[test]
fn with_a_key_file_a_publish_needs_a_token_that_holds_and_names_the_channel() {
    let (hub, _) = hub_with_keys("publish", &[]);
    let publish =
        |channel: &str, fields: &str| post_with(&hub, &format!("/events/{channel}"), fields);
    refused(
        &publish("news", ""),
        401,
        "Bearer",
        "401 Unauthorized: this needs a token in the field 'Authorization: Bearer TOKEN': \
         make one with 'tidings token --key-file FILE --publish NAME'\n",
    );
    refused(
        &publish("news", &bearer(EXPIRED)),
        401,
        EXPIRED_TOKEN,
        "401 Unauthorized: the token has expired: make one with 'tidings token --key-file \
         FILE --publish NAME'\n",
    );
    let unsigned = "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJwdWJsaXNoIjpbIioiXX0.\r\n";
    for other in [&bearer(OTHER), unsigned, "Authorization: Bearer x\r\n"] {
        let response = publish("news", other);
        let challenge = response.field("WWW-Authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer error=\"invalid_token\", error_d"), "{challenge}");
        assert_eq!(response.status, 401, "{other}");
    }
    for (channel, signed, status) in [
        ("weather", ANN, 403),
        ("room", ANN, 403),
        ("news", NOTHING, 403),
        ("news", READER, 403),
        ("news", ANN, 200),
        ("room.1", ANN, 200),
        // Nobody needs to encode a name, and anybody may.
        ("%6Eews", ANN, 200),
        ("room%2E1", ANN, 200),
        ("weather", ALL, 200),
        ("weather", WRITER, 200),
        // What is no name is a fault of its own.
        ("a%2Fb", ALL, 400),
        ("room.*", ANN, 400),
        ("a%2Fb", ANN, 403),
    ] {
        assert_eq!(publish(channel, &bearer(signed)).status, status, "{channel} {signed:?}");
    }
    refused(
        &publish("weather", &bearer(ANN)),
        403,
        NOT_COVERED,
        "403 Forbidden: this token does not let its bearer publish on \"weather\": make one that \
         does with 'tidings token --key-file FILE --publish NAME'\n",
    );
    assert!(publish("news", &bearer(ANN)).text().ends_with("-7\n"), "no refused one has an id");
}

#[test]
fn with_a_key_file_whoever_follows_channels_by_name_needs_no_token() {
    let (hub, _) = hub_with_keys("read", &[]);
    // What would be refused if anybody looked at it.
    let ignored = [bearer(EXPIRED), bearer(ANN).repeat(2), "Cookie: tidings=x\r\n".into()];
    for fields in [String::new()].iter().chain(&ignored) {
        for target in
            ["/events/news", "/events?channel=a&channel=room.*", "/events/a?token=x&token=y"]
        {
            assert_eq!(
                ask(&hub, &format!("HEAD {target}"), fields).status,
                200,
                "{target} {fields}"
            );
        }
        for target in ["/metrics", "/health", "/health?token=x"] {
            assert_eq!(
                ask(&hub, &format!("GET {target}"), fields).status,
                200,
                "{target} {fields}"
            );
        }
    }
    assert_eq!(get(hub.address(), "/metrics").field("Cache-Control"), None);
}

#[test]
fn all_channels_and_the_feed_need_a_token_that_follows_all() {
    let (hub, _) = hub_with_keys("all", &[]);
    for target in ["/events/*", "/events?channel=a&channel=*", "/feed"] {
        let head = |fields: &str| ask(&hub, &format!("HEAD {target}"), fields);
        for (fields, status, challenge) in [
            (String::new(), 401, Some("Bearer")),
            (bearer(EXPIRED), 401, Some(EXPIRED_TOKEN)),
            (bearer(ANN), 403, Some(NOT_COVERED)),
            (bearer(WRITER), 403, Some(NOT_COVERED)),
            (bearer(READER), 200, None),
            (bearer(ALL), 200, None),
        ] {
            let response = head(&fields);
            let found = (response.status, response.field("WWW-Authenticate"));
            assert_eq!(found, (status, challenge), "{target} {fields}");
        }
    }
    refused(
        &ask(&hub, "GET /events/*", &bearer(ANN)),
        403,
        NOT_COVERED,
        "403 Forbidden: this token does not let its bearer follow \"*\": make one that does with \
         'tidings token --key-file FILE --subscribe NAME'\n",
    );
}

#[test]
fn a_private_hub_is_followed_by_those_whose_token_covers_each_channel() {
    let (hub, _) = hub_with_keys("private", &["--private"]);
    for (target, signed, status) in [
        ("/events/news", ANN, 200),
        ("/events/room.1", ANN, 200),
        ("/events/room.*", ANN, 200),
        ("/events/room.a.*", ANN, 200),
        ("/events/room%2E1", ANN, 200),
        ("/events/room", ANN, 403),
        ("/events/news.*", ANN, 403),
        ("/events/*", ANN, 403),
        ("/events?channel=news&channel=room.*", ANN, 200),
        ("/events?channel=news&channel=weather", ANN, 403),
        ("/events?channel=weather&channel=news", ANN, 403),
        ("/events?channel=*&channel=news", ANN, 403),
        ("/events/news", WRITER, 403),
        ("/events/news", NOTHING, 403),
        ("/events/news", EXPIRED, 401),
        ("/events/news", OTHER, 401),
        ("/events?channel=a&channel=*", READER, 200),
        ("/feed", READER, 200),
        ("/feed", ANN, 403),
        // What is no name is a fault of its own, for those who may ask.
        ("/events/a%2Fb", READER, 400),
        ("/events/a%2Fb", EXPIRED, 401),
    ] {
        for method in ["HEAD", "GET"] {
            if (method, status) == ("GET", 200) {
                continue;
            }
            let response = ask(&hub, &format!("{method} {target}"), &bearer(signed));
            assert_eq!(response.status, status, "{method} {target} {signed:?}");
        }
    }
    refused(
        &ask(&hub, "GET /events?channel=news&channel=weather", &bearer(ANN)),
        403,
        NOT_COVERED,
        "403 Forbidden: this token does not let its bearer follow \"weather\": make one that does \
         with 'tidings token --key-file FILE --subscribe NAME'\n",
    );
    refused(
        &ask(&hub, "GET /events/news", ""),
        401,
        "Bearer",
        "401 Unauthorized: this needs a token in the field 'Authorization: Bearer TOKEN': \
         make one with 'tidings token --key-file FILE --subscribe NAME'\n",
    );
    assert_eq!(post_with(&hub, "/events/news", &bearer(ANN)).status, 200);
    assert_eq!(post_with(&hub, "/events/news", &bearer(READER)).status, 403);
    assert_eq!(post_with(&hub, "/events/news", "").status, 401);
}

#[test]
fn a_private_hub_shows_its_counts_for_any_token_and_its_health_and_its_page_for_none() {
    let (hub, _) = hub_with_keys("counts", &["--private"]);
    let page = ["/", "/page.css", "/page.js", "/watch.js", "/parts.js", "/tidings.js"];
    for target in page.iter().chain(&["/health", "/health?ready"]) {
        assert_eq!(ask(&hub, &format!("GET {target}"), "").status, 200, "{target}");
        assert_eq!(ask(&hub, &format!("GET {target}"), &bearer(EXPIRED)).status, 200, "{target}");
    }
    for (fields, status) in
        [(String::new(), 401), (bearer(EXPIRED), 401), (bearer(ANN), 403), (bearer(READER), 200)]
    {
        assert_eq!(ask(&hub, "GET /channels", &fields).status, status, "{fields}");
    }
    for (fields, status) in
        [(String::new(), 401), (bearer(EXPIRED), 401), (bearer(NOTHING), 200), (bearer(ANN), 200)]
    {
        let counts = ask(&hub, "GET /metrics", &fields);
        assert_eq!(counts.status, status, "{fields}");
        let kept = (status == 200).then_some("no-store");
        assert_eq!(counts.field("Cache-Control"), kept);
        assert_eq!(counts.text().contains("tidings_streams"), status == 200);
    }
}

#[test]
fn a_refusal_without_a_token_names_the_token_that_is_good_for_the_path() {
    let (hub, _) = hub_with_keys("remedies", &["--private"]);
    let made = |options| format!("make one with 'tidings token --key-file FILE{options}'");
    let all = made(" --subscribe \"*\"");
    for (request, remedy) in [
        ("GET /metrics", &*made("")),
        ("GET /feed", &all),
        ("GET /channels", &all),
        ("GET /events/news", &made(" --subscribe NAME")),
        ("POST /events/news", &made(" --publish NAME")),
        ("POST /stop", "send what the hub's --token-file contains"),
    ] {
        let refused = match request.strip_prefix("POST ") {
            Some(target) => post_with(&hub, target, ""),
            None => ask(&hub, request, ""),
        };
        let said = "401 Unauthorized: this needs a token in the field 'Authorization: Bearer \
                    TOKEN': ";
        assert_eq!(refused.text(), format!("{said}{remedy}\n"), "{request}");
    }
}

#[test]
fn the_token_of_the_token_file_does_everything_beside_a_key_and_alone_stops_the_hub() {
    let file = TemporaryFile::new("beside-a-key", "s3cret\n");
    let (mut hub, _) = hub_with_keys("beside", &["--private", &file.argument()]);
    let secret = "Authorization: Bearer s3cret\r\n";
    for target in ["/events/news", "/events/*", "/feed"] {
        assert_eq!(ask(&hub, &format!("HEAD {target}"), secret).status, 200, "{target}");
        assert_eq!(ask(&hub, &format!("HEAD {target}"), &bearer(ALL)).status, 200, "{target}");
    }
    for fields in [secret, &bearer(ALL)] {
        assert_eq!(post_with(&hub, "/events/news", fields).status, 200);
        assert_eq!(ask(&hub, "GET /metrics", fields).status, 200);
    }
    let said = "403 Forbidden: only the token of the hub's --token-file is good for this\n";
    let stop = post_with(&hub, "/stop", &bearer(ALL));
    assert_eq!((stop.status, stop.text()), (403, said));
    assert_eq!(post_with(&hub, "/stop", "").status, 401);
    assert_eq!(post_with(&hub, "/stop", secret).status, 202);
    assert_eq!(hub.ended(), Some(0));
}

#[test]
fn a_hub_with_a_key_alone_is_stopped_by_no_request() {
    let (hub, _) = hub_with_keys("stop", &[]);
    for (fields, status) in [(bearer(ALL), 403), (String::new(), 401)] {
        assert_eq!(post_with(&hub, "/stop", &fields).status, status);
    }
    assert_eq!(get(hub.address(), "/health").status, 200);
}

#[test]
fn a_hub_may_be_private_with_a_token_file_alone() {
    let file = TemporaryFile::new("private-token", "s3cret\n");
    let hub = hub(&["--private", &file.argument()]);
    for target in ["/events/news", "/events/*", "/feed", "/metrics"] {
        let head = |fields: &str| ask(&hub, &format!("HEAD {target}"), fields).status;
        assert_eq!(head(""), 401, "{target}");
        assert_eq!(head("Authorization: Bearer s3creT\r\n"), 401, "{target}");
        assert_eq!(head(&bearer(ALL)), 401, "{target}");
        assert_eq!(head("Authorization: Bearer s3cret\r\n"), 200, "{target}");
    }
    refused(
        &ask(&hub, "GET /metrics", "Authorization: Bearer s3creT\r\n"),
        401,
        "Bearer error=\"invalid_token\", error_description=\"this is not the token\"",
        "401 Unauthorized: this is not the token: send what the hub's --token-file contains\n",
    );
}

#[test]
fn row_47_a_refusal_can_be_read_by_a_page_of_an_allowed_origin() {
    let (hub, _) = hub_with_keys("cors", &["--private", "--cors=https://a.example"]);
    let origin = "Origin: https://a.example\r\n";
    for (fields, status) in [(String::new(), 401), (bearer(EXPIRED), 401), (bearer(NOTHING), 403)] {
        let fields = format!("{origin}{fields}");
        for response in
            [ask(&hub, "GET /events/news", &fields), post_with(&hub, "/events/news", &fields)]
        {
            assert_eq!(response.status, status);
            let allowed = response.field("Access-Control-Allow-Origin");
            assert_eq!(allowed, Some("https://a.example"));
        }
    }
}

#[test]
fn options_that_nobody_could_use_are_refused_with_what_to_do() {
    let said = "tidings: --private is for those who have a token, and this hub knows none: give \
                --token-file FILE or --key-file FILE\n";
    let (_, stderr, status) = run_hub(&[LISTEN, "--private"]);
    assert!(stderr.starts_with(said.trim_end()) && status == Some(2), "{status:?} {stderr}");
    for (name, content, said) in [
        ("short.key", "too-short\n", "in line 1, which can be guessed: a key has at least 32"),
        ("empty.key", "\n", "has no key: make one with '(umask 077; openssl rand -hex 32 > FILE)'"),
    ] {
        let file = TemporaryFile::new(name, content);
        let keys = format!("--key-file={}", file.0.display());
        let (_, stderr, status) = run_hub(&[LISTEN, &keys]);
        assert!(stderr.contains(said) && status == Some(1), "{status:?} {stderr}");
        assert!(!stderr.contains("too-short"), "{stderr}");
    }
    let (_, stderr, status) = run_hub(&["--listen=0.0.0.0:0"]);
    assert!(stderr.contains("--key-file FILE") && status == Some(1), "{status:?} {stderr}");
}

#[test]
fn a_key_is_a_word_about_who_may_publish() {
    let (hub, _) = hub_with_keys("elsewhere", &["--listen=0.0.0.0:0"]);
    assert_eq!(post_with(&hub, "/events/news", "").status, 401);
}
