//! What waits to be told at one place, and the thread that tells it in order. A full queue forgets beginnings first: outcomes count.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::{Event, News, Wishes};

/// More than that many outcomes that nobody takes, and the oldest are old news.
const LONGEST: usize = 100;

pub struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<(News, Wishes)>,
    /// Being told just now.
    busy: bool,
    closed: bool,
    /// Until there is something to tell: what the thread will do.
    worker: Option<Worker>,
    name: &'static str,
}

type Worker = Box<dyn FnMut(News, Wishes) + Send>;

impl Queue {
    pub fn new(name: &'static str, tell: impl FnMut(News, Wishes) + Send + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    waiting: VecDeque::new(),
                    busy: false,
                    closed: false,
                    worker: Some(Box::new(tell)),
                    name,
                }),
                changed: Condvar::new(),
            }),
        }
    }

    pub fn push(&self, news: &News, wishes: &Wishes) {
        let mut state = self.shared.state();
        if state.closed {
            return;
        }
        if state.waiting.len() >= LONGEST {
            let beginning = state
                .waiting
                .iter()
                .position(|(n, _)| n.event == Event::Started);
            state.waiting.remove(beginning.unwrap_or(0));
        }
        state.waiting.push_back((news.clone(), wishes.clone()));
        if let Some(worker) = state.worker.take() {
            let shared = Arc::clone(&self.shared);
            let named = thread::Builder::new().name(state.name.to_owned());
            if named.spawn(move || shared.work(worker)).is_err() {
                // Without a thread nothing is told; nor is anybody kept waiting.
                state.closed = true;
                state.waiting.clear();
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    pub fn is_empty(&self) -> bool {
        let state = self.shared.state();
        !state.busy && state.waiting.is_empty()
    }

    pub fn wait_until_empty(&self, until: Instant) {
        let mut state = self.shared.state();
        while state.busy || !state.waiting.is_empty() {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return;
            };
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn work(&self, mut tell: Worker) {
        loop {
            let mut state = self.state();
            while state.waiting.is_empty() {
                if state.closed {
                    return;
                }
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
            let next = state.waiting.pop_front();
            state.busy = true;
            drop(state);
            if let Some((news, wishes)) = next {
                tell(news, wishes);
            }
            self.state().busy = false;
            self.changed.notify_all();
        }
    }

    /// A queue is whole after every step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
