//! What is measured, as processes that end with the harness: Redis, hubs, and nginx with nchan.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::http;
use super::measures::{Bench, Kind};
use super::resp::Client;
use crate::harness::{nchan_module, pinned};
use crate::{Result, system};

const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Every program may use every core, as it would where one machine has them all.
const CORES: &str = "any";

/// Killed when it is dropped, with its children.
pub(super) struct Process {
    child: Child,
    folder: Option<PathBuf>,
}

impl Process {
    fn spawn(mut command: Command, stdout: Stdio, folder: Option<PathBuf>) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).spawn()?;
        Ok(Self { child, folder })
    }

    /// The CPU time that it and its children have used.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        system::cpu_time(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for pid in system::family(self.child.id().cast_signed()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// A Redis that writes nothing to disk.
pub(super) struct Redis {
    pub(super) process: Process,
    pub(super) address: String,
}

impl Redis {
    pub(super) fn start() -> Result<Self> {
        let (port, folder) = (free_port()?, folder("redis")?);
        let mut command = pinned(CORES)?;
        command.args(["redis-server", "--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.arg("--dir").arg(&folder);
        let process = Process::spawn(command, Stdio::null(), Some(folder))?;
        let address = format!("127.0.0.1:{port}");
        until_listening(&address)?;
        Ok(Self { process, address })
    }

    pub(super) fn client(&self) -> Result<Client> {
        Client::connect(&self.address)
    }

    /// Forgets all that is there, and the counts of commands.
    pub(super) fn clear(&self) -> Result<()> {
        let mut client = self.client()?;
        client.call(&["FLUSHALL", "SYNC"])?;
        client.call(&["MEMORY", "PURGE"])?;
        client.call(&["CONFIG", "RESETSTAT"])?;
        Ok(())
    }
}

/// Whoever takes posts and has streams.
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) address: String,
}

/// Where both have the channel of the bench: posts go to `/events/news`, streams come from there.
pub(super) const TARGET: &str = "/events/news";

impl Server {
    /// A hub, once it says where it listens.
    pub(super) fn hub(program: &Path, args: &[&str]) -> Result<Self> {
        Self::hub_at(program, "127.0.0.1:0", args, None)
    }

    fn hub_at(program: &Path, at: &str, args: &[&str], folder: Option<PathBuf>) -> Result<Self> {
        let mut command = pinned(CORES)?;
        command.arg(program).args(["serve", "--listen", at]).args(args);
        let mut process = Process::spawn(command, Stdio::piped(), folder)?;
        let stdout = process.child.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ");
        let address = address.ok_or_else(|| format!("a hub began with {line:?}"))?;
        let address = address.strip_prefix("http://").unwrap_or(address).to_owned();
        Ok(Self { process, address })
    }

    /// One over Redis, which is to keep so many events of each channel.
    pub(super) fn over_redis(bench: &Bench<'_>, kind: Kind, length: usize) -> Result<Self> {
        let Kind { is_hub, is_unix, .. } = kind;
        let folder = folder(if is_hub { "hub" } else { "nchan" })?;
        let at = match is_unix {
            true => format!("unix:{}", folder.join("http").display()),
            false => format!("127.0.0.1:{}", free_port()?),
        };
        match is_hub {
            true => {
                let url = format!("redis://{}", bench.redis.address);
                let args = ["--redis", &url, "--redis-length", &length.to_string()];
                Self::hub_at(bench.program, &at, &args, Some(folder))
            }
            false => Self::nchan(at, bench.redis, length, folder),
        }
    }

    fn nchan(at: String, redis: &Redis, length: usize, folder: PathBuf) -> Result<Self> {
        let module = nchan_module().ok_or("nginx has no module nchan")?;
        fs::create_dir_all(folder.join("logs"))?;
        let config = folder.join("nginx.conf");
        fs::write(&config, nginx(&module, &folder, &at, &redis.address, length))?;
        let mut command = pinned(CORES)?;
        command.arg("nginx").arg("-p").arg(&folder).arg("-c").arg(&config);
        let process = Process::spawn(command, Stdio::null(), Some(folder))?;
        // It listens before it has loaded its scripts into Redis.
        let post = format!("POST {TARGET} HTTP/1.0\r\nContent-Length: 1\r\n\r\n0");
        let is_published = |response: String| response.starts_with("HTTP/1.1 2");
        until(|| Ok(http::once(&at, &post).is_ok_and(is_published)))?;
        Ok(Self { process, address: at })
    }
}

/// One worker, as Redis makes one step at a time: a second one shares the cores with it.
fn nginx(module: &Path, folder: &Path, at: &str, redis: &str, length: usize) -> String {
    let (module, folder) = (module.display(), folder.display());
    format!(
        "load_module {module};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/logs/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 256M;
    upstream redis {{ nchan_redis_server redis://{redis}; }}
    server {{
        listen {at} backlog=4096;
        location ~ ^/events/(.+)$ {{
            nchan_pubsub;
            nchan_channel_id $1;
            nchan_redis_pass redis;
            nchan_message_buffer_length {length};
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// An empty one that no other process has.
fn folder(name: &str) -> Result<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (pid, count) = (process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = env::temp_dir().join(format!("tidings-bench-{pid}-{count}-{name}"));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn until_listening(address: &str) -> Result<()> {
    until(|| Ok(TcpStream::connect(address).is_ok()))
}

/// Tries until it comes true.
fn until(mut is_true: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_true()? {
        if Instant::now() > end {
            return Err("what was waited for did not come".into());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}
