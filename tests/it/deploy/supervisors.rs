//! The supervisors of examples/deploy: their files start the hub, and stop it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::front::installed;
use crate::support::http::{exchange, get};
use crate::support::process::{Process, child_of, hub_path, run, signal};
use crate::support::until;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy")
}

/// A folder in which programs that are not the test's may write.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A token in a file, and how the file is called.
fn token(name: &str) -> String {
    let path = folder(name).join("token");
    fs::write(&path, "secret\n").expect("a file");
    path.display().to_string()
}

/// Whether a supervisor that needs namespaces of its own can be had; fails where it must be.
fn namespaces() -> bool {
    let made = installed("unshare").is_some_and(|unshare| {
        let made = Command::new(unshare).args(["--pid", "--fork", "--mount", "true"]).output();
        made.is_ok_and(|made| made.status.success())
    });
    let required = std::env::var_os("TIDINGS_REQUIRE_DEPLOY").is_some();
    assert!(made || !required, "namespaces are required: run this as root");
    made
}

/// What the units promise is checked inside, by systemd.sh.
#[test]
fn a_systemd_runs_both_of_its_variants() {
    if installed("systemctl").is_none() || installed("curl").is_none() || !namespaces() {
        return println!("skipped: no systemd of its own can be started");
    }
    let report = folder("systemd").join("report");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/deploy/systemd.sh");
    let (stdout, stderr, status) = run(
        Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"])
            .args(["--cgroup", "--uts", "--ipc", "--net", "sh"])
            .arg(script)
            .arg(hub_path())
            .arg(deploy().join("systemd"))
            .arg(&report),
        b"",
    );
    let report = fs::read_to_string(report).unwrap_or_default();
    assert_eq!(status, Some(0), "{report}{stdout}{stderr}");
}

#[test]
fn systemd_knows_each_word_of_its_units_and_calls_the_hub_safe() {
    let Some(analyze) = installed("systemd-analyze") else { return };
    let folder = folder("units");
    let hub = hub_path().display().to_string();
    fs::create_dir_all(folder.join("tidings.service.d")).expect("a folder");
    for unit in ["tidings.service", "tidings.socket", "tidings.service.d/socket.conf"] {
        let text = fs::read_to_string(deploy().join("systemd").join(unit)).expect("a unit");
        fs::write(folder.join(unit), text.replace("/usr/local/bin/tidings", &hub)).expect("a file");
    }
    let service = folder.join("tidings.service");
    let mut verify = Command::new(&analyze);
    verify.args(["verify", "--man=no"]).arg(&service).arg(folder.join("tidings.socket"));
    let (_, stderr, status) = run(&mut verify, b"");
    assert_eq!((&*stderr, status), ("", Some(0)));
    // Of 100; the worst that a unit can have are 96.
    let mut security = Command::new(analyze);
    security.args(["security", "--no-pager", "--offline=true", "--threshold=10"]).arg(service);
    let (stdout, _, status) = run(&mut security, b"");
    assert_eq!(status, Some(0), "{stdout}");
}

/// How many descriptors a script allows the hub, and then its command, word by word: found by playing
/// the supervisor.
fn told(script: &str, supervisor: &str) -> Vec<String> {
    let path = deploy().join(script);
    let (stdout, stderr, status) =
        run(Command::new("sh").arg("-euc").arg(supervisor).arg("sh").arg(&path), b"");
    assert_eq!((&*stderr, status), ("", Some(0)));
    stdout.lines().map(str::to_owned).collect()
}

/// Starts the hub as the script says, but for its address and its token, and stops it again.
fn start(told: &[String], address: &str, token: &str) {
    let arguments = told[2..].iter().map(|word| match word.as_str() {
        word if word == address => "127.0.0.1:0",
        word if word.starts_with("/etc/") => token,
        word => word,
    });
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n \"$0\"; exec \"$@\"", &told[0]]).arg(hub_path());
    let mut hub = Process::start(limited.args(arguments));
    assert_eq!(get(hub.address(), "/health").status, 200);
    let publish = "POST /events/news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n";
    let with = format!("{publish}Authorization: Bearer secret\r\n\r\nx");
    assert_eq!(exchange(hub.address(), with.as_bytes()).status, 200);
    assert_eq!(exchange(hub.address(), format!("{publish}\r\nx").as_bytes()).status, 401);
    signal(hub.id(), "TERM");
    assert_eq!(hub.ended(), Some(0));
    until("what it says", || !hub.stderr().is_empty());
    let said = "tidings: SIGTERM: the hub stops; a second signal ends it at once";
    assert_eq!(hub.stderr(), [said], "at its start it has nothing to complain of");
}

#[test]
fn openwrts_procd_is_told_a_command_that_starts_the_hub() {
    let supervisor = "
        procd_open_instance() { :; }
        procd_close_instance() { :; }
        procd_set_param() {
            case $1 in
                limits) echo \"${2##* }\" ;;
                command) shift; commanded=$(printf '%s\\n' \"$@\") ;;
            esac
        }
        . \"$1\"
        start_service
        printf '%s\\n' \"$commanded\"";
    let told = told("openwrt/tidings", supervisor);
    assert_eq!(told[1..4], ["/usr/bin/tidings", "--listen", "0.0.0.0:3000"]);
    start(&told, "0.0.0.0:3000", &token("procd"));
}

#[test]
fn openrc_is_told_a_command_that_starts_the_hub() {
    let told = told("openrc/tidings", OPENRC);
    assert_eq!(told[1..4], ["/usr/local/bin/tidings", "--listen", "127.0.0.1:3000"]);
    start(&told, "127.0.0.1:3000", &token("openrc"));
}

const OPENRC: &str = ". \"$1\"; printf '%s\\n' \"${rc_ulimit#-n }\" \"$command\" $command_args";

#[test]
fn options_added_under_openrc_leave_the_hub_its_token() {
    let supervisor = format!("tidings_args='--allow-host hub.example'; {OPENRC}");
    let told = told("openrc/tidings", &supervisor);
    assert_eq!(told[told.len() - 2..], ["--allow-host", "hub.example"]);
    start(&told, "127.0.0.1:3000", &token("openrc_args"));
}

/// The words of `KEY ["...", "..."]` in the Dockerfile.
fn words(dockerfile: &str, key: &str) -> Vec<String> {
    let line = dockerfile.lines().find_map(|line| line.strip_prefix(key)).expect("the line");
    line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// In a folder that has the program, the libraries that it needs, and nothing else; as process 1.
#[test]
fn the_image_needs_no_file_but_the_program_and_stops_as_process_1() {
    if !namespaces() {
        return println!("skipped: no namespaces can be made");
    }
    let dockerfile = fs::read_to_string(deploy().join("Dockerfile")).expect("a Dockerfile");
    for from in dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let (from, _) = from.rsplit_once(' ').expect("what and where to");
        let mut ours = from.split(' ').filter(|word| !word.starts_with(['-', '/']));
        assert!(
            ours.all(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists()),
            "{from}"
        );
    }
    let root = folder("image");
    fs::copy(hub_path(), root.join("tidings")).expect("a copy");
    // The image's program is static; this one isn't.
    let (libraries, _, _) = run(Command::new("ldd").arg(hub_path()), b"");
    for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
        fs::copy(library, copy).expect("a copy");
    }
    let secret = root.join("run/secrets/tidings_token");
    fs::create_dir_all(secret.parent().expect("a folder")).expect("a folder");
    fs::write(&secret, "secret").expect("a file");
    let entry = [words(&dockerfile, "ENTRYPOINT"), words(&dockerfile, "CMD")].concat();
    let entry = entry.iter().map(|word| word.replace("0.0.0.0:3000", "127.0.0.1:0"));
    let user = dockerfile.lines().find_map(|line| line.strip_prefix("USER ")).expect("a user");
    let mut hub = Process::start(
        Command::new("unshare")
            .args(["--pid", "--fork", "chroot", &format!("--userspec={user}")])
            .arg(&root)
            .args(entry),
    );
    let mut stream = crate::support::stream::EventStream::open(hub.address(), "/events/news");
    // The hub is the one child of unshare.
    signal(child_of(hub.id()), "TERM");
    assert_eq!(stream.end(), crate::support::stream::End::Whole);
    assert_eq!(hub.ended(), Some(0));
}

#[test]
fn compose_and_a_reader_of_yaml_understand_their_files() {
    let Some(compose) = installed("docker-compose") else { return };
    let file = deploy().join("compose.yaml");
    let mut config = Command::new(compose);
    config.arg("-f").arg(file).args(["config", "--quiet"]).env("HUB_NAME", "hub.example");
    let (stdout, stderr, status) = run(&mut config, b"");
    assert_eq!((&*stdout, &*stderr, status), ("", "", Some(0)));
    let read = "import sys, yaml; print(*yaml.safe_load(open(sys.argv[1]))['http'])";
    let mut read_yaml = Command::new("/usr/bin/python3");
    read_yaml.args(["-c", read]).arg(deploy().join("traefik.yaml"));
    let (stdout, stderr, status) = run(&mut read_yaml, b"");
    assert_eq!((&*stdout, &*stderr, status), ("routers middlewares services\n", "", Some(0)));
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let Some(shellcheck) = installed("shellcheck") else { return };
    let mut check = Command::new(shellcheck);
    check.args(["-s", "sh"]).arg(deploy().join("openwrt/tidings"));
    check.arg(deploy().join("openrc/tidings"));
    check.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/deploy/systemd.sh"));
    let (stdout, _, status) = run(&mut check, b"");
    assert_eq!((&*stdout, status), ("", Some(0)));
}
