//! The options of `bench`: what each word on the command line sets, and which are refused.

use super::*;
use crate::cli::flags::Parsed;

fn parsed(arguments: &[&str]) -> Result<Options, String> {
    match TABLE.parse(&mut arguments.iter().map(Into::into)) {
        Ok(Parsed::Run(options, _)) => Ok(options),
        Ok(_) => panic!("{arguments:?} runs nothing"),
        Err(wrong) => Err(wrong.to_string()),
    }
}

#[test]
fn giving_a_default_changes_nothing() {
    let untold = format!("{:?}", Options::default());
    for Flag { name, default, .. } in TABLE.flags {
        if let Preset::Value(value) = default {
            let told = parsed(&[&format!("--{name}={value}")]).expect("a default is right");
            assert_eq!(format!("{told:?}"), untold, "--{name}");
        }
    }
}

#[test]
fn each_flag_has_a_doc_of_whole_sentences_and_shows_its_default_if_it_takes_a_value() {
    for Flag { name, doc, takes, default, .. } in TABLE.flags {
        assert!(doc.starts_with(char::is_uppercase) && doc.ends_with('.'), "{name}: {doc}");
        assert!(!doc.contains(['\n', '\t']) && !doc.contains("  "), "{name}: {doc}");
        let value = !matches!(takes, Takes::Nothing(_) | Takes::Help | Takes::Version);
        assert_eq!(!matches!(default, Preset::None), value, "{name}");
    }
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
