//! Caddy, with examples/deploy/Caddyfile.

use super::front::{Front, Kind, Place};
use super::scenarios;

pub(super) const KIND: Kind = Kind { program: "caddy", file: "Caddyfile", here, arguments };

fn here(place: &Place) -> Vec<(&'static str, String)> {
    vec![("127.0.0.1:3000", place.hub().to_string())]
}

fn arguments(place: &Place, file: &str) -> Vec<String> {
    // It has no limit for a silent stream, and these must not become one.
    let around = "{\n\tadmin off\n\tauto_https off\n\tlog {\n\t\tlevel ERROR\n\t}\n\tservers {\n\
         \t\ttimeouts {\n\t\t\tread_body 2s\n\t\t\tread_header 2s\n\t\t\tidle 2s\n\t\t}\n\t}\n}\n";
    let site = |begin: String| {
        file.replace("\n{$HUB_NAME:hub.example} {\n", &format!("\n{begin}\tbind {}\n", place.ip()))
    };
    let plain = site(format!("http://:{} {{\n", place.plain().port()));
    let (certificate, key) = (place.path("hub.pem"), place.path("hub.key"));
    let tls =
        site(format!("https://hub.example:{} {{\n\ttls {certificate} {key}\n", place.tls().port()));
    let path = place.write("Caddyfile", &format!("{around}{plain}{tls}"));
    ["run", "--adapter", "caddyfile", "--config", &path].map(str::to_owned).to_vec()
}

super::passes! {
    events_come_one_by_one_as_they_are
    heartbeats_keep_a_silent_stream_open
    a_client_resumes_and_its_end_is_noticed
    each_client_has_its_own_bound_whatever_it_writes_itself
    a_client_survives_that_the_hub_is_away
}

#[test]
fn without_its_exception_a_stream_is_compressed() {
    let changes = [("encode @rest gzip", "encode gzip")];
    let Some(front) = Front::with(&KIND, &[], &changes) else { return };
    scenarios::assert_compressed(&front);
}

/// Its ten seconds are more than a test should wait.
#[test]
fn while_the_hub_is_away_only_whoever_wants_a_stream_is_told_when_to_come_back() {
    let changes = [("lb_try_duration 10s", "lb_try_duration 1s")];
    scenarios::only_a_stream_is_told_when_to_come_back(&KIND, &changes, 502);
}
