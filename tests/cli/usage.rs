//! Claims about the parser and the two streams: they need no backup.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::scratch::{Ran, Scratch};

#[test]
fn a_wrong_command_line_is_status_2_in_words_and_in_json() {
    let scratch = Scratch::new();
    let wrong: [&[&str]; 8] = [
        &["nonsense"],
        &["backup"],
        &["backup", "x"],
        &["instance", "set", "x", "compression"],
        &["destination", "add", "x", "--type", "floppy"],
        &["history", "--limit", "many"],
        &[
            "restore",
            "a",
            "--instance",
            "i",
            "--accept-unsigned",
            "--accept-signer",
            "K",
        ],
        &["show", ""],
    ];
    for arguments in wrong {
        let ran = scratch.run(arguments);
        assert_eq!(ran.status, 2, "{arguments:?}: {ran}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {ran}");
        assert_eq!(scratch.error(2, arguments)["code"], "usage");
    }
    assert!(!scratch.data().exists(), "nothing was begun");
}

#[test]
fn the_message_names_what_is_missing() {
    let error = Scratch::new().error(2, &["backup", "tacacs-1"]);
    assert!(
        error["message"].as_str().unwrap().contains("--to"),
        "{error}"
    );
}

#[test]
fn verbs_of_later_are_not_there() {
    for verb in ["schedule", "retention", "--background"] {
        assert_eq!(Scratch::new().run(&[verb]).status, 2, "{verb}");
    }
}

#[test]
fn help_and_version_are_answers() {
    let scratch = Scratch::new();
    for arguments in [["--help"], ["--version"], ["help"]] {
        let ran = scratch.run(&arguments);
        assert_eq!(ran.status, 0, "{ran}");
        assert!(ran.stdout.contains("holdfast"), "{ran}");
    }
    assert!(!scratch.run(&["--help"]).stdout.contains("demo-writer"));
}

#[test]
fn options_without_a_verb_are_wrong_usage() {
    let scratch = Scratch::new();
    assert_eq!(scratch.error(2, &[])["code"], "usage");
    assert_eq!(scratch.run(&["--data-dir", "/nowhere"]).status, 2);
}

#[test]
fn a_secret_typed_as_plain_text_is_refused_and_repeated_nowhere() {
    let scratch = Scratch::new();
    let arguments = [
        "destination",
        "add",
        "x",
        "--type",
        "sftp",
        "--secret",
        "password=hunter2",
    ];
    for ran in [
        scratch.run(&arguments),
        scratch.run(&[&["--json"], &arguments[..]].concat()),
    ] {
        assert_eq!(ran.status, 2, "{ran}");
        assert!(!format!("{ran}").contains("hunter2"), "{ran}");
    }
}

#[test]
fn a_secret_of_an_unset_variable_is_wrong_usage() {
    let arguments = [
        "destination",
        "add",
        "x",
        "--type",
        "sftp",
        "--secret",
        "password=env:NOT_SET",
    ];
    let error = Scratch::new().error(2, &arguments);
    assert!(
        error["message"].as_str().unwrap().contains("NOT_SET"),
        "{error}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scratch = Scratch::new();
    let mut child = scratch
        .command(&["--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before anything can be written.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(
        (child.wait().unwrap().code(), stderr.as_str()),
        (Some(0), "")
    );
}

#[test]
fn an_answer_that_does_not_fit_on_the_disk_is_a_failure() {
    let scratch = Scratch::with_instance();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let run = |arguments: &[&str]| {
        let output = scratch.command(arguments).stdout(full()).output();
        Ran::from(output.unwrap())
    };
    let ran = run(&["instance", "list"]);
    assert_eq!(ran.status, 1, "{ran}");
    assert!(ran.stderr.contains("standard output"), "{ran}");
    assert_eq!(run(&["--json", "instance", "list"]).status, 1);
}
