//! The options of `bench`: what each word on the command line sets, and which are refused.

use super::*;
use crate::cli::flags::support;

fn parsed(arguments: &[&str]) -> Result<Options, String> {
    support::parse(&TABLE, arguments)
}

#[test]
fn the_table_keeps_the_rules_of_all_tables() {
    support::check(&TABLE);
}

#[test]
fn what_is_given_is_what_holds() {
    let options = parsed(&[
        "http://localhost/",
        "--publish=PUT /a",
        "--streams=7",
        "--warm-up=0",
        "--churn=5%/s",
        "--resume",
        "--header=Authorization: Bearer x",
    ]);
    let options = options.expect("it is right");
    assert_eq!(options.publish, Some(Way::parse("PUT /a").unwrap()));
    assert_eq!((options.streams, options.warm_up, options.resume), (7, Duration::ZERO, true));
    assert_eq!(options.churn, Some(Churn::Share(5.0)));
    assert_eq!(options.fields, [("Authorization".to_owned(), "Bearer x".to_owned())]);
}

#[test]
fn a_value_that_could_never_work_is_refused() {
    for wrong in [
        "--churn=x",
        "--header=x",
        "--header=Connection: close",
        "--publish=get /",
        "--publish-header=Content-Length: 1",
        "--body=x",
        "--content-type=text/plain\r\nX: y",
    ] {
        assert!(parsed(&[wrong]).is_err(), "{wrong}");
    }
}

#[test]
fn who_only_listens_has_nothing_to_say_of_publishing() {
    let all = [
        "--publish=/a",
        "--body=a={}",
        "--content-type=a/b",
        "--publish-header=A: b",
        "--rate=1",
        "--publishers=2",
        "--size=1",
    ];
    for said in all {
        let listens = parsed(&["--listen-only", said]).expect("each alone is right");
        let why = listens.check().expect_err(said);
        assert!(why.contains(said.split('=').next().unwrap()), "{why}");
        assert_eq!(parsed(&[said]).unwrap().check(), Ok(()));
    }
    assert_eq!(parsed(&["--listen-only", "--streams=3"]).unwrap().check(), Ok(()));
}
