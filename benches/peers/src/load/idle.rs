//! Streams on which nothing happens: their memory, their CPU time, and their ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};

use super::Wants;
use super::report::{Latencies, Server, put};
use super::streams::Load;
use crate::{Result, system};

/// What a server still does for streams that have just opened is no cost of idle ones.
const SETTLE: Duration = Duration::from_secs(2);
/// How many events there are before allocations are counted: just past a power of two, so that the
/// log's list has room for as many again.
const WARM: u64 = 10_000;
/// Milliseconds: long enough for the passes of one event to be over before the next.
const APART: u64 = 2;
/// How many streams end, each in both ways.
const ENDS: usize = 10;

/// The slope of resident memory from `from` to `streams`, with a few events to each first.
pub(super) fn memory(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    let (from, to) = (wants.number("from")? as usize, wants.streams()?);
    let mut resident = Vec::new();
    for streams in [from, to] {
        load.open(streams)?;
        for _ in 0..3 {
            load.publish(1)?;
            load.drain(&mut |_, _| {})?;
        }
        load.rest(SETTLE)?;
        resident.push(system::resident(server.pid)? as f64);
    }
    put("bytes_per_stream", (resident[1] - resident[0]) / (to - from) as f64);
    Ok(())
}

/// The slope of the server's heap, as its own allocator counts it.
pub(super) fn heap(load: &mut Load, wants: &Wants) -> Result<()> {
    let (from, to) = (wants.number("from")? as usize, wants.streams()?);
    let mut live = Vec::new();
    for streams in [from, to] {
        load.open(streams)?;
        load.publish(1)?;
        load.drain(&mut |_, _| {})?;
        load.rest(SETTLE)?;
        live.push(counts(load)?.live as f64);
    }
    put("heap_per_stream", (live[1] - live[0]) / (to - from) as f64);
    Ok(())
}

/// The CPU time of streams on which nothing comes but heartbeats.
pub(super) fn cpu(load: &mut Load, server: Server, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    load.rest(SETTLE)?;
    let (began, before) = (Instant::now(), system::cpu_time(server.pid)?);
    load.rest(wants.time()?)?;
    let spent = system::cpu_time(server.pid)? - before;
    put("cpu_percent", spent.as_secs_f64() * 100.0 / began.elapsed().as_secs_f64());
    Ok(())
}

/// How long the server counts a stream whose client has closed, or reset, the connection.
pub(super) fn gone(load: &mut Load, wants: &Wants) -> Result<()> {
    load.open(wants.streams()?)?;
    load.rest(SETTLE)?;
    for (name, reset) in [("closed_", false), ("reset_", true)] {
        let mut latencies = Latencies::new();
        for _ in 0..ENDS {
            let stream = load.streams.pop().ok_or("no stream is left")?;
            if reset {
                let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
                setsockopt(&stream.socket, sockopt::Linger, &linger)?;
            }
            let began = Instant::now();
            drop(stream);
            while counts(load)?.streams > load.streams.len() as u64 {
                load.rest(Duration::from_millis(2))?;
            }
            latencies.record(began.elapsed());
            load.rest(Duration::from_millis(37))?;
        }
        latencies.put(name);
    }
    Ok(())
}

/// Heap allocations per publish and per delivery: what is the same for any number of streams, and
/// what grows with it.
pub(super) fn allocations(load: &mut Load, wants: &Wants) -> Result<()> {
    let (few, many) = (wants.number("from")?, wants.number("streams")?);
    let events = wants.number("events")?;
    let mut posts = Vec::new();
    let mut sends = Vec::new();
    // The log doubles its list of events now and then: so far that it need not meanwhile.
    send_within(load, WARM, 0)?;
    for streams in [few, many] {
        load.open(streams as usize)?;
        let before = counts(load)?.allocations;
        for _ in 0..events {
            load.publish(1)?;
            load.drain(&mut |_, _| {})?;
        }
        posts.push((counts(load)?.allocations - before) as f64 / events as f64);
        sends.push(send_within(load, events, APART)? as f64 / events as f64);
    }
    for (name, measured) in [("post", posts), ("send", sends)] {
        let each = (measured[1] - measured[0]) / (many - few) as f64;
        put(&format!("{name}_per_delivery"), each);
        put(&format!("{name}_per_publish"), measured[0] - each * few as f64);
    }
    Ok(())
}

/// Has the server publish from within, and returns its allocations meanwhile.
fn send_within(load: &mut Load, times: u64, apart: u64) -> Result<u64> {
    // No event of the check: its data has no mark.
    let body = "x".repeat(super::event::SIZE);
    let response = ask(load, &format!("POST /send?times={times}&apart={apart}"), &body)?;
    load.rest(Duration::from_millis(50))?;
    Ok(response.parse()?)
}

/// What `GET /counts` tells.
struct Counts {
    allocations: u64,
    live: u64,
    streams: u64,
}

fn counts(load: &Load) -> Result<Counts> {
    let response = ask(load, "GET /counts", "")?;
    let numbers: Vec<_> = response.split([' ', '=']).filter_map(|part| part.parse().ok()).collect();
    let [allocations, live, streams] = numbers[..] else {
        return Err(format!("not understood: {response}").into());
    };
    Ok(Counts { allocations, live, streams })
}

/// One request on a connection of its own, and the content of its response.
fn ask(load: &Load, target: &str, body: &str) -> Result<String> {
    let mut socket = TcpStream::connect(load.address)?;
    let length = body.len();
    write!(
        socket,
        "{target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n\
         {body}",
        load.address
    )?;
    let mut response = String::new();
    socket.read_to_string(&mut response)?;
    let content = response.split_once("\r\n\r\n").ok_or("no response")?.1;
    Ok(content.trim().to_owned())
}
