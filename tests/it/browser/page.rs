//! The page of the hub in a real browser: what it shows of a stream, of a cut, of a hub that hangs
//! or is private; and what it is for somebody who doesn't see it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::devtools::Tab;
use super::{ANY_PORT, Browser};
use crate::support::http::{get, post};
use crate::support::process::{Process, signal};
use crate::support::until;

pub(super) fn the_page_of_the_hub_shows_its_streams_down_to_the_bytes() {
    let Some(browser) = Browser::open("about:blank") else { return };
    it_shows_events_of_all_types_and_the_bytes_of_each(&browser);
    it_cuts_its_connection_and_tells_what_was_caught_up(&browser);
    it_says_how_long_an_event_took_and_what_channels_there_are(&browser);
    it_rests_while_it_is_hidden_and_says_when_the_hub_hangs(&browser);
    it_asks_for_the_token_of_a_private_hub_and_puts_it_in_no_address(&browser);
    it_asks_for_the_token_of_a_public_hub_until_that_takes_it(&browser);
    nothing_of_it_speaks_by_itself_and_axe_finds_no_fault(&browser);
}

pub(super) fn open(browser: &Browser, hub: &Process, hash: &str) -> Tab {
    browser.tab(&format!("http://{}/{hash}", hub.address()))
}

/// Publishes, and gives the event's id.
#[track_caller]
pub(super) fn publish(hub: &Process, target: &str, data: &str) -> String {
    let response = post(hub.address(), target, data);
    assert_eq!(response.status, 200, "{}", response.text());
    response.text().trim_end().to_owned()
}

pub(super) fn text(tab: &mut Tab, id: &str) -> String {
    tab.eval(&format!("document.getElementById('{id}').textContent"))
}

#[track_caller]
pub(super) fn until_says(tab: &mut Tab, id: &str, begin: &str) {
    until(begin, || text(tab, id).starts_with(begin));
}

pub(super) fn click(tab: &mut Tab, selector: &str) {
    tab.eval(&format!("document.querySelector('{selector}').click()"));
}

/// Has the page find that nobody sees it, or that somebody does; it isn't told so.
fn hide(tab: &mut Tab, hidden: bool) {
    let property = format!("{{ configurable: true, value: {hidden} }}");
    tab.eval(&format!("Object.defineProperty(document, 'hidden', {property}) && 0"));
}

/// What is shown of each event, the newest first: its type, its id, and its text.
pub(super) fn events(tab: &mut Tab) -> Vec<String> {
    let shown = "[...document.querySelectorAll('#events summary')].map((summary) => \
                 ['.type', '.id', '.data'].map((part) => \
                 summary.querySelector(part).textContent).join('|')).join('\\n')";
    tab.eval(shown).lines().map(str::to_owned).collect()
}

fn it_shows_events_of_all_types_and_the_bytes_of_each(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT, "--history-age=1s"]);
    let mut tab = open(browser, &hub, "#watch=demo,sensor.*");
    until_says(&mut tab, "watching", "watching demo, sensor.*");
    let first = publish(&hub, "/events/demo", "hello");
    let second = publish(&hub, "/events/sensor.attic?event=reading&retry=2000", "<b>\n20 °C");
    until("three blocks", || events(&mut tab).len() >= 3);
    let expected =
        [format!("reading|{second}|<b>"), "20 °C".into(), format!("message|{first}|hello")];
    assert_eq!(events(&mut tab)[..3], expected);
    let channels = "[...document.querySelectorAll('#channels th')].map((cell) => \
                    cell.textContent).join()";
    until("a channel", || tab.eval(channels).starts_with("demo"));
    click(&mut tab, "#events summary");
    let wire = "[...document.querySelectorAll('#events li:first-child tr')].map((row) => \
                [...row.children].map((cell) => cell.textContent).join(' = ')).join('\\n')";
    until("the bytes", || !tab.eval(wire).is_empty());
    let event = format!("id: {second}\nevent: reading\nretry: 2000\ndata: <b>\ndata: 20 °C\n\n");
    let len = event.len();
    let expected = [
        format!(r"{len:x}\r\n = a chunk of {len} bytes: its size in hexadecimal"),
        format!(r"id: {second}\n = the last event ID: a client that reconnects sends it back"),
        r"event: reading\n = the type: listeners for it are called, and no others".into(),
        r"retry: 2000\n = how many milliseconds to wait before reconnecting".into(),
        r"data: <b>\n = a line of the data".into(),
        r"data: 20 °C\n = a line of the data".into(),
        r"\n = the end of the event, which is dispatched now".into(),
        r"\r\n = the end of the chunk".into(),
    ];
    assert_eq!(tab.eval(wire), expected.join("\n"));
    // The address and the command follow the form, and Enter there watches what it says.
    let form = "document.getElementById('watch')";
    tab.eval(&format!("{form}.channels.value = 'a b', {form}.begin.value = 'latest=1', 0"));
    tab.eval(&format!("{form}.dispatchEvent(new Event('input')), {form}.requestSubmit()"));
    until_says(&mut tab, "watching", "watching a, b");
    assert_eq!(tab.eval("location.hash"), "#watch=a,b&begin=latest=1");
    let target = format!("http://{}/events?channel=a&channel=b&latest=1", hub.address());
    assert_eq!(text(&mut tab, "watch-command"), format!("curl -N '{target}'"));
    until("the channels that are left", || tab.eval(channels) == "a,b");
    tab.close();
}

fn it_cuts_its_connection_and_tells_what_was_caught_up(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT, "--history=3"]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    for (missed, what) in [
        (2, "2 events were caught up, and nothing was lost."),
        (5, "3 events were caught up, and there is a gap. 2 events after "),
    ] {
        let had = publish(&hub, "/events/demo", "before");
        until("it", || events(&mut tab).first().is_some_and(|event| event.contains(&had)));
        // It comes back once it is seen again, however long this takes.
        hide(&mut tab, true);
        click(&mut tab, "#cut");
        until("the cut", || get(hub.address(), "/metrics").text().contains("tidings_streams 0\n"));
        // What is cut can't be cut again.
        click(&mut tab, "#cut");
        (0..missed).for_each(|n| drop(publish(&hub, "/events/demo", &n.to_string())));
        hide(&mut tab, false);
        tab.eval("document.dispatchEvent(new Event('visibilitychange'))");
        until_says(&mut tab, "cuts", "Cut off for ");
        let told = text(&mut tab, "cuts");
        let request = format!("Then the request said Last-Event-ID: {had}, {what}");
        assert!(told.contains(&request), "{told}");
        let away: f64 = told.split(' ').nth(3).expect("a time").parse().expect("a number");
        assert!(away >= 3.0, "{told}");
        assert!(events(&mut tab)[0].ends_with(&format!("|{}", missed - 1)));
    }
    tab.close();
}

fn it_says_how_long_an_event_took_and_what_channels_there_are(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT, "--heartbeat=300ms"]);
    publish(&hub, "/events/other", "x");
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    click(&mut tab, "#publish button");
    until("its time", || {
        let said = text(&mut tab, "published-as");
        said.starts_with("published as ") && said.ends_with(" ms after the click")
    });
    let rows = "[...document.querySelectorAll('#channels tr')].map((row) => \
                [0, 1, 3].map((cell) => row.children[cell].textContent).join()).join(' ')";
    until("a comment", || events(&mut tab).contains(&"a comment||:".into()));
    until("its order", || text(&mut tab, "order") == "memory");
    until("both channels", || tab.eval(rows) == "demo,1,1 other,0,1");
    click(&mut tab, "#channels tr:last-child button");
    until_says(&mut tab, "watching", "watching other");
    tab.close();
}

fn it_rests_while_it_is_hidden_and_says_when_the_hub_hangs(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    let streams = |count: usize| {
        let metrics = get(hub.address(), "/metrics").text().to_owned();
        metrics.contains(&format!("\ntidings_streams {count}\n"))
    };
    let tell = "document.dispatchEvent(new Event('visibilitychange'))";
    hide(&mut tab, true);
    tab.eval(tell);
    until("no stream", || streams(0));
    let id = publish(&hub, "/events/demo", "meanwhile");
    hide(&mut tab, false);
    tab.eval(tell);
    until("its stream", || streams(1));
    until("what came", || events(&mut tab).first() == Some(&format!("message|{id}|meanwhile")));

    until_says(&mut tab, "hub", "at 127.0.0.1:");
    signal(hub.id(), "STOP");
    let begun = std::time::Instant::now();
    until_says(&mut tab, "hub", "the hub does not respond");
    println!("a hub that hangs was told after {:?}", begun.elapsed());
    click(&mut tab, "#publish button");
    until_says(&mut tab, "published-as", "publishing…");
    click(&mut tab, "#cut");
    until_says(&mut tab, "watching", "cut off: reconnecting in 3 s");
    until_says(&mut tab, "watching", "reconnecting…");
    until_says(&mut tab, "published-as", "the hub does not respond, so the event may be published");
    signal(hub.id(), "CONT");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    until_says(&mut tab, "watching", "watching demo");
    tab.close();
}

/// One whose token is `2YotnFZFEjr1`.
fn hub_with_a_token(options: &[&str]) -> Process {
    let file = std::env::temp_dir().join(format!("tidings-page-{}.token", std::process::id()));
    std::fs::write(&file, "2YotnFZFEjr1").expect("a file");
    let token_file = format!("--token-file={}", file.display());
    let hub = Process::hub(&[&["--listen", ANY_PORT, &token_file], options].concat());
    let _ = std::fs::remove_file(file);
    hub
}

/// Whether the form for the token is there.
fn is_open(tab: &mut Tab) -> bool {
    tab.eval("!document.getElementById('token').hidden") == "true"
}

fn enter(tab: &mut Tab, token: &str) {
    tab.eval(&format!("document.querySelector('#token input').value = '{token}'"));
    click(tab, "#token button");
}

fn it_asks_for_the_token_of_a_private_hub_and_puts_it_in_no_address(browser: &Browser) {
    let hub = hub_with_a_token(&["--log", "--private"]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "hub", "this hub is private");
    until("the field", || is_open(&mut tab));
    until_says(&mut tab, "watching", "401 Unauthorized: this needs a token");
    // What no field may carry isn't sent.
    tab.eval("document.querySelector('#token input').value = 'a tök€n'");
    assert_eq!(tab.eval("document.querySelector('#token form').checkValidity()"), "false");
    enter(&mut tab, "wrong");
    until_says(&mut tab, "watching", "401 Unauthorized: this is not the token");
    assert!(is_open(&mut tab));
    tab.eval("document.querySelector('#token input').focus()");
    enter(&mut tab, "2YotnFZFEjr1");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    until_says(&mut tab, "watching", "watching demo");
    assert!(!is_open(&mut tab));
    assert_eq!(tab.eval("document.activeElement.textContent"), "Watch");
    click(&mut tab, "#publish button");
    until_says(&mut tab, "published-as", "published as ");
    let rows = "document.querySelectorAll('#channels tr').length";
    until("its channel", || tab.eval(rows) == "1");
    let addresses = "performance.getEntriesByType('resource').map(({ name }) => name).join()";
    for (what, shown) in [
        ("an address", tab.eval(addresses)),
        ("the page", tab.eval("document.documentElement.outerHTML")),
        ("its own address", tab.eval("location.href")),
        ("storage", tab.eval("JSON.stringify([localStorage, sessionStorage, document.cookie])")),
        ("the log", hub.stderr().concat()),
    ] {
        assert!(!shown.contains("2YotnFZFEjr1"), "{what}: {shown}");
    }
    let command = text(&mut tab, "watch-command");
    assert!(command.starts_with("curl -N -H \"Authorization: Bearer $TOKEN\" 'http://"));
    tab.close();
}

/// It gives its metrics and streams to anyone, whatever the token.
fn it_asks_for_the_token_of_a_public_hub_until_that_takes_it(browser: &Browser) {
    let hub = hub_with_a_token(&[]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    assert!(!is_open(&mut tab));
    click(&mut tab, "#publish button");
    until_says(&mut tab, "published-as", "401 Unauthorized: this needs a token");
    assert!(is_open(&mut tab));
    enter(&mut tab, "wrong");
    let polls = "performance.getEntriesByType('resource').filter(({ name }) => \
                 name.endsWith('/channels?limit=100')).length";
    let polled: u32 = tab.eval(polls).parse().expect("a number");
    until("two polls", || tab.eval(polls).parse::<u32>().expect("a number") >= polled + 2);
    assert!(is_open(&mut tab));
    click(&mut tab, "#publish button");
    until_says(&mut tab, "published-as", "401 Unauthorized: this is not the token");
    enter(&mut tab, "2YotnFZFEjr1");
    until("the token", || !is_open(&mut tab));
    click(&mut tab, "#publish button");
    until_says(&mut tab, "published-as", "published as ");
    tab.close();
}

/// Counts what screen readers are told of while nobody does anything.
pub(super) const LISTEN: &str = "(window.told = [], \
    document.querySelectorAll('[role=status], [role=alert], [role=log], [aria-live], output')\
    .forEach((region) => new MutationObserver(() => told.push(region.id)).observe(region, { \
    childList: true, characterData: true, subtree: true })), 0)";

fn nothing_of_it_speaks_by_itself_and_axe_finds_no_fault(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    tab.eval(LISTEN);
    let polls = "performance.getEntriesByType('resource').filter(({ name }) => \
                 name.endsWith('/metrics')).length";
    let begun: u32 = tab.eval(polls).parse().expect("a number");
    let mut published = 0;
    until("events, and some polls", || {
        (0..5).for_each(|_| drop(publish(&hub, "/events/demo", "hello")));
        published += 5;
        std::thread::sleep(std::time::Duration::from_millis(50));
        let polls: u32 = tab.eval(polls).parse().expect("a number");
        published > 250 && polls > begun + 3
    });
    // The newest are shown.
    until("the events", || events(&mut tab).len() == 200);
    assert_eq!(tab.eval("told.join()"), "");
    click(&mut tab, "#events summary");

    let Some(axe) = axe() else { return };
    tab.call("Runtime.evaluate", &format!("\"expression\":{}", super::devtools::json(&axe)));
    for scheme in ["light", "dark"] {
        let feature = "\"name\":\"prefers-color-scheme\",\"value\":";
        let features = format!("\"features\":[{{{feature}\"{scheme}\"}}]");
        tab.call("Emulation.setEmulatedMedia", &features);
        for width in [1280, 360] {
            let size = format!("\"width\":{width},\"height\":800,\"deviceScaleFactor\":1");
            tab.call("Emulation.setDeviceMetricsOverride", &format!("{size},\"mobile\":false"));
            let wide = tab.eval("document.documentElement.scrollWidth");
            assert!(wide.parse::<u32>().expect("a number") <= width, "{wide} of {width}");
            let found = "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => \
                         `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`).join('\\n'))";
            assert_eq!(tab.eval(found), "", "{scheme}, {width}");
        }
    }
    tab.close();
}

/// The script of axe-core, which npm fetches once; nothing where it can't, and need not.
fn axe() -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.exists() {
        let mut npm = Command::new("npm");
        let package = ["install", "--no-audit", "--no-fund", "--prefix"];
        npm.args(package).arg(&folder).arg("axe-core@4.14.1").stdout(Stdio::null());
        let is_there = npm.status().is_ok_and(|status| status.success());
        let required = std::env::var_os("TIDINGS_REQUIRE_BROWSER").is_some();
        assert!(is_there || !required, "axe-core is required, and npm does not bring it");
        if !is_there {
            println!("skipped: npm does not bring axe-core");
            return None;
        }
    }
    Some(std::fs::read_to_string(script).expect("the script"))
}
