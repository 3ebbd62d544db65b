//! Sensors, of which only the present counts: whoever comes is sent the newest reading of each, and
//! then every change.
//!
//! Each sensor is a channel that keeps one event, and a client follows all of them at once, those
//! that come later included. A client that reads too slowly, or was away, skips to the present and
//! is told nothing of what it missed: `Lag::Conflate`.
//!
//! ```text
//! $ cargo run --example sensors
//! listening on http://127.0.0.1:3000
//!
//! $ curl -d 19.5 http://127.0.0.1:3000/sensors/attic
//! $ curl -N http://127.0.0.1:3000/sensors
//! id: 489621003417-1
//! data: attic 19.5
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::env;
use std::time::{Duration, SystemTime};

use tidings::{Error, History, Hub, Lag, Request, Response, Result, Server, Start, Status};

fn main() -> Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let hub = Hub::with(History::latest(), Lag::Conflate);
    // A sensor of the program's own: how warm the cellar is, as far as a clock can tell.
    hub.channel("sensor.cellar").every(Duration::from_secs(1), |cellar| {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
        cellar.send(format!("cellar {:.2}", 12.0 + (seconds / 60.0).sin()))
    })?;
    let all = hub.matching("sensor.*")?;
    let server = Server::bind(address.as_str())?
        .get("/", |_request| Ok(Response::html(include_str!("pages/sensors.html"))))
        .sse("/sensors", move |stream, _request| {
            stream.subscribe_from(&all, Start::NewestOfEach(1))
        })
        .post("/sensors/{name}", move |request| read(&hub, request));
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

/// Takes a sensor's reading: a number.
fn read(hub: &Hub, request: &Request) -> Result<Response> {
    let reading = request.body_text()?.trim().parse::<f64>();
    let reading = reading.map_err(|_| Error::bad_request("send a number"))?;
    let name = request.param("name").unwrap_or_default();
    let full = || Response::text("too many sensors\n").with_status(Status::SERVICE_UNAVAILABLE);
    let sensor = hub.channel_within(&format!("sensor.{name}"), 10_000).ok_or_else(full)?;
    sensor.send(format!("{name} {reading}"))?;
    Ok(Response::no_content())
}
