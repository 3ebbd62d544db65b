//! What a service needs of the system and std doesn't offer: to wait for signals, to set options of
//! a listening socket, to adopt a descriptor that a supervisor has opened, to lock a folder and to
//! make a file without more rights than it should have.
//!
//! This is the one file of the program with `unsafe`. The functions of C are declared by hand, each
//! with its man page; those that can't be misused in their types are declared `safe`. What is here
//! is known to hold on Linux. Elsewhere each function returns an error, and whoever calls it says
//! what is missing and goes on.

// The declarations below can't be checked by the compiler, and a number says nothing of who owns
// the descriptor.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
pub(super) use linux::{
    Signals, adopt, is_listening_stream, lengthen_queue, notice_ghosts, try_lock, with_mask,
};

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::*;

/// Numbers of the signals that end a program. All systems with signals agree on these.
pub(super) const SIGHUP: i32 = 1;
pub(super) const SIGINT: i32 = 2;
pub(super) const SIGTERM: i32 = 15;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{c_int, c_uint, c_ulong};
    use std::io;
    use std::net::TcpListener;
    use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
    use std::sync::{Mutex, PoisonError};

    use super::{SIGHUP, SIGINT, SIGTERM};

    const MIPS: bool = cfg!(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
    ));
    const SPARC: bool = cfg!(any(target_arch = "sparc", target_arch = "sparc64"));
    /// These took their numbers from older systems, and all other processors have the same.
    const OWN: bool = MIPS || SPARC;

    const SIG_BLOCK: c_int = if OWN { 1 } else { 0 };
    const SIG_UNBLOCK: c_int = if OWN { 2 } else { 1 };
    const SOL_SOCKET: c_int = if OWN { 0xFFFF } else { 1 };
    const SO_KEEPALIVE: c_int = if OWN { 8 } else { 9 };
    const SO_TYPE: c_int = if OWN { 0x1008 } else { 3 };
    const SO_ACCEPTCONN: c_int = if MIPS {
        0x1009
    } else if SPARC {
        0x8000
    } else {
        30
    };
    const SOCK_STREAM: c_int = if MIPS { 2 } else { 1 };

    const LOCK_EX: c_int = 2;
    const LOCK_NB: c_int = 4;

    const IPPROTO_TCP: c_int = 6;
    const TCP_KEEPIDLE: c_int = 4;
    const TCP_KEEPINTVL: c_int = 5;
    const TCP_KEEPCNT: c_int = 6;
    const TCP_USER_TIMEOUT: c_int = 18;
    const F_GETFD: c_int = 1;
    const F_SETFD: c_int = 2;
    const FD_CLOEXEC: c_int = 1;

    /// `sigset_t` (signal.h): 1,024 bits in glibc as in musl, on every processor.
    #[repr(C)]
    struct SignalSet([c_ulong; WORDS]);

    const WORDS: usize = 1024 / c_ulong::BITS as usize;

    /// `SIG_DFL` and `SIG_IGN`, where a handler could stand.
    #[derive(Clone, Copy, PartialEq)]
    #[repr(usize)]
    enum Disposition {
        Default = 0,
        Ignored = 1,
    }

    // SAFETY: these are the declarations of the man pages. A reference is a pointer that is not
    // null, an optional one may be, a borrowed descriptor is an int, and `socklen_t` is an unsigned
    // one. Those that are safe take no pointers but these references.
    unsafe extern "C" {
        /// sigsetops(3)
        safe fn sigemptyset(set: &mut SignalSet) -> c_int;
        /// sigsetops(3)
        safe fn sigaddset(set: &mut SignalSet, signal: c_int) -> c_int;
        /// pthread_sigmask(3)
        safe fn pthread_sigmask(
            how: c_int,
            set: &SignalSet,
            before: Option<&mut SignalSet>,
        ) -> c_int;
        /// sigwait(3)
        safe fn sigwait(set: &SignalSet, signal: &mut c_int) -> c_int;
        /// signal(2); returns the disposition before, which may be the address of a handler.
        safe fn signal(signal: c_int, disposition: Disposition) -> usize;
        /// listen(2)
        safe fn listen(socket: BorrowedFd<'_>, backlog: c_int) -> c_int;
        /// setsockopt(2)
        fn setsockopt(
            socket: BorrowedFd<'_>,
            level: c_int,
            name: c_int,
            value: &c_int,
            length: c_uint,
        ) -> c_int;
        /// getsockopt(2)
        fn getsockopt(
            socket: BorrowedFd<'_>,
            level: c_int,
            name: c_int,
            value: &mut c_int,
            length: &mut c_uint,
        ) -> c_int;
        /// flock(2)
        safe fn flock(file: BorrowedFd<'_>, operation: c_int) -> c_int;
        /// umask(2)
        safe fn umask(mask: c_uint) -> c_uint;
        /// fcntl(2)
        fn fcntl(descriptor: RawFd, command: c_int, ...) -> c_int;
    }

    /// What a function returns that leaves the reason for -1 in `errno`.
    fn check(returned: c_int) -> io::Result<c_int> {
        if returned == -1 { Err(io::Error::last_os_error()) } else { Ok(returned) }
    }

    /// What a function returns that returns the reason itself.
    fn check_number(error: c_int) -> io::Result<()> {
        if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
    }

    impl SignalSet {
        fn of(signals: impl IntoIterator<Item = c_int>) -> io::Result<Self> {
            let mut set = Self([0; WORDS]);
            check(sigemptyset(&mut set))?;
            for signal in signals {
                check(sigaddset(&mut set, signal))?;
            }
            Ok(set)
        }
    }

    /// The signals that end a program, blocked. Without a handler, nothing runs between two
    /// instructions of another function; and a signal that is blocked reaches a process with the
    /// number 1 too, for which the system drops those that it would only end by.
    pub(crate) struct Signals(SignalSet);

    impl Signals {
        /// Blocks SIGHUP, SIGINT and SIGTERM in this thread and those that it starts, so call it
        /// before the first of these.
        ///
        /// A signal stays ignored if whoever started the program has it ignored: SIGHUP under
        /// nohup(1), SIGINT in a script that starts the program with `&`. The system keeps a
        /// blocked signal even then, and `sigwait` would take it, so it must not be blocked.
        ///
        /// SIGPIPE needs nothing: std ignores it before `main`, so to write to a closed pipe is an
        /// error and no more.
        pub(crate) fn block() -> io::Result<Self> {
            const ALL: [c_int; 3] = [SIGHUP, SIGINT, SIGTERM];
            let all = SignalSet::of(ALL)?;
            // Blocked first, so that none ends the program while its disposition is asked for.
            check_number(pthread_sigmask(SIG_BLOCK, &all, None))?;
            let (ignored, kept): (Vec<_>, Vec<_>) =
                ALL.into_iter().partition(|number| is_ignored(*number));
            check_number(pthread_sigmask(SIG_UNBLOCK, &SignalSet::of(ignored)?, None))?;
            SignalSet::of(kept).map(Self)
        }

        /// Waits for one of them, and returns its number.
        pub(crate) fn wait(&self) -> io::Result<i32> {
            let mut number = 0;
            check_number(sigwait(&self.0, &mut number)).map(|()| number)
        }

        /// Lets them end the program again, for where nobody can wait for them.
        pub(crate) fn unblock(&self) -> io::Result<()> {
            check_number(pthread_sigmask(SIG_UNBLOCK, &self.0, None))
        }
    }

    /// Whether a signal is ignored. Only to set a disposition tells the one before. To set it back
    /// drops the signal if it has come meanwhile, so nothing is lost that would have been kept.
    fn is_ignored(number: c_int) -> bool {
        let before = signal(number, Disposition::Default);
        let is_ignored = before == Disposition::Ignored as usize;
        if is_ignored {
            signal(number, Disposition::Ignored);
        }
        is_ignored
    }

    fn set(socket: BorrowedFd<'_>, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
        let length = size_of_val(&value) as c_uint;
        // SAFETY: it reads `length` bytes from `value`, which has as many.
        check(unsafe { setsockopt(socket, level, name, &value, length) }).map(drop)
    }

    /// A connection that has been silent for so many seconds is probed: no later than a stream
    /// would send its heartbeat.
    const KEEP_IDLE: c_int = 15;
    /// So many seconds lie between two probes. The one that finds the user timeout over ends the
    /// connection, so it is noticed this much late at most.
    const KEEP_INTERVAL: c_int = 5;
    /// So many probes without a response end a connection, on a system that doesn't know the user
    /// timeout. With it, the system doesn't count them.
    const KEEP_COUNT: c_int = 3;
    /// So many milliseconds may pass until the peer acknowledges what was sent, or takes something
    /// if its buffer is full. With 15 seconds to the next heartbeat and a second to the check for
    /// closed peers, a ghost is noticed after 51 seconds. It is longer than the 30 seconds of
    /// `Limits::write_deadline`, so that a peer that is alive and takes nothing is ended by that,
    /// with a reason that tells it apart.
    const USER_TIMEOUT: c_int = 35_000;

    /// Has the system notice peers that vanish without a word, such as by a cable that is pulled.
    /// Linux copies these options to the sockets that are accepted (tcp(7), socket(7)).
    pub(crate) fn notice_ghosts(listener: &TcpListener) -> io::Result<()> {
        let socket = listener.as_fd();
        set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)?;
        for (name, value) in [
            (TCP_KEEPIDLE, KEEP_IDLE),
            (TCP_KEEPINTVL, KEEP_INTERVAL),
            (TCP_KEEPCNT, KEEP_COUNT),
            (TCP_USER_TIMEOUT, USER_TIMEOUT),
        ] {
            set(socket, IPPROTO_TCP, name, value)?;
        }
        Ok(())
    }

    /// So many connections may wait to be accepted, as when all clients come back at once after a
    /// restart. The system allows no more than net.core.somaxconn, which is 4,096 since Linux 5.4.
    /// Of std's 128, 1,000 clients that connect at once overflow the queue, and the ones left out
    /// try again after a second at the earliest.
    const QUEUE: c_int = 4_096;

    /// Has more connections wait for this listening socket, of any kind, than std asks for.
    pub(crate) fn lengthen_queue(listener: impl AsFd) -> io::Result<()> {
        check(listen(listener.as_fd(), QUEUE)).map(drop)
    }

    /// Whether this is a stream socket on which connections can be accepted.
    pub(crate) fn is_listening_stream(socket: impl AsFd) -> io::Result<bool> {
        let get = |name| {
            let (mut value, mut length) = (0, size_of::<c_int>() as c_uint);
            // SAFETY: it writes at most `length` bytes to `value`, which has as many.
            let got =
                unsafe { getsockopt(socket.as_fd(), SOL_SOCKET, name, &mut value, &mut length) };
            check(got).map(|_| value)
        };
        Ok(get(SO_TYPE)? == SOCK_STREAM && get(SO_ACCEPTCONN)? != 0)
    }

    /// Locks a file or a folder against others that lock it, until it is closed. Fails with
    /// `WouldBlock` if another has it locked.
    pub(crate) fn try_lock(file: impl AsFd) -> io::Result<()> {
        check(flock(file.as_fd(), LOCK_EX | LOCK_NB)).map(drop)
    }

    /// Does something while files are made without the rights in this mask. It holds for the whole
    /// process, so call it where no other thread makes files.
    pub(crate) fn with_mask<T>(mask: u32, make: impl FnOnce() -> T) -> T {
        // Two calls at once could each take the other's mask for the one before.
        static ONE_BY_ONE: Mutex<()> = Mutex::new(());
        let _guard = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = umask(mask);
        let made = make();
        umask(before);
        made
    }

    /// Adopts a descriptor that the program was started with, such as one of systemd's
    /// `LISTEN_FDS`, and has it closed in programs that this one starts.
    ///
    /// It fails for a number that is not open, is standard input, output or error (which std owns),
    /// or doesn't come from the start of the program. That it does is seen by `FD_CLOEXEC`: std
    /// sets it on whatever it opens, and no descriptor with it survives the start of a program. So
    /// the descriptor has no other owner here; and as this sets it, a second call fails.
    pub(crate) fn adopt(number: RawFd) -> io::Result<OwnedFd> {
        // Two calls at once would both see the flag unset.
        static ONE_BY_ONE: Mutex<()> = Mutex::new(());
        let _guard = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: `F_GETFD` takes no further argument, and touches no memory.
        let flags = check(unsafe { fcntl(number, F_GETFD) })?;
        if number <= 2 || flags & FD_CLOEXEC != 0 {
            let what = "it was not open when the program was started, or is in use already";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        // SAFETY: `F_SETFD` takes an int, and touches no memory.
        check(unsafe { fcntl(number, F_SETFD, flags | FD_CLOEXEC) })?;
        // SAFETY: it is open, and nothing else in this program owns it, as shown above.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::fd::{AsRawFd, IntoRawFd};

        #[test]
        fn a_descriptor_that_this_program_opened_is_not_adopted() {
            let own = TcpListener::bind("127.0.0.1:0").unwrap();
            for number in [-1, 0, 1, 2, own.as_raw_fd(), 1_000_000] {
                assert!(adopt(number).is_err(), "{number}");
            }
            assert!(own.local_addr().is_ok());
        }

        #[test]
        fn a_descriptor_is_adopted_once() {
            let own = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = own.local_addr().unwrap();
            let number = own.into_raw_fd();
            // As it is after the start of a program.
            // SAFETY: `F_SETFD` takes an int, and touches no memory.
            check(unsafe { fcntl(number, F_SETFD, 0) }).unwrap();
            let adopted = TcpListener::from(adopt(number).unwrap());
            assert_eq!(adopted.local_addr().unwrap(), address);
            assert!(adopt(number).is_err());
        }
    }
}

/// Takes a variable out of the environment, so that programs that this one starts don't have it.
/// Call it before the first thread is started.
#[cfg(unix)]
pub(super) fn remove_variable(name: &str) {
    // SAFETY: there is no other thread that could read the environment meanwhile.
    unsafe { std::env::remove_var(name) }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::net::TcpListener;

    fn missing<T>() -> io::Result<T> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "tidings does this on Linux only"))
    }

    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn block() -> io::Result<Self> {
            missing()
        }

        pub(crate) fn wait(&self) -> io::Result<i32> {
            missing()
        }

        pub(crate) fn unblock(&self) -> io::Result<()> {
            missing()
        }
    }

    pub(crate) fn notice_ghosts(_listener: &TcpListener) -> io::Result<()> {
        missing()
    }

    pub(crate) fn lengthen_queue<T>(_listener: T) -> io::Result<()> {
        missing()
    }

    #[cfg(unix)]
    pub(crate) fn adopt(_number: i32) -> io::Result<std::os::fd::OwnedFd> {
        missing()
    }

    #[cfg(unix)]
    pub(crate) fn is_listening_stream<T>(_socket: T) -> io::Result<bool> {
        missing()
    }

    #[cfg(unix)]
    pub(crate) fn try_lock<T>(_file: T) -> io::Result<()> {
        missing()
    }

    /// The caller sets the mode after that.
    #[cfg(unix)]
    pub(crate) fn with_mask<T>(_mask: u32, make: impl FnOnce() -> T) -> T {
        make()
    }
}
