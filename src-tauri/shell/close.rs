//! What becomes of a wish to quit while acts run: never half a run. Pure; the table of acts asks it.

use serde::{Deserialize, Serialize};

/// What the user wants of the acts that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum CloseAnswer {
    /// Go on.
    Stay,
    /// Let them end, then leave.
    Finish,
    /// Cancel them, then leave.
    Cancel,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseState {
    /// Nothing runs: go.
    Close,
    /// Ask the user.
    Ask,
    /// The window may go out of sight; the process stays.
    Hide,
    Stay,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    #[default]
    No,
    Asked,
    WhenIdle,
}

impl Closing {
    /// A second wish without an answer (a page that hangs cannot ask) counts as `Finish`.
    pub fn requested(&mut self, idle: bool) -> CloseState {
        if idle {
            return CloseState::Close;
        }
        match self {
            Self::No => {
                *self = Self::Asked;
                CloseState::Ask
            }
            Self::Asked | Self::WhenIdle => {
                *self = Self::WhenIdle;
                CloseState::Hide
            }
        }
    }

    pub fn answered(&mut self, answer: CloseAnswer, idle: bool) -> CloseState {
        match answer {
            CloseAnswer::Stay => {
                *self = Self::No;
                CloseState::Stay
            }
            CloseAnswer::Finish | CloseAnswer::Cancel => {
                *self = Self::WhenIdle;
                self.ended(idle)
            }
        }
    }

    /// An act ended.
    pub fn ended(self, idle: bool) -> CloseState {
        if idle && self == Self::WhenIdle {
            CloseState::Close
        } else {
            CloseState::Stay
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_window_closes_at_once() {
        assert_eq!(Closing::No.requested(true), CloseState::Close);
        assert_eq!(Closing::Asked.requested(true), CloseState::Close);
    }

    #[test]
    fn a_second_wish_without_an_answer_hides_and_waits() {
        let mut closing = Closing::No;
        assert_eq!(closing.requested(false), CloseState::Ask);
        assert_eq!(closing.requested(false), CloseState::Hide);
        assert_eq!(closing.ended(false), CloseState::Stay);
        assert_eq!(closing.ended(true), CloseState::Close);
    }

    #[test]
    fn staying_forgets_the_wish() {
        let mut closing = Closing::Asked;
        assert_eq!(closing.answered(CloseAnswer::Stay, false), CloseState::Stay);
        assert_eq!(closing.ended(true), CloseState::Stay);
        assert_eq!(closing.requested(false), CloseState::Ask);
    }

    #[test]
    fn an_answer_that_comes_after_the_last_act_leaves_at_once() {
        for answer in [CloseAnswer::Finish, CloseAnswer::Cancel] {
            let mut closing = Closing::Asked;
            assert_eq!(closing.answered(answer, true), CloseState::Close);
        }
    }
}
