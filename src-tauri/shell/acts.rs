//! The long acts of this process by id: what each is doing, and how it is told to stop. It knows no window: who listens is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::close::{CloseAnswer, CloseState, Closing};
use super::error::ShellError;
use crate::model::schedule::ScheduledAct;
use crate::model::{Cancel, Observer, Phase, Progress};

/// At most about ten times a second: what an eye can follow.
const EVERY: Duration = Duration::from_millis(100);

/// What is being done: the kinds of executions, and long acts that the history does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ActKind {
    Backup,
    Restore,
    Undo,
    Verify,
    Drill,
    Retention,
    Download,
    Catalogue,
    /// A hook is tried.
    Hook,
}

impl ActKind {
    pub fn of(act: ScheduledAct) -> Self {
        match act {
            ScheduledAct::Backup => Self::Backup,
            ScheduledAct::Verify => Self::Verify,
            ScheduledAct::Drill => Self::Drill,
            ScheduledAct::Retention => Self::Retention,
        }
    }
}

/// What an act is, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RunningAct {
    /// Chosen by the page, unique while the act runs.
    pub id: String,
    pub kind: ActKind,
    /// An instance's name, or an archive's.
    pub subject: String,
    #[cfg_attr(test, ts(type = "string"))]
    pub started_at: Timestamp,
    pub progress: Progress,
}

/// What listeners are told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ActEvent {
    Changed {
        act: RunningAct,
    },
    Ended {
        id: String,
    },
    /// Schedules, or how they fare, are not what they were.
    SchedulesChanged,
    /// The user would quit while acts run; the page asks what is to become of them.
    CloseAsked,
    /// The last act ended and the user wanted to leave then.
    Leave,
}

pub type Tell = Box<dyn Fn(ActEvent) + Send + Sync>;

pub struct Acts {
    state: Mutex<State>,
    tell: Tell,
}

#[derive(Default)]
struct State {
    running: BTreeMap<String, (RunningAct, Cancel)>,
    closing: Closing,
}

/// An act for as long as it runs. Dropping it ends it, after a panic too.
pub struct ActGuard {
    id: String,
    acts: Arc<Acts>,
    last: Mutex<Option<(Instant, Phase)>>,
    pub cancel: Cancel,
}

impl Acts {
    pub fn new(tell: Tell) -> Self {
        Self {
            state: Mutex::default(),
            tell,
        }
    }

    /// Puts an act on the table; refused while one of this id runs.
    pub fn begin(
        self: &Arc<Self>,
        id: String,
        kind: ActKind,
        subject: String,
        now: Timestamp,
    ) -> Result<ActGuard, ShellError> {
        let cancel = Cancel::new();
        let act = RunningAct {
            id: id.clone(),
            kind,
            subject,
            started_at: now,
            progress: Progress {
                phase: Phase::Preparing,
                done_bytes: 0,
                total_bytes: 0,
                what: String::new(),
            },
        };
        {
            let mut state = self.state();
            if state.running.contains_key(&id) {
                return Err(ShellError::ActTaken(id));
            }
            let entry = (act.clone(), cancel.clone());
            state.running.insert(id.clone(), entry);
        }
        (self.tell)(ActEvent::Changed { act });
        Ok(ActGuard {
            id,
            acts: Arc::clone(self),
            last: Mutex::default(),
            cancel,
        })
    }

    pub fn running(&self) -> Vec<RunningAct> {
        let state = self.state();
        state.running.values().map(|(act, _)| act.clone()).collect()
    }

    /// An act that has ended already is success.
    pub fn cancel(&self, id: &str) {
        if let Some((_, cancel)) = self.state().running.get(id) {
            cancel.cancel();
        }
    }

    /// The user would quit.
    pub fn close_requested(&self) -> CloseState {
        let mut state = self.state();
        let idle = state.running.is_empty();
        state.closing.requested(idle)
    }

    /// What the user answered when asked. Leaving is told when it can be done.
    pub fn close_answered(&self, answer: CloseAnswer) {
        let leave = {
            let mut state = self.state();
            if answer == CloseAnswer::Cancel {
                state.running.values().for_each(|(_, c)| c.cancel());
            }
            let idle = state.running.is_empty();
            state.closing.answered(answer, idle)
        };
        if leave == CloseState::Close {
            (self.tell)(ActEvent::Leave);
        }
    }

    /// The window was closed instead of answering: nothing changes.
    pub fn question_closed(&self) {
        if self.is_asking() {
            self.close_answered(CloseAnswer::Stay);
        }
    }

    /// Whether the user has been asked and has not answered.
    pub fn is_asking(&self) -> bool {
        self.state().closing == Closing::Asked
    }

    /// Whether the process ends with the last act.
    pub fn is_leaving(&self) -> bool {
        self.state().closing == Closing::WhenIdle
    }

    pub fn tell(&self, event: ActEvent) {
        (self.tell)(event);
    }

    fn progressed(&self, id: &str, progress: &Progress) {
        let act = {
            let mut state = self.state();
            let Some((act, _)) = state.running.get_mut(id) else {
                return;
            };
            act.progress = progress.clone();
            act.clone()
        };
        (self.tell)(ActEvent::Changed { act });
    }

    /// The table stays whole whatever panicked beside it: each change is one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for ActGuard {
    fn progress(&self, progress: &Progress) {
        let now = Instant::now();
        {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_news(*last, now, progress.phase) {
                return;
            }
            *last = Some((now, progress.phase));
        }
        self.acts.progressed(&self.id, progress);
    }
}

impl Drop for ActGuard {
    fn drop(&mut self) {
        let leave = {
            let mut state = self.acts.state();
            state.running.remove(&self.id);
            let idle = state.running.is_empty();
            state.closing.ended(idle)
        };
        let id = std::mem::take(&mut self.id);
        (self.acts.tell)(ActEvent::Ended { id });
        if leave == CloseState::Close {
            (self.acts.tell)(ActEvent::Leave);
        }
    }
}

/// A new phase always is; the same one at most every 100 ms.
fn is_news(last: Option<(Instant, Phase)>, now: Instant, phase: Phase) -> bool {
    last.is_none_or(|(at, was)| was != phase || now.duration_since(at) >= EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = Arc<Mutex<Vec<ActEvent>>>;

    fn table() -> (Arc<Acts>, Told) {
        let told = Told::default();
        let ear = Arc::clone(&told);
        let tell = Box::new(move |event| ear.lock().unwrap().push(event));
        (Arc::new(Acts::new(tell)), told)
    }

    fn begin(acts: &Arc<Acts>, id: &str) -> Result<ActGuard, ShellError> {
        let kind = ActKind::Backup;
        acts.begin(id.into(), kind, "web".into(), Timestamp::UNIX_EPOCH)
    }

    fn packing(done_bytes: u64) -> Progress {
        Progress {
            phase: Phase::Packing,
            done_bytes,
            total_bytes: 100,
            what: "users".into(),
        }
    }

    #[test]
    fn two_acts_never_share_an_id() {
        let (acts, _) = table();
        let first = begin(&acts, "a").unwrap();
        assert!(matches!(begin(&acts, "a"), Err(ShellError::ActTaken(id)) if id == "a"));
        drop(first);
        assert!(begin(&acts, "a").is_ok());
    }

    #[test]
    fn only_the_named_act_is_cancelled() {
        let (acts, _) = table();
        let (a, b) = (begin(&acts, "a").unwrap(), begin(&acts, "b").unwrap());
        acts.cancel("a");
        acts.cancel("gone");
        assert!(a.cancel.is_cancelled());
        assert!(!b.cancel.is_cancelled());
    }

    #[test]
    fn an_act_that_panics_leaves_the_table() {
        let (acts, told) = table();
        let act = begin(&acts, "a").unwrap();
        let died = std::thread::spawn(move || {
            let _held = act;
            panic!("on purpose");
        });
        assert!(died.join().is_err());
        assert!(acts.running().is_empty());
        let ended = ActEvent::Ended { id: "a".into() };
        assert_eq!(told.lock().unwrap().last(), Some(&ended));
    }

    #[test]
    fn a_burst_of_progress_is_thinned_but_no_phase_is_lost() {
        let (acts, told) = table();
        let act = begin(&acts, "a").unwrap();
        for done in 0..1000 {
            act.progress(&packing(done));
        }
        let mut verifying = packing(0);
        verifying.phase = Phase::Verifying;
        act.progress(&verifying);
        let phases: Vec<Phase> = told
            .lock()
            .unwrap()
            .iter()
            .filter_map(|event| match event {
                ActEvent::Changed { act } => Some(act.progress.phase),
                _ => None,
            })
            .collect();
        assert_eq!(phases.first(), Some(&Phase::Preparing));
        assert_eq!(phases.last(), Some(&Phase::Verifying));
        assert!(phases.contains(&Phase::Packing));
        assert!(phases.len() < 500, "{} events", phases.len());
    }

    #[test]
    fn within_a_phase_news_is_a_tenth_of_a_second_apart() {
        let at = Instant::now();
        let soon = at + Duration::from_millis(99);
        let later = at + Duration::from_millis(100);
        assert!(is_news(None, at, Phase::Packing));
        assert!(!is_news(Some((at, Phase::Packing)), soon, Phase::Packing));
        assert!(is_news(Some((at, Phase::Packing)), later, Phase::Packing));
        assert!(is_news(Some((at, Phase::Packing)), soon, Phase::Done));
    }

    #[test]
    fn leaving_waits_for_the_last_act() {
        let (acts, told) = table();
        let (a, b) = (begin(&acts, "a").unwrap(), begin(&acts, "b").unwrap());
        assert_eq!(acts.close_requested(), CloseState::Ask);
        acts.close_answered(CloseAnswer::Finish);
        assert!(!a.cancel.is_cancelled());
        drop(a);
        assert!(!told.lock().unwrap().contains(&ActEvent::Leave));
        drop(b);
        assert_eq!(told.lock().unwrap().last(), Some(&ActEvent::Leave));
    }

    #[test]
    fn cancelling_to_leave_stops_every_act_and_still_waits_for_them() {
        let (acts, told) = table();
        let a = begin(&acts, "a").unwrap();
        assert_eq!(acts.close_requested(), CloseState::Ask);
        acts.close_answered(CloseAnswer::Cancel);
        assert!(a.cancel.is_cancelled());
        assert!(!told.lock().unwrap().contains(&ActEvent::Leave));
        drop(a);
        assert!(told.lock().unwrap().contains(&ActEvent::Leave));
    }
}
