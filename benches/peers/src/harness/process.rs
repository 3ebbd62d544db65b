//! The processes that the harness starts, and that end with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cases::Case;
use super::results::Outcome;
use crate::{Result, servers, system};

pub(crate) const SERVER_CORE: &str = "0";
pub(super) const LOAD_CORE: &str = "1";

/// All servers, in the order of the tables.
pub(super) const NAMES: [&str; 8] =
    ["tidings", "floor", "axum", "actix", "tiny_http", "go", "node", "nchan"];

/// Killed when it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Server {
    pub(super) fn start(name: &str, counted: bool) -> Result<Self> {
        let program = if counted { sibling("counted")? } else { env::current_exe()? };
        let mut command = pinned(SERVER_CORE)?;
        if servers::NAMES.contains(&name) {
            command.arg(program).args(["serve", name]);
        } else {
            command.args(foreign(name));
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut server = Self { child, address: String::new() };
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on http://");
        server.address = address.ok_or_else(|| format!("it began with {line:?}"))?.to_owned();
        Ok(server)
    }

    pub(super) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for pid in system::family(self.pid()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// Runs the load to its end.
pub(super) fn load(case: &Case, server: &Server) -> Result<Outcome> {
    let mut command = pinned(LOAD_CORE)?;
    command.arg(env::current_exe()?).args(["load", case.load, &server.address]);
    command.arg(server.pid().to_string());
    command.args(case.wants.iter().map(|(key, value)| format!("{key}={value}")));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the load failed".into());
    }
    Outcome::parse(&String::from_utf8(output.stdout)?)
}

/// This program, about to become another one on this core, or on `any`.
pub(crate) fn pinned(core: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["pinned", core]);
    Ok(command)
}

/// What this machine lacks to run a server.
pub(super) fn missing(name: &str) -> Option<String> {
    match name {
        "go" => lacks(&["go"]),
        "node" => lacks(&["node", "npm"]),
        "nchan" => lacks(&["nginx"]).or_else(|| {
            let module = nchan_module().is_none();
            module.then(|| "nginx has no module nchan (Debian: libnginx-mod-nchan)".to_owned())
        }),
        _ => None,
    }
}

fn lacks(programs: &[&str]) -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&&str| env::split_paths(&path).any(|at| at.join(program).is_file());
    let missing = programs.iter().find(|program| !is_there(program));
    missing.map(|program| format!("{program} is not installed"))
}

pub(crate) fn nchan_module() -> Option<PathBuf> {
    let places = ["/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules"];
    let module = places.map(|place| Path::new(place).join("ngx_nchan_module.so"));
    module.into_iter().find(|module| module.is_file())
}

/// How a server that is not in this crate is started: a script that installs what it needs under
/// `target`, and then becomes the server.
fn foreign(name: &str) -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = here.join("target/foreign").join(name);
    let _ = fs::create_dir_all(&target);
    let script = here.join("foreign").join(name).join("run.sh");
    let module = (name == "nchan").then(nchan_module).flatten();
    ["sh".into(), script, target].into_iter().chain(module).collect()
}

fn sibling(name: &str) -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}
