//! `backup`: one now.

use clap::Args;

use super::error::Result;
use super::page::Page;
use super::session::Session;
use super::words;
use crate::model::{ArchiveType, ExecutionStatus};
use crate::service::BackupRequest;
use crate::service::report::BackupExecution;

#[derive(Args)]
pub(super) struct Arguments {
    instance: String,
    /// A destination that gets the archive; may be repeated
    #[arg(long, value_name = "DESTINATION", required = true)]
    to: Vec<String>,
    /// Kept in the archive
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// Leave the archive readable for everybody who gets hold of it, this once
    #[arg(long)]
    no_encrypt: bool,
}

pub(super) fn run(arguments: Arguments, session: &Session) -> Result<u8> {
    let service = session.service()?;
    let request = BackupRequest {
        instance: arguments.instance,
        to: arguments.to,
        comment: arguments.comment,
        encrypt: !arguments.no_encrypt,
        archive_type: ArchiveType::Manual,
    };
    let report = service.backup(&request, &session.act()?)?;
    session.answer_with(exit_status(&report.executions), &report, |page| {
        report_page(page, &report.executions);
    })
}

/// 0 where all are complete, 130 where it was cancelled, 1 where no destination has an archive, 3 for all between.
pub(super) fn exit_status(executions: &[BackupExecution]) -> u8 {
    use ExecutionStatus as S;
    let any = |wanted: &[S]| executions.iter().any(|e| wanted.contains(&e.status));
    if any(&[S::Cancelled]) {
        130
    } else if !any(&[S::Failed, S::Interrupted, S::Running, S::Partial]) {
        0
    } else if any(&[S::Completed, S::Partial]) {
        3
    } else {
        1
    }
}

pub(super) fn report_page(page: &mut Page, executions: &[BackupExecution]) {
    for execution in executions {
        page.line(sentence(execution));
        if let Some(problem) = &execution.problem {
            page.line(format!("  error: {}", problem.message));
            page.line(format!("  hint: {}", problem.hint));
        }
    }
    // A run has its warnings once, however many destinations it went to.
    if let Some(first) = executions.iter().find(|e| !e.warnings.is_empty()) {
        page.warnings(&first.warnings);
    }
}

fn sentence(execution: &BackupExecution) -> String {
    let place = &execution.destination;
    let Some(name) = &execution.archive else {
        return format!("{place}: {}, no archive", words::status(execution.status));
    };
    let size = words::size_or_dash(execution.compressed_size_bytes);
    let content = words::size_or_dash(execution.size_bytes);
    let end = match execution.status {
        ExecutionStatus::Completed => "",
        ExecutionStatus::Partial => "; NOT EVERYTHING is in it",
        _ => "; it did not end well",
    };
    format!("{place}: {name}, {size} (of {content}){end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExecutionStatus as S;

    fn report(statuses: &[S]) -> Vec<BackupExecution> {
        let execution = |status: &S| BackupExecution {
            id: "e1".into(),
            destination: "nas".into(),
            archive: matches!(status, S::Completed | S::Partial)
                .then(|| "backup-t-20261123-190000-manual.tar.gz.age".into()),
            status: *status,
            size_bytes: Some(10 << 20),
            compressed_size_bytes: Some(3 << 20),
            sha256: None,
            warnings: Vec::new(),
            problem: None,
        };
        statuses.iter().map(execution).collect()
    }

    #[test]
    fn the_exit_status_tells_whole_part_and_nothing_apart() {
        let cases: [(&[S], u8); 8] = [
            (&[S::Completed], 0),
            (&[S::Completed, S::Completed], 0),
            (&[S::Partial], 3),
            (&[S::Completed, S::Failed], 3),
            (&[S::Partial, S::Failed], 3),
            (&[S::Failed], 1),
            (&[S::Failed, S::Failed], 1),
            (&[S::Completed, S::Cancelled], 130),
        ];
        for (statuses, expected) in cases {
            assert_eq!(exit_status(&report(statuses)), expected, "{statuses:?}");
        }
    }

    #[test]
    fn a_partial_backup_is_not_shown_as_a_whole_one() {
        let report = report(&[S::Completed, S::Partial, S::Failed]);
        let lines: Vec<_> = report.iter().map(sentence).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        nas: backup-t-20261123-190000-manual.tar.gz.age, 3.00 MiB (of 10.00 MiB)
        nas: backup-t-20261123-190000-manual.tar.gz.age, 3.00 MiB (of 10.00 MiB); NOT EVERYTHING is in it
        nas: failed, no archive
        ");
    }
}
