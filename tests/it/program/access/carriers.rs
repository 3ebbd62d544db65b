//! What carries a token: the field, the cookie, the parameter of the URL.

use super::*;

/// A target and field lines that carry this token, in each of the ways, in their order.
fn carried(target: &str, token: &str) -> [(String, String); 3] {
    [
        (target.into(), format!("Authorization: Bearer {token}\r\n")),
        (target.into(), format!("Cookie: theme=dark; tidings={token}\r\n")),
        (format!("{target}?token={token}"), String::new()),
    ]
}

#[test]
fn each_carrier_carries_each_kind_of_token_to_readers_and_publishers() {
    let file = TemporaryFile::new("carried", "s3cret\n");
    let (hub, _) = hub_with_keys("carried", &["--private", &file.argument()]);
    for (token, read, published) in [
        (&*token(ANN), 200, 200),
        ("s3cret", 200, 200),
        (&token(EXPIRED), 401, 401),
        ("", 401, 401),
    ] {
        for (target, fields) in carried("/events/news", token) {
            let response = ask(&hub, &format!("HEAD {target}"), &fields);
            assert_eq!(response.status, read, "{target} {fields}");
            let response = post_with(&hub, &target, &fields);
            assert_eq!(response.status, published, "{target} {fields} {response:?}");
        }
        for (target, fields) in carried("/metrics", token) {
            let response = ask(&hub, &format!("GET {target}"), &fields);
            assert_eq!(response.status, read, "{target} {fields}");
        }
    }
    // The other parameters are read as ever.
    let good = token(ANN);
    let batch = "Content-Type: text/event-stream\r\n";
    for (target, fields, status) in [
        (format!("/events/news?event=a&token={good}&retry=1"), "", 200),
        (format!("/events/news?token={good}&evnt=a"), "", 400),
        (format!("/events/news?token={good}"), batch, 400),
    ] {
        let response = post_with(&hub, &target, fields);
        assert_eq!(response.status, status, "{target} {}", response.text());
        assert!(!response.text().contains(&good), "{}", response.text());
    }
    assert_eq!(get(hub.address(), &format!("/health?token={good}")).text(), "ok\n");
    assert_eq!(get(hub.address(), "/health?token=a&token=b&ready").text(), "ok\n");
}

#[test]
fn the_first_carrier_that_is_there_counts_alone() {
    let (hub, _) = hub_with_keys("first", &["--private"]);
    let [good, bad] = [token(ANN), token(EXPIRED)];
    let basic = "Authorization: Basic dTpw\r\n";
    let field = |token: &str| format!("Authorization: Bearer {token}\r\n");
    let cookie = |token: &str| format!("Cookie: tidings={token}\r\n");
    for (fields, parameter, status) in [
        (field(&good) + &cookie(&bad), &bad, 200),
        (field(&bad) + &cookie(&good), &good, 401),
        ("Authorization: Bearer\r\n".to_owned() + &cookie(&good), &good, 401),
        (cookie(&good), &bad, 200),
        (cookie(&bad), &good, 401),
        // A proxy in front may want a password.
        (basic.to_owned() + &cookie(&good), &bad, 200),
        (basic.to_owned(), &good, 200),
    ] {
        let target = format!("/events/news?token={parameter}");
        assert_eq!(ask(&hub, &format!("HEAD {target}"), &fields).status, status, "{fields}");
        assert_eq!(post_with(&hub, &target, &fields).status, status, "{fields}");
    }
}

#[test]
fn a_carrier_that_says_two_things_is_refused_and_not_quoted() {
    let (hub, _) = hub_with_keys("two", &["--private"]);
    let [good, bad] = [token(ANN), token(EXPIRED)];
    let field = format!("Authorization: Bearer {good}\r\n");
    for (target, fields, said) in [
        ("/events/news".into(), field.repeat(2), "there may be only one field authorization"),
        (
            "/events/news".into(),
            format!("{field}Authorization: Basic dTpw\r\n"),
            "there may be only one field authorization",
        ),
        (
            "/events/news".into(),
            format!("Cookie: tidings={good}\r\nCookie: a=b; tidings={bad}\r\n"),
            "there are two values of the cookie tidings: send one",
        ),
        (
            format!("/events/news?token={good}&token={bad}"),
            String::new(),
            "there are two values of the parameter token: send one",
        ),
    ] {
        for response in
            [ask(&hub, &format!("GET {target}"), &fields), post_with(&hub, &target, &fields)]
        {
            let said = format!("400 Bad Request: {said}\n");
            assert_eq!((response.status, response.text()), (400, &*said), "{target} {fields}");
        }
    }
    // A browser sends a cookie twice that was set for two paths.
    let same = format!("Cookie: tidings={good}; tidings=\"{good}\"\r\n");
    assert_eq!(ask(&hub, "HEAD /events/news", &same).status, 200);
}

#[test]
fn a_cookie_publishes_for_the_hubs_own_page_and_for_no_other() {
    let (hub, _) = hub_with_keys("cookie", &["--cors=https://a.example"]);
    let own = format!("Origin: http://{}\r\n", hub.address());
    let cookie = format!("Cookie: tidings={}\r\n", token(ANN));
    let said = "403 Forbidden: a page of another origin may not publish with a cookie: send the \
                token in the field Authorization\n";
    let listed = "Origin: https://a.example\r\n";
    for (page, status) in [
        (String::new(), 200),
        (own.clone(), 200),
        (format!("{own}Sec-Fetch-Site: same-origin\r\n"), 200),
        ("Sec-Fetch-Site: none\r\n".into(), 200),
        (listed.into(), 403),
        (format!("{listed}Sec-Fetch-Site: cross-site\r\n"), 403),
    ] {
        let response = post_with(&hub, "/events/news", &format!("{page}{cookie}"));
        assert_eq!(response.status, status, "{page}");
        if status == 403 {
            assert_eq!(response.text(), said);
        }
    }
    // Of origins that are not listed, no page may publish with whatever it has.
    for page in [
        "Origin: https://b.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        for (target, fields) in carried("/events/news", &token(ANN)) {
            let response = post_with(&hub, &target, &format!("{page}{fields}"));
            assert_eq!(response.status, 403, "{page} {target}");
        }
    }
    // Whatever a listed page itself has, it may use.
    let [field, _, parameter] = carried("/events/news", &token(ANN));
    for (target, fields) in [field, parameter] {
        let response = post_with(&hub, &target, &format!("{listed}{fields}"));
        assert_eq!(response.status, 200, "{target}");
    }
}

#[test]
fn where_every_origin_may_publish_none_does_with_a_cookie() {
    let (hub, _) = hub_with_keys("any", &["--cors=*"]);
    let cookie = format!("Cookie: tidings={}\r\n", token(ANN));
    for page in
        ["Origin: https://a.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
    {
        let with =
            |fields: &str| post_with(&hub, "/events/news", &format!("{page}{fields}")).status;
        assert_eq!((with(&cookie), with(&bearer(ANN))), (403, 200), "{page}");
    }
}
