//! The page of the hub in a real browser, where something is large, quick, or wrong: what is
//! published, what is clicked, what its address says, and a hub that is gone.

use super::devtools::Tab;
use super::page::{LISTEN, click, events, open, publish, text, until_says};
use super::{ANY_PORT, Browser};
use crate::support::http::get;
use crate::support::process::{Process, signal};
use crate::support::until;

pub(super) fn the_page_of_the_hub_bears_what_is_large_quick_or_wrong() {
    let Some(browser) = Browser::open("about:blank") else { return };
    it_survives_an_address_that_is_wrong(&browser);
    it_shows_no_more_of_an_event_than_can_be_read(&browser);
    it_keeps_an_event_that_is_open_however_many_come(&browser);
    it_tells_of_the_channel_that_was_chosen_last(&browser);
    it_shows_no_rate_of_a_time_that_it_missed(&browser);
    it_asks_a_hub_that_is_gone_seldom_and_tells_it_once(&browser);
}

/// The value of a field of the form that watches.
fn field(tab: &mut Tab, name: &str) -> String {
    tab.eval(&format!("document.getElementById('watch').{name}.value"))
}

fn it_survives_an_address_that_is_wrong(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=100%");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    assert_eq!(field(&mut tab, "channels"), "100%");
    assert_eq!(text(&mut tab, "watching"), "not watching");
    let target = format!("http://{}/events?channel=100%25&history=10", hub.address());
    assert_eq!(text(&mut tab, "watch-command"), format!("curl -N '{target}'"));
    tab.eval("location.hash = '#watch=a%2Cb&begin=yesterday'");
    until_says(&mut tab, "watching", "watching a, b");
    assert_eq!(field(&mut tab, "begin"), "history=10");
    // Whatever is typed there, the page can be loaded from the address that comes of it.
    let form = "document.getElementById('watch')";
    tab.eval(&format!("{form}.channels.value = '50% & more', {form}.begin.value = ''"));
    tab.eval(&format!("{form}.dispatchEvent(new Event('input'))"));
    assert_eq!(tab.eval("location.hash"), "#watch=50%25,%26,more&begin=");
    // An address may have a quotation mark: a command quotes it for the shell.
    tab.eval("history.replaceState(null, '', \"/it's/\")");
    let input = "dispatchEvent(new Event('input'))";
    tab.eval(&format!("{form}.channels.value = 'a', {form}.{input}, publish.{input}"));
    let quoted = |path: &str| format!(r"'http://{}/it'\''s/events{path}'", hub.address());
    let command = format!("curl -N {}", quoted("?channel=a"));
    assert_eq!(text(&mut tab, "watch-command"), command);
    let command = format!("curl --data-raw 'hello' {}", quoted("/demo"));
    assert_eq!(text(&mut tab, "publish-command"), command);
    tab.close();
}

fn it_shows_no_more_of_an_event_than_can_be_read(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "watching", "watching demo");
    let kind = "t".repeat(300);
    let id = publish(&hub, &format!("/events/demo?event={kind}"), &"l\n".repeat(50_000));
    let shown = format!("{kind}|{id}|{}l…", "l\n".repeat(11));
    until("it", || events(&mut tab).join("\n").starts_with(&shown));
    let list = "document.getElementById('events')";
    assert_eq!(tab.eval(&format!("{list}.scrollWidth - {list}.clientWidth")), "0");
    click(&mut tab, "#events summary");
    let rows = "[...document.querySelectorAll('#events li:first-child tr')].map((row) => \
                [...row.children].map((cell) => cell.textContent).join(' = ')).slice";
    until("its lines", || tab.eval(&format!("{rows}().length")) == "103");
    // Its id, its type, 50,001 lines of data, and the empty line: 99 of them and the last.
    let last = tab.eval(&format!("{rows}(-3, -1).join('; ')"));
    let end = r"\n = the end of the event, which is dispatched now";
    assert_eq!(last, format!("… = lines left out: 49,904; {end}"));

    let data = "a\u{202e}b \u{1b}[31m \u{7f} ש";
    publish(&hub, "/events/demo", data);
    until("it", || events(&mut tab)[0].ends_with(data));
    click(&mut tab, "#events summary");
    let line = r"data: a\u{202e}b ␛[31m ␡ ש\n = a line of the data";
    until("its bytes", || tab.eval(&format!("{rows}(2, 3).join()")) == line);
    tab.close();
}

fn it_keeps_an_event_that_is_open_however_many_come(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=demo");
    let id = publish(&hub, "/events/demo", "read me");
    until("it", || events(&mut tab).first() == Some(&format!("message|{id}|read me")));
    click(&mut tab, "#events summary");
    let list = "document.getElementById('events')";
    until("its bytes", || tab.eval(&format!("{list}.querySelector('tr') !== null")) == "true");
    (0..300).for_each(|n| drop(publish(&hub, "/events/demo", &n.to_string())));
    until("the last", || events(&mut tab)[0].ends_with("|299"));
    assert_eq!(tab.eval(&format!("{list}.children.length")), "201");
    let top = |of: &str| format!("{of}.getBoundingClientRect().top");
    let (at, begin) = (top(&format!("{list}.querySelector('[open]')")), top(list));
    let is_seen = format!("{at} >= {begin} && {at} < {begin} + {list}.clientHeight");
    until("it in sight", || tab.eval(&is_seen) == "true");
    // The events of one stream are not shown as those of the next.
    tab.eval("location.hash = '#watch=other'");
    until_says(&mut tab, "watching", "watching other");
    until("the place alone", || tab.eval(&format!("{list}.children.length")) == "1");
    tab.close();
}

/// Holds back what the hub responds for this channel until `let_go` is called.
const HOLD: &str = "(window.fetch = ((real) => async (...asked) => { const response = await \
                    real(...asked); if (String(asked[0]).includes('channel=held')) { \
                    window.isHeld = true; await new Promise((go) => { window.let_go = go; }); } \
                    return response; })(window.fetch), 0)";

fn it_tells_of_the_channel_that_was_chosen_last(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    tab.eval(HOLD);
    tab.eval("location.hash = '#watch=held'");
    until("its response", || tab.eval("window.isHeld") == "true");
    tab.eval("location.hash = '#watch=next'");
    until_says(&mut tab, "watching", "watching next");
    tab.eval("(let_go(), new Promise((soon) => setTimeout(soon, 100)))");
    assert_eq!(text(&mut tab, "watching"), "watching next");
    until("one stream", || get(hub.address(), "/metrics").text().contains("tidings_streams 1\n"));
    tab.close();
}

fn it_shows_no_rate_of_a_time_that_it_missed(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "");
    until("a rate", || text(&mut tab, "rate") == "0");
    tab.eval(
        "(window.rates = [], new MutationObserver(() => \
         rates.push(document.getElementById('rate').textContent)).observe(\
         document.getElementById('rate'), { childList: true }), 0)",
    );
    publish(&hub, "/events/demo", "meanwhile");
    tab.eval(
        "(performance.now = ((real) => () => real() + 10_000)(performance.now.bind(performance)), \
         0)",
    );
    until("the next rate", || tab.eval("rates.at(-1) === '0' && rates.includes('–')") == "true");
    let rates = tab.eval("rates.join()");
    assert!(rates.ends_with("–,0"), "{rates}");
    tab.close();
}

/// Notes when the page asks for a stream.
const NOTE: &str = "(window.asked = [], window.fetch = ((real) => (...asked) => { if \
                    (String(asked[0]).startsWith('events?')) window.asked.push(performance.now()); \
                    return real(...asked); })(window.fetch), 0)";

fn it_asks_a_hub_that_is_gone_seldom_and_tells_it_once(browser: &Browser) {
    let hub = Process::hub(&["--listen", ANY_PORT]);
    let mut tab = open(browser, &hub, "#watch=demo");
    until_says(&mut tab, "hub", "at 127.0.0.1:");
    let id = publish(&hub, "/events/demo?retry=0", "x");
    until("it", || events(&mut tab).first() == Some(&format!("message|{id}|x")));
    tab.eval(NOTE);
    tab.eval(LISTEN);
    signal(hub.id(), "KILL");
    until("three requests", || tab.eval("asked.length >= 3") == "true");
    let waits = "asked.slice(1).every((at, n) => at - asked[n] >= 499)";
    assert_eq!(tab.eval(waits), "true", "{}", tab.eval("asked.join()"));
    until_says(&mut tab, "hub", "the hub does not respond");
    let told = tab.eval("told.sort().join()");
    assert_eq!(told, "hub,watching");
    tab.close();
}
