//! A proxy that runs in front of a hub.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::support::process::Process;
use crate::support::until;

/// A program that ends with the test.
pub(super) struct Running(pub(super) Child);

impl Running {
    pub(super) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().expect("it can be started"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What one proxy is, and how the test has it.
pub(super) struct Kind {
    pub(super) program: &'static str,
    /// Its file in examples/deploy.
    pub(super) file: &'static str,
    /// What the file says, and what it says here instead: addresses and paths.
    pub(super) here: fn(&Place) -> Vec<(&'static str, String)>,
    /// Writes the configuration around the file's text, and gives the arguments.
    pub(super) arguments: fn(&Place, &str) -> Vec<String>,
}

/// A loopback address of its own, and a folder that goes with the test: no other test, and no other
/// run, has its ports.
pub(super) struct Place {
    folder: PathBuf,
    ip: Ipv4Addr,
}

impl Place {
    fn new() -> Self {
        static LAST: AtomicU8 = AtomicU8::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let folder = format!("tidings-proxy-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder, ip: Ipv4Addr::new(127, high | 128, low, number) }
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    pub(super) fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    pub(super) fn hub(&self) -> SocketAddr {
        (self.ip, 3000).into()
    }

    /// Where the hub listens, too.
    pub(super) fn socket(&self) -> String {
        self.path("hub.sock")
    }

    pub(super) fn plain(&self) -> SocketAddr {
        (self.ip, 8080).into()
    }

    pub(super) fn tls(&self) -> SocketAddr {
        (self.ip, 8443).into()
    }

    /// The certificate and the key, also in one file.
    fn make_certificate(&self, openssl: &Path) {
        let (key, certificate) = (self.path("hub.key"), self.path("hub.pem"));
        let made = Command::new(openssl)
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"])
            .args(["-subj", "/CN=hub.example", "-keyout", &key, "-out", &certificate])
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("openssl can be started").success());
        let both = [certificate, key].map(|path| std::fs::read_to_string(path).expect("a file"));
        self.write("hub.both.pem", &both.concat());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(super) struct Front {
    pub(super) place: Place,
    /// `None` while it is away.
    hub: Option<Process>,
    _proxy: Running,
}

impl Front {
    /// Starts a hub with these options, and the proxy; `None` where it isn't installed.
    pub(super) fn start(kind: &Kind, hub: &[&str]) -> Option<Self> {
        Self::with(kind, hub, &[])
    }

    /// The same where the file says something else, or nothing, in place of these words of it.
    pub(super) fn with(kind: &Kind, hub: &[&str], changes: &[(&str, &str)]) -> Option<Self> {
        let (program, openssl) = (installed(kind.program)?, installed("openssl")?);
        let place = Place::new();
        place.make_certificate(&openssl);
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy");
        let mut text = std::fs::read_to_string(deploy.join(kind.file)).expect("its file");
        let changes = changes.iter().map(|(old, new)| (*old, (*new).to_owned()));
        for (old, new) in changes.chain((kind.here)(&place)) {
            assert!(text.contains(old), "{} says nowhere {old:?}", kind.file);
            text = text.replace(old, &new);
        }
        let arguments = (kind.arguments)(&place, &text);
        let mut front = Self {
            hub: None,
            _proxy: Running::start(
                Command::new(program)
                    .args(arguments)
                    .env("HOME", &place.folder)
                    .env("XDG_DATA_HOME", &place.folder)
                    .env("XDG_CONFIG_HOME", &place.folder)
                    .stdout(Stdio::null()),
            ),
            place,
        };
        front.start_hub(hub);
        let there = |address| TcpStream::connect(address).is_ok();
        until(kind.program, || there(front.place.plain()) && there(front.place.tls()));
        Some(front)
    }

    pub(super) fn start_hub(&mut self, options: &[&str]) {
        let address = self.place.hub().to_string();
        let socket = format!("unix:{}", self.place.socket());
        let always = ["--listen", &address, "--listen", &socket, "--allow-host", "hub.example"];
        self.hub = Some(Process::hub(&[&always, options].concat()));
    }

    /// As if it had lost its power.
    pub(super) fn kill_hub(&mut self) {
        self.hub.take().expect("a hub").kill();
    }

    /// The lines of its log.
    pub(super) fn log(&self) -> Vec<String> {
        self.hub.as_ref().expect("a hub").stderr()
    }

    /// A curl that knows where `https://hub.example:8443` is.
    pub(super) fn curl(&self) -> Option<Command> {
        let mut curl = Command::new(installed("curl")?);
        let tls = self.place.tls();
        let resolve = format!("hub.example:{}:{}", tls.port(), tls.ip());
        curl.args(["-sNk", "--http2", "--resolve", &resolve]);
        Some(curl)
    }

    /// Waits until the hub has so many streams.
    #[track_caller]
    pub(super) fn until_streams(&self, count: usize) {
        let line = format!("tidings_streams {count}\n");
        let get = || crate::support::http::get(self.place.hub(), "/metrics");
        until(&line, || get().text().contains(&line));
    }
}

/// Where a program is; says that it is missing, or fails if that must not be.
pub(super) fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = places.map(|place| place.join(program)).find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var_os("TIDINGS_REQUIRE_DEPLOY").is_some();
        assert!(!required, "{program} is required");
        println!("skipped: {program} is not installed");
    }
    found
}
