//! `--background` where there is no desktop: the scheduler alone, with real signals.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::scratch::{DESTINATION, INSTANCE, Ran, Scratch, strings};

/// Long enough on any machine; only a hang takes it all.
const PATIENCE: Duration = Duration::from_mins(4);

/// The scheduler alone; it ends with the test.
struct Background {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Background {
    fn start(scratch: &Scratch) -> Self {
        let mut child = scratch
            .command(&["--background"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        out.read_line(&mut said).unwrap();
        assert!(said.contains("runs in the background (process"), "{said}");
        Self { child, out }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it said until its end, and its exit status.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        while self.out.read_line(&mut said).unwrap() > 0 {}
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A daily schedule whose slot of two minutes ago nobody has seen yet: the next start catches up at once, and no other slot comes.
fn add_missed(scratch: &Scratch, instance: &str) {
    let missed = (Timestamp::now() - SignedDuration::from_mins(2)).to_zoned_datetime(TimeZone::UTC);
    let cron = format!("{} {} * * *", missed.minute(), missed.hour());
    scratch.json(&[
        "schedule",
        "add",
        "often",
        "--instance",
        instance,
        "--to",
        DESTINATION,
        "--cron",
        &cron,
        "--timezone",
        "UTC",
        "--set",
        "settle=0",
    ]);
    let connection = rusqlite::Connection::open(scratch.data().join("backup_jobs.db")).unwrap();
    let then = Timestamp::now() - SignedDuration::from_mins(5);
    let changed = connection.execute("UPDATE jobs SET cursor_at = ?1", [format!("{then:.9}")]);
    assert_eq!(changed.unwrap(), 1);
}

fn wait_for(scratch: &Scratch, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let shown = scratch.json(&["schedule", "show", "often"]);
        if wanted(&shown) {
            return shown;
        }
        assert!(begun.elapsed() < PATIENCE, "{shown:#}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn has(shown: &Value, state: &str) -> bool {
    strings(&shown["slots"], "state").iter().any(|s| s == state)
}

fn has_run(shown: &Value) -> bool {
    has(shown, "caught_up")
}

#[test]
fn it_catches_up_says_so_and_ends_when_it_is_told_to() {
    let scratch = Scratch::with_instance();
    add_missed(&scratch, INSTANCE);
    let background = Background::start(&scratch);
    wait_for(&scratch, has_run);
    let second = scratch.run(&["--background"]);
    assert_eq!(second.status, 0, "{second}");
    assert!(second.stdout.contains("already"), "{second}");
    background.send(Signal::TERM);
    let (status, said) = background.end();
    assert_eq!(status, Some(0));
    assert!(said.contains("often: begins"), "{said}");
    assert!(
        said.contains("caught up") || said.contains(": ran"),
        "{said}"
    );
    assert!(said.ends_with("Holdfast has ended.\n"), "{said}");
}

#[test]
fn a_run_that_it_is_told_to_leave_or_killed_in_is_made_again_by_the_next_start() {
    for signal in [Signal::TERM, Signal::KILL] {
        let scratch = Scratch::with_instance();
        scratch.add_slow_instance("slow");
        add_missed(&scratch, "slow");
        let background = Background::start(&scratch);
        let begun = Instant::now();
        while scratch.stored(DESTINATION).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "it never began");
            thread::sleep(Duration::from_millis(5));
        }
        background.send(signal);
        let (status, _) = background.end();
        assert_eq!(
            status,
            if signal == Signal::TERM {
                Some(0)
            } else {
                None
            }
        );
        // What became of it is written by the one who ended in order, or else by the next start.
        let background = Background::start(&scratch);
        let again = wait_for(&scratch, |shown| {
            let slots = shown["slots"].as_array().unwrap();
            slots
                .iter()
                .any(|s| s["state"] == "caught_up" && s["attempt"] == 2)
        });
        let failed = has(&again, "failed") || has(&again, "interrupted");
        assert!(!failed, "{again:#}");
        background.send(Signal::TERM);
        background.end();
        let history = scratch.json(&["history"]);
        let statuses = strings(&history["executions"], "status");
        let first = statuses.last().unwrap();
        let ended = if signal == Signal::TERM {
            "cancelled"
        } else {
            "interrupted"
        };
        assert_eq!(first, ended, "{statuses:?}");
        assert!(scratch.workspaces().is_empty());
    }
}

#[test]
fn a_job_store_it_cannot_use_is_said_once_and_used_when_it_can_be() {
    let scratch = Scratch::with_instance();
    add_missed(&scratch, INSTANCE);
    let store = scratch.data().join("backup_jobs.db");
    let connection = rusqlite::Connection::open(&store).unwrap();
    let version = |version: i32| {
        connection
            .pragma_update(None, "user_version", version)
            .unwrap();
    };
    version(99);
    let mut child = scratch
        .command(&["--background"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    errors.read_line(&mut said).unwrap();
    assert!(said.contains("newer version"), "{said}");
    let status = scratch.json_with_status(1, &["status"]);
    assert_eq!(status["reason"], "schedules_unusable");
    version(1);
    // With its next beat.
    wait_for(&scratch, has_run);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.status, 0, "{ran}");
    let archives = scratch.json(&["archives"]);
    assert!(!archives["archives"].as_array().unwrap().is_empty());
}
