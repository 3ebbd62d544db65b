//! A chat: rooms, who is in each of them, and what was said before for newcomers.
//!
//! A room is a channel of a hub. A newcomer is sent its newest 50 events; a client that comes back,
//! what it missed. Who is there is an event of type `people`, with one name a line. A page that is
//! reloaded ends one stream and begins another, so a name stays for five seconds without one.
//!
//! ```text
//! $ cargo run --example chat
//! listening on http://127.0.0.1:3000
//!
//! $ curl -N 'http://127.0.0.1:3000/rooms/kitchen?name=ann'
//! $ curl -d 'soup is ready' 'http://127.0.0.1:3000/rooms/kitchen?name=bob'
//! ```

#![forbid(unsafe_code)]

mod notebook;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use tidings::{Channel, Error, Hub, Request, Response, Result, Server, SseWriter, Start, Status};

const GRACE: Duration = Duration::from_secs(5);

static CHAT: LazyLock<Chat> = LazyLock::new(Chat::default);

#[derive(Default)]
struct Chat {
    rooms: Hub,
    /// By room and name: how many streams, and when one last ended.
    people: Mutex<BTreeMap<(String, String), (usize, Instant)>>,
}

fn main() -> Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    CHAT.rooms.every(Duration::from_secs(1), |_rooms| CHAT.forget_who_left())?;
    let server = Server::bind(address.as_str())?
        .get("/", |_request| Ok(Response::html(include_str!("pages/chat.html"))))
        .sse("/rooms/{room}", |stream, request| CHAT.enter(stream, request))
        .post("/rooms/{room}", |request| CHAT.say(request));
    println!("listening on http://{}", server.address());
    notebook::add_to(server).run()
}

impl Chat {
    fn enter(&'static self, stream: SseWriter, request: &Request) -> Result<()> {
        let (room, key) = self.read(request)?;
        let name = key.0.clone();
        self.people.lock().unwrap().entry(key.clone()).or_insert((0, Instant::now())).0 += 1;
        stream.on_close(move |_reason| {
            let mut people = self.people.lock().unwrap();
            let streams = people.get_mut(&key).expect("a name stays while it has a stream");
            *streams = (streams.0 - 1, Instant::now());
        });
        self.tell_people(&name)?;
        stream.subscribe_from(&room, Start::Newest(50))
    }

    fn say(&self, request: &Request) -> Result<Response> {
        let (room, (_, name)) = self.read(request)?;
        let id = room.send(("said", format!("{name}: {}", request.body_text()?)))?;
        Ok(Response::text(format!("{id}\n")))
    }

    /// The room that a request is for, and the names of the room and of whoever asks.
    fn read(&self, request: &Request) -> Result<(Channel, (String, String))> {
        let name = request.query("name").filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Error::bad_request("say who you are, with ?name=NAME"))?;
        let full = || Response::text("no more rooms\n").with_status(Status::SERVICE_UNAVAILABLE);
        let room = request.param("room").unwrap_or_default();
        let channel = self.rooms.channel_within(room, 1_000).ok_or_else(full)?;
        Ok((channel, (room.to_owned(), name)))
    }

    fn tell_people(&self, room: &str) -> Result<()> {
        let people = self.people.lock().unwrap();
        let names: Vec<&str> =
            people.keys().filter(|key| key.0 == room).map(|key| key.1.as_str()).collect();
        self.rooms.channel(room).send(("people", names.join("\n"))).map(drop)
    }

    fn forget_who_left(&self) -> Result<()> {
        let mut left = BTreeSet::new();
        self.people.lock().unwrap().retain(|(room, _), (streams, since)| {
            let stays = *streams > 0 || since.elapsed() < GRACE;
            if !stays {
                left.insert(room.clone());
            }
            stays
        });
        for room in left {
            // An error that was returned would end the interval, for all rooms.
            self.tell_people(&room).unwrap_or_else(|error| eprintln!("{room}: {error}"));
        }
        Ok(())
    }
}
