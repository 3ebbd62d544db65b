//! What the numbers were measured on, and with.

use std::fs;
use std::process::Command;

/// A line on the machine: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

/// As foreign/node/package-lock.json has it.
const BETTER_SSE: &str = "0.16";

/// The versions of a server that is part of the tables.
pub(super) fn version(server: &str) -> String {
    match server {
        "tidings" => format!("tidings {}", locked("tidings")),
        "axum" => format!("axum {} with tokio {}", locked("axum"), locked("tokio")),
        "actix" => format!("actix-web {}", locked("actix-web")),
        "tiny_http" => format!("tiny_http {}", locked("tiny_http")),
        "go" => said_by("go", &["version"]),
        "node" => format!("Node {} with better-sse {BETTER_SSE}", said_by("node", &["--version"])),
        "nchan" => {
            said_by("dpkg-query", &["-W", "nginx", "libnginx-mod-nchan"]).replace('\n', ", ")
        }
        _ => said_by("rustc", &["--version"]),
    }
}

pub(super) fn today() -> String {
    said_by("date", &["+%F"])
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("{program} of an unknown version"))
}

fn locked(name: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock.split("[[package]]").find(|entry| {
        entry
            .trim_start()
            .strip_prefix("name = \"")
            .is_some_and(|rest| rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('"')))
    });
    let version = entry.and_then(|entry| entry.split("version = \"").nth(1)?.split('"').next());
    version.unwrap_or("of an unknown version")
}
