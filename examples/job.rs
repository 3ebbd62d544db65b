//! A job with an end: its progress is a channel, which is closed when the job is done.
//!
//! Whoever follows a job that is done is still sent its result, for ten minutes. A browser whose
//! stream has ended comes back with the id of the result, is told by a 204 that there is nothing
//! after it, and stays away: no line of the page has to close anything.
//!
//! ```text
//! $ cargo run --example job
//! listening on http://127.0.0.1:3000
//!
//! $ curl -d 500000 http://127.0.0.1:3000/jobs
//! jobs/1
//!
//! $ curl -N http://127.0.0.1:3000/jobs/1
//! id: 489621003417-3
//!
//! id: 489621003417-4
//! event: progress
//! data: 40
//! …
//! id: 489621003417-11
//! event: done
//! data: 41538 primes
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidings::{
    Channel, Error, History, Hub, Lag, Request, Response, Result, Server, Start, Status,
};

static NEXT: AtomicU64 = AtomicU64::new(1);

fn main() -> Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let history = History::default().events(20).age(Duration::from_secs(600));
    let jobs = Hub::with(history, Lag::Conflate);
    let server = Server::bind(address.as_str())?
        .get("/", |_request| Ok(Response::html(include_str!("pages/job.html"))))
        .post("/jobs", {
            let jobs = jobs.clone();
            move |request| begin(&jobs, request)
        })
        .sse("/jobs/{id}", move |stream, request| {
            let job = jobs.get(request.param("id").unwrap_or_default());
            stream.subscribe_from(&job.ok_or_else(Response::not_found)?, Start::Newest(1))
        });
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

/// Begins a job on a thread of its own, and says where to follow it.
fn begin(jobs: &Hub, request: &Request) -> Result<Response> {
    let below = request.body_text()?.trim().parse();
    let below = below.map_err(|_| Error::bad_request("send the number below which to count"))?;
    let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
    let busy = || Response::text("too many jobs\n").with_status(Status::SERVICE_UNAVAILABLE);
    let job = jobs.channel_within(&id, 1_000).ok_or_else(busy)?;
    job.spawn(move |job| count_primes(below, job))?;
    let place = format!("jobs/{id}");
    Response::text(format!("{place}\n")).with_status(Status::CREATED).with_field("Location", place)
}

/// Tells its progress ten times.
fn count_primes(below: u64, job: &Channel) -> Result<()> {
    let mut primes = 0;
    for tenth in 0..10 {
        let part = below * tenth / 10..below * (tenth + 1) / 10;
        primes += part.filter(|number| is_prime(*number)).count();
        job.send(("progress", (tenth + 1) * 10))?;
    }
    job.send(("done", format!("{primes} primes")))?;
    Ok(())
}

fn is_prime(number: u64) -> bool {
    number > 1 && !(2..).take_while(|of| of * of <= number).any(|of| number.is_multiple_of(of))
}
