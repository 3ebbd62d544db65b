//! URLs, names and passwords.

use std::path::Path;

use super::*;

/// Host, port, database, user and password.
type At<'a> = (&'a str, u16, u32, Option<&'a str>, Option<&'a str>);

#[test]
fn a_url_names_a_host_and_may_name_more() {
    for (text, shown, at) in [
        ("redis://h", "redis://h:6379", ("h", 6379, 0, None, None)),
        ("redis://h:", "redis://h:6379", ("h", 6379, 0, None, None)),
        ("redis://h/", "redis://h:6379", ("h", 6379, 0, None, None)),
        ("Redis://h:80/3", "redis://h:80", ("h", 80, 3, None, None)),
        ("valkey://127.0.0.1:1/0", "redis://127.0.0.1:1", ("127.0.0.1", 1, 0, None, None)),
        ("redis://[::1]/15", "redis://[::1]:6379", ("::1", 6379, 15, None, None)),
        ("redis://[::1]:7/15", "redis://[::1]:7", ("::1", 7, 15, None, None)),
        ("redis://:pw@h", "redis://h:6379", ("h", 6379, 0, None, Some("pw"))),
        ("redis://me:pw@h", "redis://h:6379", ("h", 6379, 0, Some("me"), Some("pw"))),
        ("redis://me@h", "redis://h:6379", ("h", 6379, 0, Some("me"), None)),
        ("redis://m%40e:p%2F%3A@w@h", "redis://h:6379", ("h", 6379, 0, Some("m@e"), Some("p/:@w"))),
    ] {
        let redis = Redis::new(text).expect(text);
        let server = &redis.servers[0];
        let password = redis.password_for(server).map(|bytes| std::str::from_utf8(bytes).unwrap());
        let found: At<'_> = (
            server.url.host(),
            server.url.port(),
            server.database,
            server.user.as_deref(),
            password,
        );
        assert_eq!((&*server.shown, found), (shown, at), "{text}");
    }
}

#[test]
fn a_url_may_name_a_unix_socket() {
    for (text, path, database, password) in [
        ("unix:/run/r.sock", "/run/r.sock", 0, None),
        ("unix:r.sock?db=2", "r.sock", 2, None),
        ("unix:///run/r.sock?db=2", "/run/r.sock", 2, None),
        ("redis+unix:///run/r.sock", "/run/r.sock", 0, None),
        ("unix://me:pw@/run/r.sock", "/run/r.sock", 0, Some(&b"pw"[..])),
    ] {
        let redis = Redis::new(text).expect(text);
        let server = &redis.servers[0];
        assert_eq!(server.url.socket(), Some(Path::new(path)), "{text}");
        assert_eq!(&*server.shown, format!("unix:{path}"));
        assert_eq!((server.database, redis.password_for(server)), (database, password), "{text}");
    }
}

#[test]
fn what_is_no_url_is_told_what_one_is() {
    for (text, why) in [
        ("", "must be given as redis://HOST:PORT or unix:PATH"),
        ("localhost", "must be given as redis://HOST:PORT or unix:PATH"),
        ("localhost:6379", "must be given as redis://HOST:PORT or unix:PATH"),
        ("redis:localhost", "must be given as redis://HOST:PORT or unix:PATH"),
        ("http://localhost:6379", "must be given as redis://HOST:PORT or unix:PATH"),
        ("unix://host/run/r.sock", "must be given as redis://HOST:PORT or unix:PATH"),
        ("rediss://h", "put a proxy that speaks it, such as stunnel, before Redis"),
        ("redis://", "must name a host"),
        ("redis:///0", "must name a host"),
        ("redis://h::/0", "must name a host"),
        ("redis://::1/0", "must name a host"),
        ("redis://h:65536/0", "must name a host"),
        ("redis://h1,h2", "must name a host"),
        ("redis://h/a", "a database of Redis is a number"),
        ("redis://h/+1", "a database of Redis is a number"),
        ("redis://h/1/", "a database of Redis is a number"),
        ("redis://h?db=1", "a database of Redis is a number"),
        ("redis://h/4294967296", "a database of Redis is a number"),
        ("unix:", "must have a path"),
        ("unix:?db=1", "must have a path"),
        ("unix:/r?database=1", "nothing may stand but ?db=DATABASE"),
        ("unix:/r?db=", "a database of Redis is a number"),
        ("redis://%zz@h", "must be percent-encoded"),
        ("redis://h\r\n", "no control characters"),
    ] {
        let error = Redis::new(text).expect_err(text);
        assert!(error.is_invalid() && error.to_string().contains(why), "{text}: {error}");
        assert!(Redis::new("redis://h").unwrap().or(text).is_err());
    }
}

#[test]
fn neither_errors_nor_debug_show_a_password() {
    for text in [
        "redis://me:hunter2@h/x",
        "redis://me:hunter2/x@h",
        "rediss://:hunter2@h",
        "redis://h?password=hunter2",
        "unix://hunter2@/r?x",
    ] {
        let error = Redis::new(text).expect_err(text).to_string();
        assert!(!error.contains("hunter2") && error.contains("..."), "{error}");
    }
    let redis = Redis::new("redis://me:hunter2@h/1").unwrap().or("unix:/r").unwrap();
    assert_eq!(
        format!("{:?}", redis.password("hunter2")),
        "Redis { servers: [\"redis://h:6379\", \"unix:/r\"], name: \"default\", replicas: 0, \
         length: 100000, .. }"
    );
}

#[test]
fn the_name_of_hubs_is_a_part_of_the_key() {
    let redis = || Redis::new("redis://h").unwrap();
    assert_eq!(redis().key(), "tidings:default");
    assert_eq!(redis().name("A-Z.a_z~0").unwrap().key(), "tidings:A-Z.a_z~0");
    for name in ["", "a b", "a}", "a:b", "é", &"n".repeat(129)] {
        let error = redis().name(name).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("1 to 128 of A-Z"), "{error}");
    }
}

#[test]
fn at_least_one_event_is_kept() {
    let redis = Redis::new("redis://h").unwrap().length(0).wait(2);
    assert_eq!((redis.length, redis.replicas), (1, 2));
}

/// A folder that goes with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("tidings-redis-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_password_file_is_one_line_and_counts_for_all_addresses() {
    let folder = Folder::new("password");
    let path = folder.0.join("password");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        let redis = Redis::new("redis://:other@h").unwrap().or("unix:/r").unwrap();
        redis.password_file(&path)
    };
    let longest = vec![b'x'; LONGEST_PASSWORD];
    for (content, password) in [
        (&b"p w\xFF"[..], &b"p w\xFF"[..]),
        (b"pw\n", b"pw"),
        (b"pw\r\n", b"pw"),
        (&[&longest[..], b"\r\n"].concat(), &longest),
    ] {
        let redis = read(content).unwrap();
        for server in &redis.servers {
            assert_eq!(redis.password_for(server), Some(password));
        }
    }
    for (content, why) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (b"a\nb\n", "must contain one line"),
        (b"a\n\n", "must contain one line"),
        (&[b'x'; LONGEST_PASSWORD + 1], "is too long"),
    ] {
        let error = read(content).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(why), "{error}");
    }
    let error = Redis::new("redis://h").unwrap().password_file(folder.0.join("none")).unwrap_err();
    assert!(error.to_string().contains("can't read the password file"), "{error}");
}
