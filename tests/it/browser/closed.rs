//! A browser that follows a channel which is closed: its `EventSource` gets the events once, comes
//! back, and is told to stay away.

use std::time::Duration;

use tidings::{Channel, Event, Response, Server, Start};

use super::Browser;
use crate::support::{Notes, until};

/// Reports what happens, one after the other.
const PAGE: &str = r#"<!doctype html><title>job</title><script>
let last = Promise.resolve();
const say = line => { last = last.then(() => fetch("/received", { method: "POST", body: line })); };
const job = new EventSource("/job");
job.onopen = () => say("open");
job.onmessage = event => say("message " + event.data);
job.addEventListener("done", event => say("done " + event.data));
job.onerror = () => say("error " + job.readyState);
</script>"#;

pub(super) fn an_event_source_that_has_everything_of_a_closed_channel_stays_away() {
    let (job, received, asked) = (Channel::new(), Notes::new(), Notes::new());
    job.send(Event::new("half").with_retry(Duration::from_millis(50))).unwrap();
    let newest = job.send(("done", "all")).unwrap();
    job.close();
    let (noted, ids) = (received.clone(), asked.clone());
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .get("/", |_request| Ok(Response::content("text/html", PAGE.as_bytes())))
        .sse("/job", move |stream, _request| {
            ids.add(stream.last_event_id().map(str::to_owned));
            stream.subscribe_from(&job, Start::Newest(100))
        })
        .post("/received", move |request| {
            noted.add(request.body_text()?.to_owned());
            Ok(Response::no_content())
        })
        .start()
        .unwrap();
    let Some(_browser) = Browser::open(&format!("http://{}/", server.address())) else { return };
    // The first end is one of the connection (0, CONNECTING), the second for good (2, CLOSED).
    let expected = ["open", "message half", "done all", "error 0", "error 2"];
    until("the browser's last report", || received.len() == expected.len());
    assert_eq!(received.all(), expected);
    assert_eq!(asked.all(), [None, Some(newest.as_str().to_owned())]);
}
