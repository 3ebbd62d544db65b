//! `tidings doctor` in front of each proxy: nothing to say with the files of examples/deploy, and
//! with one line left out of them, what that does and the line itself.

use super::front::{Front, Kind};
use super::{apache, caddy, haproxy, nginx};
use crate::support::http::post;
use crate::support::process::run_hub;
use crate::support::until_some;

/// The proxies close what is silent for two seconds. This hub is never silent for that long.
const LIVELY: &[&str] = &["--heartbeat", "400ms"];

/// What the doctor says of a hub with these options behind this proxy, and its exit status.
fn doctor(front: &Front, options: &[&str]) -> (String, Option<i32>) {
    // More than is too little to compress, for whoever comes.
    post(front.place.hub(), "/events/news", &"something to compress ".repeat(60));
    let url = format!("http://{}/events/news?history=1", front.place.plain());
    let (stdout, stderr, status) = run_hub(&[&["doctor", &url], options].concat());
    (stdout + &stderr, status)
}

/// The finding of this topic in one line, with its remedies.
#[track_caller]
fn finding(report: &str, topic: &str) -> String {
    let is_row = |line: &&str| !line.starts_with("   ");
    let mut lines = report.lines().skip_while(|line| {
        !is_row(line) || line.split_whitespace().nth(1) != topic.split(' ').next()
    });
    let first = lines.next().unwrap_or_else(|| panic!("{topic} in {report}"));
    let rest = lines.take_while(|line| !is_row(line) && !line.is_empty());
    [first].into_iter().chain(rest).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_fault(front: &Front, options: &[&str], topic: &str, said: &str, remedy: &str) {
    let (report, status) = doctor(front, options);
    let found = finding(&report, topic);
    assert!(found.starts_with(&format!("fault {topic} ")), "{report}");
    assert!(found.contains(said) && found.contains(remedy), "{found}");
    assert_eq!(status, Some(3), "{report}");
}

fn nothing_stands_in_the_way(kind: &Kind) {
    let Some(front) = Front::start(kind, LIVELY) else { return };
    let (report, status) = doctor(&front, &["--wait=5", "--publish"]);
    for topic in ["response", "framing", "buffering", "end", "resume", "compression"] {
        assert!(finding(&report, topic).starts_with("ok "), "{report}");
    }
    assert!(report.ends_with("\nnothing stands in the way of this stream\n"), "{report}");
    assert_eq!(status, Some(0));
}

fn a_silent_stream_is_closed(kind: &Kind, remedy: &str) {
    let Some(front) = Front::start(kind, &["--heartbeat", "0"]) else { return };
    assert_fault(&front, &["--wait=10"], "end", " of silence ", remedy);
}

/// Some compressors send what they have of each event, and some wait for more.
fn it_is_compressed(kind: &Kind, changes: &[(&str, &str)], said: &str, remedy: &str) {
    let Some(front) = Front::with(kind, LIVELY, changes) else { return };
    // Caddy decides by how many bytes come at once, and so now and then otherwise.
    let found = until_some("a stream that is compressed", || {
        let (report, _) = doctor(&front, &["--wait=3s"]);
        Some(finding(&report, "compression")).filter(|found| found.contains(said))
    });
    assert!(found.contains(remedy), "{found}");
}

const AT_ONCE: &str = "gets the stream in gzip: events come at once, ";

#[test]
fn nothing_stands_in_the_way_behind_nginx() {
    nothing_stands_in_the_way(&nginx::KIND);
}

#[test]
fn nothing_stands_in_the_way_behind_caddy() {
    nothing_stands_in_the_way(&caddy::KIND);
}

#[test]
fn nothing_stands_in_the_way_behind_haproxy() {
    nothing_stands_in_the_way(&haproxy::KIND);
}

#[test]
fn nothing_stands_in_the_way_behind_apache() {
    nothing_stands_in_the_way(&apache::KIND);
}

#[test]
fn nothing_stands_in_the_way_over_tls() {
    let Some(front) = Front::start(&nginx::KIND, LIVELY) else { return };
    let via = format!("--via=openssl s_client -quiet -connect {}", front.place.tls());
    let url = "https://hub.example/events/news";
    let (report, said, status) = run_hub(&["doctor", &via, "--wait=5", "--publish", url]);
    assert!(finding(&report, "buffering").starts_with("ok "), "{report}");
    assert_eq!((&*said, status), ("", Some(0)), "{report}");
}

#[test]
fn a_silent_stream_is_closed_by_nginx() {
    a_silent_stream_is_closed(&nginx::KIND, "nginx: proxy_read_timeout 1h;");
}

#[test]
fn a_silent_stream_is_closed_by_haproxy() {
    a_silent_stream_is_closed(&haproxy::KIND, "HAProxy: timeout client 1h and timeout server 1h");
}

#[test]
fn a_silent_stream_is_closed_by_apache() {
    a_silent_stream_is_closed(&apache::KIND, "Apache: ProxyTimeout 3600");
}

#[test]
fn nginx_without_gzip_off_compresses() {
    it_is_compressed(&nginx::KIND, &[("gzip off;", "")], AT_ONCE, "nginx: gzip off;");
}

#[test]
fn caddy_without_its_exception_compresses() {
    let changes = [("encode @rest gzip", "encode gzip")];
    let said = "wait in the compressor";
    it_is_compressed(&caddy::KIND, &changes, said, "Caddy: @rest not path PATH and encode @rest");
}

#[test]
fn apache_without_its_exception_compresses() {
    let changes = [("SetEnvIf Request_URI ^/events no-gzip no-brotli", "")];
    it_is_compressed(
        &apache::KIND,
        &changes,
        AT_ONCE,
        "Apache: SetEnvIf Request_URI ^PATH no-gzip",
    );
}

#[test]
fn haproxy_without_no_delay_makes_each_event_wait() {
    let changes = [("option http-no-delay", "")];
    let Some(front) = Front::with(&haproxy::KIND, LIVELY, &changes) else { return };
    let options = ["--wait=5", "--publish"];
    assert_fault(&front, &options, "buffering", "each event came", "HAProxy: option http-no-delay");
}

/// It speaks HTTP/1.0 to the hub then, and obeys no field.
#[test]
fn nginx_that_buffers_holds_all_back() {
    let changes = [("proxy_http_version 1.1;", "proxy_ignore_headers X-Accel-Buffering;")];
    let Some(front) = Front::with(&nginx::KIND, LIVELY, &changes) else { return };
    let remedy = "nginx: proxy_buffering off;";
    assert_fault(&front, &["--wait=1"], "response", "none within 5.", remedy);
}

#[test]
fn while_the_hub_is_away_whoever_asks_is_told() {
    let Some(mut front) = Front::start(&nginx::KIND, LIVELY) else { return };
    front.kill_hub();
    let url = format!("http://{}/events/news", front.place.plain());
    let (report, said, status) = run_hub(&["doctor", "--wait=1", &url]);
    assert!(
        finding(&report, "end").contains("and told the client to come back in 2.0 s"),
        "{report}"
    );
    let expected = "tidings: 1 fault stands in the way of this stream\n";
    assert_eq!((&*said, status), (expected, Some(3)));
    let changes = [("error_page 502 504 = @away;", "")];
    let Some(mut front) = Front::with(&nginx::KIND, LIVELY, &changes) else { return };
    front.kill_hub();
    let url = format!("http://{}/events/news", front.place.plain());
    let (report, _, status) = run_hub(&["doctor", "--wait=1", &url]);
    let found = finding(&report, "response");
    assert!(found.contains("502 Bad Gateway"), "{report}");
    assert!(found.contains("nginx: error_page 502 504 = @away;"), "{report}");
    assert_eq!(status, Some(3));
}
