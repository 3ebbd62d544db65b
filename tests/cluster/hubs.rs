//! The hubs of a test: processes that are killed, and come back at the same address.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::place::Place;
use crate::support::process::{Process, hub_path, signal};

/// The port of the first hub.
const PORT: u16 = 3000;

pub(crate) struct Hubs(Vec<Hub>);

struct Hub {
    address: SocketAddr,
    arguments: Vec<String>,
    process: Mutex<Option<Process>>,
    /// How often it was started or killed: it runs while this is odd.
    life: AtomicUsize,
    is_stopped: AtomicBool,
}

impl Hubs {
    /// Starts a hub for each of these sets of arguments.
    pub(crate) fn start(place: &Place, each: Vec<Vec<String>>) -> Self {
        let hub = |(port, arguments)| {
            let (process, life, is_stopped) = Default::default();
            Hub { address: place.address(port), arguments, process, life, is_stopped }
        };
        let hubs = Self((PORT..).zip(each).map(hub).collect());
        (0..hubs.count()).for_each(|hub| hubs.start_again(hub));
        hubs
    }

    /// So many hubs over this Redis, which remember more than any test publishes.
    pub(crate) fn over(place: &Place, urls: &[String]) -> Self {
        Self::start(place, urls.iter().map(|url| over(url)).collect())
    }

    /// The address of the hub with this number, also of one that isn't started yet.
    pub(crate) fn address_of(place: &Place, hub: usize) -> SocketAddr {
        place.address(PORT + hub as u16)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn address(&self, hub: usize) -> SocketAddr {
        self.0[hub].address
    }

    /// Changes with each start and each kill.
    pub(crate) fn life(&self, hub: usize) -> usize {
        self.0[hub].life.load(Ordering::SeqCst)
    }

    pub(crate) fn is_up(&self, hub: usize) -> bool {
        self.life(hub) % 2 == 1
    }

    pub(crate) fn kill(&self, hub: usize) {
        let hub = &self.0[hub];
        // First, so that whoever sees its streams end knows why.
        hub.life.fetch_add(1, Ordering::SeqCst);
        hub.process.lock().unwrap().take().expect("it runs").kill();
    }

    pub(crate) fn start_again(&self, hub: usize) {
        self.start_with(hub, |_| {});
    }

    pub(crate) fn start_with(&self, hub: usize, change: impl FnOnce(&mut Command)) {
        let hub = &self.0[hub];
        let mut command = Command::new(hub_path());
        command.arg(format!("--listen={}", hub.address)).arg("--until-eof").args(&hub.arguments);
        change(&mut command);
        *hub.process.lock().unwrap() = Some(Process::start(&mut command));
        hub.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Stops it, as a machine does that hangs. Nobody publishes there meanwhile.
    pub(crate) fn stop(&self, hub: usize) {
        self.0[hub].is_stopped.store(true, Ordering::SeqCst);
        self.signal(hub, "STOP");
    }

    pub(crate) fn go_on(&self, hub: usize) {
        self.signal(hub, "CONT");
        self.0[hub].is_stopped.store(false, Ordering::SeqCst);
    }

    fn signal(&self, hub: usize, name: &str) {
        signal(self.0[hub].process.lock().unwrap().as_ref().expect("it runs").id(), name);
    }

    /// Whether it runs and isn't stopped.
    pub(crate) fn responds(&self, hub: usize) -> bool {
        self.is_up(hub) && !self.0[hub].is_stopped.load(Ordering::SeqCst)
    }

    /// Those that have ended by themselves.
    pub(crate) fn ended(&self) -> Vec<String> {
        let ended = |hub: &Hub| {
            let mut process = hub.process.lock().unwrap();
            let process = process.as_mut()?;
            let status = process.child().try_wait().expect("a child")?;
            Some(format!("the hub at {} ended: {status}: {:?}", hub.address, process.stderr()))
        };
        self.0.iter().filter_map(ended).collect()
    }
}

/// The arguments of a hub that remembers more than any test publishes.
pub(crate) fn remembers() -> Vec<String> {
    ["--history=1000000", "--history-bytes=268435456"].map(str::to_owned).into()
}

/// The arguments of a hub over this Redis.
pub(crate) fn over(url: &str) -> Vec<String> {
    let more = ["--redis-name=tests", "--redis-length=1000000"].map(str::to_owned);
    let over = [format!("--redis={url}")].into_iter().chain(more);
    over.chain(remembers()).collect()
}
