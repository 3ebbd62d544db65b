//! The simulated disk keeps what it has promised, and loses all else in every way.

use std::collections::BTreeSet;

use super::*;

/// What comes of it for many seeds: the content of this file, if it is there.
fn all_outcomes(name: &str, life: impl Fn(&SimDisk)) -> BTreeSet<Option<String>> {
    let each = (0..300).map(|seed| {
        let disk = SimDisk::new(seed);
        life(&disk);
        disk.restart(Cut::Power);
        let content = disk.files().remove(name);
        content.map(|bytes| String::from_utf8(bytes).expect("text"))
    });
    each.collect()
}

fn some(outcomes: &[&str]) -> BTreeSet<Option<String>> {
    outcomes.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn what_was_synced_is_there_after_a_cut() {
    let outcomes = all_outcomes("a", |disk| {
        let file = disk.create("a").unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder().unwrap();
    });
    assert_eq!(outcomes, some(&["one"]));
}

#[test]
fn what_was_not_synced_is_lost_with_or_without_its_length() {
    let outcomes = all_outcomes("a", |disk| {
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.write_all_at(b"two", 3).unwrap();
    });
    let lens = ["", "\0\0\0", "one", "\0\0\0\0\0\0", "one\0\0\0", "onetwo"];
    assert_eq!(outcomes, some(&lens));
}

#[test]
fn a_block_that_was_written_over_shows_either() {
    let outcomes = all_outcomes("a", |disk| {
        let file = disk.create("a").unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder().unwrap();
        file.set_len(1).unwrap();
        file.write_all_at(b"ld", 1).unwrap();
    });
    // Both lengths with each content that the block has had.
    let all = ["one", "o", "o\0\0", "old"];
    assert_eq!(outcomes, some(&all));
}

#[test]
fn each_block_is_lost_for_itself() {
    let holes = (0..300).filter(|&seed| {
        let disk = SimDisk::new(seed);
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_all_at(&[b'x'; 8192], 0).unwrap();
        disk.restart(Cut::Power);
        let after = disk.files().remove("a").unwrap();
        after.len() == 8192 && after[..4096].contains(&0) && after[4096..].contains(&b'x')
    });
    assert!(holes.count() > 30);
}

#[test]
fn a_name_that_was_not_synced_is_there_or_not() {
    let create = |disk: &SimDisk| drop(disk.create("a").unwrap());
    assert_eq!(all_outcomes("a", create), [None, Some(String::new())].into());
    let remove = |disk: &SimDisk| {
        create(disk);
        disk.sync_folder().unwrap();
        disk.remove("a").unwrap();
    };
    assert_eq!(all_outcomes("a", remove), [None, Some(String::new())].into());
    let synced = |disk: &SimDisk| {
        remove(disk);
        disk.sync_folder().unwrap();
    };
    assert_eq!(all_outcomes("a", synced), [None].into());
}

#[test]
fn a_later_sync_does_not_mend_one_that_failed() {
    let outcomes = all_outcomes("a", |disk| {
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        disk.set_faults(Faults { no_sync: true, ..Faults::default() });
        file.sync().unwrap_err();
        assert_eq!(disk.failed(), [Call::Sync]);
        disk.set_faults(Faults::default());
        file.sync().unwrap();
        file.write_all_at(b"two", 3).unwrap();
        file.sync().unwrap();
    });
    // The blocks are so long that the second write writes the first again.
    assert_eq!(outcomes, some(&["onetwo"]));
    let outcomes = all_outcomes("a", |disk| {
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_all_at(b"one", 0).unwrap();
        disk.set_faults(Faults { no_sync: true, ..Faults::default() });
        file.sync().unwrap_err();
        disk.set_faults(Faults::default());
        file.sync().unwrap();
    });
    assert_eq!(outcomes, some(&["", "\0\0\0", "one"]));
}

#[test]
fn a_process_that_is_killed_loses_nothing_until_the_power_goes() {
    let disk = SimDisk::new(0);
    let file = disk.create("a").unwrap();
    file.write_all_at(b"one", 0).unwrap();
    disk.restart(Cut::Kill);
    assert_eq!(disk.files()["a"], b"one");
    assert!(file.write_all_at(b"two", 3).is_err(), "it is dead");
    let outcomes = all_outcomes("a", |disk| {
        disk.create("a").unwrap().write_all_at(b"one", 0).unwrap();
        disk.restart(Cut::Kill);
    });
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
}

#[test]
fn the_power_goes_after_any_byte_and_stays_away() {
    for steps in 0..=5 {
        let disk = SimDisk::new(0);
        let file = disk.create("a").unwrap();
        disk.cut_after(steps);
        assert_eq!(file.write_all_at(b"one", 0).is_ok(), steps >= 4);
        assert_eq!(disk.list().is_ok(), steps >= 5);
        assert_eq!(disk.is_off(), steps < 5);
        assert!(disk.is_off() || disk.steps() == 6);
        assert!(disk.sync_folder().is_err() || steps > 5);
        disk.restart(Cut::Kill);
        let written = steps.saturating_sub(1).min(3) as usize;
        assert_eq!(disk.files()["a"], b"one"[..written]);
    }
}

#[test]
fn a_full_disk_takes_a_part_or_nothing_until_it_has_room_again() {
    let parts: BTreeSet<usize> = (0..300)
        .map(|seed| {
            let disk = SimDisk::new(seed);
            let file = disk.create("a").unwrap();
            disk.set_faults(Faults { full: true, ..Faults::default() });
            let error = file.write_all_at(b"one", 0).expect_err("it is full");
            assert_eq!(error.kind(), ErrorKind::StorageFull);
            assert_eq!(disk.create("b").err().map(|error| error.kind()), Some(error.kind()));
            let part = disk.files()["a"].len();
            file.write_all_at(&b"two"[..part], 0).expect("it has been there before");
            disk.set_faults(Faults::default());
            file.write_all_at(b"one", 0).expect("there is room");
            part
        })
        .collect();
    assert_eq!(parts, (0..3).collect());
}
