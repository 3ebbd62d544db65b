//! `/tidings.js` in one tab of a real browser: its parser, and what it does about each response.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tidings::{Event, EventId, EventType, Reply, Request, Response, Server, Status};

use super::Browser;
use super::devtools::Tab;
use crate::support::{Notes, until};

pub(super) const SCRIPT: &str = include_str!("../../../src/cli/serve/page/tidings.js");

/// Parses each stream as a whole, and cut in two at every byte; the second of each row is what must
/// come: type, data and last event ID of each event, and reconnection times.
const PARSE: &str = r#"(async () => {
  const { parser } = await import("/tidings.js");
  const parse = async (pieces) => {
    const [events, chunks] = [[], new ReadableStream({
      start: (to) => { pieces.forEach((piece) => to.enqueue(piece)); to.close(); },
    })];
    let last = "";
    const feed = parser(({ id, type, data, retry }) => {
      if (retry !== undefined) events.push(`retry ${retry}`);
      if (data === undefined) return;
      last = id ?? last;
      if (data.length > 0) events.push(`${type || "message"}|${data.join("\n")}|${last}`);
    });
    const reader = chunks.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done; ) feed(part.value);
    return events.join(" & ");
  };
  const wrong = [];
  for (const [stream, expected] of ROWS) {
    const bytes = Uint8Array.from(stream, (c) => c.charCodeAt(0));
    for (let at = 0; at <= bytes.length; at++) {
      const events = await parse([bytes.slice(0, at), bytes.slice(at)]);
      if (events !== expected) wrong.push(JSON.stringify({ stream, at, events, expected }));
    }
  }
  return wrong.slice(0, 5).join("\n");
})()"#;

/// Streams, a character for each byte, and what is to come of them. These are the rows of
/// src/event/parser/tests.rs that say what becomes of bytes.
const ROWS: &str = r#"[
  ["\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\ndata: 3\n\n", "message|1| & message|3|"],
  ["\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", "message|2|"],
  ["data:1\r:\0\n:\r\ndata:2\n:x\rdata:3\n:data:fail\rdata:4\n\n", "message|1\n2\n3\n4|"],
  ["data:test1\n\nid:test\ndata:test2\n", "message|test1|"],
  ["data:\n\ndata\ndata\n\ndata:test\n\n", "message|| & message|\n| & message|test|"],
  ["event: a\nevent\ndata:data\n\n", "message|data|"],
  ["event:one\ndata:x\nevent:two\n\ndata:y\n\n", "two|x| & message|y|"],
  ["event:test\n\ndata:x\n\n", "message|x|"],
  ["data:a\n\nid: 1\ndata:b\n\ndata:c\n\nid:2\n\ndata:d\n\n",
    "message|a| & message|b|1 & message|c|1 & message|d|2"],
  ["id:1\ndata:a\n\nid\ndata:b\n\n", "message|a|1 & message|b|"],
  ["id:1\ndata:a\n\nid:2\x003\ndata:b\n\n", "message|a|1 & message|b|1"],
  ["data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\ndata:3\rdata:\r\n data:3\n\n",
    "message|\0\n 2\n1\n3\n|"],
  ["retry:03000\nretry: 2000\ndata:x\n\n", "retry 3000 & retry 2000 & message|x|"],
  ["retry:1000x\nretry:-1\nretry: 1 000\nretry: \nretry\nretry:1e3\n", ""],
  [" data\nfoobar:xxx\njust text\nDATA:x\nId:1\nevent :x\ndata:\ttest\n\n", "message|\ttest|"],
  ["data:test\r\ndata\ndata:test\r\n\r\nid:1\rdata:x\r\rdata:y\n\n",
    "message|test\n\ntest| & message|x|1 & message|y|1"],
  ["data:\xe2\r\rdata: \xe2\x80|\xf0\x9f\x97\x9e\n\n", "message|\ufffd| & message|\ufffd|🗞|"],
]"#;

pub(super) fn a_page_parses_streams_as_the_standard_says_however_their_bytes_come() {
    let Some((_browser, server, mut tab)) = open(|server| server) else { return };
    assert_eq!(tab.eval(&PARSE.replace("ROWS", ROWS)), "");
    server.stop().unwrap();
}

/// A server with the script and these routes, and a tab with a page of it.
pub(super) fn open(
    routes: impl FnOnce(Server) -> Server,
) -> Option<(Browser, tidings::Running, Tab)> {
    let browser = Browser::open("about:blank")?;
    let server = Server::bind("127.0.0.1:0")
        .unwrap()
        .content("/page", "text/html", "<!doctype html><title>one tab</title>")
        .content("/tidings.js", "text/javascript", SCRIPT);
    let server = routes(server).start().unwrap();
    let tab = browser.tab(&format!("http://{}/page", server.address()));
    Some((browser, server, tab))
}

/// Follows what this path has with new tokens, and notes what happens.
const FOLLOW: &str = r#"(async () => {
  const { Tidings } = await import("/tidings.js");
  Object.assign(window, { seen: [], tokens: 0 });
  document.cookie = "seen=before";
  const source = new Tidings("PATH", { shared: false, token: () => `token-${++tokens}` });
  source.onopen = () => seen.push("open");
  source.onerror = ({ target }) => seen.push(`error ${target.readyState}`);
  source.onmessage = ({ data, lastEventId }) => seen.push(`message ${data} ${lastEventId}`);
  source.addEventListener("score", ({ type, data }) => seen.push(`${type} ${data}`));
  source.addEventListener("gap", ({ data }) => seen.push(`gap ${data.reason}`));
  return new URL(source.url).pathname;
})()"#;

pub(super) fn a_page_asks_for_a_new_token_and_waits_for_a_server_that_can_not_serve_it() {
    let (asked, times, visits) = (Notes::new(), Notes::new(), AtomicUsize::new(0));
    let (noted, timed) = (asked.clone(), times.clone());
    let news = move |request: &Request| {
        let field = |name| request.head().field_text(name).unwrap_or("none").to_owned();
        let fields = ["authorization", "last-event-id", "cookie"].map(field);
        noted.add(fields.join(" "));
        timed.add(Instant::now());
        let refusal = |status| Response::text("no\n").with_status(status);
        let event = match visits.fetch_add(1, Ordering::Relaxed) {
            1 => Event::new("one").with_retry(Duration::from_millis(50)),
            2 => {
                let later = refusal(Status::SERVICE_UNAVAILABLE);
                return later.with_field("Retry-After", "1").map(Into::into);
            }
            3 => Event::new("two").with_type(EventType::new("score")?),
            5 => Event::new("three"),
            _ => return Ok(refusal(Status::UNAUTHORIZED).into()),
        };
        let id = asked_id(request);
        let gap = r#"{"from":"2","to":"3","missed":1,"reason":"evicted"}"#;
        let gap = Event::new(gap).with_type(EventType::new("tidings.gap")?);
        let gap = (id == "3").then_some(gap);
        let event = event.with_id(EventId::new(id)?);
        Ok(Reply::event_stream(move |stream| {
            gap.map_or(Ok(()), |gap| stream.send(gap))?;
            stream.send(event)?;
            stream.close();
            Ok(())
        }))
    };
    let Some((_browser, server, mut tab)) = open(|server| server.get("/news", news)) else {
        return;
    };
    assert_eq!(tab.eval(&FOLLOW.replace("PATH", "news")), "/news");
    until("the end", || tab.eval("seen.at(-1)") == "error 2");
    let expected = [
        // A 401 at first, which a new token mends.
        "open, message one 1, error 0",
        // A 503: it comes back after a second.
        "error 0, open, score two, error 0",
        // The token has expired.
        "open, gap evicted, message three 3, error 0",
        // And now a new one doesn't help.
        "error 2",
    ];
    assert_eq!(tab.eval("seen.join(', ')"), expected.join(", "));
    let ids = ["none", "none", "1", "1", "2", "2", "3", "3"];
    let expected: Vec<String> = (1..)
        .zip(ids)
        .map(|(token, id)| format!("Bearer token-{token} {id} seen=before"))
        .collect();
    assert_eq!(asked.all(), expected);
    let times = times.all();
    assert!(times[3] - times[2] >= Duration::from_secs(1), "as the field Retry-After said");
    server.stop().unwrap();
}

/// The id after the one that the client has: 1, 2, 3.
fn asked_id(request: &Request) -> String {
    let last = request.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(0);
    (last + 1).to_string()
}

pub(super) fn a_page_gives_up_where_to_ask_again_is_of_no_use_and_only_there() {
    let (times, visits) = (Notes::new(), AtomicUsize::new(0));
    let timed = times.clone();
    let routes = |server: Server| {
        server
            .get("/status/{code}", |request| {
                let code = request.param("code").and_then(|code| code.parse().ok());
                Ok(Response::text("").with_status(Status::new(code.expect("a number"))?))
            })
            .get("/page-at-first", move |_request| {
                timed.add(Instant::now());
                Ok(match visits.fetch_add(1, Ordering::Relaxed) {
                    0 => Response::html("this is not the stream").into(),
                    1 => Reply::event_stream(|stream| {
                        stream.retry(Duration::from_millis(50))?;
                        stream.close();
                        Ok(())
                    }),
                    2..=4 => Response::text("").with_status(Status::new(500)?).into(),
                    _ => Reply::event_stream(|stream| stream.send("here it is")),
                })
            })
    };
    let Some((_browser, server, mut tab)) = open(routes) else { return };
    for code in [204, 400, 401, 403, 404] {
        let follow = FOLLOW.replace("PATH", &format!("/status/{code}"));
        tab.eval(&follow.replace("token: () =>", "without: () =>"));
        until("the end", || tab.eval("seen.length") != "0");
        assert_eq!(tab.eval("seen.join(', ')"), "error 2", "{code}");
    }
    tab.eval(&FOLLOW.replace("PATH", "/page-at-first"));
    until("an event", || tab.eval("seen.includes('message here it is ')") == "true");
    let expected = "error 0, open, error 0, error 0, error 0, error 0, open, message here it is ";
    assert_eq!(tab.eval("seen.slice(0, 8).join(', ')"), expected);
    // Three times in a row it has failed: 50 ms, doubled as often.
    let times = times.all();
    assert!(times[5] - times[4] >= Duration::from_millis(400));
    server.stop().unwrap();
}

/// Has what a page may ask of an `EventSource` before it is open, and what it throws.
const SURFACE: &str = r#"(async () => {
  const { Tidings } = await import("/tidings.js");
  const surface = (Class, path) => {
    const source = new Class(path, { lastEventId: null });
    source.close();
    const { url, withCredentials, readyState, CONNECTING, OPEN, CLOSED } = source;
    const constants = [CONNECTING, OPEN, CLOSED, Class.CONNECTING, Class.OPEN, Class.CLOSED];
    try {
      new Class("http://[");
    } catch ({ constructor, name }) {
      return [url, withCredentials, readyState, constants, constructor.name, name].join();
    }
  };
  const [own, browsers] = [Tidings, EventSource].map((Class) => surface(Class, "/status/404"));
  return own === browsers ? "the same" : `${own} is not ${browsers}`;
})()"#;

/// Follows a source until it is closed, and counts the timers that are left then.
const TIMERS: &str = r#"(async () => {
  const { Tidings } = await import("/tidings.js");
  const [set, clear, timers] = [setTimeout, clearTimeout, new Set()];
  window.setTimeout = (act, ms) => {
    const timer = set(() => timers.delete(timer) && act(), ms);
    timers.add(timer);
    return timer;
  };
  window.clearTimeout = (timer) => timers.delete(timer) && clear(timer);
  const end = async (path, type) => {
    const source = new Tidings(path);
    await new Promise((close) => source[`on${type}`] = () => close(source.close()));
    await new Promise((later) => set(later, 10));
    return [source.readyState, timers.size];
  };
  const ends = [await end("/ids", "open"), await end("/ids", "message")];
  ends.push(await end("/status/503", "error"));
  return ends.join(" & ");
})()"#;

pub(super) fn a_page_takes_it_for_an_event_source() {
    let (ids, open_ends) = (Notes::new(), Notes::new());
    let (noted, ended) = (ids.clone(), open_ends.clone());
    let routes = |server: Server| {
        server
            .get("/status/{code}", |request| {
                let code = request.param("code").and_then(|code| code.parse().ok());
                Ok(Response::text("").with_status(Status::new(code.expect("a number"))?))
            })
            .sse("/ids", move |stream, _request| {
                noted.add(stream.last_event_id().map(str::to_owned));
                stream.set_field("Content-Type", "Text/Event-Stream; charset=utf-8")?;
                let event = Event::new("here").with_id(EventId::new("é 地")?);
                stream.send(event.with_retry(Duration::from_millis(50)))?;
                stream.close();
                Ok(())
            })
            // Not a stream of events, and it has no end.
            .sse("/log", move |stream, _request| {
                stream.set_field("Content-Type", "text/plain; not=text/event-stream")?;
                let ended = ended.clone();
                stream.on_close(move |_reason| ended.add(()));
                stream.every(Duration::from_millis(20), |stream| stream.send("a line"))
            })
    };
    let Some((_browser, server, mut tab)) = open(routes) else { return };
    assert_eq!(tab.eval(SURFACE), "the same");
    assert_eq!(tab.eval(TIMERS), "2,0 & 2,0 & 2,0");
    tab.eval(&FOLLOW.replace("PATH", "/log"));
    until("the end of its response", || open_ends.len() > 0);
    assert_eq!(tab.eval("seen[0]"), "error 0");
    let before = ids.len();
    tab.eval(&FOLLOW.replace("PATH", "/ids"));
    until("its second stream", || ids.len() > before + 1);
    assert_eq!(ids.all()[before..before + 2], [None, Some("é 地".to_owned())]);
    server.stop().unwrap();
}
