//! `verify` and `drill`: whether an archive holds, and the proof that it restores.

use super::arguments::ArchiveArgument;
use super::error::Result;
use super::page::Page;
use super::session::Session;
use super::words;
use crate::service::report::CheckReport;

/// What a good one says.
pub(super) const VERIFIED: &str = "every byte of it is as it was written";
pub(super) const DRILLED: &str =
    "it was restored into a scratch folder, and everything in it opens and checks";

pub(super) fn verify(arguments: &ArchiveArgument, session: &Session) -> Result<u8> {
    let service = session.service()?;
    let report = session.with_archive(|act| service.verify(&arguments.archive, act))?;
    answer(session, &report, VERIFIED)
}

pub(super) fn drill(arguments: &ArchiveArgument, session: &Session) -> Result<u8> {
    let service = session.service()?;
    let report = session.with_archive(|act| service.drill(&arguments.archive, act))?;
    answer(session, &report, DRILLED)
}

fn answer(session: &Session, report: &CheckReport, good: &str) -> Result<u8> {
    let status = u8::from(!report.ok);
    session.answer_with(status, report, |page| report_page(page, report, good))
}

pub(super) fn report_page(page: &mut Page, report: &CheckReport, good: &str) {
    if report.ok {
        page.line(format!("{}: good: {good}.", report.archive));
    } else {
        page.line(format!(
            "{}: BAD: {}.",
            report.archive,
            words::count(report.problems.len() as u64, "problem", "problems")
        ));
    }
    for problem in &report.problems {
        match &problem.entry {
            Some(entry) => page.line(format!("  {entry}: {}", problem.message)),
            None => page.line(format!("  {}", problem.message)),
        }
    }
    if let Some(signature) = report.signature {
        page.line(format!("Signed by {}.", words::signer(signature)));
    }
    for claim in &report.claims_broken {
        page.line(format!("NOT WHAT IT CLAIMS: {claim}"));
    }
    page.line(format!("Read {}.", words::size(report.fetched_bytes)));
}
