//! What leaves on standard output and standard error: one JSON document, or text for people. A reader that goes away is no failure.

use std::io::{self, BufWriter, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::page::{Page, shown};
use crate::model::Problem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Human,
    Json,
}

impl Format {
    pub fn from_flag(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }
}

pub(super) struct Output {
    format: Format,
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a Problem,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// The one answer of a verb.
    pub fn answer(&self, value: &impl Serialize, page: impl FnOnce(&mut Page)) -> io::Result<()> {
        match self.format {
            Format::Json => to_stdout(|out| {
                serde_json::to_writer_pretty(&mut *out, value)?;
                out.write_all(b"\n")
            }),
            Format::Human => {
                let mut text = Page::new(TimeZone::system());
                page(&mut text);
                to_stdout(|out| out.write_all(text.as_str().as_bytes()))
            }
        }
    }

    /// A line for people ahead of the answer.
    pub fn line(&self, text: &str) -> io::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Human => to_stdout(|out| writeln!(out, "{}", shown(text))),
        }
    }

    /// Says what failed and returns `status`.
    pub fn fail(&self, problem: &Problem, status: u8) -> u8 {
        // There is nobody left to tell where these cannot be written.
        let _ = match self.format {
            Format::Json => to_stdout(|out| {
                serde_json::to_writer_pretty(&mut *out, &Failure { error: problem })?;
                out.write_all(b"\n")
            }),
            Format::Human => writeln!(
                io::stderr().lock(),
                "error: {}\nhint: {}",
                shown(&problem.message),
                shown(&problem.hint)
            ),
        };
        status
    }

    pub fn format(&self) -> Format {
        self.format
    }
}

/// Buffered; a broken pipe counts as written.
pub(super) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // Dropping the buffer would try again.
            let _ = out.into_parts();
            Ok(())
        }
        result => result,
    }
}
