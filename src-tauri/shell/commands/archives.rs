//! Backing up, and what is known of archives.

use super::Shared;
use crate::model::{ArchiveType, Execution, ExecutionKind};
use crate::service::report::{ArchiveRow, BackupReport, CheckReport, ShowReport};
use crate::service::{ArchiveFilter, ArchiveRef, BackupRequest};
use crate::shell::desk::{Answer, NewAct};

#[tauri::command]
pub async fn backup(
    desk: Shared<'_>,
    act: String,
    instance: String,
    to: Vec<String>,
    comment: String,
) -> Answer<BackupReport> {
    let new = NewAct {
        id: act,
        kind: ExecutionKind::Backup,
        subject: instance.clone(),
    };
    let request = BackupRequest {
        instance,
        to,
        comment,
        encrypt: true,
        archive_type: ArchiveType::Manual,
    };
    desk.act(new, move |service, act| service.backup(&request, act))
        .await
}

#[tauri::command]
pub async fn archives(
    desk: Shared<'_>,
    instance: Option<String>,
    destination: Option<String>,
) -> Answer<Vec<ArchiveRow>> {
    let filter = ArchiveFilter {
        destination,
        instance,
    };
    desk.ask(move |service| service.archives(&filter)).await
}

/// Newest first.
#[tauri::command]
pub async fn history(desk: Shared<'_>, limit: u64) -> Answer<Vec<Execution>> {
    desk.ask(move |service| service.history(Some(limit))).await
}

#[tauri::command]
pub async fn show(desk: Shared<'_>, archive: String) -> Answer<ShowReport> {
    desk.look(move |service, act| service.show(&ArchiveRef(archive), act))
        .await
}

#[tauri::command]
pub async fn verify(desk: Shared<'_>, act: String, archive: String) -> Answer<CheckReport> {
    let new = NewAct {
        id: act,
        kind: ExecutionKind::Verify,
        subject: archive.clone(),
    };
    desk.act(new, move |service, act| {
        service.verify(&ArchiveRef(archive), act)
    })
    .await
}

#[tauri::command]
pub async fn drill(desk: Shared<'_>, act: String, archive: String) -> Answer<CheckReport> {
    let new = NewAct {
        id: act,
        kind: ExecutionKind::Drill,
        subject: archive.clone(),
    };
    desk.act(new, move |service, act| {
        service.drill(&ArchiveRef(archive), act)
    })
    .await
}
