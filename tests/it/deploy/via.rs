//! `--via 'openssl s_client …'`: the tools over TLS, to a hub behind nginx.

use super::front::Front;
use super::nginx::KIND;
use crate::support::http::post;
use crate::support::process::run_hub;

/// The command that leads to the proxy, and accepts no other certificate.
fn openssl(front: &Front, name: &str) -> String {
    let (address, certificate) = (front.place.tls(), front.place.path("hub.pem"));
    format!(
        "--via=openssl s_client -quiet -verify_return_error -CAfile {certificate} \
         -verify_hostname {name} -servername hub.example -connect {address}"
    )
}

const URL: &str = "https://hub.example/events/news";

#[test]
fn a_stream_over_tls_is_followed_and_recorded() {
    let Some(front) = Front::start(&KIND, &[]) else { return };
    let via = openssl(&front, "hub.example");
    post(front.place.hub(), "/events/news", "over TLS");
    let url = format!("{URL}?history=1");
    let (stdout, stderr, status) = run_hub(&["tail", "--json", "--count=1", &via, &url]);
    assert!(stdout.starts_with("{\"event\":\"message\",\"data\":\"over TLS\","), "{stderr}");
    assert_eq!(status, Some(0));
    let (stdout, stderr, status) = run_hub(&["record", "--count=1", &via, &url, "-"]);
    assert!(stdout.contains("\ndata: over TLS\n"), "{stderr}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_server_that_is_not_the_one_that_was_meant_gets_no_request() {
    let Some(front) = Front::start(&KIND, &[]) else { return };
    let via = openssl(&front, "other.example");
    let (stdout, stderr, status) = run_hub(&["tail", "--attempts=1", &via, URL]);
    assert!(stderr.contains("the command of --via ended with exit status: 1: "), "{stderr}");
    assert!(stderr.contains("verify error:num=62:hostname mismatch"), "{stderr}");
    assert_eq!((&*stdout, status), ("", Some(5)));
}

#[test]
fn a_hub_is_measured_over_tls() {
    let Some(front) = Front::start(&KIND, &[]) else { return };
    let via = openssl(&front, "hub.example");
    let run = ["--streams=8", "--rate=20", "--warm-up=0", "--duration=1", "--churn=4/s"];
    let run = [&["bench", "--resume", &via, URL], &run[..]].concat();
    let (text, said, status) = run_hub(&run);
    assert!(text.contains("deliveries    160 of 160"), "{text}{said}");
    assert_eq!(status, Some(0));
    // They have ended with their connections.
    front.until_streams(0);
}
