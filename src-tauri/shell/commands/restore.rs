//! Bringing back: the plan, the act, the way back.

use serde::Deserialize;

use super::Shared;
use crate::model::RestorePlan;
use crate::service::report::RestoreReport;
use crate::service::{Accept, ArchiveRef, RestoreRequest};
use crate::shell::acts::ActKind;
use crate::shell::desk::{Answer, NewAct};

/// What the page asks to have restored, confirmed by the user.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RestoreOrder {
    /// An execution's id, `DEST:NAME` or a path.
    pub archive: String,
    pub instance: String,
    pub components: Vec<String>,
    /// What the user typed: must be the instance's name.
    pub confirm: String,
    pub accept: Accepted,
}

/// The second confirmation: exactly what was shown and accepted.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Accepted {
    pub unsigned: bool,
    /// A key id.
    pub signer: Option<String>,
    pub mismatch: bool,
}

/// What a restore would change. Changes nothing.
#[tauri::command]
pub async fn plan(
    desk: Shared<'_>,
    archive: String,
    instance: String,
    components: Vec<String>,
) -> Answer<RestorePlan> {
    desk.look(move |service, act| service.plan(&ArchiveRef(archive), &instance, &components, act))
        .await
}

#[tauri::command]
pub async fn restore(desk: Shared<'_>, act: String, order: RestoreOrder) -> Answer<RestoreReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Restore,
        subject: order.instance.clone(),
    };
    let request = RestoreRequest::from(order);
    desk.act(new, move |service, act| service.restore(&request, act))
        .await
}

#[tauri::command]
pub async fn undo(
    desk: Shared<'_>,
    act: String,
    execution: String,
    instance: String,
    confirm: String,
) -> Answer<RestoreReport> {
    let new = NewAct {
        id: act,
        kind: ActKind::Undo,
        subject: instance,
    };
    desk.act(new, move |service, act| {
        service.undo(&execution, &confirm, act)
    })
    .await
}

impl From<RestoreOrder> for RestoreRequest {
    fn from(order: RestoreOrder) -> Self {
        Self {
            archive: ArchiveRef(order.archive),
            instance: order.instance,
            components: order.components,
            confirm: order.confirm,
            accept: order.accept.into(),
        }
    }
}

impl From<Accepted> for Accept {
    fn from(accepted: Accepted) -> Self {
        Self {
            unsigned: accepted.unsigned,
            signer: accepted.signer,
            mismatch: accepted.mismatch,
        }
    }
}
