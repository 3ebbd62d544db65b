//! Tests of what is granted to whom, and of what must never be.

use super::*;
use crate::http::date::HttpDate;
use crate::http::support;

const A: &str = "https://a.example";

fn only_a() -> Cors {
    Cors::origins([A]).expect("a good origin")
}

/// The response as the policy makes it; the fields that every response gets are added later.
fn preflight(cors: &Cors, fields: &str) -> Option<String> {
    let bytes = format!("OPTIONS /x HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let response = cors.preflight(&support::head(bytes.as_bytes()), || "GET, POST".into())?;
    let mut out = Vec::new();
    let date = HttpDate::from_unix(0);
    response.encode_head(false, false, date, &mut out);
    String::from_utf8(out).ok()
}

#[test]
fn any_origin_gets_a_wildcard_and_never_credentials() {
    let fields = vec![("Access-Control-Allow-Origin", "*".to_owned())];
    assert_eq!(Cors::any().fields(Some("null")), fields);
    assert_eq!(Cors::any().fields(None), fields);
    assert!(Cors::any().allows("https://anybody.example"));
    assert!(Cors::any().credentials().expect_err("a wildcard").is_invalid());
}

#[test]
fn an_allowed_origin_is_reflected_and_others_get_nothing_but_vary() {
    let vary = ("Vary", "Origin".to_owned());
    let allowed = ("Access-Control-Allow-Origin", A.to_owned());
    let credentials = ("Access-Control-Allow-Credentials", "true".to_owned());
    assert_eq!(only_a().fields(Some(A)), [vary.clone(), allowed.clone()]);
    let cors = only_a().credentials().expect("named origins");
    assert_eq!(cors.fields(Some(A)), [vary.clone(), allowed, credentials]);
    for other in [None, Some("null"), Some("https://b.example"), Some("https://a.example:8443")] {
        assert_eq!(cors.fields(other), std::slice::from_ref(&vary), "{other:?}");
    }
}

#[test]
fn an_origin_is_compared_as_a_whole() {
    for other in [
        "",
        "*",
        "null",
        "http://a.example",
        "https://a.example.evil.example",
        "https://evila.example",
        "https://a.example/",
        "https://A.example",
    ] {
        assert!(!only_a().allows(other), "{other}");
    }
}

#[test]
fn an_origin_must_be_as_browsers_send_it() {
    for good in [
        "http://localhost",
        "http://localhost:3000",
        "https://127.0.0.1:8443",
        "http://[::1]:3000",
        "http://a.example:443",
        "https://a.example:8080",
        "tauri://localhost",
        "moz-extension://a",
        "x+y.2://a",
        "https://*.example.com",
        "https://*.example.com:8443",
        "http://*.a_b.c-d.example",
    ] {
        assert!(Cors::origins([good]).is_ok(), "{good}");
    }
    for bad in [
        "",
        "*",
        "null",
        "a.example",
        "//a.example",
        "https://",
        "https://a.example/path",
        "https://a.example?",
        "https://user@a.example",
        "https://A.example",
        "HTTPS://a.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example:",
        "https://a.example, https://b.example",
        "https://a.example\r\nX: y",
        "https://*.example",
        "https://*.example.com:443",
        "https://*.example.com:",
        "https://a.example//",
        "https://A.example/",
        "https://*.example.com.",
        "https://*..example.com",
        "https://*.EXAMPLE.com",
        "https://*.192.0.2.1",
        "https://*.[::1]",
        "https://*",
        "https://*.",
        "https://*:8443",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://*a.example.com",
        "https://a*.example.com",
        "*://a.example",
        "*.example.com",
        "https://*.user@example.com",
        "1s://a.example",
        "a_b://a.example",
        "A://a.example",
        "://a.example",
    ] {
        let error = Cors::origins([bad]).expect_err("a bad origin");
        assert!(error.to_string().contains("scheme://host"), "{bad}: {error}");
    }
    for slash in ["https://a.example/", "https://*.example.com/"] {
        let error = Cors::origins([slash]).expect_err("a bad origin");
        let why = format!(
            "an origin has no slash at its end, so no page has the origin {slash:?}: leave the \
             slash out"
        );
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn a_wildcard_stands_for_subdomains_alone() {
    let cors = Cors::origins(["https://*.example.com", "http://*.b.example:8080"]).expect("good");
    for good in [
        "https://a.example.com",
        "https://a.b-c.d_e.example.com",
        "https://xn--p1ai.example.com",
        "http://a.b.example:8080",
    ] {
        assert!(cors.allows(good), "{good}");
    }
    for other in [
        "https://example.com",
        "https://.example.com",
        "https://a..example.com",
        "https://.a.example.com",
        "https://evilexample.com",
        "https://example.com.evil.example",
        "https://a.example.com.evil.example",
        "https://evil.example/.example.com",
        "https://evil.example:1.example.com",
        "https://evil.example#.example.com",
        "https://evil@a.example.com",
        "https://a.example.com:8443",
        "https://a.example.com.",
        "https://A.example.com",
        "https://*.example.com",
        "http://a.example.com",
        "http://a.b.example",
        "http://a.b.example:80801",
        "a.example.com",
        "null",
        "",
    ] {
        assert!(!cors.allows(other), "{other}");
    }
    let granted = ("Access-Control-Allow-Origin", "https://a.example.com".to_owned());
    let vary = ("Vary", "Origin".to_owned());
    assert_eq!(cors.fields(Some("https://a.example.com")), [vary, granted]);
}

#[test]
fn a_preflight_gets_what_is_granted() {
    let fields = "Origin: https://a.example\r\n\
                  Access-Control-Request-Method: POST\r\n\
                  Access-Control-Request-Headers: x-token,content-type\r\n";
    assert_eq!(
        preflight(&only_a(), fields).as_deref(),
        Some(
            "HTTP/1.1 204 No Content\r\n\
             Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
             Access-Control-Allow-Methods: GET, POST\r\n\
             Access-Control-Allow-Headers: x-token, content-type\r\n\
             Access-Control-Max-Age: 600\r\n\
             \r\n"
        )
    );
}

#[test]
fn a_preflight_from_elsewhere_gets_no_grant() {
    let fields = "Origin: https://b.example\r\nAccess-Control-Request-Method: POST\r\n";
    let response = preflight(&only_a(), fields).expect("a preflight");
    assert!(response.starts_with("HTTP/1.1 204 "), "{response}");
    assert!(!response.contains("Access-Control"), "{response}");
}

#[test]
fn field_names_that_are_none_are_not_sent_back() {
    let fields = "Origin: https://a.example\r\n\
                  Access-Control-Request-Method: GET\r\n\
                  Access-Control-Request-Headers: good, b@d\r\n";
    let response = preflight(&only_a(), fields).expect("a preflight");
    assert!(
        !response.contains("Allow-Headers") && response.contains("Allow-Methods"),
        "{response}"
    );
}

#[test]
fn without_an_origin_or_a_method_to_ask_for_it_is_no_preflight() {
    assert_eq!(preflight(&Cors::any(), "Origin: https://a.example\r\n"), None);
    assert_eq!(preflight(&Cors::any(), "Access-Control-Request-Method: GET\r\n"), None);
    let get =
        b"GET / HTTP/1.1\r\nHost: h\r\nOrigin: a\r\nAccess-Control-Request-Method: GET\r\n\r\n";
    assert!(Cors::any().preflight(&support::head(get), || "GET".into()).is_none());
}
