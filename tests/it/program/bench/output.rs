//! Where the report goes, and that the exit status tells the verdict whatever becomes of it.

use std::process::{Command, Stdio};

use super::*;
use crate::support::process::hub_path;

#[test]
fn the_page_needs_nothing_else_and_means_what_it_says() {
    let server = server(|channel, _, body| drop(channel.send(body).unwrap()));
    let file = TemporaryFile::new("bench.html", "");
    let html = format!("--html={}", file.0.display());
    let url = format!("http://{}/events?a=<script>&b=\"", server.address());
    let run = ["bench", &url, &html, "--warm-up=0", "--duration=1", "--streams=2"];
    let (_, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{said}");
    let page = std::fs::read_to_string(&file.0).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
    assert!(page.matches("<svg").count() >= 3, "{page}");
    let head = "<p>2 streams of http://";
    assert!(page.contains(head) && page.contains("<br>\n100 events a second for 1 s"), "{page}");
    assert!(page.contains("<p class=\"good\">nothing lost, "), "{page}");
    for word in ["<script", "src=", "href=", "@import", "url(", "NaN", "inf"] {
        assert!(!page.contains(word), "{word} in {page}");
    }
    server.stop().unwrap();
}

#[test]
fn a_run_that_fails_leaves_the_page_of_the_last_one() {
    let server = Server::bind("127.0.0.1:0").unwrap().start().unwrap();
    let file = TemporaryFile::new("kept.html", "the last report");
    let html = format!("--html={}", file.0.display());
    assert_eq!(bench(&server, &[&html]).2, Some(3));
    assert_eq!(std::fs::read_to_string(&file.0).unwrap(), "the last report");
    std::fs::remove_file(&file.0).unwrap();
    assert_eq!(bench(&server, &[&html]).2, Some(3));
    assert!(!file.0.exists(), "there is no report");
    let (_, said, status) = bench(&server, &["--html=/nowhere/at/all.html"]);
    assert!(status == Some(3) && said.contains("can't write /nowhere/at/all.html"), "{said}");
    server.stop().unwrap();
}

/// A server that loses one of ten events, or none.
fn losing(loses: bool) -> Running {
    server(move |channel, number, body| {
        if !(loses && number % 10 == 1) {
            channel.send(body).unwrap();
        }
    })
}

#[cfg(unix)]
#[test]
fn the_exit_status_is_the_verdict_whatever_becomes_of_the_output() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    for (loses, verdict) in [(true, 1), (false, 0)] {
        let server = losing(loses);
        let url = format!("http://{}/events", server.address());
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        for (output, good) in [
            (Stdio::from(OwnedFd::from(theirs)), 0),
            // A disk that is full: there is no report.
            (Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap()), 3),
        ] {
            let run = ["bench", &url, "--streams=1", "--rate=20", "--warm-up=0", "--drain=100ms"];
            let child = Command::new(hub_path())
                .args(run)
                .arg("--duration=500ms")
                .stdout(output)
                .stderr(Stdio::piped())
                .spawn();
            let ended = child.unwrap().wait_with_output().unwrap();
            let said = String::from_utf8(ended.stderr).unwrap();
            let expected = if loses { verdict } else { good };
            assert_eq!(ended.status.code(), Some(expected), "{said}");
            assert_eq!(said.contains("1 lost, 0 doubled"), loses, "{said}");
            let is_told = !loses && good == 3;
            assert_eq!(said.contains("can't write to standard output"), is_told, "{said}");
        }
        server.stop().unwrap();
    }
}

#[test]
fn the_page_can_be_printed_in_place_of_the_text() {
    let server = losing(false);
    let url = format!("http://{}/events", server.address());
    let run = ["bench", &url, "--html=-", "--duration=500ms", "--warm-up=0", "--streams=1"];
    let (page, said, status) = run_hub(&run);
    assert_eq!(status, Some(0), "{said}");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"), "{page}");
    assert!(!std::path::Path::new("-").exists());
    let (_, said, status) = run_hub(&["bench", &url, "--html=-", "--json"]);
    assert!(said.starts_with("tidings: --json and --html - both print the report"), "{said}");
    assert_eq!(status, Some(2));
    server.stop().unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_followed() {
    use std::os::unix::fs::symlink;

    let place = std::env::temp_dir().join(format!("tidings-{}-links", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    symlink("second.html", place.join("first.html")).unwrap();
    symlink(place.join("third.html"), place.join("second.html")).unwrap();
    let html = format!("--html={}", place.join("first.html").display());
    let there = || {
        let entries = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    // There is no stream: no report, and no empty file.
    let nothing = Server::bind("127.0.0.1:0").unwrap().start().unwrap();
    assert_eq!(bench(&nothing, &[&html]).2, Some(3));
    assert_eq!(there(), ["first.html", "second.html"]);
    nothing.stop().unwrap();
    let server = losing(false);
    let (_, said, status) = bench(&server, &[&html, "--streams=1"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(there(), ["first.html", "second.html", "third.html"]);
    assert!(place.join("first.html").is_symlink() && !place.join("third.html").is_symlink());
    let page = std::fs::read_to_string(place.join("third.html")).unwrap();
    assert!(page.ends_with("</html>\n"), "{page}");
    server.stop().unwrap();
    std::fs::remove_dir_all(&place).unwrap();
}

#[cfg(unix)]
#[test]
fn a_page_that_can_not_be_written_leaves_no_file_and_the_report() {
    let server = losing(false);
    let url = format!("http://{}/events", server.address());
    let file = TemporaryFile::new("full.html", "");
    std::fs::remove_file(&file.0).unwrap();
    // No file may grow at all, as on a disk that is full.
    let limited = "trap '' XFSZ && ulimit -f 0 && exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited]).arg(hub_path()).args(["bench", &url, "--streams=1"]);
    command.args(["--duration=500ms", "--warm-up=0"]).arg(format!("--html={}", file.0.display()));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("tidings: can't write "), "{said}");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stdout).unwrap().contains("deliveries"), "{said}");
    assert!(!file.0.exists());
    server.stop().unwrap();
}
