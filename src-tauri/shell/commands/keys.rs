//! Keys, and the recovery kit. No secret passes through here: the kit goes from the service straight to its file.

use std::path::PathBuf;

use super::Shared;
use crate::service::report::{ImportReport, RecipientRow};
use crate::service::{BackupService, PublicKeys, Signer};
use crate::shell::desk::Answer;

/// Makes the keys where there are none yet.
#[tauri::command]
pub async fn init(desk: Shared<'_>) -> Answer<PublicKeys> {
    desk.ask(BackupService::init).await
}

/// None before `init`.
#[tauri::command]
pub async fn public_keys(desk: Shared<'_>) -> Answer<Option<PublicKeys>> {
    desk.ask(BackupService::public_keys).await
}

#[tauri::command]
pub async fn recipients(desk: Shared<'_>) -> Answer<Vec<RecipientRow>> {
    desk.ask(BackupService::recipients).await
}

#[tauri::command]
pub async fn add_recipient(desk: Shared<'_>, recipient: String, name: String) -> Answer<()> {
    desk.ask(move |service| service.add_recipient(&recipient, &name))
        .await
}

#[tauri::command]
pub async fn remove_recipient(desk: Shared<'_>, recipient: String) -> Answer<()> {
    desk.ask(move |service| service.remove_recipient(&recipient))
        .await
}

#[tauri::command]
pub async fn signers(desk: Shared<'_>) -> Answer<Vec<Signer>> {
    desk.ask(BackupService::signers).await
}

#[tauri::command]
pub async fn add_signer(
    desk: Shared<'_>,
    verification_key: String,
    name: String,
) -> Answer<Signer> {
    desk.ask(move |service| service.add_signer(&verification_key, &name))
        .await
}

#[tauri::command]
pub async fn remove_signer(desk: Shared<'_>, key_id: String) -> Answer<()> {
    desk.ask(move |service| service.remove_signer(&key_id))
        .await
}

#[tauri::command]
pub async fn export_kit(desk: Shared<'_>, path: PathBuf) -> Answer<()> {
    desk.ask(move |service| service.export_kit(&path)).await
}

/// Takes over the keys of a machine that is gone. Only where there are none yet.
#[tauri::command]
pub async fn import_kit(desk: Shared<'_>, path: PathBuf) -> Answer<ImportReport> {
    desk.ask(move |service| service.import_kit(&path)).await
}
