//! A `redis-server` of a test's own. It ends with the test.
//!
//! Where none is installed these tests say that they are skipped, unless the environment has
//! `TIDINGS_REQUIRE_REDIS`: then they fail.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{SOON, until_some};

pub(crate) struct Redis {
    folder: PathBuf,
    /// None while it is down.
    child: Option<Child>,
}

impl Redis {
    /// Starts one that keeps nothing; nothing if there is none and none is required. No other test
    /// has this name.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|place| place.join("redis-server").is_file()) {
            let required = std::env::var_os("TIDINGS_REQUIRE_REDIS").is_some();
            assert!(!required, "Redis is required, and there is no redis-server in PATH");
            println!("skipped: there is no redis-server in PATH");
            return None;
        }
        let folder =
            std::env::temp_dir().join(format!("tidings-{}-redis-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder for Redis");
        let mut redis = Self { folder, child: None };
        redis.run();
        Some(redis)
    }

    /// Runs it again, empty.
    pub(crate) fn run(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.folder)
            .arg("--unixsocket")
            .arg(self.socket())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server can be started");
        self.child = Some(child);
        until_some("Redis", || self.connect().filter(|_| self.command("PING") == "+PONG"));
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().and_then(|()| child.wait()).expect("it is ours");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// As `--redis` takes it.
    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    fn connect(&self) -> Option<UnixStream> {
        let socket = UnixStream::connect(self.socket()).ok()?;
        socket.set_read_timeout(Some(SOON)).expect("a time");
        Some(socket)
    }

    /// Sends an inline command, and gives the first line of the reply; that of a text is the text.
    #[track_caller]
    pub(crate) fn command(&self, command: &str) -> String {
        let mut socket = self.connect().expect("it listens");
        socket.write_all(format!("{command}\r\n").as_bytes()).expect("it takes a command");
        let mut replies = BufReader::new(socket);
        let mut line = String::new();
        replies.read_line(&mut line).expect("a reply");
        let Some(length) = line.strip_prefix('$') else { return line.trim_end().into() };
        let mut text = vec![0; length.trim_end().parse().expect("a length")];
        replies.read_exact(&mut text).expect("a text");
        String::from_utf8(text).expect("UTF-8")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
