//! `tidings doctor`: what stands in the way of a stream, whoever serves it.
//!
//! ```text
//! visit ──► bytes and times ──► facts ──► judge ──► findings ──► report, exit status
//!   1. the stream, for as long as --wait, and events of its own with --publish
//!   2. with a last event ID
//!   3. from a client that accepts compression, a few times
//!   4. from a page of another origin
//! ```
//!
//! To read on: [`facts`] are what was seen, [`judge`] is what that means ([`finding`]) and what to
//! do ([`remedy`], [`proxies`]). These are pure; [`visit`] and [`mod@publish`] are the parts that
//! wait for anything, and [`report`] prints.

mod facts;
mod finding;
mod judge;
mod options;
mod proxies;
mod publish;
mod remedy;
mod report;
mod stop;
mod visit;

use std::thread;
use std::time::Duration;

use tidings::client::{StreamRequest, Url};
use tidings::http::{ResponseHead, masked_url};

use super::client::{self, Carrier};
use super::{Failure, Outcome, duration, even_if_unread, print, signals};
use facts::Visit;
use finding::{Finding, Level};
use judge::{browser, flow, response, resume};
pub(super) use options::TABLE;
use options::{FAULTS, Options};
use proxies::Seen;
use publish::{Publication, publish};
use report::Report;
use stop::Stop;
use visit::{Ask, Until, visit};

/// The least and the most time that a head may take, whatever `--wait` says.
const HEAD: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];
/// How long a server may take to send again what was missed, or what comes next of what it
/// compresses.
const AGAIN: Duration = Duration::from_secs(2);
/// A proxy may decide by what comes with the head whether it compresses.
const TRIES: u32 = 3;
/// As many redirects as browsers follow.
const REDIRECTS: usize = 20;

/// The stream that is examined, and the way to its server.
struct Patient<'a> {
    options: &'a Options,
    url: Url,
    /// Not sent to another server that a redirect leads to.
    fields: &'a [(String, String)],
    carrier: Carrier,
    /// How long a head may take after the first.
    patience: Duration,
}

fn doctor(options: &Options) -> Outcome {
    let has_via = options.via.is_some();
    let request = client::request(&options.url, has_via, StreamRequest::get);
    let url = request.map_err(Failure::Usage)?.url().clone();
    let carrier = Carrier::new(options.via.as_deref(), &url);
    let mut report = Report::new();
    Patient { options, url, fields: &options.fields, carrier, patience: HEAD[0] }
        .examine(&mut report)?;
    match report.verdict() {
        Ok(said) => even_if_unread(print(&format!("\n{said}\n"))),
        Err(said) => Err(Failure::Ended { status: FAULTS, said }),
    }
}

impl Patient<'_> {
    fn examine(&mut self, report: &mut Report) -> Outcome {
        let (visit, published) = self.watch(report)?;
        self.patience = visit.patience(HEAD);
        if let Some((head, _)) = &visit.head {
            report.seen = Seen::of(head);
        }
        report.add(response::response(&visit))?;
        let Some((head, _)) = &visit.head else { return Ok(()) };
        report.add(response::proxies(head, &report.seen))?;
        if !visit.is_stream() {
            return Ok(());
        }
        if flow::is_away(&visit) {
            return report.add(flow::end(&visit));
        }
        report.add(response::framing(head))?;
        if let Some(finding) = browser::compressed_unasked(head) {
            // What comes can't be read.
            return report.add(finding);
        }
        report.add(response::caching(head))?;
        report.add(flow::first_byte(&visit))?;
        let buffering = || flow::buffering(&visit, &published);
        report.add(flow::no_events(&visit).unwrap_or_else(buffering))?;
        report.add(flow::heartbeat(&visit))?;
        report.add(flow::end(&visit))?;
        report.add(self.resume(&visit)?)?;
        report.add(self.compression(&visit)?)?;
        report.add(self.cors()?)
    }

    /// Watches the stream for as long as `--wait`, and publishes meanwhile if that is asked for;
    /// follows redirects to it.
    fn watch(&mut self, report: &mut Report) -> Result<(Visit, Vec<Publication>), Failure> {
        let Options { wait, publish: publishes, .. } = *self.options;
        let head = wait.clamp(HEAD[0], HEAD[1]);
        let stop = Stop::default();
        signals::on_first({
            let stop = stop.clone();
            move |_| stop.stop()
        });
        let until = Until::over(wait, head, stop);
        let shown = masked_url(&self.url.to_string()).into_owned();
        report.title(&format!("{shown}, watched for {}", duration::exact(wait)))?;
        let mut been = Vec::new();
        loop {
            been.push(self.url.clone());
            let ask = self.ask("", None)?;
            let (visit, published) = thread::scope(|scope| {
                let mut publishing = None;
                let (visit, _) = visit(&self.carrier, &ask, &until, |start| {
                    let (carrier, url, fields) = (&self.carrier, &self.url, self.fields);
                    let run = move || publish(carrier, url, fields, start);
                    publishing = publishes.then(|| scope.spawn(run));
                });
                let published = publishing.and_then(|thread| thread.join().ok());
                (visit, published.unwrap_or_default())
            });
            let to = visit.head.as_ref().and_then(|(head, _)| self.leads_to(head));
            let is_new = |url: &Url| been.len() <= REDIRECTS && !been.contains(url);
            let Some(url) = to.filter(is_new) else { return Ok((visit, published)) };
            self.follow(url, report)?;
        }
    }

    fn leads_to(&self, head: &ResponseHead) -> Option<Url> {
        let location = head.field_text("location").filter(|_| head.status().is_redirect())?;
        self.url.join(location).ok()
    }

    fn follow(&mut self, url: Url, report: &mut Report) -> Outcome {
        let shown = masked_url(&url.to_string()).into_owned();
        report.add(Finding::note("redirect", format!("to {shown}, which costs a round trip")))?;
        if self.carrier.is_plain() {
            client::plain(&url).map_err(|said| Failure::Ended { status: FAULTS, said })?;
        }
        if !url.has_origin_of(&self.url) {
            self.fields = &[];
        }
        self.url = url;
        Ok(())
    }

    /// The same request as an event source sends, with this last event ID and this field.
    fn ask(&self, last_event_id: &str, field: Option<(&str, &str)>) -> Result<Ask, Failure> {
        let mut fields = self.fields.to_vec();
        if let Some((name, value)) = field {
            fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            fields.push((name.into(), value.into()));
        }
        let ask =
            Ask::new(&self.url, self.url.target(), &fields, last_event_id, StreamRequest::get);
        ask.map_err(|error| Failure::Usage(error.to_string()))
    }

    fn resume(&self, before: &Visit) -> Result<Finding, Failure> {
        let ids = &before.flow.ids;
        let Some(id) = resume::asks_after(ids) else { return Ok(resume::no_ids(before)) };
        let until = Until::enough(self.patience, AGAIN, |visit| visit.flow.first_event.is_some());
        let (visit, _) = visit(&self.carrier, &self.ask(id, None)?, &until, |_| ());
        Ok(resume::resume(ids, id, &visit))
    }

    fn compression(&self, before: &Visit) -> Result<Finding, Failure> {
        let ask = self.ask("", None)?.accepting(browser::ENCODINGS);
        let until = Until::enough(self.patience, AGAIN, browser::is_told);
        let mut tries = 1;
        loop {
            let (visit, _) = visit(&self.carrier, &ask, &until, |_| ());
            if visit.head.is_none() && visit.end.is_none() {
                return self.no_response(&visit, before);
            }
            let finding = browser::compression(&visit, before);
            if finding.level != Level::Good || tries == TRIES {
                return Ok(finding);
            }
            tries += 1;
        }
    }

    /// A client that accepts every coding got none. Is that so for one that accepts none?
    fn no_response(&self, compressed: &Visit, before: &Visit) -> Result<Finding, Failure> {
        let until = Until::head(self.patience);
        let (control, _) = visit(&self.carrier, &self.ask("", None)?, &until, |_| ());
        Ok(match control.head {
            Some(_) => browser::compression(compressed, before),
            None => browser::no_response(&control),
        })
    }

    fn cors(&self) -> Result<Finding, Failure> {
        let origin = self.options.origin.as_deref();
        let ask = self.ask("", Some(("Origin", origin.unwrap_or(browser::STRANGER))))?;
        let (visit, _) = visit(&self.carrier, &ask, &Until::head(self.patience), |_| ());
        Ok(browser::cors(&visit, origin))
    }
}
