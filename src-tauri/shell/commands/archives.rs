//! Backing up, what is known of archives, and what can be done with them.

use std::path::PathBuf;

use secrecy::SecretString;

use super::Shared;
use crate::model::{ArchiveType, Execution};
use crate::service::report::{ArchiveRow, BackupReport, CheckReport, DeleteReport, ShowReport};
use crate::service::{ArchiveFilter, ArchiveRef, BackupRequest};
use crate::shell::acts::ActKind;
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
        kind: ActKind::Backup,
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
        kind: ActKind::Verify,
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
        kind: ActKind::Drill,
        subject: archive.clone(),
    };
    desk.act(new, move |service, act| {
        service.drill(&ArchiveRef(archive), act)
    })
    .await
}

/// To a file that is not there yet.
#[tauri::command]
pub async fn download(desk: Shared<'_>, act: String, archive: String, path: PathBuf) -> Answer<()> {
    let new = NewAct {
        id: act,
        kind: ActKind::Download,
        subject: archive.clone(),
    };
    desk.act(new, move |service, act| {
        service.download(&ArchiveRef(archive), &path, act)
    })
    .await
}

#[tauri::command]
pub async fn pin(desk: Shared<'_>, archive: String, pinned: bool) -> Answer<()> {
    desk.ask(move |service| service.pin(&ArchiveRef(archive), pinned))
        .await
}

/// `confirm`: what the user typed, must be the archive's file name.
#[tauri::command]
pub async fn delete_archive(
    desk: Shared<'_>,
    archive: String,
    confirm: String,
) -> Answer<DeleteReport> {
    desk.look(move |service, act| service.delete(&ArchiveRef(archive), &confirm, act))
        .await
}

/// Of an archive that is sealed to one, for all questions from now on. Kept in memory alone.
#[tauri::command]
pub async fn give_passphrase(desk: Shared<'_>, passphrase: String) -> Answer<()> {
    desk.give_passphrase(SecretString::from(passphrase));
    Ok(())
}
