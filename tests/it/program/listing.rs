//! `GET /channels`: which channels there are, and what they have.

use super::super::support::http::{exchange, get};
use super::super::support::stream::EventStream;
use super::super::support::until;
use super::*;

/// The response, which must be JSON, as text.
#[track_caller]
fn list(hub: &Process, target: &str) -> String {
    let response = get(hub.address(), target);
    let content_type = response.field("Content-Type");
    assert_eq!((response.status, content_type), (200, Some("application/json")), "{target}");
    response.text().to_owned()
}

#[test]
fn each_channel_is_listed_with_what_it_has_sorted_by_its_name() {
    let hub = hub(&["--history=2"]);
    assert_eq!(list(&hub, "/channels"), "{\"channels\":[\n],\"more\":false}\n");
    let news = publish(&hub, "/events/news", "rain");
    publish(&hub, "/events/News", "gone");
    publish(&hub, "/events/News", "");
    let newer = publish(&hub, "/events/News?event=t", "12");
    let _stream = EventStream::open(hub.address(), "/events?channel=news&channel=empty");
    let _pattern = EventStream::open(hub.address(), "/events/*");
    let chunk = |event: &str| format!("{:x}\r\n{event}\r\n", event.len()).len();
    let (epoch, _) = newer.split_once('-').expect("an id");
    let bytes = chunk(&format!("id: {epoch}-3\ndata: \n\n"))
        + chunk(&format!("id: {newer}\nevent: t\ndata: 12\n\n"));
    let expected = format!(
        concat!(
            "{{\"channels\":[\n",
            r#"{{"name":"News","streams":0,"kept":2,"bytes":{},"newest":"{}","published":3}},"#,
            "\n",
            r#"{{"name":"empty","streams":1,"kept":0,"bytes":0,"newest":null,"published":0}},"#,
            "\n",
            r#"{{"name":"news","streams":1,"kept":1,"bytes":{},"newest":"{}","published":1}}"#,
            "\n],\"more\":false}}\n"
        ),
        bytes,
        newer,
        chunk(&format!("id: {news}\ndata: rain\n\n")),
        news,
    );
    assert_eq!(list(&hub, "/channels"), expected);
    assert_eq!(exchange(hub.address(), b"HEAD /channels HTTP/1.0\r\n\r\n").text(), "");
}

#[test]
fn a_list_comes_in_pages_and_holds_no_channel() {
    let hub = hub(&["--history-age=1s"]);
    for name in ["c", "a", "b"] {
        publish(&hub, &format!("/events/{name}"), "x");
    }
    let names = |target: &str| {
        let list = list(&hub, target);
        let names: Vec<String> = list
            .split("{\"name\":\"")
            .skip(1)
            .map(|rest| rest.split('"').next().expect("a name").to_owned())
            .collect();
        (names.concat(), list.ends_with("\n],\"more\":true}\n"))
    };
    assert_eq!(names("/channels?limit=2"), ("ab".into(), true));
    assert_eq!(names("/channels?after=b&limit=2"), ("c".into(), false));
    assert_eq!(names("/channels?after=&limit=3"), ("abc".into(), false));
    assert_eq!(names("/channels?after=c"), (String::new(), false));
    until("the end of channels that nobody needs", || names("/channels").0.is_empty());
}

#[test]
fn a_list_that_nobody_may_have_or_asks_for_wrongly_is_refused() {
    let file = TemporaryFile::new("list", "2YotnFZFEjr1");
    let guarded = hub(&[&file.argument()]);
    assert_eq!(get(guarded.address(), "/channels").status, 401);
    let with =
        "GET /channels HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer 2YotnFZFEjr1\r\n\r\n";
    assert_eq!(exchange(guarded.address(), with.as_bytes()).status, 200);
    let private = hub(&["--private", &file.argument()]);
    assert_eq!(get(private.address(), "/channels").status, 401);
    let list = get(private.address(), "/channels?limit=1&token=2YotnFZFEjr1");
    assert_eq!((list.status, list.field("Cache-Control")), (200, Some("no-store")));
    let hub = hub(&[]);
    for (target, said) in [
        ("/channels?limit=0", "limit is 1 to 1000 channels, and not \"0\""),
        ("/channels?limit=1001", "limit is 1 to 1000 channels, and not \"1001\""),
        ("/channels?limit=+1", "limit is 1 to 1000 channels"),
        ("/channels?before=a", "there is no parameter \"before\" here: there are after and limit"),
        ("/channels?after=a&after=b", "give one of them"),
    ] {
        let response = get(hub.address(), target);
        assert_eq!(response.status, 400, "{target}");
        assert!(response.text().contains(said), "{}", response.text());
    }
}
