//! The pool with real threads: demand, its cap, panics, and a stop.

use super::*;
use std::sync::mpsc;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_job_runs_on_a_worker_and_the_pool_stops_when_it_is_done() {
    let pool = Pool::new(2);
    let (sender, receiver) = mpsc::channel();
    assert!(pool.submit(Box::new(move || sender.send(7).unwrap())).is_ok());
    assert_eq!(receiver.recv_timeout(SOON), Ok(7));
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert_eq!(pool.workers(), 0);
}

#[test]
fn there_are_never_more_workers_than_the_cap() {
    let pool = Pool::new(2);
    let (release, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (done, finished) = mpsc::channel();
    for _ in 0..8 {
        let (gate, done) = (Arc::clone(&gate), done.clone());
        let job = move || {
            gate.lock().unwrap().recv().unwrap();
            done.send(()).unwrap();
        };
        assert!(pool.submit(Box::new(job)).is_ok());
    }
    assert_eq!(pool.workers(), 2);
    for _ in 0..8 {
        release.send(()).unwrap();
    }
    for _ in 0..8 {
        finished.recv_timeout(SOON).unwrap();
    }
}

#[test]
fn a_job_that_panics_costs_neither_the_worker_nor_the_next_job() {
    let pool = Pool::new(1);
    let (sender, receiver) = mpsc::channel();
    assert!(pool.submit(Box::new(|| panic!("on purpose"))).is_ok());
    assert!(pool.submit(Box::new(move || sender.send(()).unwrap())).is_ok());
    assert_eq!(receiver.recv_timeout(SOON), Ok(()));
    assert_eq!(pool.workers(), 1);
}

#[test]
fn a_stopped_pool_gives_the_job_back() {
    let pool = Pool::new(1);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert!(pool.submit(Box::new(|| ())).is_err());
}

#[test]
fn what_was_queued_before_the_stop_still_runs() {
    let pool = Pool::new(1);
    let (sender, receiver) = mpsc::channel();
    for n in 0..10 {
        let sender = sender.clone();
        assert!(pool.submit(Box::new(move || sender.send(n).unwrap())).is_ok());
    }
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_worker_stuck_in_a_job_is_counted_and_not_waited_for_past_the_deadline() {
    let pool = Pool::new(1);
    let (release, gate) = mpsc::channel::<()>();
    assert!(pool.submit(Box::new(move || assert!(gate.recv().is_err()))).is_ok());
    assert_eq!(pool.stop(Instant::now()), 1);
    drop(release);
}

#[test]
fn at_most_half_of_the_workers_may_wait_for_peers() {
    let pool = Pool::new(4);
    let first = pool.may_wait();
    let second = pool.may_wait();
    assert!(first.is_some() && second.is_some());
    assert!(pool.may_wait().is_none());
    drop(first);
    assert!(pool.may_wait().is_some());
}

#[test]
fn no_worker_may_wait_for_a_peer_while_a_job_waits_for_a_worker() {
    let pool = Pool::new(2);
    let waiting = pool.may_wait();
    assert!(waiting.is_some() && !pool.is_wanted());
    let (release, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    for _ in 0..3 {
        let gate = Arc::clone(&gate);
        assert!(pool.submit(Box::new(move || gate.lock().unwrap().recv().unwrap())).is_ok());
    }
    assert!(pool.is_wanted(), "who waits has to take the third job");
    drop(waiting);
    assert!(pool.may_wait().is_none());
    (0..3).for_each(|_| release.send(()).unwrap());
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert!(!pool.is_wanted() && pool.may_wait().is_some());
}
