//! The README's nginx in front of the hub: TLS and HTTP/2 outside, and events as they come.
//!
//! Where nginx, openssl or curl is not installed this test says that it is skipped, unless the
//! environment has `TIDINGS_REQUIRE_PROXY`: then it fails.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::process::Process;
use crate::support::until;

/// A program that ends with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("it can be started"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("tidings-proxy-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join(program)).find(|file| file.is_file())
}

/// The snippet of the README, for this port and this hub.
fn configuration(folder: &Folder, port: u16, hub: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).expect("a README");
    let (_, behind) = readme.split_once("```nginx\n").expect("a snippet");
    let (snippet, _) = behind.split_once("```").expect("its end");
    let server = snippet
        .replace("127.0.0.1:3000", hub)
        .replace("listen 443", &format!("listen 127.0.0.1:{port}"))
        .replace("/etc/ssl/hub.example.pem", &folder.file("certificate.pem"))
        .replace("/etc/ssl/hub.example.key", &folder.file("key.pem"));
    let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", folder.file(kind)))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {};\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{own}{server}}}\n",
        folder.file("pid"),
    )
}

fn make_certificate(openssl: &Path, folder: &Folder) {
    let (key, certificate) = (folder.file("key.pem"), folder.file("certificate.pem"));
    let made = Command::new(openssl)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=hub.example", "-keyout", &key, "-out", &certificate])
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl can be started").success());
}

#[test]
fn the_readmes_nginx_passes_each_event_on_as_it_comes() {
    let programs = (find("nginx"), find("openssl"), find("curl"));
    let (Some(nginx), Some(openssl), Some(curl)) = programs else {
        let required = std::env::var_os("TIDINGS_REQUIRE_PROXY").is_some();
        assert!(!required, "nginx, openssl and curl are required: {programs:?}");
        println!("skipped: nginx, openssl or curl is not installed");
        return;
    };
    let hub = Process::hub(&["--listen", "127.0.0.1:0", "--allow-host", "hub.example"]);
    let folder = Folder::new();
    make_certificate(&openssl, &folder);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = configuration(&folder, port, &hub.address().to_string());
    std::fs::write(folder.file("nginx.conf"), text).expect("a file");
    let _nginx = Running::start(Command::new(nginx).args(["-c", &folder.file("nginx.conf")]));
    until("nginx", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());

    let url = format!("https://hub.example:{port}/events/news");
    let call = || {
        let mut call = Command::new(&curl);
        call.args(["-sNk", "--http2", "--resolve", &format!("hub.example:{port}:127.0.0.1"), &url]);
        call
    };
    let mut stream = Running::start(call().stdout(Stdio::piped()));
    let mut lines = BufReader::new(stream.0.stdout.take().expect("it is piped")).lines();
    until("the stream", || {
        let metrics = crate::support::http::get(hub.address(), "/metrics");
        metrics.text().contains("tidings_streams 1\n")
    });
    let mut next = || lines.next().expect("a line").expect("text");
    let begin = (next(), next());
    assert!(begin.0.starts_with("id: ") && begin.1.is_empty(), "where it begins: {begin:?}");
    for n in 1..=3 {
        let published =
            call().args(["-d", &format!("event {n}"), "-w", "%{http_version}"]).output();
        let said = String::from_utf8(published.expect("curl can be started").stdout).unwrap();
        assert!(said.ends_with(&format!("-{n}\n2")), "an id, and HTTP/2: {said}");
        assert!(next().starts_with("id: "));
        assert_eq!((next(), next()), (format!("data: event {n}"), String::new()));
    }
}
