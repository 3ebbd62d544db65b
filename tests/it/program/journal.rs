//! A hub with a journal, which is killed and started again, and the command that shows what is
//! there.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tidings::client::{EventSource, Update};

use super::super::support::http::get;
use super::super::support::process::{hub_path, run_fed, run_hub, signal};
use super::super::support::stream::{EventStream, next};
use super::super::support::until_some;
use super::*;

/// A folder for a journal, which goes with the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("tidings-{}-journal-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn argument(&self) -> String {
        format!("--journal={}", self.0.display())
    }

    pub(super) fn hub(&self, arguments: &[&str]) -> Process {
        hub(&[&[&*self.argument()], arguments].concat())
    }

    /// Runs `tidings journal` on it: what it prints, what it says, and its exit status.
    fn shown(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let folder = self.0.display().to_string();
        run_hub(&[&["journal", &folder], arguments].concat())
    }

    /// The only segment.
    fn segment(&self) -> PathBuf {
        let mut segments = self.segments();
        assert_eq!(segments.len(), 1, "{segments:?}");
        segments.remove(0)
    }

    fn segments(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(&self.0).expect("the folder").map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            all.filter(|path| path.extension().is_some_and(|end| end == "sse")).collect();
        segments.sort();
        segments
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits for the line on standard error that begins like this.
#[track_caller]
fn said(hub: &Process, begin: &str) -> String {
    let find = || hub.stderr().into_iter().find(|line| line.starts_with(begin));
    until_some(&format!("{begin:?} on standard error"), find)
}

/// Publishes each of these, and gives their ids and data.
#[track_caller]
fn publish_all(hub: &Process, target: &str, data: &[&str]) -> Vec<(String, String)> {
    data.iter().map(|data| (publish(hub, target, data), (*data).to_owned())).collect()
}

#[test]
fn a_hub_that_was_killed_goes_on_where_it_was_at_every_level_of_sync() {
    for sync in ["none", "interval", "always"] {
        let folder = Folder::new(&format!("killed-{sync}"));
        let sync = format!("--journal-sync={sync}");
        let mut published = Vec::new();
        for start in ["first", "second", "third"] {
            let mut hub = folder.hub(&[&sync]);
            published.extend(publish_all(&hub, "/events/a", &[start, "2\n\n3"]));
            publish(&hub, "/events/b", "of another channel");
            let mut stream = EventStream::resume(hub.address(), "/events/a", "0-0");
            assert_eq!(next(&mut stream, published.len()), published);
            let mut stream = EventStream::resume(hub.address(), "/events/a", &published[0].0);
            assert_eq!(next(&mut stream, published.len() - 1), published[1..]);
            hub.kill();
        }
        let mut stopped = folder.hub(&[]);
        signal(stopped.id(), "TERM");
        assert_eq!(stopped.ended(), Some(0));
        let hub = folder.hub(&[]);
        let mut stream = EventStream::open(hub.address(), "/events/a?history=2");
        assert_eq!(next(&mut stream, 2), published[4..]);
        let id = |id: &str| {
            let (epoch, sequence) = id.split_once('-').expect("two numbers");
            [epoch, sequence].map(|number| number.parse::<u64>().expect("a number"))
        };
        assert!(published.is_sorted_by(|(a, _), (b, _)| id(a) < id(b)), "{published:?}");
    }
}

#[test]
fn a_stream_that_was_open_when_the_hub_was_killed_misses_nothing() {
    let folder = Folder::new("open");
    let mut first = folder.hub(&[]);
    let url = format!("http://{}/events/a", first.address());
    let wait = std::time::Duration::from_millis(10);
    let mut source = EventSource::new(&url).unwrap().reconnection_time(wait);
    assert!(matches!(source.next_update(), Some(Ok(Update::Opened { .. }))));
    publish(&first, "/events/a", "1");
    first.kill();
    let second = Process::hub(&[&format!("--listen={}", first.address()), &folder.argument()]);
    publish(&second, "/events/a", "2");
    let data: Vec<_> = source.by_ref().take(2).map(|event| event.unwrap().data).collect();
    assert_eq!(data, ["1", "2"]);
}

#[test]
fn what_is_found_is_told_and_a_torn_end_is_cut_off() {
    let folder = Folder::new("torn");
    let mut first = folder.hub(&[]);
    let path = folder.0.display();
    let said_first = format!("tidings: the journal {path} is empty");
    assert_eq!(said(&first, "tidings: the journal"), said_first);
    let id = publish(&first, "/events/a", "whole");
    first.kill();
    let segment = folder.segment();
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, [&whole[..], b"id: 1-2\nchannel: a"].concat()).unwrap();
    let (checked, stderr, status) = folder.shown(&["--check"]);
    let name = segment.file_name().unwrap().to_str().unwrap();
    let end = "are the beginning of an event that was never acknowledged, or not yet";
    let all = "1 event in 1 segment: nothing is wrong";
    assert_eq!(checked, format!("{name}: the last 18 bytes {end}\n{all}\n"));
    assert_eq!((&*stderr, status), ("", Some(0)));
    let mut second = folder.hub(&[]);
    let bytes = whole.len();
    let said_second = format!(
        "tidings: the journal {path} has 1 segment of {bytes} bytes, up to the event {id}; 18 \
         bytes after it were no whole event or batch, and were cut off"
    );
    assert_eq!(said(&second, "tidings: the journal"), said_second);
    assert_eq!(fs::read(&segment).unwrap(), whole);
    second.kill();
    let third = folder.hub(&[]);
    let said_third =
        format!("tidings: the journal {path} has 1 segment of {bytes} bytes, up to the event {id}");
    assert_eq!(said(&third, "tidings: the journal"), said_third);
}

#[track_caller]
fn failure(arguments: &[&str], said: &str) {
    let (stdout, stderr, status) = run_hub(&[&[LISTEN], arguments].concat());
    assert_eq!(stderr, format!("tidings: {said}\n"));
    assert_eq!((&*stdout, status), ("", Some(1)));
}

#[test]
fn a_folder_belongs_to_one_hub() {
    let folder = Folder::new("locked");
    let first = folder.hub(&[]);
    let said = format!(
        "the journal in {} belongs to another hub (process {}): stop that one first, or give this \
         one another folder",
        folder.0.display(),
        first.id(),
    );
    failure(&[&folder.argument()], &said);
    publish(&first, "/events/a", "still there");
}

#[test]
fn a_journal_that_can_not_be_is_told_before_the_hub_listens() {
    let file = TemporaryFile::new("no-folder", "");
    let (stdout, stderr, status) = run_hub(&[LISTEN, &format!("--journal={}", file.0.display())]);
    let path = file.0.display().to_string();
    assert!(stderr.contains(&path) && stderr.contains("Not a directory"), "{stderr}");
    assert_eq!((&*stdout, status), ("", Some(1)));
    let folder = Folder::new("format");
    fs::create_dir(&folder.0).unwrap();
    fs::write(folder.0.join("7-1.sse"), ": tidings journal 2\nid: 7-1\n").unwrap();
    let (stdout, stderr, status) = run_hub(&[LISTEN, &folder.argument()]);
    let said = format!(
        "tidings: {}: the journal's segment 7-1.sse has the format 2, and this version reads \
         format 1: start the version that wrote it, or give this one another folder\n",
        folder.0.display(),
    );
    assert_eq!((&*stdout, &*stderr, status), ("", &*said, Some(1)));
    let kept = fs::read(folder.0.join("7-1.sse")).unwrap();
    assert_eq!(kept, b": tidings journal 2\nid: 7-1\n");
}

#[test]
fn options_of_a_journal_without_one_are_refused() {
    for (flag, name) in [("--journal-sync=always", "sync"), ("--journal-bytes=200000", "bytes")] {
        let said = format!(
            "--journal-{name} says how a journal is kept, and there is none: name its folder with \
             --journal DIR"
        );
        let (stdout, stderr, status) = run_hub(&[LISTEN, flag]);
        assert_eq!(stderr, format!("tidings: {said}\n'tidings --help' lists the options\n"));
        assert_eq!((&*stdout, status), ("", Some(2)));
    }
}

#[test]
fn metrics_count_the_journal_where_there_is_one() {
    let without = hub(&[]);
    assert!(!get(without.address(), "/metrics").text().contains("tidings_journal"));
    let folder = Folder::new("metrics");
    let hub = folder.hub(&[]);
    publish(&hub, "/events/a", "x");
    let bytes = fs::metadata(folder.segment()).unwrap().len();
    let metrics = get(hub.address(), "/metrics");
    for series in [
        "tidings_journal_segments 1\n".to_owned(),
        format!("tidings_journal_bytes {bytes}\n"),
        "tidings_journal_failed 0\n".into(),
    ] {
        assert!(metrics.text().contains(&format!("\n{series}")), "{series}: {}", metrics.text());
    }
}

/// The table without what differs from run to run: times, and the numbers of bytes.
fn counts(table: &str) -> Vec<[String; 3]> {
    let words = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.map(|words| [words[0], words[1], words[5]].map(str::to_owned)).collect()
}

#[test]
fn a_journal_is_shown_beside_the_running_hub() {
    let folder = Folder::new("shown");
    let mut first = folder.hub(&[]);
    publish(&first, "/events/b", "1");
    let epoch = |id: String| id.split_once('-').expect("an id").0.to_owned();
    let one = epoch(publish(&first, "/events/a", "2"));
    first.kill();
    let second = folder.hub(&[]);
    let two = epoch(publish(&second, "/events/b", "3"));
    let (table, stderr, status) = folder.shown(&[]);
    assert_eq!((&*stderr, status), ("", Some(0)));
    let [segment_one, segment_two] = [&one, &two].map(|epoch| format!("{epoch}-1.sse"));
    let path = folder.0.display().to_string();
    let expected = [
        ["segment", "2", &segment_one],
        ["segment", "1", &segment_two],
        ["epoch", "2", &one],
        ["epoch", "1", &two],
        ["channel", "1", "a"],
        ["channel", "2", "b"],
        ["journal", "3", &path],
    ];
    assert_eq!(counts(&table), expected);
    let (checked, stderr, status) = folder.shown(&["--check"]);
    assert_eq!((&*checked, &*stderr), ("3 events in 2 segments: nothing is wrong\n", ""));
    assert_eq!(status, Some(0));
}

#[test]
fn its_events_are_an_event_stream_for_tail_and_mock() {
    let folder = Folder::new("cat");
    let mut hub = folder.hub(&[]);
    let ids: Vec<_> = [("a?event=x", "1"), ("b", "2\n2"), ("a", "3")]
        .iter()
        .map(|(target, data)| publish(&hub, &format!("/events/{target}"), data))
        .collect();
    let (stream, stderr, status) = folder.shown(&["--cat"]);
    assert_eq!((&*stderr, status), ("", Some(0)));
    let segment = fs::read_to_string(folder.segment()).unwrap();
    // On a slow machine, a sync may have come between.
    let of_the_journal =
        |line: &&str| [": ", "synced: ", "crc: "].iter().any(|begin| line.starts_with(begin));
    let lines = segment.split_inclusive('\n').filter(|line| !of_the_journal(line));
    assert_eq!(stream, lines.collect::<String>());
    let block = format!("\n\nid: {}\nchannel: b\ntime: ", ids[1]);
    assert!(stream.contains(&block) && stream.contains("\ndata: 2\ndata: 2\n\n"), "{stream}");
    let tail = |stream: &str| run_fed(&["tail", "--json", "-"], stream.as_bytes());
    let lines = |which: &[usize]| -> String {
        let all = [("x", "1"), ("message", "2\\n2"), ("message", "3")];
        let line = |at: &usize| {
            let ((event, data), id) = (all[*at], &ids[*at]);
            format!("{{\"event\":\"{event}\",\"data\":\"{data}\",\"id\":\"{id}\"}}\n")
        };
        which.iter().map(line).collect()
    };
    for stream in [&stream, &segment] {
        assert_eq!(tail(stream), (lines(&[0, 1, 2]), String::new(), Some(0)));
        let (printed, stderr, status) = run_fed(&["mock", "--print", "-"], stream.as_bytes());
        assert_eq!((&*stderr, status), ("", Some(0)));
        assert_eq!(printed.matches("\ndata: ").count(), 4, "{printed}");
    }
    for (arguments, which) in [
        (&["--cat", "--channel=a"][..], &[0, 2][..]),
        (&["--cat", "--channel=a", "--channel=b", "--after", &ids[0]], &[1, 2]),
        (&["--cat", "--after", &ids[2]], &[]),
        (&["--cat", "--after=0-0"], &[0, 1, 2]),
    ] {
        let (stream, stderr, status) = folder.shown(arguments);
        assert_eq!((&*stderr, status), ("", Some(0)));
        assert_eq!(tail(&stream).0, lines(which), "{arguments:?}");
    }
    hub.kill();
}

#[test]
fn what_is_damaged_is_found_and_told_and_the_rest_is_served() {
    let folder = Folder::new("damaged");
    let mut first = folder.hub(&["--journal-sync=always"]);
    let published = publish_all(&first, "/events/a", &["one", "two", "three", "four"]);
    first.kill();
    let segment = folder.segment();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(3).position(|bytes| bytes == b"two").expect("the second event");
    bytes[at] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let begin = bytes.windows(4).enumerate().filter(|(_, bytes)| bytes == b"id: ");
    let begin = begin.map(|(at, _)| at).nth(1).expect("the second event");
    let name = segment.file_name().unwrap().to_str().unwrap();
    let place = format!("{name}: ");
    let (checked, stderr, status) = folder.shown(&["--check"]);
    assert!(
        checked.starts_with(&place) && checked.contains(&format!("byte {begin} ")),
        "{checked}"
    );
    assert_eq!(stderr, "tidings: 3 events in 1 segment, and 1 place where something is wrong\n");
    assert_eq!((checked.lines().count(), status), (1, Some(1)));
    let (stream, stderr, status) = folder.shown(&["--cat"]);
    assert_eq!(stream.matches("\ndata: ").count(), 3, "{stream}");
    assert!(stderr.contains(&place), "{stderr}");
    assert_eq!(status, Some(1));
    let (table, _, status) = folder.shown(&[]);
    assert!(table.contains("\ndamaged "), "{table}");
    assert_eq!(status, Some(0));

    let hub = folder.hub(&["--history=1"]);
    let mut stream = EventStream::resume(hub.address(), "/events/a", &published[0].0);
    let gap = stream.next().expect("a gap event");
    let reason = r#""missed":null,"reason":"damaged"}"#;
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.ends_with(reason), "{}", gap.data);
    assert_eq!(next(&mut stream, 2), published[2..]);
}

#[test]
fn the_oldest_segments_go_and_a_stream_is_told_so() {
    let folder = Folder::new("rotated");
    let hub = folder.hub(&["--journal-bytes=200000", "--history-bytes=1000"]);
    let data = "x".repeat(10_000);
    let first = publish(&hub, "/events/a", &data);
    for _ in 0..50 {
        publish(&hub, "/events/a", &data);
    }
    let bytes = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let sizes: Vec<u64> = folder.segments().iter().map(bytes).collect();
    assert!(sizes.len() > 1 && sizes.iter().sum::<u64>() <= 200_000 + 11_000, "{sizes:?}");
    let mut stream = EventStream::resume(hub.address(), "/events/a", &first);
    let gap = stream.next().expect("a gap event");
    assert_eq!(gap.event_type, "tidings.gap");
    assert!(gap.data.ends_with(r#""missed":null,"reason":"evicted"}"#), "{}", gap.data);
    next(&mut stream, 1);
    let (checked, stderr, status) = folder.shown(&["--check"]);
    assert!(checked.ends_with("nothing is wrong\n"), "{checked}{stderr}");
    assert_eq!(status, Some(0));
    // With a smaller bound, they go before the hub listens.
    drop(hub);
    let _hub = folder.hub(&["--journal-bytes=131072"]);
    let sizes: Vec<u64> = folder.segments().iter().map(bytes).collect();
    assert!(sizes.iter().sum::<u64>() <= 131_072, "{sizes:?}");
}

#[test]
fn what_it_can_not_do_is_told_and_what_to_do() {
    let folder = Folder::new("wrong");
    let usage = |arguments: &[&str], said: &str| {
        let (stdout, stderr, status) = folder.shown(arguments);
        let remedy = "'tidings journal --help' lists the options";
        assert_eq!(stderr, format!("tidings: {said}\n{remedy}\n"));
        assert_eq!((&*stdout, status), ("", Some(2)));
    };
    usage(&["--check", "--cat"], "--check and --cat print different things: give one of them");
    usage(&["--channel=a"], "--channel and --after say what --cat prints: give --cat too");
    let said = format!(
        "tidings: can't read the journal in {}: No such file or directory (os error 2): give the \
         folder that a hub's --journal names\n",
        folder.0.display(),
    );
    assert_eq!(folder.shown(&[]), (String::new(), said, Some(1)));
    std::fs::create_dir(&folder.0).unwrap();
    for mode in [&[][..], &["--check"], &["--cat"]] {
        let said = format!(
            "tidings: {} has no journal: give the folder that a hub's --journal names\n",
            folder.0.display(),
        );
        assert_eq!(folder.shown(mode), (String::new(), said, Some(1)));
    }
    let _hub = folder.hub(&[]);
    let nothing = "0 events in 0 segments: nothing is wrong\n";
    assert_eq!(folder.shown(&["--check"]), (nothing.into(), String::new(), Some(0)));
    let (stdout, stderr, status) = folder.shown(&["--cat", "--after=nonsense"]);
    assert!(stderr.contains("nonsense"), "{stderr}");
    assert_eq!((&*stdout, status), ("", Some(1)));
}

/// The page that tells people the format is right to the byte.
#[test]
fn the_example_of_the_format_is_a_journal() {
    let page = include_str!("../../../src/doc/journal.md");
    let first = ": tidings journal 1, after 0-0\n";
    let (_, segment) = page.split_once(first).expect("the example");
    let (segment, _) = segment.split_once("```").expect("the end of the example");
    let id = segment.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
    let folder = Folder::new("example");
    fs::create_dir(&folder.0).unwrap();
    fs::write(folder.0.join(format!("{id}.sse")), format!("{first}{segment}\n")).unwrap();
    let (checked, stderr, status) = folder.shown(&["--check"]);
    assert_eq!((&*checked, &*stderr), ("3 events in 1 segment: nothing is wrong\n", ""));
    assert_eq!(status, Some(0));
    // A hub that dies while it writes the batch may leave its first event.
    let whole = fs::read(folder.segment()).unwrap();
    let third = whole.windows(4).rposition(|bytes| bytes == b"id: ").expect("the third event");
    fs::write(folder.segment(), &whole[..third]).unwrap();
    let (checked, stderr, status) = folder.shown(&["--check"]);
    let batch = "the batch that begins with 1795852800123-2 has 1 of 2 events: it was never \
                 acknowledged, or not yet";
    let all = "2 events in 1 segment: nothing is wrong";
    assert_eq!((checked, &*stderr), (format!("{batch}\n{all}\n"), ""));
    assert_eq!(status, Some(0));
    let hub = folder.hub(&[]);
    let found = said(&hub, "tidings: the journal");
    assert!(found.ends_with("were no whole event or batch, and were cut off"), "{found}");
    let all = "1 event in 1 segment: nothing is wrong\n";
    assert_eq!(folder.shown(&["--check"]), (all.into(), String::new(), Some(0)));
}

#[cfg(unix)]
#[test]
fn nobody_reading_ends_it_quietly() {
    let folder = Folder::new("unread");
    let hub = folder.hub(&[]);
    for _ in 0..100 {
        publish(&hub, "/events/a", &"x".repeat(10_000));
    }
    for how in [&["--cat"][..], &[], &["--check"]] {
        let mut child = Command::new(hub_path())
            .args(["journal", &folder.0.display().to_string()])
            .args(how)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{how:?}");
        assert_eq!(output.status.code(), Some(0), "{how:?}");
    }
}
