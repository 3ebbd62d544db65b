//! Row 50: connections whose sockets are full to the byte, and that then ask to be told when to
//! send a body; and among them somebody who only wants a response.
//!
//! ```text
//! GET /page.css … GET /page.css, GET /events/!!!!! │ POST … Expect: 100-continue
//! many responses, and one that fills the rest      │ 25 bytes more, for which there is no room
//! ```
//!
//! How much a system takes for a peer that reads nothing is up to the system, but the same each
//! time; so it is found by trying. It is a few MiB, unless the system is told otherwise. To have
//! thousands of them, take a network of its own with smaller ones:
//!
//! ```text
//! unshare -rn sh -c 'ip link set lo up; cd /proc/sys/net/ipv4
//!     echo 4096 16384 65536 | tee tcp_rmem > tcp_wmem; cd -
//!     TIDINGS_SOAK_FULL=8000 cargo test --release --test it soak::full -- --nocapture'
//! ```

use std::io::Write;
use std::thread;
use std::time::Duration;

use super::crowd::{Latencies, PATIENCE, SWIFT};
use super::vitals::{Vitals, find_metric, metric, until_back};
use super::{asked, hub, length};
use crate::support::http::{Client, connect};
use crate::support::process::Process;

/// So many responses of that size fit into no socket.
const MUCH: usize = 4_000;
/// How many lengths of the last response are tried at once, and how far the first are apart: they
/// span more than two of the responses before it.
const TRIES: usize = 32;
const APART: usize = 375;
/// Longer than the system of a peer that reads nothing takes to find some more room.
const REST: Duration = Duration::from_millis(500);

/// What fills a socket.
#[derive(Clone, Copy, Debug)]
struct Filling {
    responses: usize,
    /// The length of the name in the last request, which its response repeats.
    last: usize,
}

impl Filling {
    /// Nothing where the system takes more at one time than at another.
    fn find(hub: &Process) -> Option<Self> {
        let mut asker = Asker::of(hub);
        let mut full = connect(hub.address());
        full.set_write_timeout(Some(REST)).expect("a time limit");
        // Where sockets are small the hub stops reading before it has had all of it.
        let _ = full.write_all(get("/page.css").repeat(MUCH).as_bytes());
        let responses = asker.at_rest().saturating_sub(2);
        let (mut first, mut apart) = (0, APART);
        loop {
            let tries = (0..TRIES).map(|n| Self { responses, last: first + n * apart });
            let (requests, published) = (asker.begun(), asker.published());
            let ask = |filling: Self| {
                let mut client = filling.fill(hub);
                client.send(ASK);
                client
            };
            let mut clients: Vec<Client> = tries.map(ask).collect();
            let begun = asker.at_rest().checked_sub(requests + TRIES * (responses + 1))?;
            clients.iter_mut().for_each(|client| client.send(BODY));
            thread::sleep(REST);
            let told = asker.published() - published;
            if told < begun {
                return Some(Self { responses, last: first + told * apart });
            }
            if told == 0 || apart == 1 {
                return None;
            }
            first += (told - 1) * apart;
            apart = (apart / (TRIES - 1)).max(1);
        }
    }

    /// Sends the requests whose responses fill the socket.
    fn fill(self, hub: &Process) -> Client {
        let last = get(&format!("/events/{}", "!".repeat(self.last)));
        let mut client = Client::to(hub.address());
        client.send(get("/page.css").repeat(self.responses) + &last);
        client
    }
}

/// Has no room for the response that asks for its body.
const ASK: &str = "POST /events/full HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
                   Expect: 100-continue\r\n\r\n";
const BODY: &str = "hi";

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Asks the hub what it has counted, and leaves out what it asks itself.
struct Asker {
    client: Client,
    asked: usize,
}

impl Asker {
    fn of(hub: &Process) -> Self {
        let mut asker = Self { client: Client::to(hub.address()), asked: 0 };
        asker.asked = metric(hub, "requests_total");
        asker
    }

    fn count(&mut self, name: &str) -> usize {
        self.asked += 1;
        find_metric(&self.client.get("/metrics"), name)
    }

    /// How many requests of others have begun.
    fn begun(&mut self) -> usize {
        self.count("requests_total") - self.asked
    }

    fn published(&mut self) -> usize {
        self.count("events_published_total")
    }

    /// How many requests of others have begun when no more do.
    fn at_rest(&mut self) -> usize {
        let mut before = self.begun();
        loop {
            thread::sleep(REST);
            let now = self.begun();
            if now == before {
                return now;
            }
            before = now;
        }
    }
}

/// On a busy machine a system may take more of one peer than of another. Then it is tried again, and
/// at last left out, unless it was asked for.
#[test]
fn row_50_a_fresh_request_is_answered_beside_full_sockets_that_ask_to_go_on() {
    let many = asked("TIDINGS_SOAK_FULL", 16);
    if (0..3).any(|_| all_were_full(many)) {
        return;
    }
    assert!(many < 1000, "the sockets could not be filled to the byte");
    println!("left out: the sockets could not be filled to the byte");
}

/// Measures beside so many sockets, and gives whether they were full.
fn all_were_full(many: usize) -> bool {
    let hub = hub(&[]);
    let before = Vitals::at_rest(&hub);
    let Some(filling) = Filling::find(&hub) else { return false };
    let mut full: Vec<Client> = (0..many).map(|_| filling.fill(&hub)).collect();
    let mut asker = Asker::of(&hub);
    let (filled, published) = (asker.at_rest(), asker.published());

    let latencies = thread::scope(|scope| {
        let ask = || full.iter_mut().for_each(|client| client.send(ASK));
        let asking = scope.spawn(ask);
        let latencies = Latencies::measure(hub.address(), length());
        asking.join().expect("its own result");
        latencies
    });
    println!("beside {many} full sockets, {filling:?}: {latencies}");
    let begun = asker.at_rest() - filled - latencies.many();
    assert!(latencies.of_a_thousand(1000) < if many > 1000 { SWIFT } else { PATIENCE });

    // Hardly any had room to be told, and all are told when they have.
    full.iter_mut().for_each(|client| client.send(BODY));
    asker.at_rest();
    let told = asker.published() - published;
    if begun * 20 < many * 19 || told * 20 > many {
        println!("{begun} of {many} asked, {told} were told");
        return false;
    }
    for client in full.iter_mut().take(16) {
        (0..=filling.responses).for_each(|_| drop(client.response()));
        assert_eq!(client.response().status, 100);
        assert_eq!(client.response().status, 200);
    }
    drop((full, asker));
    until_back(&hub, &before);
    true
}
