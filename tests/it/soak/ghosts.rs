//! Peers that vanish without a word, and one that is slow and alive: the hub tells them apart.
//!
//! ```text
//! the test's own network            the peers' network
//! hub ── 10.77.0.1 ═══ veth ═══ 10.77.0.2 ── 20 streams, kept connections, halves of heads
//!                        │
//!                     link down: neither FIN nor RST gets through
//! ```
//!
//! The test starts itself again in a network namespace of its own, and once more for the peers in
//! another one, so that the machine's own network has no part in it. Both go with their processes.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::publish;
use crate::support::http::{Client, connect, get};
use crate::support::namespaces::can;
use crate::support::process::{Process, hub_path};
use crate::support::until;

/// What the test is to be, where it has been started by itself.
const ROLE: &str = "TIDINGS_GHOSTS";
const NAME: &str =
    "soak::ghosts::row_54_peers_that_vanish_are_noticed_within_a_minute_and_slow_ones_live";

/// The hardware address of the peers.
const MAC: &str = "02:00:00:00:00:02";
const STREAMS: usize = 20;
const KEPT: usize = 3;
const HALVES: usize = 3;
const MOST: Duration = Duration::from_secs(60);

#[test]
fn row_54_peers_that_vanish_are_noticed_within_a_minute_and_slow_ones_live() {
    match env::var(ROLE).as_deref() {
        Err(_) => {
            if can(&["unshare", "-n", "ip", "link", "set", "lo", "up"]) {
                let ended = itself(Command::new("unshare").arg("-n"), "hub").status();
                assert!(ended.expect("unshare can be started").success());
            }
        }
        Ok("hub") => watch_ghosts(),
        Ok(address) => be_ghosts(address.parse().expect("an address")),
    }
}

/// The command that starts this test again, in this role.
fn itself<'a>(command: &'a mut Command, role: &str) -> &'a mut Command {
    let program = env::current_exe().expect("the path of the tests");
    command.arg(program).args(["--exact", NAME, "--nocapture"]).env(ROLE, role)
}

/// Ends with the test.
struct Peers(Child);

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn run(line: &str) {
    let mut words = line.split(' ');
    let status = Command::new(words.next().unwrap()).args(words).status();
    assert!(status.is_ok_and(|status| status.success()), "{line}");
}

fn metric(hub: &Process, name: &str) -> usize {
    let text = get(hub.address(), "/metrics").text().to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("tidings_{name} ")));
    line.expect("the metric").parse().expect("a number")
}

fn watch_ghosts() {
    run("ip link set lo up");
    let arguments = ["--until-eof", "--listen=0.0.0.0:0", "--anyone-may-publish", "--log"];
    let hub = Process::start(Command::new(hub_path()).args(arguments));
    let port = hub.address().port();
    let holder =
        Peers(Command::new("unshare").args(["-n", "sleep", "180"]).spawn().expect("unshare"));
    let namespace = holder.0.id();
    // Only once it is in a network of its own.
    let network = |id: &str| std::fs::read_link(format!("/proc/{id}/ns/net")).ok();
    until("a network of the peers' own", || network(&namespace.to_string()) != network("self"));
    let inside = format!("nsenter -t {namespace} -n");
    run(&format!("ip link add ours type veth peer name theirs address {MAC} netns {namespace}"));
    run("ip address add 10.77.0.1/24 dev ours");
    run("ip link set ours up");
    // As if there were a router between: the system here can't find that nobody is there.
    run(&format!("ip neighbour add 10.77.0.2 lladdr {MAC} nud permanent dev ours"));
    run(&format!("{inside} ip address add 10.77.0.2/24 dev theirs"));
    run(&format!("{inside} ip link set theirs up"));
    let mut words = inside.split(' ');
    let mut enter = Command::new(words.next().unwrap());
    let ghosts = itself(enter.args(words), &format!("10.77.0.1:{port}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut ghosts = Peers(ghosts.expect("nsenter can be started"));
    let mut lines = BufReader::new(ghosts.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")), "they never came");
    assert_eq!(metric(&hub, "streams"), STREAMS);

    let begun = thread::scope(|scope| {
        let slow = scope.spawn(|| read_slowly(&hub));
        run(&format!("{inside} ip link set theirs down"));
        let begun = Instant::now();
        while closed(&hub).len() < STREAMS {
            assert!(begun.elapsed() < MOST, "{} are noticed", closed(&hub).len());
            thread::sleep(Duration::from_millis(100));
        }
        println!("{STREAMS} ghosts are noticed after {:.1?}", begun.elapsed());
        slow.join().expect("the slow reader lives");
        begun
    });
    // The one who asks is the last.
    until("all others to be gone", || {
        [metric(&hub, "streams"), metric(&hub, "connections")] == [0, 1]
    });
    assert!(begun.elapsed() < MOST, "{:?}", begun.elapsed());
    let reset = |line: &String| line.ends_with("reason=\"the connection was reset\"");
    assert!(closed(&hub).iter().all(reset), "{}", closed(&hub)[0]);
}

/// The lines about streams of ghosts that have ended.
fn closed(hub: &Process) -> Vec<String> {
    hub.stderr().into_iter().filter(|line| line.starts_with("close peer=10.77.0.2:")).collect()
}

/// Two readers whose buffers are full for as long as a ghost lives. One stops for a while that is
/// shorter than the write deadline, reads a little, and stops again. The other one reads nothing:
/// it is the hub that ends its stream, which says why, before the system loses its patience.
fn read_slowly(hub: &Process) {
    let open = || {
        let mut stream = Client::to(hub.address());
        stream.open("/events/slow");
        stream
    };
    let (slow, stopped) = (open(), open());
    let mut socket: &TcpStream = slow.socket();
    for _ in 0..2 {
        (0..150).for_each(|_| publish(hub, "slow", &"x".repeat(60_000)));
        thread::sleep(Duration::from_secs(25));
        socket.read_exact(&mut vec![0; 1_000_000]).expect("it is not cut off");
    }
    let begin = format!("close peer={}", stopped.socket().local_addr().unwrap());
    let log = hub.stderr();
    let closed = log.iter().find(|line| line.starts_with(&begin)).expect("it has been ended");
    assert!(closed.ends_with("reason=\"the client stopped reading\""), "{closed}");
}

/// Holds connections to the hub until the test ends.
fn be_ghosts(hub: SocketAddr) {
    let streams: Vec<Client> = (0..STREAMS)
        .map(|_| {
            let mut stream = Client::to(hub);
            stream.open("/events/ghosts");
            stream
        })
        .collect();
    let kept: Vec<Client> = (0..KEPT)
        .map(|_| {
            let mut kept = Client::to(hub);
            assert_eq!(kept.get("/health").status, 200);
            kept
        })
        .collect();
    let halves: Vec<TcpStream> = (0..HALVES)
        .map(|_| {
            let mut half = connect(hub);
            half.write_all(b"GET / HTT").unwrap();
            half
        })
        .collect();
    println!("held");
    // To the end of the test, or of the patience that anybody has with it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop((streams, kept, halves));
}
