//! What is read of a greeting.

use super::*;

fn text(text: &str) -> Reply {
    Reply::Text(text.into())
}

fn texts(texts: &[&str]) -> Reply {
    Reply::Array(texts.iter().map(|one| text(one)).collect())
}

#[test]
fn redis_is_new_enough_or_a_valkey() {
    for info in [
        "# Server\r\nredis_version:7.0.15\r\nrun_id:4af1\r\n# Replication\r\nmaster_replid:e9\r\n",
        "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nrun_id:4af1\r\n",
        "redis_version:6.9.9\r\nvalkey_version:9.0.0\r\nrun_id:4af1\r\n",
        "redis_version:255.255.255\r\nrun_id:4af1",
    ] {
        let replid = if info.contains("replid") { "e9" } else { "" };
        assert_eq!(run_of(info), Ok(format!("4af1 {replid}")), "{info}");
    }
    for version in ["6.2.21", "", "x"] {
        let trouble = run_of(&format!("redis_version:{version}\r\nrun_id:4af1\r\n")).unwrap_err();
        assert!(trouble.is_lasting && trouble.to_string().contains("Redis 7.0 or newer"));
    }
    for info in ["", "redis_version:7.0.15\r\n", "run_id:4af1\r\n"] {
        assert_eq!(run_of(info), Err(senseless()), "{info}");
    }
}

#[test]
fn only_a_master_will_do() {
    let role = |parts: &[&str]| check_role(&texts(parts)).map_err(|trouble| trouble.to_string());
    assert_eq!(role(&["master", "0"]), Ok(()));
    let replica = "is a replica of \"10.0.0.7\": name its master, too";
    assert_eq!(role(&["slave", "10.0.0.7", "6379"]), Err(replica.into()));
    assert!(!check_role(&texts(&["slave"])).unwrap_err().is_lasting, "it may be promoted");
    assert!(role(&["sentinel"]).unwrap_err().starts_with("is a Sentinel"));
    for senseless in [&texts(&[]), &texts(&["boss"]), &text("master"), &Reply::Null] {
        assert!(check_role(senseless).unwrap_err().is_lasting);
    }
}

#[test]
fn the_time_is_seconds_and_microseconds() {
    assert_eq!(milliseconds(&texts(&["1764314275", "493999"])), Ok(1_764_314_275_493));
    for wrong in [texts(&["1"]), texts(&["x", "1"]), text("1"), Reply::Null] {
        assert_eq!(milliseconds(&wrong), Err(senseless()));
    }
    assert_eq!(milliseconds(&texts(&["18446744073709551615", "1"])), Err(senseless()));
}

#[test]
fn what_is_known_of_a_stream_is_read_whatever_stands_between() {
    let info = |length: i64, first: &str| {
        Reply::Array(vec![
            text("length"),
            Reply::Integer(length),
            text("radix-tree-keys"),
            Reply::Integer(1),
            text("last-generated-id"),
            text("7-9"),
            text("entries-added"),
            Reply::Integer(12),
            text("recorded-first-entry-id"),
            text(first),
            text("first-entry"),
            Reply::Oversized,
        ])
    };
    let id = |epoch, sequence| Id { epoch, sequence };
    let known = |info: Reply| known(info).map_err(|trouble| trouble.is_lasting);
    let all = Known { newest: Some(id(7, 9)), first: Some(id(5, 1)), ..Known::default() };
    assert_eq!(known(info(3, "5-1")), Ok(all));
    assert_eq!(known(info(12, "5-1")), Ok(Known { is_whole: true, ..all }));
    assert_eq!(known(info(0, "0-0")), Ok(Known { first: None, ..all }));
    assert_eq!(known(Reply::Error("ERR no such key".into())), Ok(Known::default()));
    assert_eq!(known(Reply::Error("NOPERM".into())), Err(true));
    for senseless in [info(-1, "0-0"), texts(&["length", "3"]), Reply::Null] {
        assert_eq!(known(senseless), Err(true));
    }
}
