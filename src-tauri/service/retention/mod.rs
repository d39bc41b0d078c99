//! The verbs `retention set`, `show`, `preview` and `apply`. Which archives go is the model's decision (`model::retention`); here is what it
//! is told, and what follows from it. Preview and apply make one plan in one place, so that the one shows what the other does.

mod after;
mod apply;
mod facts;

use crate::destination::Destination;
use crate::model::retention::changed;
use crate::model::{DestinationConfig, InstanceId};
use crate::service::report::{RetentionReport, RetentionSettings};
use crate::service::{Act, BackupService, Result};

/// The code of the note, beside the warning that something shrank, that somebody says it is as it should be.
const SHRINK_ACCEPTED: &str = "shrink_accepted";

/// What is made of a backup that said that a table shrank, as long as nobody has accepted that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Shrunk {
    /// Everything of its instance stays.
    Stops,
    /// Somebody looked, and it is as it should be. Applied, that is kept with the backup, and stops nothing any more.
    Accepted,
}

/// What a policy is applied to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub config: &'a DestinationConfig,
    pub place: &'a dyn Destination,
    /// None: the archives of all of them.
    pub instance: Option<&'a InstanceId>,
    pub shrunk: Shrunk,
}

impl BackupService {
    /// Changes what is named of a destination's policy; an empty value takes a setting away, an empty strategy the policy.
    pub fn set_retention(
        &self,
        destination: &str,
        changes: &[(String, String)],
    ) -> Result<RetentionSettings> {
        let config = self.destination(destination)?;
        let current = self.store.retention(&config.id)?;
        let policy = changed(current.as_ref(), changes)?;
        self.store.set_retention(&config.id, policy.as_ref())?;
        Ok(RetentionSettings {
            destination: config.name,
            policy,
        })
    }

    pub fn retention(&self, destination: &str) -> Result<RetentionSettings> {
        let config = self.destination(destination)?;
        let policy = self.store.retention(&config.id)?;
        Ok(RetentionSettings {
            destination: config.name,
            policy,
        })
    }

    /// What `retention_apply` would do now, if the policy were changed like this first.
    pub fn retention_preview(
        &self,
        destination: &str,
        changes: &[(String, String)],
        shrunk: Shrunk,
        act: &Act<'_>,
    ) -> Result<RetentionReport> {
        let config = self.destination(destination)?;
        let place = self.open_destination(&config)?;
        let scope = Scope {
            config: &config,
            place: &*place,
            instance: None,
            shrunk,
        };
        let current = self.store.retention(&config.id)?;
        let policy = if changes.is_empty() {
            current
        } else {
            changed(current.as_ref(), changes)?
        };
        let plan = self.plan_retention(scope, policy, act)?;
        Ok(plan.report(&config.name))
    }

    /// Deletes what the policy lets go. What could not be deleted is in the report, and keeps nothing else from it.
    pub fn retention_apply(
        &self,
        destination: &str,
        shrunk: Shrunk,
        act: &Act<'_>,
    ) -> Result<RetentionReport> {
        let config = self.destination(destination)?;
        let place = self.open_destination(&config)?;
        let scope = Scope {
            config: &config,
            place: &*place,
            instance: None,
            shrunk,
        };
        self.apply_retention(scope, act)
    }

    /// The same of one instance's archives alone, as a schedule does it. Without a policy there is nothing to look at.
    pub(crate) fn retention_of_instance(
        &self,
        config: &DestinationConfig,
        instance: &InstanceId,
        act: &Act<'_>,
    ) -> Result<RetentionReport> {
        if self.store.retention(&config.id)?.is_none() {
            return Ok(RetentionReport::new(&config.name, None));
        }
        let place = self.open_destination(config)?;
        let scope = Scope {
            config,
            place: &*place,
            instance: Some(instance),
            shrunk: Shrunk::Stops,
        };
        self.apply_retention(scope, act)
    }

    fn apply_retention(&self, scope: Scope<'_>, act: &Act<'_>) -> Result<RetentionReport> {
        let run = self.begin_run(act)?;
        self.apply_retention_as(scope, &run.id, act)
    }
}
