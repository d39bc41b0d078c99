//! Claims about `demo` and the process that it starts.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use holdfast::service::sample::{self, SampleSize, WriteCounts};

use crate::scratch::{DEVICES, Scratch, text};

#[test]
fn the_demonstration_proves_every_claim_and_leaves_nothing() {
    let scratch = Scratch::new();
    let answer = scratch.json(&["demo"]);
    assert_eq!(answer["ok"], true, "{answer}");
    let claims = answer["claims"].as_array().unwrap();
    assert!(claims.len() >= 12, "{answer}");
    for claim in claims {
        assert_eq!(claim["proved"], true, "{claim}");
        assert!(!claim["seen"].as_str().unwrap().is_empty(), "{claim}");
    }
    assert!(answer["folder"].is_null());
    assert!(
        !scratch.data().exists(),
        "the user's data folder is not touched"
    );
    let left: Vec<_> = scratch.path("").read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demonstration_reads_as_short_lines_and_can_be_kept() {
    let scratch = Scratch::new();
    let ran = scratch.run(&["demo", "--keep"]);
    assert_eq!(ran.status, 0, "{ran}");
    let proved = ran.stdout.lines().filter(|l| l.starts_with("ok ")).count();
    assert!(proved >= 12, "{ran}");
    let folder = ran
        .stdout
        .lines()
        .last()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap();
    let kept = std::path::Path::new(folder);
    assert!(kept.starts_with(scratch.path("")), "{ran}");
    assert!(kept.join("server/data/devices.db").is_file(), "{ran}");
}

#[test]
fn the_writer_answers_writes_and_ends_with_its_input() {
    let scratch = Scratch::new();
    sample::create(&scratch.server(), SampleSize::SMALL).unwrap();
    let mut child = scratch
        .command(&["demo-writer", &text(&scratch.server())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answer = || answers.next().unwrap().unwrap();
    assert_eq!(answer(), DEVICES.to_string());
    scratch.damage();
    questions.write_all(b"devices\n").unwrap();
    assert_eq!(answer(), (DEVICES / 2).to_string());
    drop(questions);
    let counts: WriteCounts = serde_json::from_str(&answer()).unwrap();
    assert_eq!((counts.failed, counts.busy), (0, 0), "{counts:?}");
    assert!(child.wait().unwrap().success());
}
