//! Tells people and programs what became of a run: a notification of the desktop, a webhook, a ping for a monitor. It delivers what others
//! decided to tell; it decides nothing about backups, keeps nothing and prints nothing.

mod desktop;
mod http;
mod news;
mod queue;
mod words;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

pub use desktop::Shown;
pub use http::Limits;
pub use news::{Event, News};

use crate::model::Language;
use http::Http;
use queue::Queue;

/// What the user wants to be told, and where.
#[derive(Clone)]
pub struct Wishes {
    pub desktop: Desktop,
    pub language: Language,
    pub webhook: Option<SecretString>,
    pub ping: Option<SecretString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desktop {
    No,
    /// What somebody should look at.
    Problems,
    /// Good news too.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Desktop,
    Webhook,
    Ping,
}

/// Why something did not arrive. Addresses carry tokens: no variant holds one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    #[error("it did not answer in time")]
    Timeout,
    #[error("its name is not known to the network")]
    NoSuchHost,
    #[error("no connection could be made")]
    Unreachable,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its certificate is not trusted, or it speaks no TLS")]
    Tls,
    #[error("the address cannot be used")]
    Address,
    /// It is known that there is one.
    #[error("its address cannot be read from the keyring, which may be locked")]
    NoAddress,
    #[error("the request failed")]
    Request,
    /// The notification service's own word.
    #[error("the notification service refused: {0}")]
    Refused(String),
}

/// Where it is remembered what people see, so that a later process replaces and clears the same; and what arrived.
pub trait Ledger: Send + Sync {
    fn shown(&self, subject: &str) -> Option<Shown>;
    fn remember(&self, subject: &str, shown: Option<&Shown>);
    fn delivered(&self, channel: Channel, outcome: Result<(), DeliveryError>);
}

/// One queue a channel, each worked off in order by a thread of its own that sleeps while there is nothing to tell.
pub struct Alerts {
    desktop: Queue,
    webhook: Queue,
    ping: Queue,
}

impl Alerts {
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self::within(ledger, Limits::default())
    }

    /// With limits of time of one's own.
    #[must_use]
    pub fn within(ledger: Arc<dyn Ledger>, limits: Limits) -> Self {
        let (desk, hook, ping) = (Arc::clone(&ledger), Arc::clone(&ledger), ledger);
        let mut screen = desktop::Screen::default();
        let (hooks, pings) = (Http::new(limits), Http::new(limits));
        Self {
            desktop: Queue::new("notifications", move |news, wishes| {
                if let Some(outcome) = screen.show(&news, &wishes, &*desk) {
                    desk.delivered(Channel::Desktop, outcome);
                }
            }),
            webhook: Queue::new("webhook", move |news, wishes| {
                if let Some(url) = &wishes.webhook {
                    hook.delivered(Channel::Webhook, hooks.post_news(url, &news));
                }
            }),
            ping: Queue::new("ping", move |news, wishes| {
                if let Some(url) = &wishes.ping
                    && let Some(outcome) = pings.ping(url, &news)
                {
                    ping.delivered(Channel::Ping, outcome);
                }
            }),
        }
    }

    /// Returns at once. A place that hangs holds up neither the others nor the caller.
    pub fn tell(&self, news: &News, wishes: &Wishes) {
        if wishes.desktop != Desktop::No {
            self.desktop.push(news, wishes);
        }
        if wishes.webhook.is_some() {
            self.webhook.push(news, wishes);
        }
        if wishes.ping.is_some() {
            self.ping.push(news, wishes);
        }
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let queues = [&self.desktop, &self.webhook, &self.ping];
        queues.into_iter().all(Queue::is_empty)
    }

    /// Waits for what is under way: for a process that is about to end.
    pub fn finish(&self, within: Duration) {
        let until = std::time::Instant::now() + within;
        for queue in [&self.desktop, &self.webhook, &self.ping] {
            queue.wait_until_empty(until);
        }
    }
}
