//! Where the servers of a test are: a loopback address and a folder of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

/// No other test, and no other run, has its ports. So a server that is killed comes back where it
/// was. The folder goes with the test, unless that fails.
pub(crate) struct Place {
    folder: PathBuf,
    ip: Ipv4Addr,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        static LAST: AtomicU8 = AtomicU8::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.join(format!("cluster-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { folder, ip: Ipv4Addr::new(127, high | 128, low, number) }
    }

    pub(crate) fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.ip), port)
    }

    /// A folder in it, which is made.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the servers wrote is in {}", self.folder.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
