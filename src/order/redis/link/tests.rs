//! One connection, to a real server and to scripted ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::super::support::{PLENTY, RealRedis, soon};
use super::*;

fn connector(redis: Redis) -> Connector {
    Connector::new(redis)
}

/// A connector to this URL alone.
fn to(url: &str) -> Connector {
    connector(Redis::new(url).unwrap())
}

#[track_caller]
fn trouble_of(connector: &Connector) -> Trouble {
    let trouble = connector.connect(soon()).err().expect("it can't be connected to");
    assert!(trouble.is_unsent, "nothing can have been published: {trouble}");
    trouble
}

/// Sends a command, and gives the reply.
fn ask(link: &mut Link, arguments: &[&[u8]]) -> Reply {
    let mut out = Vec::new();
    command(&mut out, arguments);
    link.send(&out, soon()).unwrap();
    link.reply(soon()).unwrap()
}

/// A server that does this with each of so many connections, one after the other.
fn fake(count: usize, serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        listener.incoming().take(count).for_each(|socket| serve(socket.unwrap()))
    });
    url
}

/// One that says this once it is asked, and then waits for the other side to end.
fn saying(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    fake(1, move |mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(&bytes);
        let _ = socket.read_to_end(&mut Vec::new());
    })
}

/// What a master says, from `ROLE` on.
const MASTER: &str = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n*2\r\n$10\r\n1764314275\r\n$6\r\n493211\r\n\
     -ERR no such key\r\n";

fn info(version: &str) -> String {
    let info = format!("# Server\r\nredis_version:{version}\r\nrun_id:4af1\r\n");
    format!("${}\r\n{info}\r\n", info.len())
}

#[test]
fn a_real_redis_says_who_it_is() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let connector = to(&redis.url());
    let (link, greeting) = connector.connect(soon()).unwrap();
    assert_eq!(greeting.run.len(), 40 + 1 + 40);
    assert!(greeting.time > 1_700_000_000_000, "{greeting:?}");
    assert_eq!(*link.server, *redis.url());

    let (_, again) = connector.connect(soon()).unwrap();
    assert_eq!(again.run, greeting.run);
}

#[test]
fn a_stream_whose_entries_are_large_or_many_is_greeted() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let connector = to(&redis.url());
    let (mut link, _) = connector.connect(soon()).unwrap();
    let (key, large) = (connector.key().as_bytes(), vec![b'x'; LARGEST_ENTRY + 1]);
    ask(&mut link, &[b"XADD", key, b"1-1", b"d", &large]);
    let mut many = vec![b"XADD", key, b"1-2"];
    many.extend(std::iter::repeat_n(&b"f"[..], 40_000));
    ask(&mut link, &many);
    let (mut link, _) = connector.connect(soon()).unwrap();

    // What is too long is passed over, and the connection goes on.
    ask(&mut link, &[b"SET", b"large", &large]);
    let mut out = Vec::new();
    command(&mut out, &[b"GET", b"large"]);
    command(&mut out, &[b"GET", b"large"]);
    command(&mut out, &[b"PING"]);
    link.send(&out, soon()).unwrap();
    assert_eq!(link.reply(soon()).unwrap(), Reply::Oversized);
    assert_eq!(link.entry(soon()).unwrap(), Reply::Oversized);
    assert_eq!(link.reply(soon()).unwrap().text(), Some("PONG"));
}

#[test]
fn a_password_is_given_and_one_that_is_missing_or_wrong_is_told() {
    let user = ["--user", "hub", "on", ">secret", "allcommands", "allkeys"];
    let weak = ["--user", "weak", "on", ">secret", "allkeys", "+info", "+role", "+auth"];
    let arguments = [&["--requirepass", "hunter2"][..], &user, &weak].concat();
    let Some(redis) = RealRedis::start(&arguments) else { return };
    let (url, path) = (redis.url(), redis.socket().display().to_string());
    let with = |password: &str| connector(Redis::new(&url).unwrap().password(password));
    assert!(with("hunter2").connect(soon()).is_ok());
    assert!(to(&format!("unix://hub:secret@{path}")).connect(soon()).is_ok());

    for (connector, code, remedy) in [
        (to(&url), "NOAUTH", "; give its password with --redis-password-file"),
        (with("hunter3"), "WRONGPASS", "; give the right one with --redis-password-file"),
        (to(&format!("unix://weak:secret@{path}")), "NOPERM", "; allow this user the command"),
        (to(&format!("unix://hub@{path}")), "has no password for the user", ""),
    ] {
        let trouble = trouble_of(&connector);
        let what = trouble.to_string();
        assert!(trouble.is_lasting && what.contains(code) && what.contains(remedy), "{what}");
        assert!(!what.contains("hunter") && !what.contains("secret"), "{what}");
    }
}

#[test]
fn the_database_is_that_of_the_url() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let connector = to(&format!("{}?db=2", redis.url()));
    let (mut link, _) = connector.connect(soon()).unwrap();
    ask(&mut link, &[b"SET", b"here", b"x"]);
    let finds = |of: &Connector| {
        let (mut link, _) = of.connect(soon()).unwrap();
        ask(&mut link, &[b"EXISTS", b"here"]) == Reply::Integer(1)
    };
    assert!(finds(&connector) && !finds(&to(&redis.url())));
    let trouble = trouble_of(&to(&format!("{}?db=99", redis.url())));
    assert!(trouble.is_lasting && trouble.to_string().contains("out of range"), "{trouble}");
}

#[test]
fn a_key_that_is_something_else_asks_for_another_name() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let connector = to(&redis.url());
    let (mut link, _) = connector.connect(soon()).unwrap();
    ask(&mut link, &[b"SET", connector.key().as_bytes(), b"x"]);
    let trouble = trouble_of(&connector);
    assert!(trouble.is_lasting, "{trouble}");
    assert!(trouble.to_string().contains("choose another --redis-name"), "{trouble}");
}

#[test]
fn of_several_addresses_the_master_is_used_and_asked_first_the_next_time() {
    let Some(master) = RealRedis::start(&[]) else { return };
    let replica = RealRedis::start(&["--replicaof", "127.0.0.1", "1"]).unwrap();
    let replicas = Redis::new(&replica.url()).unwrap().or(&replica.url()).unwrap();
    let alone = connector(replicas.clone());
    let trouble = trouble_of(&alone);
    let one =
        format!("Redis at {} is a replica of \"127.0.0.1\": name its master, too", replica.url());
    assert_eq!(trouble.to_string(), format!("{one}; {one}"));
    assert!(!trouble.is_lasting, "one may be promoted");

    let all = connector(replicas.or(&master.url()).unwrap());
    let (link, _) = all.connect(soon()).unwrap();
    assert_eq!((&*link.server, all.last_good.load(Ordering::Relaxed)), (&*master.url(), 2));
    drop(replica);
    assert_eq!(*all.connect(soon()).unwrap().0.server, *master.url());
    drop(master);
    let whats = trouble_of(&all).to_string();
    assert_eq!(whats.matches("can't be connected to: No such file").count(), 3, "{whats}");
}

#[test]
fn another_thread_ends_what_a_link_waits_for() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let (mut link, _) = to(&redis.url()).connect(soon()).unwrap();
    let mut out = Vec::new();
    command(&mut out, &[b"BLPOP", b"nothing", b"0"]);
    link.send(&out, soon()).unwrap();
    let began = Instant::now();
    let connection = link.connection();
    let other = thread::spawn(move || connection.shutdown());
    let trouble = link.reply(began + 2 * PLENTY).unwrap_err();
    other.join().unwrap();
    assert!(trouble.to_string().ends_with("has ended the connection"), "{trouble}");
    assert!(!trouble.is_unsent && began.elapsed() < PLENTY);
}

#[test]
fn a_server_that_can_not_be_reached_is_a_passing_trouble() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("redis://{gone}"), format!("redis://localhost:{}", gone.port())] {
        let trouble = trouble_of(&to(&url));
        let what = trouble.to_string();
        assert!(what.starts_with(&format!("Redis at {url} can't be connected to: ")), "{what}");
        assert!(!trouble.is_lasting);
    }
}

#[test]
fn what_is_no_redis_of_ours_is_told_so() {
    let old = info("6.2.6") + MASTER;
    let senseless = "does not respond as Redis does";
    let sentinel = "*1\r\n$8\r\nsentinel\r\n".to_owned() + &"-ERR unknown command\r\n".repeat(2);
    for (said, why, is_lasting) in [
        (old, "is too old: it is version \"6.2.6\"", true),
        ("HTTP/1.1 400 Bad Request\r\n\r\n".into(), "does not speak its protocol", false),
        ("-ERR max number of clients reached\r\n".into(), "takes no command now", false),
        ("-LOADING Redis is loading\r\n".into(), "takes no command now: LOADING", false),
        ("$0\r\n\r\n".to_owned() + MASTER, senseless, true),
        (":1\r\n".to_owned() + MASTER, senseless, true),
        (info("7.0.0") + &sentinel, "is a Sentinel", true),
        (info("7.0.0") + "*0\r\n:1\r\n:1\r\n", senseless, true),
        (info("7.0.0") + &MASTER.replace("$10\r\n1764314275", "$1\r\nx"), senseless, true),
        (
            info("7.0.0") + &MASTER.replace("ERR no such key", "MOVED 866 10.0.0.1:6379"),
            "it belongs to a cluster, which is not supported",
            true,
        ),
        (
            info("7.0.0") + &MASTER.replace("ERR no such key", "ERR \x1B[2J"),
            "refuses a command: ERR \\u{1b}[2J",
            true,
        ),
    ] {
        let trouble = trouble_of(&to(&saying(said)));
        assert!(trouble.to_string().contains(why), "{trouble}");
        assert_eq!(trouble.is_lasting, is_lasting, "{trouble}");
    }
}

#[test]
fn a_master_is_greeted_in_one_go() {
    let (asked, hears) = mpsc::channel();
    let url = fake(1, move |mut socket| {
        let mut commands = [0; 4096];
        let length = socket.read(&mut commands).unwrap();
        asked.send(commands[..length].to_vec()).unwrap();
        socket.write_all(format!("+OK\r\n+OK\r\n{}{MASTER}", info("7.0.0")).as_bytes()).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let url = url.replace("://", "://:pw@") + "/3";
    let (link, greeting) = to(&url).connect(soon()).unwrap();
    let expected = "*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n\
        *2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n\
        *1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nROLE\r\n*1\r\n$4\r\nTIME\r\n\
        *3\r\n$5\r\nXINFO\r\n$6\r\nSTREAM\r\n$15\r\ntidings:default\r\n";
    assert_eq!(String::from_utf8(hears.recv().unwrap()).unwrap(), expected);
    assert_eq!((&*greeting.run, greeting.time), ("4af1 ", 1_764_314_275_493));
    drop(link);
}

#[test]
fn a_server_that_dribbles_does_not_move_the_deadline() {
    let url = fake(1, |mut socket| {
        // A line that would be too long after two minutes.
        while socket.write_all(b"+").is_ok() {
            thread::sleep(Duration::from_millis(2));
        }
    });
    let deadline = Instant::now() + Duration::from_millis(300);
    let trouble = to(&url).connect(deadline).err().unwrap();
    assert!(Instant::now() >= deadline, "{trouble}");
    assert!(trouble.to_string().ends_with("does not respond in time"), "{trouble}");
    assert!(Instant::now() < deadline + PLENTY);
}

#[test]
fn silence_ends_with_the_deadline_and_the_next_address_has_its_share() {
    let silent = fake(2, |mut socket| drop(socket.read_to_end(&mut Vec::new())));
    let both = Redis::new(&silent).unwrap().or(&silent).unwrap();
    let (began, time) = (Instant::now(), Duration::from_millis(200));
    let trouble = connector(both).connect(began + time).err().unwrap();
    let whats = trouble.to_string();
    assert_eq!(whats.matches("does not respond in time").count(), 2, "{whats}");
    assert!(trouble.is_unsent && !trouble.is_lasting && began.elapsed() >= time);
}

/// Greets as a master, and does this then.
fn master(then: impl Fn(TcpStream) + Send + 'static) -> (Link, Greeting) {
    let url = fake(1, move |mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        socket.write_all((info("7.0.0") + MASTER).as_bytes()).unwrap();
        then(socket);
    });
    to(&url).connect(soon()).unwrap()
}

#[test]
fn a_reply_that_is_cut_off_is_told() {
    for cut in ["", "$5\r\nab", "*2\r\n:1\r\n"] {
        let (mut link, _) = master(move |mut socket| {
            let _ = socket.read(&mut [0; 4096]);
            socket.write_all(cut.as_bytes()).unwrap();
        });
        link.send(b"*1\r\n$4\r\nPING\r\n", soon()).unwrap();
        let trouble = link.reply(soon()).unwrap_err();
        assert!(trouble.to_string().contains("has ended the connection"), "{trouble}");
        assert!(!trouble.is_unsent && !trouble.is_lasting);
    }
}

#[test]
fn what_is_sent_in_part_is_no_longer_unsent() {
    let (release, held) = mpsc::channel::<()>();
    let (mut link, _) = master(move |socket| {
        let _ = held.recv();
        drop(socket);
    });
    // More than any two sockets hold.
    let much = vec![b'x'; 64 * 1024 * 1024];
    let deadline = Instant::now() + Duration::from_millis(200);
    let trouble = link.send(&much, deadline).unwrap_err();
    assert!(trouble.to_string().ends_with("does not respond in time"), "{trouble}");
    assert!(!trouble.is_unsent && Instant::now() >= deadline);
    link.connection().shutdown();
    assert!(link.send(b"x", soon()).unwrap_err().is_unsent);
    drop(release);
}

#[test]
fn connects_that_nobody_waits_for_any_more_are_bounded() {
    let Some(redis) = RealRedis::start(&[]) else { return };
    let connector = to(&redis.url());
    let abandoned = vec![Arc::clone(&connector.connects); ABANDONED];
    let trouble = trouble_of(&connector);
    assert!(trouble.to_string().ends_with("it does not respond in time"), "{trouble}");
    drop(abandoned);
    assert!(connector.connect(soon()).is_ok());
}
