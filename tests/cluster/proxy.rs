//! A link that breaks when it is told to: a TCP proxy before Redis, or before a hub.
//!
//! ```text
//! hub ──► Proxy ──► Redis      Up: what goes to the server
//!     ◄──       ◄──            Down: what comes back
//! ```

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// By way.
    stalled: [bool; 2],
    /// How many bytes may still pass before all connections are cut.
    left: [Option<usize>; 2],
    /// Nobody gets through: connections are taken and closed.
    down: bool,
    over: bool,
    cuts: usize,
    /// How many connections there were, and both sockets of those that there are.
    connections: usize,
    sockets: BTreeMap<usize, [TcpStream; 2]>,
}

impl State {
    fn cut(&mut self) {
        self.cuts += 1;
        self.left = [None; 2];
        for socket in self.sockets.values().flatten() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Proxy {
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if theirs.state.lock().unwrap().over {
                    return;
                }
                // A refused connection is one that is closed at once.
                let _ = client.and_then(|client| connect(&theirs, client, server));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap());
        self.shared.changed.notify_all();
    }

    /// Cuts all connections now.
    pub(crate) fn cut(&self) {
        self.change(State::cut);
    }

    /// Cuts all connections once so many more bytes have gone this way.
    pub(crate) fn cut_after(&self, way: Way, bytes: usize) {
        self.change(|state| state.left[way as usize] = Some(bytes));
    }

    /// How often connections were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.state.lock().unwrap().cuts
    }

    /// Lets nothing go this way, and keeps it.
    pub(crate) fn stall(&self, way: Way) {
        self.change(|state| state.stalled[way as usize] = true);
    }

    /// Lets nobody through from now on.
    pub(crate) fn take_down(&self) {
        self.change(|state| {
            state.down = true;
            state.cut();
        });
    }

    /// Lets everything go again, and first what was kept.
    pub(crate) fn let_go(&self) {
        self.change(|state| (state.stalled, state.left, state.down) = Default::default());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|state| {
            state.over = true;
            state.cut();
        });
        // The thread that accepts sees it with the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn connect(shared: &Arc<Shared>, client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    if shared.state.lock().unwrap().down {
        return Ok(());
    }
    let server = TcpStream::connect(server)?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    let pairs = [
        (Way::Up, client.try_clone()?, server.try_clone()?),
        (Way::Down, server.try_clone()?, client.try_clone()?),
    ];
    let mut state = shared.state.lock().unwrap();
    state.connections += 1;
    let number = state.connections;
    state.sockets.insert(number, [client, server]);
    drop(state);
    for (way, from, to) in pairs {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            pump(&shared, way, &from, &to);
            shared.state.lock().unwrap().sockets.remove(&number);
        });
    }
    Ok(())
}

/// Brings bytes from one socket to the other until either ends; then both end.
fn pump(shared: &Shared, way: Way, mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let state = shared.state.lock().unwrap();
        let waits = |state: &mut State| state.stalled[way as usize] && !state.over;
        let mut state = shared.changed.wait_while(state, waits).unwrap();
        let left = &mut state.left[way as usize];
        let passes = left.map_or(read, |left| left.min(read));
        let is_last = left.as_mut().is_some_and(|left| {
            *left -= passes;
            *left == 0
        });
        // Other connections don't wait for a peer that reads slowly.
        drop(state);
        let written = to.write_all(&buffer[..passes]);
        if is_last {
            shared.state.lock().unwrap().cut();
        }
        if written.is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
