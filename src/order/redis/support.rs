//! What the tests use: a real Redis that ends with its test.

use std::env;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes on a slow machine.
pub(crate) const PLENTY: Duration = Duration::from_secs(60);

pub(crate) fn soon() -> Instant {
    Instant::now() + PLENTY
}

/// A redis-server that keeps nothing, on a unix socket in a folder of its own.
pub(crate) struct RealRedis {
    child: Child,
    folder: PathBuf,
}

impl RealRedis {
    /// `None` where there is no redis-server, unless the environment has `TIDINGS_REQUIRE_REDIS`.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let path = env::var_os("PATH").unwrap_or_default();
        let mut programs = env::split_paths(&path).map(|folder| folder.join("redis-server"));
        let Some(program) = programs.find(|program| program.is_file()) else {
            assert!(env::var_os("TIDINGS_REQUIRE_REDIS").is_none(), "there is no redis-server");
            println!("skipped: there is no redis-server");
            return None;
        };
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("tidings-redis-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let child = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .args(["--unixsocket", "redis.sock"])
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is a program");
        let mut started = Self { child, folder };
        let deadline = soon();
        while UnixStream::connect(started.socket()).is_err() {
            let ended = started.child.try_wait().expect("it is a child of ours");
            assert!(ended.is_none(), "redis-server does not take {arguments:?}: {ended:?}");
            assert!(Instant::now() < deadline, "redis-server does not come up");
            thread::sleep(Duration::from_millis(5));
        }
        Some(started)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// Where it is, as a URL.
    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.socket().display())
    }
}

impl Drop for RealRedis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
