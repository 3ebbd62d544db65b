//! For the tests of the commands: what holds for every table.

use std::collections::HashSet;
use std::fmt::Debug;

use super::flag::{Flag, Preset, Row, Takes};
use super::{Parsed, Table};
use crate::cli::duration;

/// What the table makes of these arguments, or what it says against them.
pub(crate) fn parse<O: Default + Debug>(table: &Table<O>, arguments: &[&str]) -> Result<O, String> {
    // Operands that a test leaves out are of no interest to it.
    let mut arguments = arguments.to_vec();
    loop {
        match table.parse(&mut arguments.iter().map(Into::into)) {
            Err(wrong) if wrong.contains(" is missing: ") => arguments.push("x"),
            Ok(Parsed::Run(options)) => return Ok(options),
            Err(wrong) => return Err(wrong),
            _ => panic!("{arguments:?} runs nothing"),
        }
    }
}

/// Checks a table by its rules.
pub(crate) fn check<O: Default + Debug>(table: &Table<O>) {
    names_are_unique_and_made_of_small_letters_and_dashes(table);
    for flag in table.flags() {
        the_doc_begins_with_a_verb(&flag.row);
        the_doc_is_whole_sentences(&flag.row);
        a_default_is_shown_if_a_value_is_taken(&flag.row);
        giving_the_default_changes_nothing(table, flag);
        a_number_has_a_range_and_is_told_past_it(table, flag);
        a_time_is_a_duration_in_any_unit(table, flag);
    }
    assert!(table.exits.is_sorted(), "the exit statuses have an order");
    let statuses: Vec<u8> = table.exits.iter().map(|(status, _)| *status).collect();
    let has_its_own = !statuses.is_empty();
    assert_eq!(statuses.starts_with(&[0, 1, 2]), has_its_own, "what all can end with is told");
}

fn names_are_unique_and_made_of_small_letters_and_dashes<O: Default>(table: &Table<O>) {
    let mut names = HashSet::new();
    for name in table.flags().map(|flag| flag.row.name) {
        let good = name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert!(good, "{name}");
        assert!(names.insert(name), "{name} is there twice");
    }
}

/// "Prints each event": what the user gets.
fn the_doc_begins_with_a_verb(row: &Row) {
    let (name, doc) = (row.name, row.doc());
    let first = doc.split([' ', ',']).next().unwrap_or_default();
    let is_verb = first.ends_with('s') && !["This", "As", "Bytes", "Events"].contains(&first);
    assert!(is_verb, "--{name}: {doc}");
}

fn the_doc_is_whole_sentences(row: &Row) {
    let (name, doc) = (row.name, row.doc());
    assert!(doc.starts_with(char::is_uppercase) && doc.ends_with('.'), "{name}: {doc}");
    assert!(!doc.contains(['\n', '\t']) && !doc.contains("  "), "{name}: {doc}");
}

fn a_default_is_shown_if_a_value_is_taken(Row { name, value, default, .. }: &Row) {
    let shown = !matches!(default, Preset::None);
    assert_eq!(shown, !value.is_empty(), "{name}");
}

fn giving_the_default_changes_nothing<O: Default + Debug>(table: &Table<O>, flag: &Flag<O>) {
    if let Row { name, default: Preset::Value(value), .. } = flag.row {
        let told = parse(table, &[&format!("--{name}={value}")]).expect("a default is right");
        let untold = parse(table, &[]).expect("nothing is right too");
        assert_eq!(format!("{told:?}"), format!("{untold:?}"), "--{name}");
    }
}

/// There is one type for them, so that what one flag takes no other refuses.
fn a_time_is_a_duration_in_any_unit<O: Default + Debug>(table: &Table<O>, flag: &Flag<O>) {
    let Row { name, value, .. } = flag.row;
    assert!(!["SECONDS", "TIME", "MS"].contains(&value), "--{name} takes a DURATION");
    let Takes::Duration(range, _) = &flag.takes else { return };
    let [least, most] = [*range.start(), *range.end()];
    let parsed = |value: &str| parse(table, &[&format!("--{name}={value}")]);
    let written = |value: &str| format!("{:?}", parsed(value).expect("within the range"));
    assert_eq!(written("90"), written("90s"), "--{name}");
    assert_eq!(written("90s"), written("1.5m"), "--{name}");
    assert_eq!(written("0.5h"), written("1800000ms"), "--{name}");
    for bound in [least, most] {
        written(&duration::exact(bound));
    }
    let wrong = parsed("soon").expect_err("no duration");
    assert_eq!(wrong, format!("--{name} must be {}, and not \"soon\"", duration::FORM));
    let past = duration::exact(most + std::time::Duration::from_secs(1));
    let range = [least, most].map(duration::exact).join(" to ");
    let wrong = parsed(&past).expect_err("past the range");
    assert_eq!(wrong, format!("--{name} must be a duration from {range}, and not {past:?}"));
    assert!(!flag.row.doc().contains("seconds"), "--{name}: the help says once what a duration is");
}

fn a_number_has_a_range_and_is_told_past_it<O: Default + Debug>(table: &Table<O>, flag: &Flag<O>) {
    let [least, most] = match &flag.takes {
        Takes::Number(range, _) => [*range.start(), *range.end()].map(u64::from),
        Takes::Large(range, _) => [*range.start(), *range.end()],
        _ => return,
    };
    let Row { name, value, .. } = flag.row;
    for good in [least, most] {
        parse(table, &[&format!("--{name}={good}")]).expect("within the range");
    }
    let past = most + 1;
    let wrong = parse(table, &[&format!("--{name}={past}")]).expect_err("past the range");
    let range = match value {
        "BYTES" => format!("from {least} to {most}, in bytes without a unit"),
        _ => format!("from {least} to {most}"),
    };
    assert_eq!(wrong, format!("--{name} must be a number {range}, and not \"{past}\""));
}
