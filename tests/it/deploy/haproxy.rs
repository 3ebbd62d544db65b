//! HAProxy, with examples/deploy/haproxy.cfg.

use std::time::Duration;

use super::front::{Front, Kind, Place};
use super::scenarios;

pub(super) const KIND: Kind = Kind { program: "haproxy", file: "haproxy.cfg", here, arguments };

fn here(place: &Place) -> Vec<(&'static str, String)> {
    vec![
        ("tcp-ut 30s", format!("tcp-ut 30s\n    bind {}", place.plain())),
        (":443 ssl", format!("{} ssl", place.tls())),
        ("127.0.0.1:3000", place.hub().to_string()),
        ("/etc/ssl/hub.example.both.pem", place.path("hub.both.pem")),
    ]
}

fn arguments(place: &Place, file: &str) -> Vec<String> {
    let around = "global\n    maxconn 100\n    tune.ssl.default-dh-param 2048\n\
         defaults\n    mode http\n    timeout connect 5s\n    timeout client 2s\n\
         \x20   timeout server 2s\n    compression algo gzip\n";
    let files = [place.write("around.cfg", around), place.write("haproxy.cfg", file)];
    ["-db", "-q", "-f", &files[0], "-f", &files[1]].map(str::to_owned).to_vec()
}

super::passes! {
    events_come_one_by_one_as_they_are
    heartbeats_keep_a_silent_stream_open
    without_heartbeats_a_silent_stream_is_closed
    a_client_resumes_and_its_end_is_noticed
    each_client_has_its_own_bound_whatever_it_writes_itself
    a_client_survives_that_the_hub_is_away
}

/// Said once for each connection, and no field says it.
#[test]
fn the_proxy_protocol_tells_clients_apart_in_both_versions() {
    for word in ["send-proxy", "send-proxy-v2"] {
        let server = format!("server hub 127.0.0.1:3000 {word}");
        let fields = "option forwardfor\n    http-request del-header Forwarded";
        let changes = [(fields, ""), ("server hub 127.0.0.1:3000", &server)];
        let hub = [scenarios::BEHIND, &["127.0.0.1", "--proxy-protocol"]].concat();
        let Some(front) = Front::with(&KIND, &hub, &changes) else { return };
        scenarios::assert_each_client_is_seen(&front);
    }
}

#[test]
fn without_no_delay_each_event_waits() {
    let changes = [("option http-no-delay", "")];
    let Some(front) = Front::with(&KIND, &[], &changes) else { return };
    let least = scenarios::least_delay(&front);
    assert!(least > Duration::from_millis(100), "{least:?}");
}

#[test]
fn with_no_delay_no_event_waits() {
    let Some(front) = Front::start(&KIND, &[]) else { return };
    let least = scenarios::least_delay(&front);
    assert!(least < Duration::from_millis(100), "{least:?}");
}

#[test]
fn while_the_hub_is_away_only_whoever_wants_a_stream_is_told_when_to_come_back() {
    scenarios::only_a_stream_is_told_when_to_come_back(&KIND, &[("retries 10", "retries 1")], 503);
}
