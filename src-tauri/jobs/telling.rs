//! What is told of schedules, to whom, and what people still see of it. How it is delivered is the alerts' business.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::slot::{How, Reason, SlotRecord, SlotState};
use super::store::JobStore;
use crate::alerts::{Alerts, Channel, DeliveryError, Desktop, Event, Ledger, News, Shown, Wishes};
use crate::environment;
use crate::model::Language;
use crate::model::schedule::{CatchUp, Schedule};
use crate::service::{BackupService, Result};

/// How often it is looked whether a backup is overdue.
const LOOK_FOR_ALARMS: SignedDuration = SignedDuration::from_mins(5);

pub struct Telling {
    service: Arc<BackupService>,
    store: Arc<JobStore>,
    alerts: Alerts,
    ledger: Arc<Told>,
    /// The last that could be read: a keyring that is locked now was not always.
    wishes: Mutex<Wishes>,
    looked: Mutex<Option<Timestamp>>,
}

/// A delivery that did not arrive, as it is remembered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Undelivered {
    pub at: Timestamp,
    pub message: String,
}

impl Telling {
    pub fn new(service: Arc<BackupService>, store: Arc<JobStore>) -> Self {
        let ledger = Arc::new(Told(Arc::clone(&store)));
        Self {
            service,
            store,
            alerts: Alerts::new(Arc::clone(&ledger) as Arc<dyn Ledger>),
            ledger,
            wishes: Mutex::new(Wishes {
                desktop: desktop(None),
                language: language(None),
                webhook: None,
                ping: None,
            }),
            looked: Mutex::default(),
        }
    }

    /// An attempt began.
    pub fn began(&self, schedule: &Schedule, record: &SlotRecord, now: Timestamp) {
        if record.attempt <= 1 {
            self.tell(&self.news(Event::Started, schedule, record, now));
        }
    }

    /// A slot came to its end. One that is open still is no news.
    pub fn ended(&self, schedule: &Schedule, record: &SlotRecord, now: Timestamp) {
        let event = match record.state {
            SlotState::Ran | SlotState::CaughtUp => Event::Succeeded,
            SlotState::Partial => Event::Partial,
            SlotState::Failed => Event::Failed,
            SlotState::Interrupted => Event::Interrupted,
            SlotState::Cancelled => Event::Cancelled,
            // Who wants missed slots skipped knows that they are.
            SlotState::Skipped
                if record.reason == Some(Reason::Missed) && schedule.catch_up == CatchUp::Skip =>
            {
                return;
            }
            SlotState::Skipped if record.reason.is_some_and(Reason::is_trouble) => Event::Skipped,
            SlotState::Skipped | SlotState::Waiting | SlotState::Running | SlotState::Retrying => {
                return;
            }
        };
        self.tell(&self.news(event, schedule, record, now));
        if event == Event::Succeeded {
            // What was overdue may be so no longer.
            *lock(&self.looked) = None;
        }
    }

    /// Looks now and then whether a backup is overdue, whatever ran or did not.
    pub fn look_for_alarms(&self, now: Timestamp) -> Result<()> {
        {
            let mut looked = lock(&self.looked);
            // One in the future was before the clock was set back.
            let recent = |at: &Timestamp| now.duration_since(*at).abs() < LOOK_FOR_ALARMS;
            if looked.as_ref().is_some_and(recent) {
                return Ok(());
            }
            *looked = Some(now);
        }
        let overdue = self.service.overdue(now)?;
        for instance in self.service.instances()? {
            let alarm = overdue.iter().find(|(name, _)| *name == instance.name);
            let key = format!("alarm:{}", instance.id);
            let raised = self.store.told(&key)?.is_some();
            let event = match (alarm.is_some(), raised) {
                (true, false) => Event::Alarm,
                (false, true) => Event::AlarmCleared,
                _ => continue,
            };
            let mark = (event == Event::Alarm).then(|| now.to_string());
            self.store.set_told(&key, mark.as_deref())?;
            self.tell(&News {
                event,
                at: now,
                schedule: None,
                instance: instance.name.clone(),
                act: None,
                slot: None,
                run_id: None,
                caught_up: false,
                problem: None,
                last_verified_at: alarm.and_then(|(_, last)| *last),
            });
        }
        Ok(())
    }

    /// What did not arrive the last time, by the channel's name.
    pub fn undelivered(&self) -> Result<Vec<(&'static str, Undelivered)>> {
        let mut found = Vec::new();
        for channel in [Channel::Desktop, Channel::Webhook, Channel::Ping] {
            let remembered = self.store.told(&delivery_key(channel))?;
            if let Some(entry) = remembered.and_then(|text| serde_json::from_str(&text).ok()) {
                found.push((name(channel), entry));
            }
        }
        Ok(found)
    }

    /// Whether all that was told has arrived, or has not.
    pub fn is_done(&self) -> bool {
        self.alerts.is_idle()
    }

    /// For a process that ends: what is under way arrives.
    pub fn finish(&self, within: std::time::Duration) {
        self.alerts.finish(within);
    }

    fn news(&self, event: Event, schedule: &Schedule, record: &SlotRecord, now: Timestamp) -> News {
        // News without these is news all the same.
        let instance = self
            .service
            .instance_by_id(&schedule.instance_id)
            .ok()
            .flatten();
        let last_verified_at = instance
            .as_ref()
            .and_then(|instance| self.service.last_verified(instance).ok().flatten());
        News {
            event,
            at: now,
            schedule: Some(schedule.name.clone()),
            instance: instance.map_or_else(|| schedule.instance_id.to_string(), |i| i.name),
            act: Some(schedule.act),
            slot: Some(record.slot),
            run_id: record.run_id.clone(),
            caught_up: record.how == How::CaughtUp,
            problem: record.problem.clone(),
            last_verified_at,
        }
    }

    fn tell(&self, news: &News) {
        let mut wishes = lock(&self.wishes);
        if let Ok(settings) = self.service.alert_settings() {
            *wishes = Wishes {
                desktop: desktop(settings.notify.as_deref()),
                language: language(settings.language.as_deref()),
                webhook: self.address(
                    Channel::Webhook,
                    settings.webhook_url,
                    wishes.webhook.as_ref(),
                ),
                ping: self.address(Channel::Ping, settings.ping_url, wishes.ping.as_ref()),
            };
        }
        self.alerts.tell(news, &wishes);
    }

    fn address(
        &self,
        channel: Channel,
        read: Result<Option<SecretString>>,
        last: Option<&SecretString>,
    ) -> Option<SecretString> {
        match (read, last) {
            (Ok(address), _) => address,
            (Err(_), Some(last)) => Some(last.clone()),
            (Err(_), None) => {
                self.ledger
                    .delivered(channel, Err(DeliveryError::NoAddress));
                None
            }
        }
    }
}

fn desktop(setting: Option<&str>) -> Desktop {
    match setting {
        Some("no") => Desktop::No,
        Some("all") => Desktop::All,
        _ => Desktop::Problems,
    }
}

fn language(setting: Option<&str>) -> Language {
    Language::choose(setting, environment::language().as_deref())
}

/// The job store as the alerts' memory. What cannot be remembered is told anew: better twice than never.
struct Told(Arc<JobStore>);

impl Ledger for Told {
    fn shown(&self, subject: &str) -> Option<Shown> {
        let text = self.0.told(&shown_key(subject)).ok().flatten()?;
        serde_json::from_str(&text).ok()
    }

    fn remember(&self, subject: &str, shown: Option<&Shown>) {
        let text = shown.and_then(|shown| serde_json::to_string(shown).ok());
        let _ = self.0.set_told(&shown_key(subject), text.as_deref());
    }

    fn delivered(&self, channel: Channel, outcome: std::result::Result<(), DeliveryError>) {
        let key = delivery_key(channel);
        let text = outcome.err().and_then(|error| {
            let entry = Undelivered {
                at: Timestamp::now(),
                message: error.to_string(),
            };
            serde_json::to_string(&entry).ok()
        });
        // Only what is news is written.
        if text.is_some() || matches!(self.0.told(&key), Ok(Some(_))) {
            let _ = self.0.set_told(&key, text.as_deref());
        }
    }
}

fn shown_key(subject: &str) -> String {
    format!("shown:{subject}")
}

fn delivery_key(channel: Channel) -> String {
    format!("undelivered:{}", name(channel))
}

fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Desktop => "notification",
        Channel::Webhook => "webhook",
        Channel::Ping => "ping",
    }
}

/// What is behind these locks is whole after every step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
