//! The pool with real threads: demand, its cap, panics, and a stop.

use super::*;
use std::sync::mpsc;

const SOON: Duration = Duration::from_secs(10);

fn pool(cap: usize) -> Arc<Pool> {
    Pool::new(cap, &Arc::default(), &Arc::default())
}

#[test]
fn a_job_runs_on_a_worker_and_the_pool_stops_when_it_is_done() {
    let pool = pool(2);
    let (sender, receiver) = mpsc::channel();
    assert!(pool.submit(Box::new(move || sender.send(7).unwrap())).is_ok());
    assert_eq!(receiver.recv_timeout(SOON), Ok(7));
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert_eq!(pool.workers(), 0);
}

#[test]
fn there_are_never_more_workers_than_the_cap() {
    let pool = pool(2);
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
fn row_53_a_job_that_panics_is_counted_and_costs_neither_the_worker_nor_the_next_job() {
    let panics = Arc::default();
    let pool = Pool::new(1, &panics, &Arc::default());
    let (sender, receiver) = mpsc::channel();
    assert!(pool.submit(Box::new(|| panic!("on purpose"))).is_ok());
    assert!(pool.submit(Box::new(move || sender.send(()).unwrap())).is_ok());
    assert_eq!(receiver.recv_timeout(SOON), Ok(()));
    assert_eq!((pool.workers(), panics.count()), (1, 1));
}

#[test]
fn a_stopped_pool_gives_the_job_back() {
    let pool = pool(1);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert!(pool.submit(Box::new(|| ())).is_err());
}

#[test]
fn what_was_queued_before_the_stop_still_runs() {
    let pool = pool(1);
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
    let pool = pool(1);
    let (release, gate) = mpsc::channel::<()>();
    assert!(pool.submit(Box::new(move || assert!(gate.recv().is_err()))).is_ok());
    assert_eq!(pool.stop(Instant::now()), 1);
    drop(release);
}

#[test]
fn at_most_half_of_the_workers_may_wait_for_peers() {
    let pool = pool(4);
    let first = pool.may_wait();
    let second = pool.may_wait();
    assert!(first.is_some() && second.is_some());
    assert!(pool.may_wait().is_none());
    drop(first);
    assert!(pool.may_wait().is_some());
}

#[test]
fn no_worker_may_wait_for_a_peer_while_a_job_waits_for_a_worker() {
    let pool = pool(2);
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

/// Chores that say when they begin, and then wait to be released.
fn blocking_chores(pool: &Arc<Pool>, count: usize) -> (mpsc::Receiver<usize>, mpsc::Sender<()>) {
    blocking(count, |chore| assert!(pool.chore(chore).is_ok()))
}

/// The same with jobs.
fn blocking_jobs(pool: &Arc<Pool>, count: usize) -> (mpsc::Receiver<usize>, mpsc::Sender<()>) {
    blocking(count, |job| assert!(pool.submit(job).is_ok()))
}

fn blocking(count: usize, give: impl Fn(Job)) -> (mpsc::Receiver<usize>, mpsc::Sender<()>) {
    let (begin, begun) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    for n in 0..count {
        let (begin, gate) = (begin.clone(), Arc::clone(&gate));
        let chore = move || {
            let _ = begin.send(n);
            // One at a time gets through, and all at once when the sender is dropped.
            let _ = gate.lock().unwrap().recv();
        };
        give(Box::new(chore));
    }
    (begun, release)
}

#[test]
fn row_52_chores_occupy_a_handful_of_workers_and_are_all_done_once() {
    let pool = pool(100);
    let (begun, release) = blocking_chores(&pool, 200);
    let first: Vec<usize> = (0..HANDS).map(|_| begun.recv_timeout(SOON).unwrap()).collect();
    assert_eq!(pool.workers(), HANDS);
    drop(release);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    let mut all: Vec<usize> = first.into_iter().chain(begun).collect();
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
}

#[test]
fn chores_leave_half_of_the_workers_to_jobs() {
    let pool = pool(4);
    let (begun, _release) = blocking_chores(&pool, 10);
    assert!((0..2).all(|_| begun.recv_timeout(SOON).is_ok()));
    let (sender, done) = mpsc::channel();
    for n in 0..2 {
        let sender = sender.clone();
        assert!(pool.submit(Box::new(move || sender.send(n).unwrap())).is_ok());
        assert_eq!(done.recv_timeout(SOON), Ok(n));
    }
    assert!(begun.try_recv().is_err());
}

#[test]
fn a_chore_that_blocks_does_not_stop_the_others() {
    let pool = pool(100);
    let (begun, _release) = blocking_chores(&pool, HANDS - 1);
    assert!((0..HANDS - 1).all(|_| begun.recv_timeout(SOON).is_ok()));
    let (sender, done) = mpsc::channel();
    for n in 0..100 {
        let sender = sender.clone();
        assert!(pool.chore(Box::new(move || sender.send(n).unwrap())).is_ok());
    }
    let done: Vec<usize> = (0..100).map(|_| done.recv_timeout(SOON).unwrap()).collect();
    assert_eq!(done, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_job_waits_for_no_more_than_the_chore_that_is_under_way() {
    let pool = pool(1);
    let (begun, release) = blocking_chores(&pool, 3);
    assert_eq!(begun.recv_timeout(SOON), Ok(0));
    let (sender, done) = mpsc::channel();
    assert!(pool.submit(Box::new(move || sender.send(()).unwrap())).is_ok());
    release.send(()).unwrap();
    assert_eq!(done.recv_timeout(SOON), Ok(()));
    assert_eq!(begun.recv_timeout(SOON), Ok(1), "and the chores go on");
    drop(release);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert_eq!(begun.iter().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_stopped_pool_gives_the_chore_back() {
    let pool = pool(1);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
    assert!(pool.chore(Box::new(|| ())).is_err());
}

#[test]
fn a_stop_counts_those_that_are_busy_and_not_the_idle() {
    let pool = pool(2);
    let (begun, release) = blocking_jobs(&pool, 2);
    assert!((0..2).all(|_| begun.recv_timeout(SOON).is_ok()));
    release.send(()).unwrap();
    let until = Instant::now() + SOON;
    while pool.lock().idle == 0 {
        assert!(Instant::now() < until, "the condition did not come");
        thread::yield_now();
    }
    assert_eq!(pool.stop(Instant::now()), 1);
    drop(release);
}

#[test]
fn threads_that_have_ended_are_joined_and_the_others_kept() {
    let (release, gate) = mpsc::channel::<()>();
    let ended = thread::spawn(|| ());
    let until = Instant::now() + SOON;
    while !ended.is_finished() {
        assert!(Instant::now() < until, "the condition did not come");
        thread::yield_now();
    }
    let mut threads = vec![ended, thread::spawn(move || assert!(gate.recv().is_err()))];
    let kept = threads[1].thread().id();
    join_finished(&mut threads);
    assert_eq!(threads.iter().map(|thread| thread.thread().id()).collect::<Vec<_>>(), [kept]);
    drop(release);
    // And whoever joins one waits for its end.
    let done = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&done);
    let last = threads.remove(0);
    join(thread::spawn(move || {
        last.join().unwrap();
        thread::sleep(Duration::from_millis(50));
        set.store(true, Ordering::Relaxed);
    }));
    assert!(done.load(Ordering::Relaxed));
}

#[test]
fn row_52_a_worker_that_is_slow_to_start_is_not_started_again() {
    let pool = pool(100);
    let mut state = pool.lock();
    for _ in 0..10 {
        // Nobody can take it while the state is locked; somebody else has done it meanwhile.
        state.queue.push_back(Work::Hand);
        assert!(pool.find_worker(&mut state).is_some());
        state.queue.pop_back();
    }
    assert_eq!(state.workers, 1);
    drop(state);
    assert_eq!(pool.stop(Instant::now() + SOON), 0);
}
