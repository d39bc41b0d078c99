//! The process that writes beside the demonstration: a hidden verb of the same program, and the handle that the demonstration has of it.
//! It ends when its standard input does, so it never outlives who started it.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rusqlite::{Connection, OpenFlags};

use super::{look, stuck};
use crate::cli::error::{Error, Result};
use crate::cli::output;
use crate::cli::session::Session;
use crate::model::Cancel;
use crate::service::sample::{self, WriteCounts};

pub(in crate::cli) const WRITER_VERB: &str = "demo-writer";

const STEP: &str = "talking to the writer";

#[derive(Args)]
pub(in crate::cli) struct WriterArguments {
    dir: PathBuf,
}

/// The verb: writes until standard input ends; a line there asks for the number of devices, as seen through a connection that stays
/// open all the time. The last line it prints is what it wrote.
pub(in crate::cli) fn write(arguments: &WriterArguments, session: &Session) -> Result<u8> {
    session.watch_signals()?;
    let stop = session.cancel();
    let dir = &arguments.dir;
    let (counts, answered) = thread::scope(|scope| {
        let writer = scope.spawn(|| sample::write_forever(dir, stop));
        let answered = answer_questions(dir);
        stop.cancel();
        (writer.join(), answered)
    });
    answered?;
    let counts = counts
        .map_err(|_| Error::Demo {
            step: "writing",
            cause: "the writing thread died".into(),
        })?
        .map_err(stuck("writing"))?;
    let line = serde_json::to_string(&counts).map_err(stuck("writing"))?;
    say(&line)?;
    Ok(0)
}

fn answer_questions(dir: &Path) -> Result<()> {
    let devices = Connection::open_with_flags(
        dir.join("data/devices.db"),
        OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .map_err(stuck(STEP))?;
    devices
        .busy_timeout(Duration::from_secs(10))
        .map_err(stuck(STEP))?;
    let count = || -> rusqlite::Result<i64> {
        devices.query_row("SELECT count(*) FROM devices", [], |row| row.get(0))
    };
    say(&count().map_err(stuck(STEP))?.to_string())?;
    for line in io::stdin().lock().lines() {
        line.map_err(stuck(STEP))?;
        say(&count().map_err(stuck(STEP))?.to_string())?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    output::to_stdout(|out| writeln!(out, "{line}")).map_err(Error::Output)
}

/// The running process; dropped, it is told to end and waited for.
pub(super) struct Writer {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    /// Returns when it has its connections open.
    pub fn start(live: &Path) -> Result<Self> {
        const STEP: &str = "starting the writer";
        let program = env::current_exe().map_err(stuck(STEP))?;
        let mut child = Command::new(program)
            .arg(WRITER_VERB)
            .arg(live)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(stuck(STEP))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(questions), Some(answers)) = pipes else {
            return Err(Error::Demo {
                step: STEP,
                cause: "it has no pipes".into(),
            });
        };
        let mut writer = Self {
            child,
            questions: Some(questions),
            answers: BufReader::new(answers),
        };
        writer.answer()?;
        Ok(writer)
    }

    /// How many devices it counts through the connection that it has had open since it started.
    pub fn devices_seen(&mut self) -> Result<u64> {
        if let Some(questions) = &mut self.questions {
            questions.write_all(b"devices\n").map_err(stuck(STEP))?;
        }
        self.answer()?.trim().parse().map_err(stuck(STEP))
    }

    /// Ends it and returns what it wrote.
    pub fn stop(mut self) -> Result<WriteCounts> {
        self.questions = None;
        serde_json::from_str(&self.answer()?).map_err(stuck(STEP))
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).map_err(stuck(STEP))?;
        if read == 0 {
            return Err(Error::Demo {
                step: STEP,
                cause: "it has ended by itself".into(),
            });
        }
        Ok(line)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.questions = None;
        // Its own death is all that is waited for; how it died matters to nobody any more.
        let _ = self.child.wait();
    }
}

/// A backup of a server that does nothing would show little.
pub(super) fn wait_until_it_writes(live: &Path, cancel: &Cancel) -> Result<()> {
    const ENOUGH: u64 = 50;
    const PATIENCE: Duration = Duration::from_secs(30);
    let database = live.join("data/tacacs_accounting.db");
    let start = look::count(&database, "accounting_logs")?;
    let begun = Instant::now();
    while look::count(&database, "accounting_logs")? < start + ENOUGH {
        cancel.check()?;
        if begun.elapsed() > PATIENCE {
            return Err(Error::Demo {
                step: "waiting for the writer",
                cause: format!("it wrote nothing for {PATIENCE:?}").into(),
            });
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
