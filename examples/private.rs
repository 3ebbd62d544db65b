//! Notes behind a login: each user has a stream, which ends when the session does.
//!
//! A browser sends the login's cookie with all that an `EventSource` asks for. At the session's end
//! the stream ends (`close_at`), and the browser comes back: if the page has renewed the session by
//! then, nothing is lost; else it gets a 401, and stays away.
//!
//! ```text
//! $ cargo run --example private 127.0.0.1:3000 60 # seconds that a session lasts
//! $ curl -c jar -d sesame 'http://127.0.0.1:3000/login?name=ann'
//! $ curl -N -b jar http://127.0.0.1:3000/notes
//! $ curl -b jar -d 'buy milk' http://127.0.0.1:3000/notes
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};
use std::{collections::HashMap, env, fs::File, io::Read};

use tidings::{Hub, Logger, Request, Response, Result, Server, SseWriter, Status, http::Head};

/// A real site keeps a slow, salted hash of each password instead.
const USERS: [(&str, &str); 2] = [("ann", "sesame"), ("bob", "swordfish")];
/// No script can read the cookie, and no page of another site can use it. Behind TLS, add `Secure`.
const COOKIE: &str = "Path=/; HttpOnly; SameSite=Strict";

static NOTES: LazyLock<Hub> = LazyLock::new(Hub::new);
/// By the values of their cookies.
static SESSIONS: LazyLock<Mutex<HashMap<String, Session>>> = LazyLock::new(Mutex::default);

struct Session {
    user: &'static str,
    ends: Instant,
    streams: Vec<SseWriter>,
}

fn main() -> Result<()> {
    let server = Server::bind(&*env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into()))?
        .hooks(Logger::stderr())
        .admit(|head, _peer| match head.path() {
            "/" | "/login" | "/received" => Ok(()),
            _ => in_session(head, |_id, _session| ()),
        })
        .get("/", |_request| Ok(Response::html(include_str!("pages/private.html"))))
        .post("/login", log_in)
        .post("/renew", |request| in_session(request.head(), renew)?)
        .post("/logout", log_out)
        .post("/notes", |request| {
            let user = in_session(request.head(), |_id, session| session.user)?;
            Ok(Response::text(NOTES.channel(user).send(request.body_text()?)?))
        })
        .sse("/notes", |stream, request| {
            let user = in_session(request.head(), |_id, session| {
                stream.close_at(session.ends);
                session.streams.retain(SseWriter::is_active);
                session.streams.push(stream.clone());
                session.user
            })?;
            stream.set_user(user);
            stream.subscribe(&NOTES.channel(user))
        });
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

/// Does something with the session that a request belongs to, and its id.
fn in_session<T>(head: &Head, act: impl FnOnce(&str, &mut Session) -> T) -> Result<T, Response> {
    let (id, mut sessions) = (head.cookie("session").unwrap_or_default(), SESSIONS.lock().unwrap());
    let session = sessions.get_mut(id).filter(|session| session.ends > Instant::now());
    let stranger = || Response::text("log in first\n").with_status(Status::UNAUTHORIZED);
    Ok(act(id, session.ok_or_else(stranger)?))
}

fn log_in(request: &Request) -> Result<Response> {
    let (name, password) = (request.query("name").unwrap_or_default(), request.body_text()?);
    let wrong = || Response::text("wrong name or password\n").with_status(Status::FORBIDDEN);
    let (user, _) = USERS.iter().find(|user| **user == (&*name, password)).ok_or_else(wrong)?;
    let mut random = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random))?;
    let id = format!("{:032x}", u128::from_ne_bytes(random));
    SESSIONS.lock().unwrap().retain(|_id, session| session.ends > Instant::now());
    let session = Session { user, ends: Instant::now(), streams: Vec::new() };
    renew(&id, SESSIONS.lock().unwrap().entry(id.clone()).or_insert(session))
}

/// Open streams still end when they were to: as their clients come back, each proves itself again.
fn renew(id: &str, session: &mut Session) -> Result<Response> {
    let seconds = env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(60);
    session.ends = Instant::now() + Duration::from_secs(seconds);
    let cookie = format!("session={id}; Max-Age={seconds}; {COOKIE}");
    Response::text(seconds.to_string()).with_field("Set-Cookie", cookie)
}

fn log_out(request: &Request) -> Result<Response> {
    let session = SESSIONS.lock().unwrap().remove(request.cookie("session").unwrap_or_default());
    session.iter().flat_map(|session| &session.streams).for_each(SseWriter::close);
    Response::no_content().with_field("Set-Cookie", format!("session=; Max-Age=0; {COOKIE}"))
}
