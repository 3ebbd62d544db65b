//! A hub whose journal is on a file system that is full, or that can't be written: one of the
//! test's own, in a namespace of the hub's.

use std::fs;
use std::process::Command;

use tidings::JournalReader;

use super::super::support::http::{get, post};
use super::super::support::namespaces::can;
use super::super::support::process::{hub_path, run};
use super::super::support::stream::EventStream;
use super::super::support::until;
use super::*;

/// A place where file systems are mounted, which nobody but the hub sees.
struct Place(PathBuf);

impl Place {
    /// `None` where namespaces can't be made.
    fn new(name: &str) -> Option<Self> {
        let path = std::env::temp_dir().join(format!("tidings-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("the directory for such files can be written");
        let place = Self(path);
        let mount = format!("mount -t tmpfs none {}", place.0.display());
        can(&["unshare", "--mount", "sh", "-c", &mount]).then_some(place)
    }

    /// The hub, in a namespace in which this was done before. `$0` is the place.
    fn hub(&self, before: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        let script = format!("{before}\nexec \"$@\"");
        command.args(["--mount", "sh", "-ec", &script]).arg(&self.0);
        command.arg(hub_path()).args([LISTEN, &format!("--journal={}/journal", self.0.display())]);
        command.args(arguments);
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn row_58_a_full_disk_refuses_publishes_until_there_is_room_and_streams_go_on() {
    let Some(place) = Place::new("full") else { return };
    for sync in ["none", "interval", "always"] {
        let before = "mount -t tmpfs -o size=1m none \"$0\"\n\
                      dd if=/dev/zero of=\"$0/filler\" bs=1k count=900 2>/dev/null";
        let hub = Process::start(&mut place.hub(before, &[&format!("--journal-sync={sync}")]));
        let mut stream = EventStream::open(hub.address(), "/events/news");
        let data = "x".repeat(3_000);
        let publish = || post(hub.address(), "/events/news", &data);
        let mut ids = Vec::new();
        let refused = loop {
            let response = publish();
            if response.status != 200 {
                break response;
            }
            ids.push(response.text().trim_end().to_owned());
            assert!(ids.len() < 100, "one megabyte is full by now");
        };
        assert!(ids.len() > 10, "{ids:?}");
        for response in [refused, publish(), publish()] {
            assert_eq!(response.status, 507, "{}", response.text());
            assert!(response.text().contains("No space left on device"), "{}", response.text());
        }
        assert_eq!(get(hub.address(), "/health").status, 200);
        let metrics = get(hub.address(), "/metrics");
        let counted = "\ntidings_publishes_refused_total 3\n";
        assert!(metrics.text().contains(counted), "{}", metrics.text());
        // Whoever runs the hub is told, and not once for each publisher.
        let told = "tidings: a publish was refused: the disk of the journal is full: ";
        let times = || hub.stderr().iter().filter(|line| line.starts_with(told)).count();
        until("a line on standard error", || times() > 0);
        assert_eq!(times(), 1, "{:?}", hub.stderr());

        let inside = PathBuf::from(format!("/proc/{}/root{}", hub.id(), place.0.display()));
        fs::remove_file(inside.join("filler")).expect("root comes into the hub's namespace");
        let response = publish();
        assert_eq!(response.status, 200, "{}", response.text());
        let id = response.text().trim_end().to_owned();
        let sequence = id.split_once('-').expect("an id").1;
        assert_eq!(sequence, (ids.len() + 1).to_string(), "no number was used up");
        ids.push(id);

        // Streams and the journal have what was acknowledged, and nothing else.
        let received: Vec<String> =
            ids.iter().map(|_| stream.next().unwrap().last_event_id).collect();
        assert_eq!(received, ids);
        let reader = JournalReader::open(inside.join("journal")).unwrap();
        let records = reader.records(None).unwrap();
        let kept: Vec<String> = records.map(|record| record.unwrap().id.into()).collect();
        assert_eq!(kept, ids);
    }
}

#[test]
fn a_journal_that_can_not_be_written_is_told_before_the_hub_listens() {
    let Some(place) = Place::new("read-only") else { return };
    for made in ["mkdir \"$0/journal\"", "true"] {
        let before = format!("mount -t tmpfs none \"$0\"\n{made}\nmount -o remount,ro \"$0\"");
        let (stdout, stderr, status) = run(&mut place.hub(&before, &[]), b"");
        assert!(stderr.contains("Read-only file system"), "{stderr}");
        assert!(stderr.contains(&place.0.display().to_string()), "{stderr}");
        assert_eq!((&*stdout, status), ("", Some(1)));
    }
}
