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
    let key = base64url::decode(KEY_OF_A_1).expect("it is base64url");
    let keys = Keys(vec![Key::new(&key)]);
    let claims = Claims { expires: Some(1_300_819_380), ..Claims::default() };
    assert_eq!(keys.check(TOKEN_OF_A_1, 1_300_819_379), Ok(claims));
    assert_eq!(keys.check(TOKEN_OF_A_1, 1_300_819_380), Err(Refused::EXPIRED));
    let other = Keys(vec![Key::new(&[b'k'; 32])]);
    assert_eq!(other.check(TOKEN_OF_A_1, 1_300_819_379), Err(Refused::UNSIGNED));
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
