//! Hubs of a chain that are killed and started again: streams stay, and nothing is lost or doubled.

use std::path::PathBuf;

use super::super::support::until_some;
use super::*;

/// A folder for a journal, which goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("tidings-{}-follow-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn argument(&self) -> String {
        format!("--journal={}", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn listen(address: SocketAddr) -> String {
    format!("--listen={address}")
}

/// Publishes until somebody takes it; nobody took it before that.
#[track_caller]
fn publish_at_last(address: SocketAddr, data: &str) -> (String, String) {
    let id = until_some("a publish that is taken", || {
        let response = post(address, "/events/a", data);
        assert!([200, 503].contains(&response.status), "{}", response.text());
        (response.status == 200).then(|| response.text().trim_end().to_owned())
    });
    (id, data.into())
}

#[test]
fn a_root_that_is_killed_loses_nothing_and_no_stream_ends() {
    let folder = Folder::new("root");
    let mut root = Process::hub(&[ANYWHERE, &folder.argument()]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let mut streams = [&middle, &leaf].map(|hub| EventStream::open(hub.address(), "/events/a"));
    let mut expected = Vec::new();
    for round in 0..3 {
        expected.push(publish_at_last(leaf.address(), &format!("{round} before")));
        let address = root.address();
        root.kill();
        assert_eq!(post(leaf.address(), "/events/a", "in vain").status, 503);
        root = Process::hub(&[&listen(address), &folder.argument()]);
        expected.push(publish_at_last(root.address(), &format!("{round} at the root")));
        expected.push(publish_at_last(leaf.address(), &format!("{round} at the leaf")));
    }
    for stream in &mut streams {
        assert_eq!(next(stream, 9), expected);
    }
    let mut resumed = EventStream::resume(root.address(), "/events/a", &expected[0].0);
    assert_eq!(next(&mut resumed, 8), expected[1..]);
}

#[test]
fn a_hub_in_the_middle_that_is_killed_loses_nothing_and_the_leaf_s_streams_stay() {
    let root = root(&[]);
    let mut middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let mut stream = EventStream::open(leaf.address(), "/events/a");
    let mut expected = Vec::new();
    for round in 0..3 {
        expected.push(publish_at_last(leaf.address(), &format!("{round} before")));
        let address = middle.address();
        middle.kill();
        expected.push(publish_at_last(root.address(), &format!("{round} meanwhile")));
        let follow = format!("--follow=http://{}", root.address());
        middle = Process::hub(&[&listen(address), &follow]);
        expected.push(publish_at_last(root.address(), &format!("{round} at the root")));
        expected.push(publish_at_last(leaf.address(), &format!("{round} at the leaf")));
    }
    assert_eq!(next(&mut stream, 12), expected);
    for hub in [&root, &middle, &leaf] {
        let mut resumed = EventStream::resume(hub.address(), "/events/a", &expected[3].0);
        assert_eq!(next(&mut resumed, 8), expected[4..]);
    }
}

#[test]
fn a_leaf_that_is_killed_resumes_its_clients_where_they_were() {
    let root = root(&[]);
    let mut leaf = follower(root.address(), &[]);
    let mut expected = Vec::new();
    for round in 0..3 {
        let mut stream = EventStream::open(leaf.address(), "/events/a");
        expected.push(publish_at_last(leaf.address(), &format!("{round} before")));
        let (seen, _) = next(&mut stream, 1).remove(0);
        let address = leaf.address();
        leaf.kill();
        expected.push(publish_at_last(root.address(), &format!("{round} meanwhile")));
        let follow = format!("--follow=http://{}", root.address());
        leaf = Process::hub(&[&listen(address), &follow]);
        let mut stream = EventStream::resume(address, "/events/a", &seen);
        assert_eq!(next(&mut stream, 1), expected[expected.len() - 1..]);
    }
}

#[test]
fn a_root_that_forgets_is_told_as_one_true_gap_at_every_level() {
    let mut root = root(&[]);
    let middle = follower(root.address(), &[]);
    let leaf = follower(middle.address(), &[]);
    let mut streams = [&middle, &leaf].map(|hub| EventStream::open(hub.address(), "/events/a"));
    let before = publish_at_last(leaf.address(), "before");
    for stream in &mut streams {
        assert_eq!(next(stream, 1), std::slice::from_ref(&before));
    }
    let address = root.address();
    root.kill();
    let root = Process::hub(&[&listen(address)]);
    let lost = publish_at_last(root.address(), "published before anybody came again");
    let after = publish_at_last(leaf.address(), "after");
    for stream in &mut streams {
        let gap = stream.next().unwrap();
        assert_eq!(gap.event_type, "tidings.gap", "{}", gap.data);
        let told = r#""missed":null,"reason":"restarted"}"#;
        let from = format!(r#"{{"from":"{}","to":""#, before.0);
        assert!(gap.data.starts_with(&from) && gap.data.ends_with(told), "{}", gap.data);
        assert_eq!(next(stream, 2), [lost.clone(), after.clone()]);
    }
}
