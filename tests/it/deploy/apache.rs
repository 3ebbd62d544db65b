//! Apache, with examples/deploy/apache.conf.

use super::front::{Front, Kind, Place};
use super::scenarios;

pub(super) const KIND: Kind = Kind { program: "apache2", file: "apache.conf", here, arguments };

fn here(place: &Place) -> Vec<(&'static str, String)> {
    vec![
        ("127.0.0.1:3000", place.hub().to_string()),
        ("/etc/ssl/hub.example.pem", place.path("hub.pem")),
        ("/etc/ssl/hub.example.key", place.path("hub.key")),
    ]
}

fn arguments(place: &Place, file: &str) -> Vec<String> {
    let modules = [
        "mpm_event",
        "authz_core",
        "proxy",
        "proxy_http",
        "ssl",
        "socache_shmcb",
        "http2",
        "filter",
        "headers",
        "deflate",
        "setenvif",
    ]
    .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
    .concat();
    let (plain, tls) = (place.plain(), place.tls());
    let text = format!(
        "{modules}ServerName localhost\nDefaultRuntimeDir {}\nPidFile {}\nErrorLog /dev/stderr\n\
         LogLevel crit\nUser www-data\nGroup www-data\nListen {plain}\nListen {tls}\n\
         Timeout 2\nSetOutputFilter DEFLATE\n{}{}",
        place.path(""),
        place.path("pid"),
        file.replace("*:443", &tls.to_string()),
        file.replace("*:443", &plain.to_string()).replace("SSLEngine on", "SSLEngine off"),
    );
    // One process, which ends at once when it is told to.
    vec!["-X".into(), "-f".into(), place.write("apache.conf", &text)]
}

super::passes! {
    events_come_one_by_one_as_they_are
    heartbeats_keep_a_silent_stream_open
    without_heartbeats_a_silent_stream_is_closed
    a_client_resumes_and_its_end_is_noticed
    each_client_has_its_own_bound_whatever_it_writes_itself
    a_patient_client_survives_that_the_hub_is_away
}

#[test]
fn without_its_exception_a_stream_is_compressed() {
    let changes = [("SetEnvIf Request_URI ^/events no-gzip no-brotli", "")];
    let Some(front) = Front::with(&KIND, &[], &changes) else { return };
    scenarios::assert_compressed(&front);
}
