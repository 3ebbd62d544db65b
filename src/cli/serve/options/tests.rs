//! The options of `serve`: what each word on the command line sets, and which are refused.

use super::*;
use crate::cli::OF_THE_HUB;
use crate::cli::flags::{Command, support};

fn parse(arguments: &[&str]) -> Result<Options, String> {
    support::parse(&TABLE, arguments)
}

#[track_caller]
fn wrong(arguments: &[&str]) -> String {
    parse(arguments).expect_err("it is wrong")
}

#[test]
fn the_table_keeps_the_rules_of_tables() {
    support::check(&TABLE);
}

#[test]
fn every_flag_of_the_contract_is_there_and_told_in_the_help() {
    let contract = [
        "--listen ADDR",
        "--history N",
        "--history-bytes BYTES",
        "--history-age DURATION",
        "--lag skip|close|conflate",
        #[cfg(feature = "journal")]
        "--journal DIR",
        #[cfg(feature = "journal")]
        "--journal-sync none|interval|always",
        #[cfg(feature = "journal")]
        "--journal-bytes BYTES",
        #[cfg(feature = "journal")]
        "--journal-age DURATION",
        #[cfg(feature = "redis")]
        "--redis URL",
        #[cfg(feature = "redis")]
        "--redis-name NAME",
        #[cfg(feature = "redis")]
        "--redis-password-file FILE",
        #[cfg(feature = "redis")]
        "--redis-wait N",
        #[cfg(feature = "redis")]
        "--redis-length N",
        #[cfg(feature = "follow")]
        "--follow URL",
        #[cfg(feature = "follow")]
        "--follow-token-file FILE",
        "--heartbeat DURATION",
        "--max-connections N",
        "--max-streams N",
        "--max-streams-per-peer N",
        "--max-body BYTES",
        "--max-event BYTES",
        "--max-channels N",
        "--token-file FILE",
        #[cfg(feature = "key")]
        "--key-file FILE",
        "--private",
        "--anyone-may-publish",
        "--cors ORIGIN",
        "--allow-host NAME",
        "--behind-proxy ADDR",
        "--proxy-protocol",
        "--stdin CHANNEL",
        "--until-eof",
        "--log",
        #[cfg(feature = "tools")]
        "--trace[=TARGET]",
        "--help",
        "--version",
    ];
    let help = TABLE.shown().help(80);
    let told: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  --")).collect();
    assert_eq!(told, contract.map(|flag| &flag[2..]));
}

#[cfg(feature = "tools")]
#[test]
fn what_is_traced_may_be_left_out_and_is_attached() {
    let trace = |arguments: &[&str]| parse(arguments).map(|options| options.trace);
    assert_eq!(trace(&[]), Ok(None));
    assert_eq!(trace(&["--trace"]), Ok(Some(String::new())));
    assert_eq!(trace(&["--trace=/events/a", "--log"]), Ok(Some("/events/a".into())));
    let wrong = "unexpected argument \"/events/a\": serve takes only options";
    assert_eq!(trace(&["--trace", "/events/a"]), Err(wrong.into()));
}

#[test]
fn what_holds_unasked_is_what_holds_in_the_library() {
    let options = TABLE.defaults();
    assert_eq!((options.history, options.lag), (History::default(), Lag::default()));
    assert_eq!(format!("{:?}", options.limits), format!("{:?}", Limits::default()));
}

#[test]
fn what_is_given_is_what_holds() {
    let options = parse(&[
        "--history=5",
        "--history-bytes=6",
        "--history-age=7s",
        "--lag=close",
        "--heartbeat=0",
        "--max-body=100000000",
        "--max-event=8",
        "--cors=https://a.example",
        "--cors=*",
        "--allow-host=b.example",
        "--behind-proxy=127.0.0.1",
        "--behind-proxy=unix",
        "--proxy-protocol",
        "--listen=c.example:0",
        "--listen=unix:/run/hub.sock",
    ]);
    let options = options.expect("it is right");
    let history = History::default().events(5).bytes(6).age(Duration::from_secs(7)).event(8);
    assert_eq!((options.history, options.lag), (history, Lag::Close));
    let limits = Limits::default().heartbeat(Duration::ZERO);
    let limits = limits.body(100_000_000).bodies(100_000_000);
    assert_eq!(format!("{:?}", options.limits), format!("{limits:?}"));
    assert_eq!(options.cors, ["https://a.example", "*"]);
    assert_eq!(options.host_names(), ["b.example", "c.example"]);
    let proxies = Proxies::new(["127.0.0.1", "unix"]).unwrap();
    assert_eq!(format!("{:?}", options.proxies), format!("{:?}", Some(proxies)));
    assert!(options.proxy_protocol);
    let places = [Place::Tcp("c.example:0".into()), Place::Unix("/run/hub.sock".into())];
    assert_eq!(options.places(), places);
    let unasked = TABLE.defaults().places();
    assert_eq!(unasked, [Place::Tcp("127.0.0.1:3000".into())]);
}

#[test]
fn a_value_that_could_never_work_is_refused() {
    assert_eq!(
        wrong(&["--stdin", "a b"]),
        "--stdin: \"a b\" is not a channel's name: a name is 1 to 128 of A-Z a-z 0-9 . _ ~ -",
    );
    for bad in ["a.example:80", "http://a.example", "a.example/", "", "a b", "*.a.example"] {
        assert_eq!(
            wrong(&["--allow-host", bad]),
            format!(
                "--allow-host: a host name has no scheme, port or path: give one such as \
                 hub.example, and not {bad:?}"
            ),
        );
    }
    for bad in ["a.example", "a.example:443", ""] {
        let form = "--cors: an origin begins with a scheme, such as https://www.example.com";
        assert_eq!(wrong(&["--cors", bad]), form);
    }
    assert_eq!(
        wrong(&["--history-bytes=16K"]),
        "--history-bytes must be a number from 1 to 4294967295, in bytes without a unit, and not \
         \"16K\"",
    );
    assert_eq!(
        wrong(&["--cors=https://*.com"]),
        "--cors: an origin must be as browsers send it: scheme://host or scheme://host:port, in \
         lower case, without a path or the scheme's own port; or scheme://*.domain for the \
         subdomains of a domain of two labels or more: \"https://*.com\"",
    );
    assert_eq!(
        wrong(&["--behind-proxy", "proxy.example"]),
        "--behind-proxy: a proxy is an address, a network such as 10.0.0.0/8, whose last 24 bits \
         are zero, or unix: \"proxy.example\"",
    );
    assert_eq!(wrong(&["3000"]), "unexpected argument \"3000\": serve takes only options");
    for name in ["-p", "--port", "--bind", "-port"] {
        let said = format!("unknown option {name}: did you mean --listen?");
        assert_eq!(wrong(&[name, "3000"]), said);
    }
    assert_eq!(wrong(&["--token=x"]), "unknown option --token: did you mean --token-file?");
}

#[test]
fn a_flag_of_a_feature_that_this_build_lacks_names_the_feature() {
    for (feature, _) in OF_THE_HUB.iter().filter(|(_, has)| !has) {
        for flag in [format!("--{feature}"), format!("--{feature}-of-tomorrow")] {
            assert_eq!(
                wrong(&[&flag, "x"]),
                format!(
                    "this tidings was built without {flag}: build it with --features {feature}"
                ),
            );
        }
    }
}
