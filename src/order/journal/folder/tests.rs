//! Tests of the real disk.

use super::*;

/// A folder of the test's own, removed at its end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn check(file: &dyn DiskFile) {
    file.write_all_at(b"hello, world", 0).unwrap();
    file.write_all_at(b"W", 7).unwrap();
    let mut buffer = [0; 5];
    assert_eq!(file.read_at(&mut buffer, 7).unwrap(), 5);
    assert_eq!(&buffer, b"World");
    file.set_len(3).unwrap();
    assert_eq!((file.len().unwrap(), file.read_at(&mut buffer, 1).unwrap()), (3, 2));
    assert_eq!(file.read_at(&mut buffer, 3).unwrap(), 0);
    file.sync().unwrap();
}

#[test]
fn files_are_written_and_read_at_places() {
    let place = Temporary::new("places");
    let folder = Folder::make(&place.0).unwrap();
    check(&*folder.create("a").unwrap());
    check(&*folder.open("a", true).unwrap());
    // As where the system has no such calls.
    let file = OpenOptions::new().read(true).write(true).open(place.0.join("a")).unwrap();
    check(&elsewhere::RealFile::new(file));
    let again = folder.create("a").err().expect("it is there");
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    folder.create("b").unwrap();
    fs::create_dir(place.0.join("c")).unwrap();
    folder.sync_folder().unwrap();
    let mut files = folder.list().unwrap();
    files.sort();
    assert_eq!(files, [("a".into(), 3), ("b".into(), 0)]);
    folder.remove("a").unwrap();
    assert_eq!(folder.list().unwrap(), [("b".into(), 0)]);
}

#[test]
fn a_missing_folder_is_made_with_those_that_it_is_in() {
    let place = Temporary::new("made");
    let path = place.0.join("a/b");
    for _ in 0..2 {
        assert!(Folder::make(&path).unwrap().list().unwrap().is_empty());
    }
    fs::write(path.join("file"), "").unwrap();
    assert!(Folder::make(&path.join("file")).is_err());
    assert!(Folder::make(&path.join("file/below")).is_err());
}

#[test]
fn a_folder_is_locked_by_one_at_a_time_and_whoever_is_refused_learns_by_whom() {
    let place = Temporary::new("locked");
    let folder = Folder::make(&place.0).unwrap();
    let lock = folder.lock().unwrap();
    let error = Folder::at(&place.0).lock().unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the journal in {} belongs to another hub (this process): stop that one first, or \
             give this one another folder",
            place.0.display()
        )
    );
    drop(lock);
    folder.lock().unwrap();
    assert_eq!(
        fs::read_to_string(place.0.join("lock")).unwrap(),
        format!("{}\n", std::process::id())
    );
}

#[test]
fn whoever_comes_while_a_hub_is_ending_has_its_lock_then() {
    let place = Temporary::new("ending");
    let folder = Folder::make(&place.0).unwrap();
    let lock = folder.lock().unwrap();
    let ending = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(lock);
    });
    folder.lock().unwrap();
    ending.join().unwrap();
}
