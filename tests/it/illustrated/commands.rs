//! Each step of the illustrated stream can be repeated with the command that it gives: the hub and
//! the commands of the document run as they are written there, one block after the other, and the
//! hub's own trace then has the rows of each step.

use std::io::{BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{DATE, EPOCH, Life, document};
use crate::support::process::hub_path;
use crate::support::trace::calls;
use crate::support::until;

/// What comes next in the document.
enum Block<'a> {
    Commands(&'a str),
    /// Its name; the bytes of each row, and what they mean.
    Table(&'a str, Vec<(&'a str, &'a str)>),
}

/// The commands and the tables of the document.
fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = document;
    while let Some((_, next)) = rest.split_once("\n```sh\n") {
        let (commands, after) = next.split_once("\n```\n").expect("an end of the commands");
        let tables = after.split("\n```sh\n").next().expect("a part");
        blocks.push(Block::Commands(commands));
        for table in tables.split("<!-- table: ").skip(1) {
            let (name, table) = table.split_once(" -->\n").expect("a name");
            let rows = table.lines().filter_map(|line| {
                let (bytes, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
                Some((bytes, rest.split(" | ").next()?))
            });
            blocks.push(Block::Table(name, rows.collect()));
        }
        rest = &next[commands.len()..];
    }
    blocks
}

/// Commands that run, and what they have printed. They end with this.
struct Typed {
    shell: Child,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Typed {
    fn run(life: &Life, commands: &str) -> Self {
        let (address, port) = (life.hub.address(), life.hub.address().port());
        // A netcat need not be installed, and the shell has something like it.
        let commands = commands
            .replace("| nc localhost 3000", &format!(">/dev/tcp/127.0.0.1/{port}"))
            .replace("localhost:3000", &address.to_string())
            .replace(EPOCH, &life.epoch);
        let program = hub_path();
        let folder = program.parent().expect("a folder").to_string_lossy();
        let path = std::env::var("PATH").expect("a path");
        let mut shell = Command::new("bash");
        shell.args(["-c", &commands]).env("PATH", format!("{folder}:{path}")).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = shell.spawn().expect("a shell");
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (all, stdout) = (Arc::clone(&printed), shell.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for byte in BufReader::new(stdout).bytes().map_while(Result::ok) {
                all.lock().unwrap().push(byte);
            }
        });
        Self { shell, printed }
    }

    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().unwrap()).into_owned()
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.shell.wait();
    }
}

/// The rows of each connection since so many calls.
fn rows_since(life: &Life, mark: usize) -> Vec<Vec<(String, String)>> {
    let calls = calls(&life.hub).split_off(mark);
    let of = |connection: &str| {
        let rows = calls.iter().filter(|call| call.connection == connection);
        let rows = rows.flat_map(|call| &call.rows);
        rows.map(|row| (life.fixed(&row.bytes), life.fixed(&row.means))).collect()
    };
    let mut connections: Vec<&str> = calls.iter().map(|call| &*call.connection).collect();
    connections.sort_unstable();
    connections.dedup();
    connections.into_iter().map(of).collect()
}

/// Whether these rows are among those, in this order. curl names the host with its port, accepts
/// any type, and sends some fields more.
fn has_all(rows: &[(String, String)], wanted: &[(&str, &str)]) -> bool {
    let is_own = |bytes: &str| bytes.starts_with("Host: ") || bytes.starts_with("Accept: ");
    let mut rows = rows.iter().map(|(bytes, means)| (&**bytes, &**means));
    wanted.iter().filter(|(bytes, _)| !is_own(bytes)).all(|wanted| rows.any(|row| row == *wanted))
}

#[test]
fn each_step_can_be_repeated_with_the_command_that_it_gives() {
    for program in ["bash", "curl"] {
        if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
            return println!("skipped: {program} is not installed");
        }
    }
    let document = document();
    let mut blocks = blocks(&document).into_iter();
    let Some(Block::Commands(hub)) = blocks.next() else { panic!("no command for the hub") };
    let options = hub.strip_prefix("tidings ").expect("it starts the hub");
    let options = options.split_whitespace().take_while(|option| !option.starts_with('#'));
    let life = Life::begin(&options.collect::<Vec<_>>());
    let mut mark = 0;
    let mut typed: Vec<Typed> = Vec::new();
    for block in blocks {
        let (name, wanted) = match block {
            Block::Commands(commands) => {
                mark = calls(&life.hub).len();
                typed.push(Typed::run(&life, commands));
                continue;
            }
            Block::Table(name, wanted) => (name, wanted),
        };
        if name == "cut" {
            typed.clear();
        }
        // How the hub ends is none of the commands.
        if name == "end" {
            break;
        }
        until(&format!("the rows of {name}"), || {
            rows_since(&life, mark).iter().any(|rows| has_all(rows, &wanted))
        });
        // These steps are of what a command shows.
        let shown = match name {
            "head" | "first" | "replay" | "gap" => {
                let bytes: String = wanted.iter().map(|(bytes, _)| *bytes).collect();
                bytes.replace('␍', "\r").replace('␊', "\n")
            }
            "heartbeat" => wanted[1].0.to_owned(),
            _ => continue,
        };
        until(&format!("{name}, shown by a command"), || {
            typed.iter().any(|typed| {
                let printed = life.fixed(&typed.printed());
                printed.contains(&shown.replace(DATE, date_in(&printed)))
            })
        });
    }
    let rows = rows_since(&life, 0).into_iter().flatten();
    let asked = rows.map(|(bytes, _)| bytes).filter(|bytes| bytes.ends_with(" HTTP/1.1␍␊"));
    let elsewhere: Vec<_> = asked.filter(|line| !line.contains(" /events/news")).collect();
    assert_eq!(elsewhere, ["GET /events/probe HTTP/1.1␍␊"], "and that is the test's own");
}

/// The date of a response; something else where there is none.
fn date_in(printed: &str) -> &str {
    printed.split("Date: ").nth(1).and_then(|rest| rest.split('\r').next()).unwrap_or(DATE)
}
