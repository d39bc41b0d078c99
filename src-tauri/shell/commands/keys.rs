//! Keys, and the recovery kit. No secret passes through here: the kit goes from the service straight to its file.

use std::path::PathBuf;

use super::Shared;
use crate::service::report::RecipientRow;
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
pub async fn export_kit(desk: Shared<'_>, path: PathBuf) -> Answer<()> {
    desk.ask(move |service| service.export_kit(&path)).await
}
