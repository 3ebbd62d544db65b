//! `tidings token`: what it makes, what it shows, and what it refuses.

use super::super::support::process::{run_fed, run_hub};
use super::*;

const KEY: &str = "d1cec0ded1cec0ded1cec0ded1cec0de";
const OTHER_KEY: &str = "another-key-of-thirty-two-letters";

/// A file of keys, and what names it on a command line.
struct KeyFile(TemporaryFile);

impl KeyFile {
    fn new(name: &str, content: &str) -> Self {
        Self(TemporaryFile::new(&format!("{name}.keys"), content))
    }

    fn argument(&self) -> String {
        format!("--key-file={}", self.0.0.display())
    }
}

/// The token that these options make.
#[track_caller]
fn make(keys: &KeyFile, options: &[&str]) -> String {
    let (stdout, stderr, status) = run_hub(&[&["token", &keys.argument()], options].concat());
    assert_eq!((&*stderr, status), ("", Some(0)));
    stdout.strip_suffix('\n').expect("a line").to_owned()
}

/// What `--show` prints on standard output and error, and the exit status.
fn show(token: &str, options: &[&str]) -> (String, String, Option<i32>) {
    run_hub(&[&["token", "--show", token], options].concat())
}

#[track_caller]
fn failure(arguments: &[&str], said: &str, status: i32) {
    let (stdout, stderr, ended) = run_hub(&[&["token"], arguments].concat());
    let usage = match status {
        2 => "'tidings token --help' lists the options\n",
        _ => "",
    };
    assert_eq!(stderr, format!("tidings: {said}\n{usage}"));
    assert_eq!((&*stdout, ended), ("", Some(status)));
}

#[test]
fn a_token_is_made_and_shown() {
    let keys = KeyFile::new("made", &format!("{KEY}\n"));
    let options =
        ["--subscribe=news", "--subscribe=room.*", "--publish=room.7", "--sub=ann", "--for=90s"];
    let token = make(&keys, &options);
    let (stdout, stderr, status) = show(&token, &[&keys.argument()]);
    let lines: Vec<_> = stdout.lines().collect();
    let [follow, publish, whose, made, ends, holds] = lines[..] else { panic!("{stdout}") };
    let claims = [follow, publish, whose];
    let expected = ["may follow:  news, room.*", "may publish: room.7", "whose:       \"ann\""];
    assert_eq!(claims, expected);
    assert!(made.starts_with("made:        20") && made.ends_with("s ago"), "{made}");
    assert!(ends.starts_with("ends:        20") && ends.contains("Z, in "), "{ends}");
    assert_eq!(holds, "holds:       yes");
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[test]
fn a_token_is_shown_without_a_key_and_its_signature_is_not_checked() {
    let keys = KeyFile::new("unchecked", KEY);
    let (stdout, stderr, status) = show(&make(&keys, &[]), &[]);
    let last = "holds:       yes, if one of the hub's keys signed it: --key-file FILE checks that \
                too\n";
    assert!(stdout.starts_with("may follow:  nothing\nmay publish: nothing\n"), "{stdout}");
    assert!(stdout.ends_with(last), "{stdout}");
    assert_eq!((&*stderr, status), ("", Some(0)));
}

#[test]
fn a_token_that_does_not_hold_is_shown_with_the_reason() {
    // {"subscribe":["news"],"exp":1000000000}
    const OVER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\
        .eyJzdWJzY3JpYmUiOlsibmV3cyJdLCJleHAiOjEwMDAwMDAwMDB9\
        .pJwNXzsHlV5lxU1MSkhkU3jrb1dK14_28b8H6TcmMDk";
    let keys = KeyFile::new("over", KEY);
    let (stdout, stderr, status) = show(OVER, &[&keys.argument()]);
    let expected = "may follow:  news\nmay publish: nothing\nends:        2001-09-09T01:46:40Z, ";
    assert!(stdout.starts_with(expected) && stdout.ends_with(" ago\n"), "{stdout}");
    assert_eq!((&*stderr, status), ("tidings: refused: the token has expired\n", Some(3)));
    assert_eq!(show(OVER, &[]).2, Some(3));
    let other = KeyFile::new("other", OTHER_KEY);
    let (_, stderr, status) = show(&make(&other, &[]), &[&keys.argument()]);
    let said = "tidings: refused: the token is not signed with HS256 and a key of this hub\n";
    assert_eq!((&*stderr, status), (said, Some(3)));
    let said = "refused: the token must be three parts of base64url with dots between them";
    failure(&["--show=abc"], said, 3);
}

#[test]
fn each_key_of_the_file_is_good_and_the_first_signs() {
    let [old, new] = [("old", OTHER_KEY), ("new", KEY)].map(|(name, key)| KeyFile::new(name, key));
    let both = KeyFile::new("both", &format!("\n{KEY}\r\n\n{OTHER_KEY}\n"));
    for keys in [&old, &new] {
        assert_eq!(show(&make(keys, &[]), &[&both.argument()]).2, Some(0));
    }
    let made = make(&both, &[]);
    assert_eq!(show(&made, &[&new.argument()]).2, Some(0));
    assert_eq!(show(&made, &[&old.argument()]).2, Some(3));
}

#[test]
fn many_tokens_are_checked_line_by_line() {
    let keys = KeyFile::new("many", KEY);
    let good = make(&keys, &["--publish=a"]);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let bad = format!("{signed}.{first}{}", &signature[1..]);
    let input = format!("{good}\n{bad}\n\n{good}\r\n\u{fffd}\n{good} \n");
    let unsigned = "refused: the token is not signed with HS256 and a key of this hub\n";
    let no_token = "refused: the token must be three parts of base64url with dots between them\n";
    let spoilt = "refused: the token is cut short, has something after it, or is not signed with \
                  HS256\n";
    let show = ["token", "--show", "-", &keys.argument()];
    let (stdout, stderr, status) = run_fed(&show, input.as_bytes());
    assert_eq!(stdout, ["ok\n", unsigned, no_token, "ok\n", no_token, spoilt].concat());
    assert_eq!((&*stderr, status), ("tidings: 4 of 6 tokens refused\n", Some(3)));
    let (stdout, stderr, status) = run_fed(&show, good.as_bytes());
    assert_eq!((&*stdout, &*stderr, status), ("ok\n", "", Some(0)));
    let (_, stderr, status) = run_fed(&["token", "--show=-"], b"");
    assert!(stderr.starts_with("tidings: --key-file is missing: "), "{stderr}");
    assert_eq!(status, Some(2));
}

#[test]
fn a_url_gets_the_token_as_its_last_parameter() {
    let keys = KeyFile::new("url", KEY);
    let url = "--url=http://localhost:3000/events?channel=a";
    let made = make(&keys, &["--subscribe=a", url]);
    let token = made.strip_prefix("http://localhost:3000/events?channel=a&token=").expect(&made);
    assert_eq!(show(token, &[&keys.argument()]).2, Some(0));
    let said = "--url has a token already: give the URL without it";
    failure(&[&keys.argument(), "--url=/?token=a"], said, 2);
}

#[test]
fn a_token_can_be_made_with_a_key_alone() {
    let remedy = "give the file that the hub was started with, or make one with '(umask 077; \
                  openssl rand -hex 32 > FILE)'";
    failure(&["--subscribe=a"], &format!("--key-file is missing: {remedy}"), 2);
    let said = "--show makes no token, so --sub has no effect: leave one of them out";
    failure(&["--show=a", "--sub=b"], said, 2);
    let said = "unexpected argument \"news\": token takes only options";
    failure(&["news"], said, 2);
    failure(
        &["--publish=a b"],
        "--publish: \"a b\" is not a channel's name: a name is 1 to 128 of A-Z a-z 0-9 . _ ~ -",
        2,
    );
}

#[test]
fn a_file_of_keys_that_is_of_no_use_is_refused_and_nothing_of_it_is_shown() {
    let remedy = "make one with '(umask 077; openssl rand -hex 32 > FILE)'";
    let short = &KEY[1..];
    let nine = format!("{KEY}\n").repeat(9);
    for (content, said) in [
        ("", format!("has no key: {remedy}")),
        ("\n\r\n", format!("has no key: {remedy}")),
        (
            &format!("{KEY}\n{short}\n"),
            format!(
                "has a key of 31 bytes in line 2, which can be guessed: a key has at least 32: \
                 {remedy}"
            ),
        ),
        (&format!("{KEY} \n"), "has no key in line 1: a key is visible ASCII, no JSON".into()),
        (&format!("\n{KEY}é"), "has no key in line 2: a key is visible ASCII, no JSON".into()),
        (
            "{\"kty\":\"oct\",\"k\":\"ZDFjZWMwZGVkMWNlYzBkZQ\"}",
            "has no key in line 1: a key is visible ASCII, no JSON".into(),
        ),
        (&nine, "has 9 keys: remove old ones until there are 8".into()),
        (&"k".repeat(16 * 1024 + 1), "is too long: it may have 16384 bytes".into()),
    ] {
        let keys = KeyFile::new("useless", content);
        let file = keys.0.0.display();
        failure(&[&keys.argument()], &format!("the key file {file} {said}"), 1);
    }
    let (_, stderr, status) = run_hub(&["token", "--key-file=/there/is/none"]);
    assert!(stderr.starts_with("tidings: can't read the key file /there/is/none: "), "{stderr}");
    assert!(stderr.ends_with(&format!(": {remedy}\n")), "{stderr}");
    assert_eq!(status, Some(1));
}
