//! Another process that has a database open.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Holder {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Holder {
    pub fn open(database: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/holder.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let input = child.stdin.take().expect("it was piped");
        let output = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut holder = Self {
            child,
            input,
            output,
        };
        assert_eq!(holder.answer(), "ready");
        holder
    }

    /// The rows of a query, as Python prints them.
    pub fn ask(&mut self, query: &str) -> String {
        self.tell(&format!("ask {query}"))
    }

    pub fn tell(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}").expect("it reads");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
