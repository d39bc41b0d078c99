//! Other processes that use the databases under test, as a service would: `writer.py` with the stock SQLite of the system.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running process. It ends with the value, gently (`stop`) or not (drop).
pub struct Writer {
    child: Child,
    output: BufReader<ChildStdout>,
}

/// What it saw.
#[derive(Debug, serde::Deserialize)]
pub struct Report {
    pub commits: u64,
    pub errors: Vec<String>,
    pub longest_ms: f64,
    /// The labels that `mark` sees at its end.
    #[serde(default)]
    pub seen: Vec<String>,
}

impl Writer {
    /// Returns once it has begun. `what`: `busy`, `mark`, `pairs`, `together`, `idle`, `hold-write`, `hold-exclusive`, `exclusive`, `poll`, with
    /// `timeout=SECONDS` (5) and `pause=SECONDS` (0) in front of the files.
    pub fn start<A: AsRef<OsStr>>(what: &str, arguments: &[A]) -> Self {
        let mut child = command(what, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "the writer `{what}` began");
        Self { child, output }
    }

    /// Has it end by itself.
    pub fn stop(mut self) -> Report {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("its report");
        self.child.wait().expect("it ends");
        serde_json::from_str(&rest).expect("a report")
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It has ended already where `stop` or `kill` was called.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that leaves a mess and is killed: `die-with-wal`, `die-in-commit`.
pub fn let_die<A: AsRef<OsStr>>(what: &str, arguments: &[A]) {
    let status = command(what, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("python3 is installed");
    assert!(!status.success(), "`{what}` ends by a signal");
}

/// Runs a script with `path` as its first argument and the sqlite3 module imported.
pub fn python(script: &str, path: &Path) {
    let status = Command::new("python3")
        .arg("-c")
        .arg(format!("import sqlite3, sys\n{script}"))
        .arg(path)
        .status()
        .expect("python3 is installed");
    assert!(status.success(), "{script}");
}

fn command<A: AsRef<OsStr>>(what: &str, arguments: &[A]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/writer.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(what).args(arguments);
    command
}
