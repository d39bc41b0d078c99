//! The tray's words, in the languages of the page. The sentence is the page's own (`standing` in `ui/src/i18n`).

use jiff::Timestamp;

use crate::model::Language;
use crate::service::report::{StatusReason, StatusReport};

pub struct Words {
    pub back_up: &'static str,
    pub running: &'static str,
    pub pause: &'static str,
    pub resume: &'static str,
    pub open: &'static str,
    pub quit: &'static str,
    pub never_verified: &'static str,
    pub starting: &'static str,
}

const ENGLISH: Words = Words {
    back_up: "Back up now",
    running: "Running:",
    pause: "Pause schedules",
    resume: "Resume schedules",
    open: "Open Holdfast",
    quit: "Quit",
    never_verified: "Last verified backup: never",
    starting: "Holdfast is starting.",
};

const GERMAN: Words = Words {
    back_up: "Jetzt sichern",
    running: "Läuft:",
    pause: "Zeitpläne anhalten",
    resume: "Zeitpläne fortsetzen",
    open: "Holdfast öffnen",
    quit: "Beenden",
    never_verified: "Letzte geprüfte Sicherung: noch keine",
    starting: "Holdfast startet.",
};

/// What the tray says in a language.
pub trait Spoken {
    fn words(self) -> &'static Words;
    fn sentence(self, report: &StatusReport) -> String;
    /// `whose`: an instance, where there are several.
    fn last_verified(self, at: Timestamp, now: Timestamp, whose: Option<&str>) -> String;
}

impl Spoken for Language {
    fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }

    fn sentence(self, report: &StatusReport) -> String {
        let names = report.concerned.join(", ");
        match (self, report.reason) {
            (Self::English, _) | (_, StatusReason::KeysLost) => report.sentence.clone(),
            (_, StatusReason::NotSetUp) => "Noch ist nichts eingerichtet.".to_owned(),
            (_, StatusReason::NoInstance) => {
                "Noch wird nichts gesichert: Fügen Sie eine Instanz hinzu.".to_owned()
            }
            (_, StatusReason::BackupFailed) => {
                format!("Die letzte Sicherung von {names} ist nicht gelungen.")
            }
            (_, StatusReason::Overdue) => {
                format!("Zu lange keine geprüfte Sicherung von {names}.")
            }
            (_, StatusReason::ScheduleFailed) => {
                format!("Der letzte Lauf des Zeitplans {names} ist nicht gelungen.")
            }
            (_, StatusReason::ScheduleCannotRun) => {
                format!("Der Zeitplan {names} kann nicht laufen.")
            }
            (_, StatusReason::ScheduleWaits) => format!("Der Zeitplan {names} wartet."),
            (_, StatusReason::SchedulesUnusable) => {
                "Die Zeitpläne sind nicht zu lesen; keiner läuft.".to_owned()
            }
            (_, StatusReason::NotVerified) => format!("Noch keine geprüfte Sicherung von {names}."),
            (_, StatusReason::Well) => match report.instances.as_slice() {
                [one] => format!("{} ist gesichert und geprüft.", one.name),
                many => format!("Alle {} Instanzen sind gesichert und geprüft.", many.len()),
            },
        }
    }

    fn last_verified(self, at: Timestamp, now: Timestamp, whose: Option<&str>) -> String {
        let whose = whose.map_or(String::new(), |name| format!(" ({name})"));
        let age = age(self, now.as_second().saturating_sub(at.as_second()));
        match self {
            Self::English => format!("Last verified backup: {age}{whose}"),
            Self::German => format!("Letzte geprüfte Sicherung: {age}{whose}"),
        }
    }
}

/// To the whole unit below.
fn age(language: Language, seconds: i64) -> String {
    let (count, english, german) = match seconds {
        ..60 => {
            return match language {
                Language::English => "just now".to_owned(),
                Language::German => "gerade eben".to_owned(),
            };
        }
        60..3600 => (seconds / 60, "minute", ("Minute", "Minuten")),
        3600..172_800 => (seconds / 3600, "hour", ("Stunde", "Stunden")),
        _ => (seconds / 86_400, "day", ("Tag", "Tagen")),
    };
    match (language, count) {
        (Language::English, 1) => format!("1 {english} ago"),
        (Language::English, _) => format!("{count} {english}s ago"),
        (Language::German, 1) => format!("vor 1 {}", german.0)
            .replace("1 Minute", "einer Minute")
            .replace("1 Stunde", "einer Stunde"),
        (Language::German, _) => format!("vor {count} {}", german.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_unit_that_fits() {
        let at = Timestamp::UNIX_EPOCH;
        let told = |language: Language, seconds| {
            let now = Timestamp::from_second(seconds).unwrap();
            language.last_verified(at, now, None)
        };
        for (seconds, english, german) in [
            (-5, "just now", "gerade eben"),
            (59, "just now", "gerade eben"),
            (60, "1 minute ago", "vor einer Minute"),
            (3599, "59 minutes ago", "vor 59 Minuten"),
            (3600, "1 hour ago", "vor einer Stunde"),
            (172_799, "47 hours ago", "vor 47 Stunden"),
            (172_800, "2 days ago", "vor 2 Tagen"),
        ] {
            let text = told(Language::English, seconds);
            assert_eq!(text, format!("Last verified backup: {english}"));
            let text = told(Language::German, seconds);
            assert_eq!(text, format!("Letzte geprüfte Sicherung: {german}"));
        }
    }
}
