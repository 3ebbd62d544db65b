//! Behind proxies: whom the hub takes for its peer.

use std::net::TcpStream;

use super::super::support::http::{Client, connect};
use super::super::support::process::run_hub;
use super::super::support::until;
use super::*;

/// Opens a stream with this before and within its request; whether it is one, and no refusal.
fn opens(hub: &Process, before: &str, fields: &str) -> Option<Client> {
    let mut client = Client::over(connect(hub.address()));
    client.send(format!(
        "{before}GET /events/news HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         {fields}\r\n"
    ));
    let head = client.head();
    assert_eq!(head.status, 200);
    head.field("Content-Length").is_none().then_some(client)
}

#[test]
fn each_client_of_a_listed_proxy_has_its_own_bound_and_its_own_line_in_the_log() {
    let hub = hub(&["--max-streams-per-peer=1", "--behind-proxy=127.0.0.1", "--log"]);
    let one = opens(&hub, "", "X-Forwarded-For: 203.0.113.9\r\n");
    let other = opens(&hub, "", "Forwarded: for=\"[2001:db8::9]:50412\"\r\n");
    assert!(one.is_some() && other.is_some());
    assert!(opens(&hub, "", "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n").is_none());
    for client in ["peer=203.0.113.9", "peer=2001:db8::9"] {
        until(client, || hub.stderr().iter().any(|line| line.contains(client)));
    }
}

#[test]
fn without_the_option_the_fields_mean_nothing() {
    let hub = hub(&["--max-streams-per-peer=1", "--behind-proxy=10.0.0.0/8"]);
    let one = opens(&hub, "", "X-Forwarded-For: 203.0.113.9\r\n");
    assert!(one.is_some() && opens(&hub, "", "X-Forwarded-For: 198.51.100.7\r\n").is_none());
}

#[test]
fn a_proxy_may_say_it_once_for_each_connection() {
    let hub = hub(&["--max-streams-per-peer=1", "--behind-proxy=127.0.0.0/8", "--proxy-protocol"]);
    let line = |client: &str| format!("PROXY TCP4 {client} 192.0.2.60 50412 443\r\n");
    let one = opens(&hub, &line("203.0.113.9"), "");
    assert!(one.is_some() && opens(&hub, &line("198.51.100.7"), "").is_some());
    let spoofed = "X-Forwarded-For: 198.51.100.8\r\n";
    assert!(opens(&hub, &line("203.0.113.9"), spoofed).is_none());
    drop(TcpStream::connect(hub.address()).expect("a check that says nothing does no harm"));
}

#[test]
fn a_proxy_protocol_without_proxies_is_a_mistake() {
    let (_, stderr, status) = run_hub(&["--proxy-protocol"]);
    assert_eq!(status, Some(2));
    let said = "tidings: --proxy-protocol says how proxies speak, and there are none: name their \
                addresses with --behind-proxy ADDR\n";
    assert!(stderr.starts_with(said), "{stderr}");
}
