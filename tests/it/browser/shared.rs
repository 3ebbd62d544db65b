//! `/tidings.js` in many tabs of a real browser: they have one stream together, and whatever ends
//! the tab that reads it, nothing is lost, doubled or out of order in any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::devtools::Tab;
use super::{ANY_PORT, Browser};
use crate::support::http::{get, post};
use crate::support::process::Process;
use crate::support::until;

const TABS: usize = 20;

/// Follows a channel of the hub that the tab has a page of, and keeps what comes, and after how
/// many milliseconds at most.
const FOLLOW: &str = r#"(async () => {
  const { Tidings } = await import("/tidings.js");
  Object.assign(window, { got: [], gaps: 0, slowest: 0, source: new Tidings("URL", OPTIONS) });
  source.onmessage = ({ data }) => {
    const [number, at] = data.split(" ").map(Number);
    got.push(number);
    slowest = Math.max(slowest, Date.now() - at);
  };
  source.addEventListener("gap", () => gaps++);
  await new Promise((open) => source.onopen = open);
  const held = async () => (await navigator.locks.query()).held;
  const own = crypto.randomUUID();
  const me = await navigator.locks.request(own, async () =>
    (await held()).find(({ name }) => name === own).clientId);
  window.leads = async () =>
    (await held()).some(({ name, clientId }) => name.startsWith("tidings ") && clientId === me);
  return "follows";
})()"#;

fn follower(browser: &Browser, hub: &Process) -> Tab {
    follow(browser, hub, "/events/news", "{}")
}

fn follow(browser: &Browser, hub: &Process, url: &str, options: &str) -> Tab {
    let mut tab = browser.tab(&format!("http://{}/health", hub.address()));
    let follow = FOLLOW.replace("URL", url).replace("OPTIONS", options);
    assert_eq!(tab.eval(&follow), "follows");
    tab
}

/// Takes the tab out that reads the stream.
fn take_leader(tabs: &mut Vec<Tab>) -> Tab {
    let mut at = None;
    until("a leader", || {
        at = (0..tabs.len()).find(|at| tabs[*at].eval("leads()") == "true");
        at.is_some()
    });
    tabs.remove(at.expect("a leader"))
}

/// Publishes numbers, each with the time, until it is told to stop; then gives the last one.
fn publisher(hub: &Process) -> (Arc<AtomicBool>, thread::JoinHandle<u64>) {
    let (address, stop) = (hub.address(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let publish = move || {
        for number in 1.. {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
            let response = post(address, "/events/news", &format!("{number} {now}"));
            assert_eq!(response.status, 200, "{}", response.text());
            if stopped.load(Ordering::Relaxed) {
                return number;
            }
            thread::sleep(Duration::from_millis(5));
        }
        unreachable!("the numbers don't end")
    };
    (stop, thread::spawn(publish))
}

/// What the tab has had must be all numbers from its first to its last. Gives that, and how late
/// the latest was.
#[track_caller]
fn check(tab: &mut Tab) -> (u64, u64) {
    assert_eq!(tab.eval("gaps"), "0");
    let wrong = tab.eval("got.findIndex((n, at) => at > 0 && n !== got[at - 1] + 1)");
    let around = tab.eval(&format!("got.slice(Math.max(0, {wrong} - 5), {wrong} + 5)"));
    assert_eq!(wrong, "-1", "{around}");
    let last = tab.eval("got.at(-1) ?? 0").parse().expect("a number");
    (last, tab.eval("slowest").parse().expect("a number"))
}

fn streams(hub: &Process) -> usize {
    let metrics = get(hub.address(), "/metrics").text().to_owned();
    let line = metrics.lines().find_map(|line| line.strip_prefix("tidings_streams "));
    line.and_then(|count| count.parse().ok()).expect("a count")
}

pub(super) fn tabs_share_one_stream_whoever_reads_it_and_lose_nothing_when_that_one_goes() {
    let hub = Process::hub(&["--listen", ANY_PORT, "--history=100000", "--history-bytes=67108864"]);
    let Some(browser) = Browser::open("about:blank") else { return };
    let mut tabs: Vec<Tab> = (0..TABS).map(|_| follower(&browser, &hub)).collect();
    until("one stream", || streams(&hub) == 1);
    let (stop, published) = publisher(&hub);
    let begun = Instant::now();
    let mut slowest = 0;
    for round in 0..TABS {
        let mut leader = take_leader(&mut tabs);
        check(&mut leader);
        leader.close();
        for tab in &mut tabs {
            let had = tab.eval("got.length");
            until("events of the next leader", || tab.eval("got.length") != had);
            slowest = slowest.max(check(tab).1);
        }
        println!("leader {round} is gone: {slowest} ms, {:?}", begun.elapsed());
        tabs.push(follower(&browser, &hub));
    }
    stop.store(true, Ordering::Relaxed);
    let last = published.join().expect("the publisher");
    for tab in &mut tabs {
        until("the last event", || check(tab).0 == last);
    }
    until("one stream", || streams(&hub) == 1);
    println!("the latest event came after {slowest} ms");
    assert!(slowest < 10_000, "{slowest} ms");
}

/// A tab that crashes has no time to say goodbye; one that is frozen in the background, or hangs,
/// goes on existing.
pub(super) fn a_leader_that_crashes_freezes_or_hangs_is_followed_by_another_tab() {
    let hub = Process::hub(&["--listen", ANY_PORT, "--history=100000"]);
    let Some(browser) = Browser::open("about:blank") else { return };
    let mut tabs: Vec<Tab> = (0..4).map(|_| follower(&browser, &hub)).collect();
    let (stop, published) = publisher(&hub);
    // Tabs that are gone for the test; they must not be closed before it ends.
    let mut gone = Vec::new();
    for (method, parameters) in [
        ("Page.crash", ""),
        ("Page.setWebLifecycleState", "\"state\":\"frozen\""),
        ("Runtime.evaluate", "\"expression\":\"for (;;);\""),
    ] {
        let mut leader = take_leader(&mut tabs);
        check(&mut leader);
        leader.tell(method, parameters);
        gone.push(leader);
        tabs.iter_mut().for_each(|tab| drop(tab.eval("slowest = 0")));
        let last = check(&mut tabs[0]).0;
        until("events of the next leader", || check(&mut tabs[0]).0 > last + 100);
        println!("{method}: {} ms", check(&mut tabs[0]).1);
    }
    // One that has thawed has everything, too.
    let frozen = &mut gone[1];
    frozen.tell("Page.setWebLifecycleState", "\"state\":\"active\"");
    stop.store(true, Ordering::Relaxed);
    let last = published.join().expect("the publisher");
    for tab in tabs.iter_mut().chain([frozen]) {
        until("the last event", || check(tab).0 == last);
    }
    // The tab that hangs can't even close its own.
    until("one stream of all others", || streams(&hub) == 2);
}

pub(super) fn a_tab_that_comes_later_begins_where_it_asks_for_and_then_has_the_stream_of_all() {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let Some(browser) = Browser::open("about:blank") else { return };
    let publish = |number: u32| {
        let response = post(hub.address(), "/events/news", &format!("{number} {}", u64::MAX));
        response.text().trim_end().to_owned()
    };
    let ids: Vec<String> = (1..=5).map(publish).collect();
    let url = "/events/news?history=2";
    let first = follow(&browser, &hub, url, "{}");
    let second = follow(&browser, &hub, url, "{}");
    let third = follow(&browser, &hub, url, &format!("{{ lastEventId: '{}' }}", ids[1]));
    let alone = follow(&browser, &hub, url, "{ shared: false }");
    until("one stream, and that of its own", || streams(&hub) == 2);
    publish(6);
    let mut tabs = [first, second, third, alone];
    let mut expected = ["4,5", "4,5", "3,4,5", "4,5"].map(str::to_owned);
    let check = |tabs: &mut [Tab], expected: &mut [String], number: u32| {
        for (tab, expected) in tabs.iter_mut().zip(expected) {
            *expected += &format!(",{number}");
            until("the newest", || tab.eval("got.at(-1)") == number.to_string());
            assert_eq!((tab.eval("got.join()"), tab.eval("gaps")), (expected.clone(), "0".into()));
        }
    };
    check(&mut tabs, &mut expected, 6);
    // A new leader may have had less than others, and send what they know; or more, and leave out
    // what they don't know.
    let (epoch, _) = ids[0].split_once('-').expect("an id");
    for (before, number) in [(&*ids[3], 5), (&*format!("{epoch}-90"), 91)] {
        let data = format!("{number} {}", u64::MAX);
        let block = format!("{{ id: '{epoch}-{number}', data: ['{data}'] }}");
        let channel = "new BroadcastChannel(`tidings ${source.url}`)";
        let message = format!("{{ before: '{before}', block: {block} }}");
        tabs[3].eval(&format!("{channel}.postMessage({message})"));
    }
    publish(7);
    check(&mut tabs, &mut expected, 7);
    until("one stream, and that of its own", || streams(&hub) == 2);
    // Whoever closes it in a script gives the lead away, too.
    assert_eq!(tabs[0].eval("leads()"), "true");
    tabs[0].eval("source.close()");
    assert_eq!(tabs[0].eval("source.readyState"), "2");
    until("another leader", || tabs[1].eval("leads()") == "true");
    let newest = publish(8);
    tabs.swap(0, 3);
    expected.swap(0, 3);
    check(&mut tabs[..3], &mut expected, 8);
    assert_eq!(tabs[3].eval("got.at(-1)"), "7");
    // A gap may have the id of the event before it.
    let gap = format!(
        "new BroadcastChannel(`tidings ${{source.url}}`).postMessage({{ before: '{newest}', block: \
         {{ id: '{newest}', type: 'tidings.gap', data: ['{{}}'] }} }})"
    );
    tabs[0].eval(&gap);
    until("the gap", || tabs[2].eval("gaps") == "1");
}
