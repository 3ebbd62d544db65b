//! Tokens that are nearly right, from dice that fall alike on every run. `TIDINGS_TOKENS=1000000`
//! throws them that often.

use super::tests::{KEY, NOW, keys, signed};
use super::*;
use crate::cli::seeded::Random;

/// How many tokens there are for each property, unless the environment says.
const TOKENS: usize = 2000;

fn tokens() -> usize {
    let given = std::env::var("TIDINGS_TOKENS").ok();
    given.map_or(TOKENS, |given| given.parse().expect("TIDINGS_TOKENS is a number"))
}

/// Members of a payload or a header. Some are wrong, or wrong beside another.
const MEMBERS: [&str; 40] = [
    r#""subscribe":["news","room.*"]"#,
    r#""publish":["*"]"#,
    r#""publish":[]"#,
    r#""subscribe" : [ "a" , "b" ]"#,
    r#""exp":1795229999"#,
    r#""exp":1795229999.25"#,
    r#""nbf":1795222923"#,
    r#""iat":1795222900"#,
    r#""sub":"ann \u00e9 \ud83d\ude00""#,
    r#""sub":"é""#,
    r#""jti":"7""#,
    r#""iss":"joe""#,
    r#""x":{"aud":[1,-2.5e3,null,true,false,{}]}"#,
    r#""y":"\"\\\/\b\f\n\r\t""#,
    r#""":0"#,
    r#""\u0065xp2":0"#,
    r#""z":[[[[[[[]]]]]]]"#,
    r#""typ":"JWT""#,
    r#""kid":"1""#,
    r#""alg":"HS256""#,
    r#""alg":"HS256","cty":"JWT""#,
    r#""typ":"at+jwt","alg":"HS256""#,
    r#""alg":"none""#,
    r#""alg":"HS512""#,
    r#""crit":["exp"]"#,
    r#""b64":false"#,
    r#""kid":7"#,
    r#""typ":null"#,
    r#""aud":"hub""#,
    r#""exp":1"#,
    r#""exp":"1795229999""#,
    r#""exp":1e10"#,
    r#""nbf":9007199254740993"#,
    r#""iat":1795229999"#,
    r#""subscribe":"news""#,
    r#""subscribe":["a b"]"#,
    r#""publish":[["a"]]"#,
    r#""sub":7"#,
    r#""w":[[[[[[[[]]]]]]]]"#,
    r#""\u0061lg":"HS256""#,
];

fn object(random: &mut Random) -> Vec<u8> {
    let members: Vec<_> = (0..random.below(4)).map(|_| random.pick(&MEMBERS)).collect();
    let space = random.pick(&["", "", " ", "\r\n\t"]);
    format!("{space}{{{space}{}{space}}}", members.join(",")).into_bytes()
}

/// Changes some bytes: into others, away, or twice.
fn spoil(bytes: &mut Vec<u8>, likely: &[u8], random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(4) {
            0 => bytes.insert(at, random.pick(likely)),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            _ if at < bytes.len() => bytes[at] = random.pick(likely),
            _ => bytes.truncate(random.below(bytes.len() + 1)),
        }
    }
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    let likely = b"AQgwZz019-_.=+/ \n\0\xc3";
    let mut random = Random::new(1);
    let mut changed = 0;
    for _ in 0..tokens() {
        let token = signed(r#"{"alg":"HS256","typ":"JWT"}"#, object(&mut random));
        let mut bytes = token.clone().into_bytes();
        spoil(&mut bytes, likely, &mut random);
        let other = String::from_utf8_lossy(&bytes).into_owned();
        if other != token {
            changed += 1;
            let checked = keys().check(&other, NOW);
            let why =
                [Refused::PARTS, Refused::SIGNATURE, Refused::UNSIGNED, Refused::LONG].map(Err);
            assert!(why.contains(&checked), "{other}: {checked:?}");
        }
    }
    assert!(changed > tokens() / 2, "{changed} were changed");
}

#[test]
fn whatever_is_signed_is_refused_or_says_what_can_be_said_again() {
    let likely = b"\"\"\\{}[],:0159eE.-+u \n\0\xc3\xffan*";
    let mut random = Random::new(2);
    let mut accepted = 0;
    for _ in 0..tokens() {
        let mut header = match random.one_in(3) {
            true => object(&mut random),
            false => br#"{"alg":"HS256","typ":"JWT"}"#.to_vec(),
        };
        let mut payload = object(&mut random);
        if random.one_in(2) {
            let part = if random.one_in(3) { &mut header } else { &mut payload };
            spoil(part, likely, &mut random);
        }
        let token = signed(&header, &payload);
        let Ok(claims) = keys().check(&token, NOW) else { continue };
        accepted += 1;
        assert!(claims.expires.is_none_or(|end| end > NOW), "{token}");
        let again = keys().sign(&claims);
        assert_eq!(keys().check(&again, NOW), Ok(claims), "{token}");
        assert_eq!(Keys(vec![Key::new(&KEY[1..])]).check(&token, NOW), Err(Refused::UNSIGNED));
    }
    let share = accepted * 100 / tokens();
    assert!((20..80).contains(&share), "{share} % were accepted");
}
