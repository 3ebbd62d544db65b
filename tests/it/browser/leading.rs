//! Which tab of a real browser reads the stream of all with `/tidings.js`, and which tabs have it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidings::{Channel, Reply, Request, Response, Status};

use super::devtools::Tab;
use super::single::open;
use crate::support::{Gate, Notes, until};

/// Follows `/news` with this token, and notes what comes, and what other tabs say.
const FOLLOW: &str = r#"(async () => {
  const { Tidings } = await import("/tidings.js");
  Object.assign(window, { seen: [], heard: 0 });
  const url = new URL("/news", location).href;
  new BroadcastChannel(`tidings ${url}`).onmessage = ({ data }) => heard += Boolean(data?.block);
  window.source = new Tidings(url, { token: () => "TOKEN", ...OPTIONS });
  source.onopen = () => seen.push("open");
  source.onerror = ({ target }) => seen.push(`error ${target.readyState}`);
  source.onmessage = ({ data }) => seen.push(`${data} ${source.readyState}`);
  window.onerror = (message) => seen.push(message);
  return "follows";
})()"#;

fn follow(tab: &mut Tab, token: &str, options: &str) {
    let follow = FOLLOW.replace("TOKEN", token).replace("OPTIONS", options);
    assert_eq!(tab.eval(&follow), "follows");
}

fn seen(tab: &mut Tab) -> String {
    tab.eval("seen.join(', ')")
}

pub(super) fn a_tab_that_the_server_refuses_is_not_given_the_stream_of_others() {
    let (gate, news, asked) = (Gate::default(), Channel::new(), Notes::new());
    let (held, followed, noted) = (gate.clone(), news.clone(), asked.clone());
    let stream = move |request: &Request| {
        noted.add(());
        if request.head().field_text("authorization") == Some("Bearer ann") {
            let news = followed.clone();
            return Ok(Reply::event_stream(move |stream| stream.subscribe(&news)));
        }
        held.pass();
        Ok(Response::text("no\n").with_status(Status::FORBIDDEN).into())
    };
    let Some((browser, server, mut ann)) = open(|server| server.get("/news", stream)) else {
        return;
    };
    follow(&mut ann, "ann", "{}");
    until("her stream", || seen(&mut ann) == "open");
    let newest = news.send("for ann").unwrap();
    until("her event", || seen(&mut ann) == "open, for ann 1");
    // One has nothing yet, as ann's had; the other one knows the newest id.
    let mut tabs = ["{}".to_owned(), format!("{{ lastEventId: '{newest}' }}")].map(|options| {
        let mut tab = browser.tab(&format!("http://{}/page", server.address()));
        follow(&mut tab, "eve", &options);
        tab
    });
    until("their requests", || asked.len() == 3);
    news.send("for her alone").unwrap();
    for tab in &mut tabs {
        until("what ann's tab says", || tab.eval("heard") == "1");
    }
    gate.open();
    for tab in &mut tabs {
        until("the end", || tab.eval("source.readyState") == "2");
        assert_eq!(seen(tab), "error 2");
    }
    assert_eq!(seen(&mut ann), "open, for ann 1, for her alone 1");
    server.stop().unwrap();
}

pub(super) fn a_tab_that_has_a_stream_leads_instead_of_one_that_waits_to_come_back() {
    let (news, visits) = (Channel::new(), AtomicUsize::new(0));
    let streams = std::sync::Arc::new(Mutex::new(Vec::new()));
    let (followed, kept) = (news.clone(), streams.clone());
    let stream = move |_request: &Request| {
        if visits.fetch_add(1, Ordering::Relaxed) == 1 {
            let later = Response::text("later\n").with_status(Status::SERVICE_UNAVAILABLE);
            return later.with_field("Retry-After", "3600").map(Into::into);
        }
        let (news, kept) = (followed.clone(), kept.clone());
        Ok(Reply::event_stream(move |stream| {
            kept.lock().unwrap().push(stream.clone());
            stream.subscribe(&news)
        }))
    };
    let Some((browser, server, mut first)) = open(|server| server.get("/news", stream)) else {
        return;
    };
    follow(&mut first, "ann", "{}");
    until("its stream", || seen(&mut first) == "open");
    streams.lock().unwrap().pop().expect("a stream").close();
    until("its wait", || seen(&mut first) == "open, error 0, error 0");
    let mut second = browser.tab(&format!("http://{}/page", server.address()));
    follow(&mut second, "ann", "{}");
    // An hour before the first tab would have come back.
    until("the stream of the second", || seen(&mut first) == "open, error 0, error 0, open");
    news.send("for both").unwrap();
    until("the event", || seen(&mut first) == "open, error 0, error 0, open, for both 1");
    until("the event", || seen(&mut second) == "open, for both 1");
    assert_eq!(streams.lock().unwrap().len(), 1);
    server.stop().unwrap();
}

/// Another script of the origin may say anything in the channel.
pub(super) fn a_tab_minds_no_message_that_is_not_of_another_tab() {
    let news = Channel::new();
    let followed = news.clone();
    let stream = move |_request: &Request| {
        let news = followed.clone();
        Ok(Reply::event_stream(move |stream| stream.subscribe(&news)))
    };
    let Some((browser, server, mut first)) = open(|server| server.get("/news", stream)) else {
        return;
    };
    let mut second = browser.tab(&format!("http://{}/page", server.address()));
    for tab in [&mut first, &mut second] {
        follow(tab, "ann", "{}");
        until("its stream", || seen(tab) == "open");
    }
    let messages = "[null, 0, 1, '', 'x', {}, [], { ask: 1 }, { before: 5 }, { block: {} }, \
                    { before: 'x', state: 2 }, { before: 'x', state: {} }, { state: '' }]";
    first.eval(&format!(
        "{messages}.forEach((m) => new BroadcastChannel(`tidings ${{source.url}}`).postMessage(m))"
    ));
    for n in 1..=3 {
        news.send(n.to_string()).unwrap();
        for tab in [&mut first, &mut second] {
            until("the event", || tab.eval("seen.at(-1)") == format!("{n} 1"));
        }
    }
    for tab in [&mut first, &mut second] {
        assert_eq!(seen(tab), "open, 1 1, 2 1, 3 1");
    }
    server.stop().unwrap();
}

/// The browser refuses the lock, as it does where it keeps nothing for a page.
pub(super) fn a_page_that_may_have_no_locks_has_a_stream_of_its_own() {
    let news = Channel::new();
    let followed = news.clone();
    let routes = |server: tidings::Server| {
        let anyone = ("Access-Control-Allow-Origin", "*");
        server
            .get("/sandbox", |_request| {
                let page = Response::html("<!doctype html><title>a sandbox</title>");
                page.with_field("Content-Security-Policy", "sandbox allow-scripts")
            })
            .get("/anyone/tidings.js", move |_request| {
                let script = Response::content("text/javascript", super::single::SCRIPT);
                script.with_field(anyone.0, anyone.1)
            })
            .get("/anyone/news", move |_request| {
                let news = followed.clone();
                Ok(Reply::event_stream(move |stream| {
                    stream.set_field(anyone.0, anyone.1)?;
                    stream.subscribe(&news)
                }))
            })
    };
    let Some((browser, server, _tab)) = open(routes) else { return };
    let mut tab = browser.tab(&format!("http://{}/sandbox", server.address()));
    assert_eq!(tab.eval("origin"), "null");
    let (script, stream) = ("\"/anyone/tidings.js\"", "\"/anyone/news\", location");
    let follow = FOLLOW.replace("\"/tidings.js\"", script).replace("\"/news\", location", stream);
    // Without a field, so that the browser doesn't ask before.
    assert_eq!(tab.eval(&follow.replace("TOKEN", "").replace("OPTIONS", "{}")), "follows");
    until("its stream", || seen(&mut tab) == "open");
    news.send("for all").unwrap();
    until("its event", || seen(&mut tab) == "open, for all 1");
    server.stop().unwrap();
}
