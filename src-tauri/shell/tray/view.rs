//! What the tray shows, as a value. Pure: clock, status and acts are arguments.

use jiff::Timestamp;

use super::words::Spoken;
use crate::model::{Language, Problem};
use crate::service::report::{State, StatusReport};
use crate::shell::acts::RunningAct;
use crate::shell::schedules::Standing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Fine,
    Running,
    Attention,
    Failing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub mark: Mark,
    pub language: Language,
    /// How things stand; the tooltip too.
    pub sentence: String,
    /// The age of the last verified backup.
    pub age: Option<String>,
    /// What runs.
    pub running: Option<String>,
    /// What the last wish from the menu came to, where it came to nothing.
    pub notice: Option<String>,
    pub instances: Vec<String>,
    pub schedules: Standing,
}

/// What a view is made of.
pub struct Facts<'a> {
    /// None: not looked yet.
    pub status: Option<&'a Result<StatusReport, Problem>>,
    pub running: &'a [RunningAct],
    pub notice: Option<&'a str>,
    pub schedules: Standing,
    pub language: Language,
    pub now: Timestamp,
}

impl View {
    pub fn of(facts: &Facts<'_>) -> Self {
        let words = facts.language.words();
        let (mark, sentence, age, instances) = match facts.status {
            None => (Mark::Fine, words.starting.to_owned(), None, Vec::new()),
            Some(Err(problem)) => {
                let sentence = format!("{}. {}", problem.message, problem.hint);
                (Mark::Failing, sentence, None, Vec::new())
            }
            Some(Ok(report)) => {
                let mark = match report.state {
                    State::Well => Mark::Fine,
                    State::Attention => Mark::Attention,
                    State::Failing => Mark::Failing,
                };
                let names = report.instances.iter().map(|i| i.name.clone()).collect();
                let sentence = facts.language.sentence(report);
                (mark, sentence, age(report, facts), names)
            }
        };
        let subjects: Vec<_> = facts.running.iter().map(|a| a.subject.as_str()).collect();
        let running =
            (!subjects.is_empty()).then(|| format!("{} {}", words.running, subjects.join(", ")));
        Self {
            mark: running.as_ref().map_or(mark, |_| Mark::Running),
            language: facts.language,
            sentence,
            age,
            running,
            notice: facts.notice.map(str::to_owned),
            instances,
            schedules: facts.schedules,
        }
    }
}

/// Of the instance that waits longest: what can be promised of all. One that has none yet is in the sentence.
fn age(report: &StatusReport, facts: &Facts<'_>) -> Option<String> {
    if report.instances.is_empty() {
        return None;
    }
    let verified = report
        .instances
        .iter()
        .filter_map(|i| Some((i.last_verified_at?, i.name.as_str())));
    let Some((at, name)) = verified.min() else {
        return Some(facts.language.words().never_verified.to_owned());
    };
    let whose = (report.instances.len() > 1).then_some(name);
    Some(facts.language.last_verified(at, facts.now, whose))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Phase, Progress};
    use crate::service::report::{InstanceStatus, StatusReason};
    use crate::shell::acts::ActKind;

    fn report(state: State, verified: &[(&str, Option<i64>)]) -> StatusReport {
        StatusReport {
            state,
            sentence: "how it stands".into(),
            reason: StatusReason::Well,
            concerned: Vec::new(),
            problem: None,
            instances: verified
                .iter()
                .map(|(name, at)| InstanceStatus {
                    name: (*name).into(),
                    last_verified_at: at.map(|s| Timestamp::from_second(s).unwrap()),
                    restorable_as_of: None,
                    next_run: None,
                })
                .collect(),
            warnings: Vec::new(),
        }
    }

    fn view(status: Option<&Result<StatusReport, Problem>>, running: &[RunningAct]) -> View {
        View::of(&Facts {
            status,
            running,
            notice: None,
            schedules: Standing::None,
            language: Language::English,
            now: Timestamp::from_second(7200).unwrap(),
        })
    }

    #[test]
    fn the_mark_follows_the_state_and_a_run_comes_before_it() {
        let act = RunningAct {
            id: "1".into(),
            kind: ActKind::Backup,
            subject: "web".into(),
            started_at: Timestamp::UNIX_EPOCH,
            progress: Progress {
                phase: Phase::Packing,
                done_bytes: 0,
                total_bytes: 0,
                what: String::new(),
            },
        };
        for (state, mark) in [
            (State::Well, Mark::Fine),
            (State::Attention, Mark::Attention),
            (State::Failing, Mark::Failing),
        ] {
            let status = Ok(report(state, &[("web", None)]));
            assert_eq!(view(Some(&status), &[]).mark, mark);
            let busy = view(Some(&status), std::slice::from_ref(&act));
            assert_eq!(busy.mark, Mark::Running);
            assert_eq!(busy.running.as_deref(), Some("Running: web"));
        }
    }

    #[test]
    fn the_age_is_that_of_the_instance_that_waits_longest() {
        let age = |verified: &[_]| view(Some(&Ok(report(State::Well, verified))), &[]).age;
        assert_eq!(
            age(&[("web", Some(0)), ("mail", Some(7100))]).as_deref(),
            Some("Last verified backup: 2 hours ago (web)")
        );
        assert_eq!(
            age(&[("web", Some(0))]).as_deref(),
            Some("Last verified backup: 2 hours ago")
        );
        assert_eq!(
            age(&[("web", None)]).as_deref(),
            Some("Last verified backup: never")
        );
        assert_eq!(age(&[]), None);
    }

    #[test]
    fn a_data_folder_that_cannot_be_read_is_failing_and_says_what_to_do() {
        let problem = Problem {
            code: "x".into(),
            message: "it is gone".into(),
            hint: "bring it back".into(),
        };
        let view = view(Some(&Err(problem)), &[]);
        assert_eq!(view.mark, Mark::Failing);
        assert_eq!(view.sentence, "it is gone. bring it back");
    }
}
