//! The layers of the source: which folder may import which, and no circle of files.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, assert_none, files, is_tests};

/// Each folder of the library, or file at its top, and what it may import beside itself. Those
/// further down this list may import those further up, and never the reverse.
const LAYERS: [(&str, &[&str]); 17] = [
    ("error", &[]),
    ("limits", &[]),
    ("digits", &[]),
    ("peer", &[]),
    ("search", &[]),
    ("random", &[]),
    ("http", &["error", "limits", "digits", "peer", "search"]),
    ("event", &["error", "digits", "search"]),
    ("log", &["error", "digits", "event", "http"]),
    ("client", &["error", "limits", "random", "http", "event"]),
    ("net", &["error", "peer", "log"]),
    // Another hub is followed with the client that everybody has.
    ("order", &["error", "digits", "search", "random", "event", "http", "log", "client", "net"]),
    ("channel", &["error", "peer", "random", "event", "log", "net", "order"]),
    (
        "stream",
        &["error", "limits", "peer", "random", "http", "event", "log", "net", "order", "channel"],
    ),
    (
        "server",
        &["error", "limits", "peer", "search", "http", "event", "log", "net", "channel", "stream"],
    ),
    // For the tests of whoever uses the library.
    ("testing", &["error", "limits", "http", "event", "client", "net", "server"]),
    // Names places of all the others, as text.
    ("trace", &["net"]),
];

/// What each command of the program is made of. None of them imports another.
const COMMANDS: [&str; 8] =
    ["bench", "doctor", "journal", "mock", "record", "serve", "tail", "token"];

/// Which files each file imports, but for a module's own parts and the tests.
struct Imports(BTreeMap<String, BTreeSet<String>>);

impl Imports {
    /// Reads those of all files under `src`, but for `fuzz`, which is a test.
    fn read() -> Self {
        let mut all = files(&["src"]);
        all.retain(|file| {
            let path = &file.path;
            path.ends_with(".rs") && !is_tests(path) && !path.starts_with("src/fuzz/")
        });
        let known: BTreeSet<String> = all.iter().map(|file| module(&file.path)).collect();
        Self(all.iter().map(|file| (module(&file.path), imports(file, &known))).collect())
    }

    /// Each import: who has it, and of what.
    fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(from, all)| all.iter().map(|to| (from.as_str(), to.as_str())))
    }
}

/// The module that a file is: `src/http/mod.rs` is `http`, and `src/http/date.rs` is `http::date`.
fn module(path: &str) -> String {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").replace('/', "::")
}

/// The modules that a file imports, of those that are known.
fn imports(file: &File, known: &BTreeSet<String>) -> BTreeSet<String> {
    let own = module(&file.path);
    let code: String = file
        .text
        .lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = BTreeSet::new();
    for (prefix, base) in
        [("crate::", ""), ("super::", own.rsplit_once("::").map_or("", |of| of.0))]
    {
        for (at, _) in code.match_indices(prefix) {
            // `super::super::` is found where it begins.
            if code[..at].ends_with("::") || code[..at].ends_with(|c: char| c.is_alphanumeric()) {
                continue;
            }
            let (mut base, mut rest) = (base, &code[at + prefix.len()..]);
            while let Some(further) = rest.strip_prefix("super::") {
                base = base.rsplit_once("::").map_or("", |of| of.0);
                rest = further;
            }
            for name in names(rest) {
                let full = if base.is_empty() { name } else { format!("{base}::{name}") };
                found.extend(longest_known(&full, known));
            }
        }
    }
    found.retain(|of| !is_part_of(of, &own) && !is_part_of(&own, of));
    found
}

/// The paths that a use tree, or a path in code, begins with here.
fn names(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let Some(inside) = rest.strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::"))
    else {
        return vec![path.trim_end_matches("::").to_owned()];
    };
    let mut depth = 0;
    let mut begin = 0;
    let mut all = Vec::new();
    for (at, c) in inside.char_indices() {
        if depth == 0 && (c == ',' || c == '}') {
            all.extend(names(inside[begin..at].trim()).iter().map(|name| format!("{path}{name}")));
            begin = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    all
}

/// The file that a path leads into: its longest beginning that is one. `lib` for what stands at the
/// root, where the public names are.
fn longest_known(path: &str, known: &BTreeSet<String>) -> Option<String> {
    let mut path = path;
    loop {
        if known.contains(path) {
            return Some(path.to_owned());
        }
        match path.rsplit_once("::") {
            Some((before, _)) => path = before,
            None => return path.starts_with(char::is_uppercase).then(|| "lib".to_owned()),
        }
    }
}

fn is_part_of(part: &str, whole: &str) -> bool {
    part == whole || part.strip_prefix(whole).is_some_and(|rest| rest.starts_with("::"))
}

/// The folder of the library, or the file at its top, that a module belongs to.
fn layer(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

#[test]
fn each_layer_imports_only_those_below_it() {
    let imports = Imports::read();
    let wrong = |(from, to): &(&str, &str)| {
        let (own, of) = (layer(from), layer(to));
        match LAYERS.iter().find(|(layer, _)| *layer == own) {
            Some((_, may)) => own != of && !may.contains(&of),
            // The roots of the crates, and the program, which is a crate of its own.
            None => !["lib", "main", "cli"].contains(&own),
        }
    };
    let wrong = imports.each().filter(wrong);
    assert_none(wrong.map(|(from, to)| format!("{from} must not import {to}")).collect());
}

#[test]
fn no_command_of_the_program_imports_another() {
    let command = |module: &str| {
        let name = module.strip_prefix("cli::")?.split("::").next()?;
        COMMANDS.into_iter().find(|command| *command == name)
    };
    let imports = Imports::read();
    let wrong = imports.each().filter(|(from, to)| {
        matches!((command(from), command(to)), (Some(own), Some(other)) if own != other)
    });
    assert_none(wrong.map(|(from, to)| format!("{from} must not import {to}")).collect());
}

#[test]
fn each_layer_may_import_only_layers_that_come_before_it() {
    for (at, (layer, may)) in LAYERS.iter().enumerate() {
        let is_before = |name: &&str| LAYERS[..at].iter().any(|(before, _)| before == name);
        let later: Vec<&&str> = may.iter().filter(|name| !is_before(name)).collect();
        assert!(later.is_empty(), "{layer} may import {later:?}");
    }
}

/// What is left of a graph without the files that are in no circle, nor between two.
fn circles(Imports(mut left): Imports) -> Vec<String> {
    loop {
        let imported: BTreeSet<String> = left.values().flatten().cloned().collect();
        // A file that imports nothing that is left, or that none of these imports, is in no circle.
        let out: BTreeSet<String> = left
            .iter()
            .filter(|(from, all)| all.is_empty() || !imported.contains(*from))
            .map(|(from, _)| from.clone())
            .collect();
        if out.is_empty() {
            break;
        }
        left.retain(|from, _| !out.contains(from));
        left.values_mut().for_each(|all| all.retain(|to| !out.contains(to)));
    }
    let each = left.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to)));
    each.map(|(from, to)| format!("{from} imports {to}")).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut imports = Imports::read();
    imports.0.remove("lib");
    assert!(imports.0.len() > 150, "they are written otherwise now: {}", imports.0.len());
    assert_none(circles(imports));
}

#[test]
fn a_circle_is_found_with_what_ties_it() {
    let graph = |arrows: &[(&str, &[&str])]| {
        let all = |to: &[&str]| to.iter().map(|to| (*to).to_owned()).collect();
        Imports(arrows.iter().map(|(from, to)| ((*from).to_owned(), all(to))).collect())
    };
    let line = graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert!(circles(line).is_empty());
    let circle = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["d", "b"]), ("d", &[])]);
    assert_eq!(circles(circle), ["b imports c", "c imports b"]);
}

#[test]
fn paths_are_read_out_of_use_trees_and_code() {
    assert_eq!(names("http::date::HttpDate;"), ["http::date::HttpDate"]);
    assert_eq!(
        names("http::{Head, chunk::{self, LAST}};"),
        ["http::Head", "http::chunk::self", "http::chunk::LAST"]
    );
    assert_eq!(names("{Error, Result};"), ["Error", "Result"]);
    let known = ["http", "http::chunk"].map(String::from).into();
    assert_eq!(longest_known("http::chunk::LAST", &known).as_deref(), Some("http::chunk"));
    assert_eq!(longest_known("Error", &known).as_deref(), Some("lib"));
    assert_eq!(module("src/stream/mod.rs"), "stream");
    assert!(is_part_of("stream::end", "stream") && !is_part_of("streams", "stream"));
}

#[test]
fn each_layer_of_the_bench_imports_only_those_before_it() {
    const LAYERS: [&str; 6] = ["values", "options", "books", "wire", "run", "reports"];
    let place = |module: &str| {
        let part = module.strip_prefix("cli::bench::")?.split("::").next()?;
        LAYERS.iter().position(|layer| *layer == part)
    };
    let imports = Imports::read();
    let is_wrong =
        |(from, to): &(&str, &str)| place(from).zip(place(to)).is_some_and(|(from, to)| from < to);
    let wrong = imports.each().filter(is_wrong);
    assert_none(wrong.map(|(from, to)| format!("{from} must not import {to}")).collect());
}
