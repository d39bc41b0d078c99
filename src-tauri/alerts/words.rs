//! What notifications say, in the languages of the page. What failed and why is in the program's own words.

use super::{Event, News};
use crate::model::Language;
use crate::model::schedule::ScheduledAct;

/// What a notification says in a language.
pub trait Spoken {
    fn title(self, news: &News) -> String;
    /// Its lines.
    fn body(self, news: &News) -> Vec<String>;
}

impl Spoken for Language {
    fn title(self, news: &News) -> String {
        let what = what(self, news);
        match (self, news.event) {
            (Self::English, Event::Started) => format!("{what} has begun"),
            (Self::English, Event::Succeeded) => format!("{what} succeeded"),
            (Self::English, Event::Partial) => format!("{what} is not complete"),
            (Self::English, Event::Failed) => format!("{what} failed"),
            (Self::English, Event::Interrupted) => format!("{what} was interrupted"),
            (Self::English, Event::Cancelled) => format!("{what} was cancelled"),
            (Self::English, Event::Skipped) => format!("{what} did not run"),
            (Self::English, Event::Alarm) => {
                format!("No verified backup of {} for too long", news.instance)
            }
            (Self::English, Event::AlarmCleared) => {
                format!("{} is backed up and verified again", news.instance)
            }
            (Self::German, Event::Started) => format!("{what} hat begonnen"),
            (Self::German, Event::Succeeded) => format!("{what} ist gelungen"),
            (Self::German, Event::Partial) => format!("{what} ist nicht vollständig"),
            (Self::German, Event::Failed) => format!("{what} ist fehlgeschlagen"),
            (Self::German, Event::Interrupted) => format!("{what} wurde unterbrochen"),
            (Self::German, Event::Cancelled) => format!("{what} wurde abgebrochen"),
            (Self::German, Event::Skipped) => format!("{what} ist nicht gelaufen"),
            (Self::German, Event::Alarm) => {
                format!("Zu lange keine geprüfte Sicherung von {}", news.instance)
            }
            (Self::German, Event::AlarmCleared) => {
                format!("{} ist wieder gesichert und geprüft", news.instance)
            }
        }
    }

    fn body(self, news: &News) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(problem) = &news.problem {
            lines.push(problem.message.clone());
            if self == Self::English {
                lines.push(problem.hint.clone());
            }
        }
        if let Some(schedule) = &news.schedule {
            lines.push(match self {
                Self::English => format!("Schedule {schedule}"),
                Self::German => format!("Zeitplan {schedule}"),
            });
        }
        lines
    }
}

fn what(language: Language, news: &News) -> String {
    let instance = &news.instance;
    match (language, news.act) {
        (Language::English, Some(ScheduledAct::Verify)) => format!("The check of {instance}"),
        (Language::English, Some(ScheduledAct::Drill)) => {
            format!("The restore drill of {instance}")
        }
        (Language::English, Some(ScheduledAct::Retention)) => {
            format!("Deleting old archives of {instance}")
        }
        (Language::English, _) => format!("The backup of {instance}"),
        (Language::German, Some(ScheduledAct::Verify)) => format!("Die Prüfung von {instance}"),
        (Language::German, Some(ScheduledAct::Drill)) => format!("Die Probe von {instance}"),
        (Language::German, Some(ScheduledAct::Retention)) => {
            format!("Das Löschen alter Archive von {instance}")
        }
        (Language::German, _) => format!("Die Sicherung von {instance}"),
    }
}
