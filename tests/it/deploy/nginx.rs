//! nginx, with examples/deploy/nginx.conf.

use super::front::{Front, Kind, Place};
use super::scenarios;
use crate::support::http::post;
use crate::support::stream::EventStream;

pub(super) const KIND: Kind = Kind { program: "nginx", file: "nginx.conf", here, arguments };

fn here(place: &Place) -> Vec<(&'static str, String)> {
    vec![
        (
            "listen 443 ssl http2;",
            format!("listen {} ssl http2; listen {};", place.tls(), place.plain()),
        ),
        ("127.0.0.1:3000", place.hub().to_string()),
        ("/run/tidings.sock", place.socket()),
        ("/etc/ssl/hub.example.pem", place.path("hub.pem")),
        ("/etc/ssl/hub.example.key", place.path("hub.key")),
    ]
}

fn arguments(place: &Place, file: &str) -> Vec<String> {
    let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", place.path(kind)))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {};\nerror_log stderr crit;\nevents {{}}\n\
         http {{\naccess_log off;\n{own}\
         gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;\n\
         proxy_read_timeout 2s;\n{file}}}\n",
        place.path("pid"),
    );
    vec!["-e".into(), "stderr".into(), "-c".into(), place.write("nginx.conf", &text)]
}

super::passes! {
    events_come_one_by_one_as_they_are
    heartbeats_keep_a_silent_stream_open
    without_heartbeats_a_silent_stream_is_closed
    a_client_resumes_and_its_end_is_noticed
    each_client_has_its_own_bound_whatever_it_writes_itself
    a_client_survives_that_the_hub_is_away
}

#[test]
fn the_hub_may_listen_on_a_unix_socket() {
    let socket = "# 127.0.0.1:3000\n    server unix:/run/tidings.sock;";
    let changes = [("server 127.0.0.1:3000;", socket)];
    let Some(front) = Front::with(&KIND, &[], &changes) else { return };
    let mut stream = EventStream::open(front.place.plain(), "/events/news");
    post(front.place.plain(), "/events/news", "through a socket");
    assert_eq!(stream.data(), "through a socket");
}

#[test]
fn over_a_unix_socket_each_client_has_its_own_bound_too() {
    let socket = "# 127.0.0.1:3000\n    server unix:/run/tidings.sock;";
    let changes = [("server 127.0.0.1:3000;", socket)];
    let hub = [scenarios::BEHIND, &["unix"]].concat();
    let Some(front) = Front::with(&KIND, &hub, &changes) else { return };
    scenarios::assert_each_client_is_seen(&front);
}

mod without {
    use super::super::{front::Front, scenarios};
    use super::KIND;
    use crate::support::stream::End;

    #[test]
    fn a_field_that_names_them_all_clients_are_one_peer() {
        let field = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
        let hub = [scenarios::BEHIND, &["127.0.0.1"]].concat();
        let Some(front) = Front::with(&KIND, &hub, &[(field, "")]) else { return };
        let [one, other] =
            scenarios::CLIENTS.map(|client| scenarios::open_from(&front, client, &[]));
        let (Some((_held, one)), Some((_, other))) = (one, other) else { return };
        assert!(one.starts_with("id: ") && other.starts_with("retry: "), "{one}{other}");
    }

    #[test]
    fn gzip_off_a_stream_is_compressed() {
        let Some(front) = Front::with(&KIND, &[], &[("gzip off;", "")]) else { return };
        scenarios::assert_compressed(&front);
    }

    #[test]
    fn http_1_1_a_stream_that_is_cut_off_seems_whole() {
        let Some(mut front) = Front::start(&KIND, &[]) else { return };
        assert_eq!(scenarios::end_by_a_kill(&mut front), End::CutOff);
        let changes = [("proxy_http_version 1.1;", "")];
        let Some(mut front) = Front::with(&KIND, &[], &changes) else { return };
        assert_eq!(scenarios::end_by_a_kill(&mut front), End::Whole);
    }

    #[test]
    fn the_page_for_errors_whoever_wants_a_stream_gets_a_502() {
        let changes = [("error_page 502 504 = @away;", "")];
        let Some(mut front) = Front::with(&KIND, &[], &changes) else { return };
        front.kill_hub();
        assert_eq!(scenarios::ask_for_a_stream(&front).status, 502);
    }
}

#[test]
fn while_the_hub_is_away_only_whoever_wants_a_stream_is_told_when_to_come_back() {
    scenarios::only_a_stream_is_told_when_to_come_back(&KIND, &[], 502);
}
