//! Tokens as a whole.

use super::claims::Names;
use super::*;

/// The key and the token of RFC 7515, appendix A.1. The JSON in it has line ends, and the key is
/// not text.
const KEY_OF_A_1: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const TOKEN_OF_A_1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
                            .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0\
                            dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
                            .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

#[test]
fn the_token_of_rfc_7515_holds_until_its_end() {
    let mut room = [0; 64];
    let key = base64url::decode(KEY_OF_A_1, &mut room).expect("it is base64url");
    let keys = Keys(vec![Key::new(key)]);
    let claims = Claims { expires: Some(1_300_819_380), ..Claims::default() };
    assert_eq!(keys.check(TOKEN_OF_A_1, 1_300_819_379), Ok(claims));
    assert_eq!(keys.check(TOKEN_OF_A_1, 1_300_819_380), Err(Refused::EXPIRED));
    let other = Keys(vec![Key::new(&[b'k'; 32])]);
    assert_eq!(other.check(TOKEN_OF_A_1, 1_300_819_379), Err(Refused::UNSIGNED));
}

/// Good enough for all tests but those of keys.
pub(super) const KEY: &[u8] = b"d1cec0ded1cec0ded1cec0ded1cec0de";
pub(super) const NOW: u64 = 1_795_222_923;

pub(super) fn keys() -> Keys {
    Keys(vec![Key::new(KEY)])
}

/// The token with these parts.
pub(super) fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let [header, payload] = [header.as_ref(), payload.as_ref()].map(base64url::encode);
    let signed = format!("{header}.{payload}");
    let signature = base64url::encode(&Key::new(KEY).sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

const HEADER: &str = r#"{"alg":"HS256"}"#;

#[test]
fn a_token_allows_what_its_claims_say() {
    let payload = r#"{"subscribe":["news","room.*"],"publish":["room.7"],"exp":1795222924,
        "nbf":1795222953,"iat":1795222953.9,"sub":"ann \u00e9","jti":"1","iss":"joe",
        "admin":true,"more":{"aud":[1,null,{"exp":"never"}]}}"#;
    let claims = keys().check(&signed(HEADER, payload), NOW).expect("it holds");
    assert!(claims.subscribe.iter().eq(["news", "room.*"]) && claims.publish.iter().eq(["room.7"]));
    let dates = [claims.expires, claims.not_before, claims.issued];
    assert_eq!(dates, [Some(NOW + 1), Some(NOW + 30), Some(NOW + 30)]);
    assert_eq!(claims.subject.as_deref(), Some("ann é"));
    assert_eq!(keys().check(&signed(HEADER, "{}"), NOW), Ok(Claims::default()));
}

#[test]
fn headers_that_change_nothing_are_taken() {
    for header in [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#" {"typ":"any","kid":"","cty":"JWT","jku":"https://evil.example","jwk":{"k":"AA"},
            "x5c":[], "\u0061lg" : "HS\u003256"} "#,
    ] {
        assert_eq!(keys().check(&signed(header, "{}"), NOW), Ok(Claims::default()), "{header}");
    }
}

#[test]
fn headers_that_would_change_something_are_refused() {
    for (header, why) in [
        ("{}", Refused::HEADER),
        (r#"{"alg":"none"}"#, Refused::HEADER),
        (r#"{"alg":"None"}"#, Refused::HEADER),
        (r#"{"alg":"hs256"}"#, Refused::HEADER),
        (r#"{"alg":"HS384"}"#, Refused::HEADER),
        (r#"{"alg":"HS512"}"#, Refused::HEADER),
        (r#"{"alg":"RS256"}"#, Refused::HEADER),
        (r#"{"alg":"HS256 "}"#, Refused::HEADER),
        (r#"{"alg":""}"#, Refused::HEADER),
        (r#"{"ALG":"HS256"}"#, Refused::HEADER),
        (r#"{"alg":"HS256","crit":["exp"],"exp":1}"#, Refused::HEADER),
        (r#"{"alg":"HS256","crit":[]}"#, Refused::HEADER),
        (r#"{"alg":"HS256","b64":false}"#, Refused::HEADER),
        (r#"{"alg":"HS256","b64":true}"#, Refused::HEADER),
        (r#"{"alg":null}"#, Refused::TYPE),
        (r#"{"alg":["HS256"]}"#, Refused::TYPE),
        (r#"{"alg":"HS256","typ":1}"#, Refused::TYPE),
        (r#"{"alg":"HS256","kid":null}"#, Refused::TYPE),
        (r#"{"alg":"none","alg":"HS256"}"#, Refused::TWICE),
        (r#"{"alg":"HS256","alg":"HS256"}"#, Refused::TWICE),
        (r#"["HS256"]"#, Refused::MALFORMED),
        ("", Refused::MALFORMED),
    ] {
        assert_eq!(keys().check(&signed(header, "{}"), NOW), Err(why), "{header}");
    }
}

#[test]
fn claims_that_mean_nothing_sure_are_refused() {
    for (payload, why) in [
        ("", Refused::MALFORMED),
        ("[]", Refused::MALFORMED),
        ("null", Refused::MALFORMED),
        (r#"{"exp":1795222924"#, Refused::MALFORMED),
        (r#"{"subscribe":["a"],"subscribe":["*"]}"#, Refused::TWICE),
        (r#"{"x":[[[[[[[[]]]]]]]]}"#, Refused::DEEP),
        (r#"{"subscribe":"news"}"#, Refused::TYPE),
        (r#"{"subscribe":null}"#, Refused::TYPE),
        (r#"{"publish":{"0":"news"}}"#, Refused::TYPE),
        (r#"{"publish":true}"#, Refused::TYPE),
        (r#"{"publish":[1]}"#, Refused::TYPE),
        (r#"{"publish":["news",["a"]]}"#, Refused::TYPE),
        (r#"{"subscribe":[""]}"#, Refused::NAME),
        (r#"{"subscribe":["a b"]}"#, Refused::NAME),
        (r#"{"subscribe":["a*"]}"#, Refused::NAME),
        (r#"{"subscribe":["news","**"]}"#, Refused::NAME),
        (r#"{"publish":["é"]}"#, Refused::NAME),
        (r#"{"exp":"1795222924"}"#, Refused::TYPE),
        (r#"{"exp":null}"#, Refused::TYPE),
        (r#"{"exp":2e9}"#, Refused::TYPE),
        (r#"{"exp":1795222924000}"#, Refused::DATE),
        (r#"{"exp":9007199254740992}"#, Refused::DATE),
        (r#"{"nbf":253402300800}"#, Refused::DATE),
        (r#"{"nbf":false}"#, Refused::TYPE),
        (r#"{"iat":"now"}"#, Refused::TYPE),
        (r#"{"sub":1}"#, Refused::TYPE),
        (r#"{"jti":1}"#, Refused::TYPE),
        (r#"{"iss":["joe"]}"#, Refused::TYPE),
        (r#"{"aud":"hub"}"#, Refused::AUDIENCE),
        (r#"{"aud":[]}"#, Refused::AUDIENCE),
        (r#"{"\u0061ud":null}"#, Refused::AUDIENCE),
    ] {
        assert_eq!(keys().check(&signed(HEADER, payload), NOW), Err(why), "{payload}");
    }
    assert_eq!(keys().check(&signed(HEADER, b"{\"sub\":\"\xff\"}"), NOW), Err(Refused::MALFORMED));
    assert_eq!(keys().check(&signed(b"\xff\xfe{\0}\0", "{}"), NOW), Err(Refused::MALFORMED));
}

#[test]
fn a_token_holds_from_its_beginning_to_its_end() {
    for (payload, why) in [
        (r#"{"exp":1795222923}"#, Refused::EXPIRED),
        (r#"{"exp":1795222923.9}"#, Refused::EXPIRED),
        (r#"{"exp":0}"#, Refused::EXPIRED),
        (r#"{"exp":-1}"#, Refused::EXPIRED),
        (r#"{"nbf":1795222954}"#, Refused::EARLY),
        (r#"{"iat":1795222954}"#, Refused::EARLY),
        (r#"{"iat":1795222954,"nbf":1}"#, Refused::EARLY),
        (r#"{"iat":1,"nbf":253402300799}"#, Refused::EARLY),
        (r#"{"exp":1,"nbf":1795222954}"#, Refused::EXPIRED),
    ] {
        assert_eq!(keys().check(&signed(HEADER, payload), NOW), Err(why), "{payload}");
    }
    for payload in [r#"{"exp":253402300799,"nbf":0,"iat":-5}"#, r#"{"nbf":1795222953}"#] {
        assert!(keys().check(&signed(HEADER, payload), NOW).is_ok(), "{payload}");
    }
    let for_ever = signed(HEADER, "{}");
    assert!([0, u64::MAX].iter().all(|now| keys().check(&for_ever, *now).is_ok()));
}

#[test]
fn a_token_has_three_parts_that_one_key_signed() {
    let token = signed(HEADER, r#"{"sub":"ann"}"#);
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let other = base64url::encode(br#"{"sub":"bob"}"#);
    let last = &signature[..signature.len() - 1];
    for (token, why) in [
        (String::new(), Refused::PARTS),
        (".".into(), Refused::PARTS),
        ("...".into(), Refused::SIGNATURE),
        ("..".into(), Refused::SIGNATURE),
        (format!("{header}.{payload}"), Refused::PARTS),
        (format!("{header}.{payload}."), Refused::SIGNATURE),
        (format!("{header}.{payload}.{}", &signature[..42]), Refused::SIGNATURE),
        (format!("{header}.{payload}.{signature}A"), Refused::SIGNATURE),
        (format!("{header}.{payload}.{signature}="), Refused::SIGNATURE),
        (format!("{header}.{payload}.{signature}.{signature}"), Refused::UNSIGNED),
        (format!("{header}.{payload}.{}", signature.to_lowercase()), Refused::UNSIGNED),
        (format!("{header}.{other}.{signature}"), Refused::UNSIGNED),
        (format!("{payload}.{header}.{signature}"), Refused::UNSIGNED),
        (format!("{header}.{payload}=.{signature}"), Refused::UNSIGNED),
        (format!(" {token}"), Refused::UNSIGNED),
        (format!("{token} "), Refused::SIGNATURE),
        (format!("{token}\n"), Refused::SIGNATURE),
        ("é.é.é".into(), Refused::SIGNATURE),
        (format!("{header}.{payload}.{last}!"), Refused::SIGNATURE),
    ] {
        assert_eq!(keys().check(&token, NOW), Err(why), "{token}");
    }
    // Whoever has the key can sign what is no base64url, or what has four parts.
    for wrong in ["a.b", "a=.e30", "eyJhbGciOiJIUzI1NiJ9.e31", "eyJhbGciOiJIUzI1NiJ9.e30.e30"] {
        let signature = base64url::encode(&Key::new(KEY).sign(wrong.as_bytes()));
        let token = format!("{wrong}.{signature}");
        assert_eq!(keys().check(&token, NOW), Err(Refused::PARTS), "{token}");
    }
}

#[test]
fn a_token_has_4096_bytes_at_most() {
    let token = |spaces| signed(HEADER, format!("{{{}}}", " ".repeat(spaces)));
    let most = (0..4096).rev().find(|spaces| token(*spaces).len() <= 4096).expect("some");
    assert_eq!(keys().check(&token(most), NOW), Ok(Claims::default()));
    assert_eq!(keys().check(&token(most + 1), NOW), Err(Refused::LONG));
    assert_eq!(keys().check(&"x".repeat(4097), NOW), Err(Refused::LONG));
}

#[test]
fn a_reason_may_stand_in_a_quoted_string_and_is_a_sentence() {
    for why in [
        Refused::LONG,
        Refused::PARTS,
        Refused::UNSIGNED,
        Refused::HEADER,
        Refused::MALFORMED,
        Refused::DEEP,
        Refused::TWICE,
        Refused::TYPE,
        Refused::NAME,
        Refused::AUDIENCE,
        Refused::EXPIRED,
        Refused::EARLY,
    ] {
        let said = why.to_string();
        let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte);
        assert!(said.bytes().all(is_plain) && said.starts_with("the "), "{said}");
    }
}

#[test]
fn keys_are_shown_to_nobody() {
    assert_eq!(format!("{:?}", keys()), "Keys");
}

#[cfg(feature = "tools")]
#[test]
fn what_is_signed_is_checked_and_says_the_same() {
    let mut claims = Claims {
        subject: Some("\"ann\" \\ \u{1f5de}\n\u{202e}".into()),
        expires: Some(NOW + 1),
        not_before: Some(NOW),
        issued: Some(NOW),
        ..Claims::default()
    };
    for claims in [&Claims::default(), &claims.clone(), {
        claims.subscribe.push("a.*").expect("a pattern");
        claims.publish.push("*").expect("a pattern");
        claims.publish.push("b").expect("a name");
        &claims
    }] {
        let keys = Keys(vec![Key::new(KEY), Key::new(b"other")]);
        assert_eq!(keys.check(&keys.sign(claims), NOW).as_ref(), Ok(claims));
    }
    let token = keys().sign(&Claims { expires: Some(1), ..Claims::default() });
    assert_eq!(token, signed(r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"exp":1}"#));
}

#[test]
fn a_name_covers_itself_and_a_pattern_what_begins_so() {
    let mut names = Names::default();
    for name in ["news", "room.*"] {
        names.push(name).expect("it is one");
    }
    for covered in ["news", "room.*", "room.1", "room.1.a", "room.a.*", "room."] {
        assert!(names.cover(covered), "{covered}");
    }
    for other in ["", "new", "news.*", "news.a", "room", "rooms", "room*", "*", ".*"] {
        assert!(!names.cover(other), "{other}");
    }
    names.push("*").expect("it is one");
    assert!(["*", "new", "room", "a.*"].iter().all(|name| names.cover(name)));
    assert!(!Names::default().cover("news") && names.push("a*").is_err());
}
