//! The file of a unix socket: made, taken over from a hub that has died, and removed at the end.
//!
//! ```text
//! lock the folder ─► bind ─► taken? ─► connect ─► refused: nobody listens ─► remove it, bind
//!                                         └─────► accepted: somebody does, so leave it
//! ```
//!
//! A process that dies doesn't remove its socket's file, and nobody can bind to that path then.
//! Whether somebody listens is known by connecting. Two hubs that start at once must not both find
//! a dead socket, where the second would remove that of the first: so the folder is locked
//! meanwhile, and no lock is left in it.
//!
//! The file is removed when the hub stops or can't start. It stays after a second signal, after a
//! kill or an abort, where the folder may not be written to any more, and where another file has
//! taken its place. One that stays is taken over by the next hub.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::sys;

/// Its owner and its group may connect.
const MODE: u32 = 0o660;

/// How long to wait for the lock of a folder, which a hub holds for a moment. Whatever else holds
/// it must not keep the hub from starting.
const LOCK: Duration = Duration::from_secs(1);

/// How long whoever listens may take to accept. One whose queue is full is alive all the same.
const CONNECT: Duration = Duration::from_secs(1);

/// The file of a socket that this process has made. Dropping it removes the file, unless there is
/// another one in its place by now.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    made: Identity,
}

/// What tells a file from any other that may ever stand in its place. The system may give the
/// number of a file that is gone to a new one, so the time counts as well.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    modified: (i64, i64),
}

impl From<Metadata> for Identity {
    fn from(of: Metadata) -> Self {
        Self { device: of.dev(), number: of.ino(), modified: (of.mtime(), of.mtime_nsec()) }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _lock = lock_folder(&self.path);
        if fs::symlink_metadata(&self.path).is_ok_and(|file| Identity::from(file) == self.made) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens at a path. An error says what is wrong and what to do.
pub(super) fn bind(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let (listener, file) = bind_locked(path)?;
    // Where the folder has a default ACL, the mask did not count. Nobody takes over a socket that
    // somebody listens on, and where this fails, the file goes with what is dropped here.
    fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(|error| error.to_string())?;
    Ok((listener, file))
}

/// Binds, if need be in place of a dead process, while no other hub does.
fn bind_locked(path: &Path) -> Result<(UnixListener, SocketFile), String> {
    let _lock = lock_folder(path);
    let listener = match bind_alone(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            remove_dead(path)?;
            bind_alone(path)
        }
        bound => bound,
    };
    let listener = listener.map_err(|error| refused(path, &error))?;
    let made = fs::symlink_metadata(path).map_err(|error| error.to_string())?.into();
    Ok((listener, SocketFile { path: path.into(), made }))
}

/// Binds, so that the file has its mode from the beginning.
fn bind_alone(path: &Path) -> io::Result<UnixListener> {
    sys::with_mask(!MODE & 0o777, || UnixListener::bind(path))
}

/// Removes the socket of a process that has died, and nothing else.
fn remove_dead(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => {
            return Err("that is a folder: name a file in it, such as its hub.sock".into());
        }
        Ok(file) if !file.file_type().is_socket() => {
            return Err("there is a file of that name, and it is no socket: give --listen \
                        another path, or remove the file if nobody needs it"
                .into());
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    match connect(path).map_err(|error| error.kind()) {
        Err(ErrorKind::ConnectionRefused) => fs::remove_file(path).map_err(|error| {
            format!(
                "a process that has died left its socket there, which can't be removed: {error}"
            )
        }),
        // It has gone meanwhile.
        Err(ErrorKind::NotFound) => Ok(()),
        Err(ErrorKind::PermissionDenied) => {
            Err("there is a socket that this user may not connect to, so that nobody knows \
                 whether it is in use: remove it if not, or give --listen another path"
                .into())
        }
        _ => Err("a running process listens there: stop it, or give --listen another path".into()),
    }
}

/// Connects, and waits a moment for that. A connect to a unix socket has no deadline, so a thread
/// waits for it.
fn connect(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    let probe = thread::Builder::new().name("tidings-probe".into());
    let probe = probe.spawn(move || UnixStream::connect(path).map(drop))?;
    let until = Instant::now() + CONNECT;
    // A channel in place of this would be 8 KiB of code, and save a millisecond at the start.
    while !probe.is_finished() {
        if Instant::now() >= until {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    probe.join().unwrap_or(Ok(()))
}

/// Locks the folder of a file against other hubs, as long as the returned value is held. Where that
/// can't be done, only two hubs that start in the same moment have no protection from each other.
fn lock_folder(path: &Path) -> Option<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new("."))).ok()?;
    let until = Instant::now() + LOCK;
    loop {
        match sys::try_lock(&folder) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                // `flock` has no deadline, so it is asked again and again.
                thread::sleep(Duration::from_millis(5));
            }
            locked => return locked.ok().map(|()| folder),
        }
    }
}

fn refused(path: &Path, error: &io::Error) -> String {
    let (length, most) = (path.as_os_str().len(), longest());
    if length > most {
        return format!(
            "the path has {length} bytes, and that of a socket may have {most}: give --listen a \
             shorter one"
        );
    }
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such folder: make it first",
        ErrorKind::NotADirectory => "its folder is a file: give --listen another path",
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only: give --listen a path in /run"
        }
        ErrorKind::PermissionDenied => {
            "permission denied: give --listen a path in a folder that this user may write to"
        }
        _ => &error.to_string(),
    };
    why.into()
}

/// How long the path of a socket may be.
fn longest() -> usize {
    let fits = |length: &usize| SocketAddr::from_pathname("x".repeat(*length)).is_ok();
    (1..).take_while(fits).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of this test's own; what is there goes with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("tidings-{}-{name}.sock", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn exists(&self) -> bool {
            self.0.symlink_metadata().is_ok()
        }

        fn refused(&self) -> String {
            bind(&self.0).map(drop).expect_err("it is refused")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn row_56_the_file_is_the_group_s_and_goes_with_its_owner() {
        let place = Place::new("mode");
        let (listener, file) = bind(&place.0).unwrap();
        assert_eq!(place.0.metadata().unwrap().mode() & 0o7777, 0o660);
        UnixStream::connect(&place.0).unwrap();
        drop(listener);
        drop(file);
        assert!(!place.exists());
        let _listener = bind_alone(&place.0).unwrap();
        assert_eq!(place.0.metadata().unwrap().mode() & 0o7777, 0o660, "from the beginning");
    }

    #[test]
    fn row_56_a_socket_that_a_dead_process_left_is_taken_over() {
        let place = Place::new("dead");
        drop(UnixListener::bind(&place.0).unwrap());
        assert!(place.exists());
        let (_listener, _file) = bind(&place.0).unwrap();
        UnixStream::connect(&place.0).unwrap();
    }

    #[test]
    fn row_56_a_socket_that_is_in_use_is_left_alone() {
        let place = Place::new("living");
        let other = UnixListener::bind(&place.0).unwrap();
        let said = place.refused();
        assert_eq!(said, "a running process listens there: stop it, or give --listen another path");
        other.set_nonblocking(true).unwrap();
        other.accept().expect("it still listens there");
        UnixStream::connect(&place.0).expect("its file is still there");
    }

    #[test]
    fn row_56_what_is_no_socket_is_never_removed() {
        let (file, link, folder) = (Place::new("file"), Place::new("link"), Place::new("folder"));
        fs::write(&file.0, "dear").unwrap();
        std::os::unix::fs::symlink(&file.0, &link.0).unwrap();
        fs::create_dir(&folder.0).unwrap();
        for place in [&file, &link] {
            assert!(place.refused().starts_with("there is a file of that name"));
            assert!(place.exists());
        }
        let said = "that is a folder: name a file in it, such as its hub.sock";
        assert_eq!(folder.refused(), said);
        assert!(folder.exists());
        assert_eq!(fs::read_to_string(&file.0).unwrap(), "dear");
        fs::remove_dir(&folder.0).unwrap();
    }

    #[test]
    fn row_56_a_file_that_has_taken_the_place_of_ours_is_not_removed() {
        let place = Place::new("other");
        let (listener, file) = bind(&place.0).unwrap();
        fs::remove_file(&place.0).unwrap();
        drop(listener);
        // On some file systems it gets the number of the one before.
        let _other = UnixListener::bind(&place.0).unwrap();
        drop(file);
        assert!(place.exists());
    }

    #[test]
    fn row_56_of_hubs_that_start_at_once_on_a_dead_socket_one_has_it() {
        for _ in 0..20 {
            let place = Place::new("many");
            drop(UnixListener::bind(&place.0).unwrap());
            let bound: Vec<_> = thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|_| scope.spawn(|| bind(&place.0))).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1);
            UnixStream::connect(&place.0).expect("it is reached");
        }
    }

    #[test]
    fn what_can_not_be_bound_is_told_with_its_reason() {
        let long = Place(std::env::temp_dir().join("x".repeat(200)));
        let length = long.0.as_os_str().len();
        let most = longest();
        let said = format!(
            "the path has {length} bytes, and that of a socket may have {most}: give --listen a \
             shorter one"
        );
        assert_eq!(long.refused(), said);
        assert!((90..=110).contains(&most), "{most}");
        let nowhere = Place(std::env::temp_dir().join("no such folder/hub.sock"));
        assert_eq!(nowhere.refused(), "there is no such folder: make it first");
        let file = Place::new("no-folder");
        fs::write(&file.0, "").unwrap();
        let within = refused(&file.0.join("hub.sock"), &bind_alone(&file.0.join("x")).unwrap_err());
        let said = "its folder is a file: give --listen another path";
        assert_eq!(within, said);
        let read_only = refused(&file.0, &ErrorKind::ReadOnlyFilesystem.into());
        let said = "the file system is read-only: give --listen a path in /run";
        assert_eq!(read_only, said);
    }
}
