//! The user's settings.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Shared;
use crate::autostart;
use crate::service::BackupService;
use crate::shell::desk::Answer;

#[tauri::command]
pub async fn settings(desk: Shared<'_>) -> Answer<BTreeMap<String, String>> {
    desk.ask(BackupService::settings).await
}

#[tauri::command]
pub async fn set_settings(desk: Shared<'_>, changes: BTreeMap<String, String>) -> Answer<()> {
    let changes: Vec<_> = changes.into_iter().collect();
    let kept = changes.clone();
    let data_dir = desk
        .ask(move |service| {
            service.set_settings(&changes, &[])?;
            Ok(service.data_dir().to_owned())
        })
        .await?;
    desk.run(move || Ok(autostart::follow(&kept, &data_dir)?))
        .await
}

/// They go to the keyring, and are never asked for.
#[tauri::command]
pub async fn set_secret_settings(
    desk: Shared<'_>,
    secrets: BTreeMap<String, String>,
) -> Answer<()> {
    let secrets: Vec<_> = secrets
        .into_iter()
        .map(|(key, secret)| (key, SecretString::from(secret)))
        .collect();
    desk.ask(move |service| service.set_settings(&[], &secrets))
        .await
}
