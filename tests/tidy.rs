//! The style that a machine can check.

#![forbid(unsafe_code)]

#[path = "tidy/layers.rs"]
mod layers;

use std::fs;
use std::path::{Path, PathBuf};

/// A file that is longer can't be read in one go.
const CEILING: usize = 400;
const WIDTH: usize = 100;

/// A file of the repository: its path from the root, with slashes, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    /// How many lines it has without its tests.
    fn len(&self) -> usize {
        if is_tests(&self.path) {
            return 0;
        }
        self.text.lines().take_while(|line| *line != "#[cfg(test)]").count()
    }
}

/// Whether a file under `src` holds nothing but tests.
fn is_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.ends_with("/support.rs")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        // What was built or installed is nobody's text.
        let made = path.ends_with("target") || path.ends_with("node_modules");
        if path.is_dir() && !made {
            collect(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

/// All files under these folders of the repository.
fn files(folders: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| collect(&root().join(folder), &mut paths));
    paths.sort();
    let files = paths.into_iter().filter_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        let path = path.strip_prefix(root()).expect("it is in the repository");
        Some(File { path: path.to_string_lossy().replace('\\', "/"), text })
    });
    files.collect()
}

/// One file of the repository.
fn file(path: &str) -> File {
    let text = fs::read_to_string(root().join(path)).expect("a file of the repository");
    File { path: path.into(), text }
}

/// Fails with all findings at once.
#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Finds each of these words in each line, in files whose path is chosen.
fn find(files: &[File], chosen: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| chosen(&file.path)) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let found = words.iter().filter(|word| line.contains(*word));
            findings.extend(found.map(|word| format!("{}:{number}: {word}", file.path)));
        }
    }
    findings
}

#[test]
fn every_file_of_the_source_opens_with_what_it_is() {
    let all = files(&["src", "tests", "benches", "examples"]);
    let code = all.iter().filter(|file| file.path.ends_with(".rs"));
    let without = code.filter(|file| !file.text.starts_with("//! "));
    assert_none(without.map(|file| file.path.clone()).collect());
}

#[test]
fn no_file_is_past_its_ceiling() {
    let all = files(&["src"]);
    let code = all.iter().filter(|file| file.path.ends_with(".rs"));
    let long = code.filter(|file| file.len() > CEILING);
    assert_none(long.map(|file| format!("{}: {} lines", file.path, file.len())).collect());
}

#[test]
fn no_line_is_wider_than_a_page() {
    let wide = |file: &File| -> Vec<String> {
        let lines = (1..).zip(file.text.lines());
        let wide = lines.filter(|(_, line)| line.chars().count() > WIDTH);
        wide.map(|(number, _)| format!("{}:{number}", file.path)).collect()
    };
    let all = files(&["src"]);
    assert_none(all.iter().filter(|file| file.path.ends_with(".rs")).flat_map(wide).collect());
}

#[test]
fn there_is_no_dependency_but_criterion_for_benches() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let mut section = "";
    let mut dependencies = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            assert!(!line.contains("dependencies."), "{line}");
        } else if section.contains("dependencies") && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['=', ' ', '.']).next().unwrap_or_default();
            dependencies.push((section, name));
        }
    }
    assert_eq!(dependencies, [("[dev-dependencies]", "criterion")]);
}

#[test]
fn nothing_is_left_to_be_done() {
    // In pieces, so that this file does not find itself.
    let words = [
        concat!("to", "do!("),
        concat!("dbg", "!("),
        concat!("unimple", "mented!("),
        concat!("#[ig", "nore]"),
    ];
    assert_none(find(&files(&["src", "tests", "benches", "examples"]), |_| true, &words));
}

/// What knows neither sockets nor threads nor clocks: bytes and values in, bytes and values out.
fn is_pure(path: &str) -> bool {
    const PURE: &[&str] = &[
        "src/client/url",
        "src/client/request",
        "src/client/backoff",
        // What the bench finds must not depend on when it runs.
        "src/cli/bench/values/",
        "src/cli/bench/books/",
        "src/cli/bench/reports/",
        "src/cli/access/",
        "src/cli/cassette",
        "src/cli/client/wire",
        // What was seen comes in, with its times.
        "src/cli/doctor/facts",
        "src/cli/doctor/finding",
        "src/cli/doctor/judge",
        "src/cli/doctor/proxies",
        "src/cli/doctor/remedy",
        "src/cli/duration",
        "src/cli/explain/",
        "src/cli/lines",
        "src/cli/seeded",
        "src/cli/record/pieces",
        // The mock needs sockets to be broken, which the library's server never is; but what it
        // does with them is decided here.
        "src/cli/mock/response",
        "src/cli/mock/chaos",
        "src/cli/mock/course",
        "src/cli/mock/rehearse",
        "src/cli/mock/report",
        "src/cli/mock/script",
        "src/cli/mock/step",
        "src/cli/mock/tape",
        "src/cli/mock/tokens",
    ];
    ["src/http/", "src/event/", "src/log/", "src/trace/"].iter().any(|pure| path.starts_with(pure))
        || PURE.iter().any(|pure| path.starts_with(pure))
}

#[test]
fn what_is_pure_touches_no_socket_no_thread_and_no_clock() {
    let words = ["TcpStream", "TcpListener", "std::thread", "Instant::now()", "SystemTime::now()"];
    let all = files(&["src"]);
    assert!(all.iter().filter(|file| is_pure(&file.path)).count() > 20, "the list is out of date");
    // Times may come in, and a test chooses them after one that the clock gave.
    let findings = find(&all, |path| is_pure(path) && !is_tests(path), &words);
    // A doc may show where a time comes from.
    let in_docs = |finding: &String| {
        let mut parts = finding.splitn(3, ':');
        let (path, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let file = all.iter().find(|file| file.path == path).expect("it was found there");
        let line = file.text.lines().nth(number.parse::<usize>().expect("a number") - 1);
        line.is_some_and(|line| line.trim_start().starts_with("//"))
    };
    assert_none(findings.into_iter().filter(|finding| !in_docs(finding)).collect());
}

/// The calls of the system that std lacks are in one file of the program, which the package denies
/// and this file allows. All other targets forbid it.
#[test]
fn nothing_is_unsafe_but_the_calls_of_the_system() {
    const EXCEPTION: &str = "src/cli/sys.rs";
    let all = files(&["src", "tests", "benches", "examples"]);
    // What measures the product is a crate of its own, and counts allocations.
    let product = |path: &str| {
        !["tests/tidy.rs", EXCEPTION].contains(&path) && !path.starts_with("benches/peers/")
    };
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "allow(unsafe_code)"];
    assert_none(find(&all, product, &words));
    assert!(file("Cargo.toml").text.contains("\nunsafe_code = \"deny\"\n"));
    let is_root = |path: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        ["examples", "benches", "tests"].contains(&folder)
            || ["src/lib.rs", "tests/it/main.rs"].contains(&path)
    };
    let roots = all.iter().filter(|file| file.path.ends_with(".rs") && is_root(&file.path));
    let without = roots.filter(|file| !file.text.contains("\n#![forbid(unsafe_code)]\n"));
    assert_none(without.map(|file| file.path.clone()).collect());
}

#[test]
fn no_text_names_a_place_of_one_machine() {
    let mut all = files(&["src", "tests", "benches", "examples"]);
    for name in ["README.md", "Cargo.toml", ".ci/run"] {
        let text = fs::read_to_string(root().join(name)).unwrap_or_default();
        all.push(File { path: name.into(), text });
    }
    let words = ["/work/", "/root/", "/home/"];
    assert_none(find(&all, |path| path != "tests/tidy.rs", &words));
}

/// The places that a document names: its links to files, and code that begins with a folder of ours.
fn places(document: &str) -> Vec<String> {
    const FOLDERS: [&str; 4] = ["src/", "tests/", "benches/", "examples/"];
    let links = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|link| !link.contains([':', '#']));
    let code = document.split('`').skip(1).step_by(2);
    let code = code.filter(|code| FOLDERS.iter().any(|folder| code.starts_with(folder)));
    // `a.rs:7` is a line of a file, and `a/{b,c}.rs` are two files.
    let one_by_one = links.chain(code).flat_map(|place| {
        let place =
            place.split_once(".rs:").map_or(place, |(before, _)| &place[..before.len() + 3]);
        let (before, rest) = place.split_once('{').unwrap_or((place, "}"));
        let (names, after) = rest.split_once('}').unwrap_or((rest, ""));
        names.split(',').map(move |name| format!("{before}{name}{after}"))
    });
    one_by_one.collect()
}

/// All pages of documentation.
fn documents() -> Vec<File> {
    let mut documents = files(&["src", "tests", "benches", "examples"]);
    documents.retain(|document| document.path.ends_with(".md"));
    documents.push(file("README.md"));
    documents
}

#[test]
fn every_place_that_a_document_names_is_there() {
    let documents = documents();
    let all: usize = documents.iter().map(|document| places(&document.text).len()).sum();
    assert!(all > 60, "they are written otherwise now: {all}");
    let gone = |document: &File| {
        let folder = root().join(&document.path).with_file_name("");
        let is_there = |place: &String| [root(), &folder].iter().any(|at| at.join(place).exists());
        let gone = places(&document.text).into_iter().filter(|place| !is_there(place));
        gone.map(|place| format!("{}: {place}", document.path)).collect::<Vec<_>>()
    };
    assert_none(documents.iter().flat_map(gone).collect());
}

/// What a link to each heading of a document ends in, as GitHub and rustdoc make it.
fn headings(document: &str) -> Vec<String> {
    // In a block of code a line with `#` is a comment.
    let text = document.split("```").step_by(2).flat_map(str::lines);
    let headings =
        text.filter_map(|line| line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' '));
    let kept = |letter: &char| letter.is_alphanumeric() || "-_ ".contains(*letter);
    headings
        .map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>())
        .map(|heading| heading.replace(' ', "-"))
        .collect()
}

#[test]
fn every_heading_that_a_document_links_to_is_there() {
    let gone = |document: &File| {
        let links = document.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.contains(':'));
        let links = links.filter_map(|link| link.split_once('#'));
        let is_there = |(place, heading): &(&str, &str)| {
            let other = root().join(&document.path).with_file_name(place);
            let text = match *place {
                "" => document.text.clone(),
                _ => fs::read_to_string(other).unwrap_or_default(),
            };
            headings(&text).iter().any(|there| there == heading)
        };
        let gone = links.filter(|link| !is_there(link));
        gone.map(|(place, heading)| format!("{}: {place}#{heading}", document.path))
            .collect::<Vec<_>>()
    };
    assert_none(documents().iter().flat_map(gone).collect());
}

/// What the trace prints is quoted in some documents. In `illustrated.md` a test keeps it up to date.
#[test]
fn every_line_of_the_source_that_a_document_quotes_is_in_the_illustrated_stream() {
    let known = file("src/doc/illustrated.md").text;
    let stale = |document: File| -> Vec<String> {
        let words = document.text.split_whitespace().map(|word| word.trim_matches('`'));
        let lines = words.filter(|word| word.starts_with("src/") && word.contains(".rs:"));
        let stale = lines.filter(|line| !known.contains(&format!("`{line}`")));
        stale.map(|line| format!("{}: {line}", document.path)).collect()
    };
    assert_none(["README.md", "src/doc/tools.md"].map(file).into_iter().flat_map(stale).collect());
}

/// What follows `begin` in the names of tests and functions, up to the next `end`.
fn named<'a>(files: &'a [File], begin: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    let lines = files.iter().flat_map(|file| file.text.lines());
    lines.filter_map(move |line| line.trim_start().strip_prefix(begin)?.split(end).next())
}

#[test]
fn every_row_of_the_specification_is_named_by_a_test() {
    let all = files(&["src", "tests"]);
    let tested: Vec<u8> =
        named(&all, "fn row_", '_').filter_map(|number| number.parse().ok()).collect();
    let rows = || 1..=60;
    let untested = rows().filter(|row| !tested.contains(row));
    assert_none(untested.map(|row| format!("there is no test fn row_{row}_…")).collect());
    let unknown = tested.iter().filter(|row| !rows().any(|known| known == **row));
    assert_none(unknown.map(|row| format!("there is no row {row}")).collect());
}

#[test]
fn every_limit_is_named_by_a_test_over_a_socket() {
    // These two are not for what a peer does; stopping and slow peers have tests of their own.
    const NO_PEERS: [&str; 2] = ["workers", "grace"];
    let sources: Vec<File> = ["src/limits.rs", "src/log/mod.rs"].map(file).into();
    let table = sources[0].text.split_once("limits! {").expect("the table of limits").1;
    let entries =
        table.lines().filter_map(|line| line.trim().split_once(" = ")?.0.split_once(": "));
    let history = named(&sources[1..], "pub fn ", '(').map(|bound| format!("history_{bound}"));
    let limits: Vec<String> = entries
        .map(|(name, _)| name.to_owned())
        .filter(|name| !NO_PEERS.contains(&&**name))
        .chain(history)
        .collect();
    assert!(limits.len() > 15, "they are written otherwise now: {limits:?}");
    let tests = files(&["tests"]);
    // A name may begin like that of a shorter one, as `streams_per_peer` does.
    let limit_of = |test: &str| {
        let named = limits.iter().filter(|limit| test.starts_with(&format!("{limit}_")));
        named.max_by_key(|limit| limit.len())
    };
    let tested: Vec<&String> = named(&tests, "fn limit_", '(').filter_map(limit_of).collect();
    let untested = limits.iter().filter(|limit| !tested.contains(limit));
    assert_none(untested.map(|limit| format!("there is no test fn limit_{limit}_…")).collect());
}

/// A derived `Debug` would take the lock, and hold it for as long as it takes to show the rest.
#[test]
fn what_has_a_lock_derives_no_debug() {
    let derives = |file: &File| -> Vec<String> {
        let types = file.text.split("#[derive(").skip(1).filter(|rest| {
            let (derived, rest) = rest.split_once(")]").unwrap_or_default();
            let body = rest.split("\n}\n").next().unwrap_or_default();
            derived.contains("Debug") && body.contains(": Mutex<")
        });
        types.map(|rest| format!("{}: {}", file.path, rest.lines().nth(1).unwrap_or(""))).collect()
    };
    let all = files(&["src"]);
    let library = all.iter().filter(|file| !file.path.starts_with("src/cli/"));
    assert_none(library.flat_map(derives).collect());
}
