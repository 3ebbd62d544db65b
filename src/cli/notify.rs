//! Tells the supervisor that started the program how far it is (sd_notify(3)).
//!
//! ```text
//! NOTIFY_SOCKET = path that begins with "/" / "@" name      a unix socket for datagrams
//! datagram      = "READY=1" / "STOPPING=1"
//! ```
//!
//! A supervisor that can't be told is no reason not to serve, so nothing here fails or waits.
//! Whoever watches the start is told once.

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// Clients can connect.
    Ready,
    /// The end has begun.
    Stopping,
}

/// Tells whoever has set `NOTIFY_SOCKET`.
#[cfg(unix)]
pub(super) fn tell(state: State) {
    use std::os::unix::net::UnixDatagram;

    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let message: &[u8] = match state {
        State::Ready => b"READY=1",
        State::Stopping => b"STOPPING=1",
    };
    let told = address(&name).and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(message, &address)
    });
    if let (State::Ready, Err(error)) = (state, told) {
        super::say(&format!(
            "can't tell the supervisor at {name:?} (NOTIFY_SOCKET) that the hub is ready: {error}: \
             let the hub reach it, or unset it"
        ));
    }
}

#[cfg(unix)]
fn address(name: &std::ffi::OsStr) -> std::io::Result<std::os::unix::net::SocketAddr> {
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;

    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => Err(std::io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(not(unix))]
pub(super) fn tell(_state: State) {}
