//! Claims about Ctrl-C, SIGTERM and two programs at once, with real signals to real processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use holdfast::service::sample::{self, SampleSize};
use rustix::process::{Pid, Signal, kill_process};

use crate::scratch::{DESTINATION, INSTANCE, Ran, Scratch, strings, text};

/// Long enough on any machine; only a hang takes it all.
const PATIENCE: Duration = Duration::from_mins(2);

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A backup that is at work: its file is being written.
fn backup_at_work(scratch: &Scratch) -> Child {
    let mut child = scratch
        .command(&["--json", "backup", "slow", "--to", DESTINATION])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while scratch.stored(DESTINATION).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        assert!(begun.elapsed() < PATIENCE, "it never began");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn end(child: Child) -> Ran {
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn ctrl_c_and_sigterm_end_a_backup_with_status_130_and_leave_nothing() {
    let scratch = Scratch::with_instance();
    scratch.add_slow_instance("slow");
    for signal in [Signal::INT, Signal::TERM] {
        let child = backup_at_work(&scratch);
        send(&child, signal);
        let ran = end(child);
        assert_eq!(ran.status, 130, "{ran}");
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(answer.is_object(), "one document all the same: {ran}");
        assert!(
            scratch.stored(DESTINATION).is_empty(),
            "no half archive, no temporary file"
        );
        assert!(scratch.workspaces().is_empty());
    }
    let history = scratch.json(&["history"]);
    let statuses = strings(&history["executions"], "status");
    assert_eq!(statuses, ["cancelled", "cancelled"]);
}

#[test]
fn ctrl_c_ends_the_test_of_a_hook_that_never_ends_and_all_it_started() {
    let scratch = Scratch::with_instance();
    let begun = scratch.path("begun");
    let hook = format!(
        "stop_hook=trap '' INT TERM; sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
        text(&begun)
    );
    scratch.json(&["instance", "set", INSTANCE, &hook]);
    let mut child = scratch
        .command(&["--json", "instance", "test-hook", INSTANCE, "stop"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while !begun.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        assert!(since.elapsed() < PATIENCE, "it never began");
        thread::sleep(Duration::from_millis(5));
    }
    send(&child, Signal::INT);
    let ran = end(child);
    assert_eq!(ran.status, 130, "{ran}");
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["error"]["code"], "cancelled");
    let pid = std::fs::read_to_string(begun).unwrap();
    let is_gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_err() || stat.unwrap().contains(") Z ")
    };
    while !is_gone() {
        assert!(since.elapsed() < PATIENCE, "it is still there");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_backup_is_shown_as_interrupted_and_swept_by_the_next_start() {
    let scratch = Scratch::with_instance();
    scratch.add_slow_instance("slow");
    let child = backup_at_work(&scratch);
    send(&child, Signal::KILL);
    end(child);
    let history = scratch.json(&["history"]);
    let statuses = strings(&history["executions"], "status");
    assert_eq!(statuses, ["interrupted"]);
    assert!(scratch.stored(DESTINATION).is_empty(), "no temporary file");
    assert!(scratch.workspaces().is_empty());
    let archives = scratch.json(&["archives"]);
    assert_eq!(archives["archives"].as_array().unwrap().len(), 0);
}

#[test]
fn a_second_backup_of_an_instance_is_told_who_holds_it() {
    let scratch = Scratch::with_instance();
    scratch.add_slow_instance("slow");
    let mut first = backup_at_work(&scratch);
    let second = scratch.error(1, &["backup", "slow", "--to", DESTINATION]);
    assert!(format!("{second}").contains("slow"), "{second}");
    assert!(
        first.try_wait().unwrap().is_none(),
        "the first was at work all the time"
    );
    scratch.back_up();
    send(&first, Signal::INT);
    assert_eq!(end(first).status, 130);
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let scratch = Scratch::new();
    sample::create(&scratch.server(), SampleSize::SMALL).unwrap();
    // This verb goes on until its input ends, whatever it was told before.
    let mut child = scratch
        .command(&["demo-writer", &text(&scratch.server())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    send(&child, Signal::INT);
    thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "the first is a wish");
    let begun = Instant::now();
    let status = loop {
        // Two that come at once count as one.
        let _ = kill_process(Pid::from_child(&child), Signal::INT);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(status.code(), Some(130));
}
