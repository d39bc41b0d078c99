//! `demo`: a sample server, backed up and restored in a scratch folder with keys of its own; never the user's data, store or keyring.
//! What it says it has looked at itself, in the files: an answer of the service alone proves nothing here.

mod archive;
mod look;
mod proof;
mod stage;
mod writer;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

pub(super) use writer::{WRITER_VERB, WriterArguments, write};

use super::error::{Error, Result};
use super::session::Session;
use super::words;
use crate::service::sample::{self, SampleSize};
use look::{Content, Growing};
use proof::{Claim, Proof};
use stage::{COMPONENT, Stage};
use writer::Writer;

#[derive(Args)]
pub(super) struct Arguments {
    /// Leave the scratch folder there and say where
    #[arg(long)]
    keep: bool,
}

#[derive(Serialize)]
struct Answer {
    ok: bool,
    claims: Vec<Claim>,
    /// Null where it was removed.
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Result<u8> {
    let scratch = tempfile::Builder::new()
        .prefix("holdfast-demo-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(stuck("making a scratch folder"))?;
    let mut proof = Proof::new(session);
    let outcome = demonstrate(scratch.path(), &mut proof, session);
    let folder = arguments.keep.then(|| scratch.keep());
    outcome?;
    let (ok, claims) = proof.end();
    let answer = Answer { ok, claims, folder };
    session.answer_with(u8::from(!ok), &answer, |page| {
        page.line(if ok {
            "Everything above was seen in the files themselves."
        } else {
            "NOT everything holds: see what FAILED above."
        });
        if let Some(folder) = &answer.folder {
            page.line(format!("The scratch folder is {}", folder.display()));
        }
    })
}

fn demonstrate(scratch: &Path, proof: &mut Proof<'_>, session: &Session) -> Result<()> {
    let live = scratch.join("server");
    let made = sample::create(&live, SampleSize::SMALL).map_err(stuck("making the sample"))?;
    let rows = words::count(made.rows.values().sum(), "row", "rows");
    proof.line(&format!(
        "A sample TACACS+ server with {rows}, and a process that keeps writing to it."
    ))?;
    let stage = Stage::set_up(scratch, &live, session)?;
    let mut writer = Writer::start(&live)?;
    writer::wait_until_it_writes(&live, session.cancel())?;

    let before = look::devices(&live)?;
    let archive = stage.back_up()?;
    archive::prove(&archive, &stage, proof)?;

    look::delete_half_of_the_devices(&live)?;
    let damaged = look::devices(&live)?;
    let lost = before.rows.saturating_sub(damaged.rows);
    proof.claim(
        "Then half of its devices were deleted",
        lost > 0 && damaged != before,
        format!("{} of {} are left", damaged.rows, before.rows),
    )?;
    let planned = stage.planned(&archive)?;
    proof.claim(
        "The plan says beforehand what comes back",
        planned == (Some(damaged.rows), Some(before.rows)),
        format!(
            "now {}, then {}",
            words::count_or_dash(planned.0),
            words::count_or_dash(planned.1)
        ),
    )?;

    let others = look::other_components(&live)?;
    let growing = look::growing_tables(&live)?;
    let execution = stage.restore(&archive)?;
    prove_the_restore(&live, &before, proof, &mut writer)?;
    prove_the_others(&live, &others, &growing, proof)?;

    stage.undo(&execution)?;
    proof.claim(
        "Undo brought back what was there before the restore, row for row",
        look::devices(&live)? == damaged,
        format!("component `{COMPONENT}` compared by content"),
    )?;
    let counts = writer.stop()?;
    proof.claim(
        "The process wrote all the time, and no write of it failed",
        counts.rows > 0 && counts.busy == 0 && counts.failed == 0,
        format!(
            "{} written, the slowest took {} ms{}",
            words::count(counts.rows, "row", "rows"),
            counts.longest_write_ms,
            counts
                .last_error
                .map(|e| format!(", {e}"))
                .unwrap_or_default()
        ),
    )
}

fn prove_the_restore(
    live: &Path,
    before: &Content,
    proof: &mut Proof<'_>,
    writer: &mut Writer,
) -> Result<()> {
    let now = look::devices(live)?;
    proof.claim(
        "Restoring that one component brought back every row, while the process was writing",
        now == *before,
        format!("{} of {} are there", now.rows, before.rows),
    )?;
    let seen = writer.devices_seen()?;
    proof.claim(
        "The process sees them through the connection that it had open before",
        seen == before.rows,
        format!("it counts {seen}"),
    )
}

fn prove_the_others(
    live: &Path,
    others: &[(&'static str, String)],
    growing: &[Growing],
    proof: &mut Proof<'_>,
) -> Result<()> {
    let names: Vec<_> = others.iter().map(|(name, _)| *name).collect();
    proof.claim(
        "The components that nothing writes to are as they were",
        look::other_components(live)? == others,
        names.join(", "),
    )?;
    let mut kept = true;
    for table in growing {
        kept &= table.is_still_there(live)?;
    }
    let names: Vec<_> = growing.iter().map(Growing::name).collect();
    proof.claim(
        "The tables that the process writes to lost no row and changed none",
        kept,
        names.join(", "),
    )
}

/// For what may go wrong around the demonstration.
fn stuck<E>(step: &'static str) -> impl FnOnce(E) -> Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |cause| Error::Demo {
        step,
        cause: cause.into(),
    }
}
