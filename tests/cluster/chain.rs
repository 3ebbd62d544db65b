//! Hubs that follow a hub that follows a hub, while each of them is killed and the links between them
//! are cut: nothing is lost.
//!
//! ```text
//! hub with a journal ◄── proxy ◄── hub ◄── proxy ◄── hub      publishers and streams on all three
//! ```

use std::thread;
use std::time::Duration;

use crate::checker::check;
use crate::hubs::{Hubs, remembers};
use crate::load::{Load, rounds, run};
use crate::place::Place;
use crate::proxy::{Proxy, Way};
use crate::seeded::Random;
use crate::support::until;
use crate::wire::{self, Stream};

fn survive(name: &str, faults: impl FnOnce(&Load<'_>, &[Proxy])) {
    let place = Place::new(name);
    let journal = place.folder("journal").join("events");
    let first = vec![format!("--journal={}", journal.display())];
    let links = [0, 1].map(|hub| Proxy::before(Hubs::address_of(&place, hub)));
    let follows = |link: &Proxy| vec![format!("--follow=http://{}", link.address())];
    let each = [first, follows(&links[0]), follows(&links[1])];
    let hubs = Hubs::start(&place, each.map(|more| [remembers(), more].concat()).into());
    // A hub without any event doesn't know where its events begin.
    let (status, text) = wire::post(hubs.address(2), "first", "", "first").expect("a hub");
    assert_eq!(status, 200, "{text}");
    for hub in 0..3 {
        let mut stream = Stream::open(hubs.address(hub), "/events/first?history=1", None).unwrap();
        until("the first event", || {
            stream.read().unwrap().iter().any(|block| block.data.is_some())
        });
    }
    let outcome = run(&hubs, |load| faults(load, &links));
    check(&outcome, None).assert(name);
}

fn kill(name: &str, hub: usize) {
    survive(name, |load, _| {
        for round in 0..rounds(3) {
            thread::sleep(Duration::from_micros(round as u64 * 377 % 5000));
            load.hubs.kill(hub);
            thread::sleep(Duration::from_millis(50));
            load.hubs.start_again(hub);
            load.go_on(60);
        }
    });
}

#[test]
fn the_first_hub_of_a_chain_is_killed_and_nothing_is_lost() {
    kill("chain-first", 0);
}

#[test]
fn the_second_hub_of_a_chain_is_killed_and_nothing_is_lost() {
    kill("chain-second", 1);
}

#[test]
fn the_last_hub_of_a_chain_is_killed_and_nothing_is_lost() {
    kill("chain-last", 2);
}

#[test]
fn the_links_of_a_chain_are_cut_and_nothing_is_lost() {
    survive("chain-cut", |load, links| {
        let mut random = Random::new(load.seed);
        for round in 0..rounds(8) {
            let (link, way) = (&links[round % 2], random.pick(&[Way::Up, Way::Down]));
            let cuts = link.cuts();
            link.cut_after(way, 1 + random.below(1500));
            until("a cut", || link.cuts() > cuts);
            load.go_on(30);
        }
    });
}

#[test]
fn the_links_of_a_chain_stall_and_nothing_is_lost() {
    survive("chain-stalls", |load, links| {
        let mut random = Random::new(load.seed);
        for round in 0..rounds(2) {
            let link = &links[round % 2];
            link.stall(random.pick(&[Way::Up, Way::Down]));
            thread::sleep(Duration::from_millis(2500));
            if random.one_in(2) {
                link.cut();
            }
            link.let_go();
            load.go_on(30);
        }
    });
}
