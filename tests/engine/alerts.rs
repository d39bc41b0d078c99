//! What is told arrives: at real web servers, and at a notification service on a bus of the test's own.

pub mod places;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast::alerts::{
    Alerts, Channel, DeliveryError, Desktop, Event, Ledger, Limits, News, Shown, Wishes,
};
use holdfast::model::schedule::ScheduledAct;
use holdfast::model::{Language, Problem};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::session::in_session;
use places::{Answer, Server, Told, notification_service};

const RUN: &str = "0123456789abcdef0123456789abcdef";

/// Long enough for a loaded machine; nothing is judged by it.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Default)]
struct Memory {
    shown: Mutex<HashMap<String, Shown>>,
    delivered: Mutex<Vec<(Channel, Result<(), DeliveryError>)>>,
}

impl Ledger for Memory {
    fn shown(&self, subject: &str) -> Option<Shown> {
        self.shown.lock().unwrap().get(subject).cloned()
    }

    fn remember(&self, subject: &str, shown: Option<&Shown>) {
        let mut all = self.shown.lock().unwrap();
        match shown {
            Some(shown) => all.insert(subject.to_owned(), shown.clone()),
            None => all.remove(subject),
        };
    }

    fn delivered(&self, channel: Channel, outcome: Result<(), DeliveryError>) {
        self.delivered.lock().unwrap().push((channel, outcome));
    }
}

fn alerts() -> (Alerts, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    let limits = Limits {
        connect: Duration::from_secs(20),
        all: Duration::from_secs(20),
        again: Duration::from_millis(1),
    };
    (Alerts::within(Arc::clone(&memory) as _, limits), memory)
}

fn news(event: Event) -> News {
    News {
        event,
        at: "2026-11-25T02:00:05Z".parse::<Timestamp>().unwrap(),
        schedule: Some("nightly".to_owned()),
        instance: "tacacs-1".to_owned(),
        act: Some(ScheduledAct::Backup),
        slot: Some("2026-11-25T02:00:00Z".parse().unwrap()),
        run_id: Some(RUN.to_owned()),
        caught_up: false,
        problem: event.is_trouble().then(|| Problem {
            code: "no_space".to_owned(),
            message: "The disk <vault> is full & done".to_owned(),
            hint: "Free some space.".to_owned(),
        }),
        last_verified_at: None,
    }
}

fn wishes() -> Wishes {
    Wishes {
        desktop: Desktop::No,
        language: Language::English,
        webhook: None,
        ping: None,
    }
}

fn at(server: &Server, path: &str) -> SecretString {
    SecretString::from(format!("{}{path}", server.url()))
}

#[test]
fn a_webhook_gets_each_event_in_order_as_json() {
    let server = Server::start([Answer::Status(204)]);
    let (alerts, memory) = alerts();
    let wishes = Wishes {
        webhook: Some(at(&server, "/hook/s3cret?x=1")),
        ..wishes()
    };
    for event in [Event::Started, Event::Failed] {
        alerts.tell(&news(event), &wishes);
    }
    alerts.finish(PATIENCE);
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].line, "POST /hook/s3cret?x=1 HTTP/1.1");
    assert_eq!(heard[0].header("content-type"), Some("application/json"));
    let agent = heard[0].header("user-agent").unwrap();
    assert!(agent.starts_with("Holdfast/"), "{agent}");
    let bodies: Vec<serde_json::Value> = heard
        .iter()
        .map(|request| serde_json::from_str(&request.body).unwrap())
        .collect();
    assert_eq!(bodies[0]["event"], "started");
    assert_eq!(bodies[1]["event"], "failed");
    assert_eq!(bodies[1]["schedule"], "nightly");
    assert_eq!(bodies[1]["slot"], "2026-11-25T02:00:00Z");
    assert_eq!(bodies[1]["problem"]["code"], "no_space");
    let delivered = memory.delivered.lock().unwrap();
    assert_eq!(
        *delivered,
        [(Channel::Webhook, Ok(())), (Channel::Webhook, Ok(()))]
    );
}

#[test]
fn a_monitor_is_pinged_at_start_success_and_failure() {
    let server = Server::start([Answer::Status(200)]);
    let (alerts, _) = alerts();
    let wishes = Wishes {
        ping: Some(at(&server, "/ping/abc/")),
        ..wishes()
    };
    for event in [
        Event::Started,
        Event::Succeeded,
        Event::Failed,
        Event::Cancelled,
        Event::Alarm,
        Event::AlarmCleared,
    ] {
        alerts.tell(&news(event), &wishes);
    }
    alerts.finish(PATIENCE);
    let lines: Vec<String> = server.heard().into_iter().map(|r| r.line).collect();
    let rid = "rid=01234567-89ab-cdef-0123-456789abcdef";
    assert_eq!(
        lines,
        [
            format!("POST /ping/abc/start?{rid} HTTP/1.1"),
            format!("POST /ping/abc/?{rid} HTTP/1.1"),
            format!("POST /ping/abc/fail?{rid} HTTP/1.1"),
            format!("POST /ping/abc/fail?{rid} HTTP/1.1"),
        ]
    );
    let body = &server.heard()[2].body;
    assert!(body.contains("nightly") && body.contains("full"), "{body}");
}

#[test]
fn a_webhook_that_hangs_holds_up_nobody() {
    let (hangs, answers) = (
        Server::start([Answer::Never]),
        Server::start([Answer::Status(200)]),
    );
    let memory = Arc::new(Memory::default());
    let limits = Limits {
        connect: Duration::from_millis(300),
        all: Duration::from_millis(300),
        again: Duration::from_millis(1),
    };
    let alerts = Alerts::within(Arc::clone(&memory) as _, limits);
    let wishes = Wishes {
        webhook: Some(at(&hangs, "/s3cret")),
        ping: Some(at(&answers, "/p")),
        ..wishes()
    };
    for _ in 0..3 {
        alerts.tell(&news(Event::Failed), &wishes);
    }
    // The caller is here already, and the ping arrives while the webhook hangs.
    answers.wait_for(3);
    alerts.finish(PATIENCE);
    let delivered = memory.delivered.lock().unwrap();
    let hung = delivered
        .iter()
        .filter(|d| **d == (Channel::Webhook, Err(DeliveryError::Timeout)));
    assert_eq!(hung.count(), 3, "{delivered:?}");
}

#[test]
fn a_server_in_trouble_is_asked_once_more_and_a_refusal_is_not() {
    for (answers, requests, outcome) in [
        (vec![Answer::Status(503), Answer::Status(200)], 2, Ok(())),
        (
            vec![Answer::Status(500)],
            2,
            Err(DeliveryError::Status(500)),
        ),
        (
            vec![Answer::Status(403)],
            1,
            Err(DeliveryError::Status(403)),
        ),
        // A token must not go elsewhere.
        (vec![Answer::Redirect], 1, Err(DeliveryError::Status(302))),
        (vec![Answer::Cut], 2, Err(DeliveryError::Unreachable)),
    ] {
        let server = Server::start(answers.clone());
        let (alerts, memory) = alerts();
        let wishes = Wishes {
            webhook: Some(at(&server, "/")),
            ..wishes()
        };
        alerts.tell(&news(Event::Failed), &wishes);
        alerts.finish(PATIENCE);
        let delivered = memory.delivered.lock().unwrap();
        assert_eq!(*delivered, [(Channel::Webhook, outcome)], "{answers:?}");
        assert_eq!(server.heard().len(), requests, "{answers:?}");
    }
}

#[test]
fn no_failure_repeats_the_address() {
    let closed = {
        let server = Server::start([Answer::Status(200)]);
        server.url()
    };
    for url in [
        format!("{closed}/s3cret"),
        "https://user:s3cret@127.0.0.1:1/s3cret?t=s3cret".to_owned(),
        "http://no-such-host.invalid/s3cret".to_owned(),
        "s3cret".to_owned(),
        "ftp://h/s3cret".to_owned(),
    ] {
        let (alerts, memory) = alerts();
        let wishes = Wishes {
            webhook: Some(SecretString::from(url.clone())),
            ..wishes()
        };
        alerts.tell(&news(Event::Failed), &wishes);
        alerts.finish(PATIENCE);
        let delivered = memory.delivered.lock().unwrap();
        let (_, outcome) = delivered.first().unwrap();
        let error = outcome.clone().unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cret"), "{url}: {said}");
    }
}

#[test]
fn a_failure_is_replaced_and_closed_by_the_next_success() {
    in_session(
        "alerts::a_failure_is_replaced_and_closed_by_the_next_success",
        || {
            let service = notification_service(&["body", "body-markup"]);
            let (alerts, memory) = alerts();
            let wishes = Wishes {
                desktop: Desktop::Problems,
                ..wishes()
            };
            for event in [
                Event::Started,
                Event::Failed,
                Event::Started,
                Event::Partial,
                Event::Succeeded,
                Event::Succeeded,
                Event::Failed,
            ] {
                alerts.tell(&news(event), &wishes);
            }
            alerts.finish(PATIENCE);
            let told = service.told();
            assert_eq!(told.len(), 4, "{told:#?}");
            let Told::Notify(first) = &told[0] else {
                panic!("{told:#?}")
            };
            assert_eq!((first.replaces, first.urgency), (0, 2));
            assert_eq!(first.title, "The backup of tacacs-1 failed");
            assert!(
                first.body.contains("&lt;vault&gt; is full &amp; done"),
                "{}",
                first.body
            );
            let Told::Notify(second) = &told[1] else {
                panic!("{told:#?}")
            };
            assert_eq!((second.replaces, second.urgency), (first.id, 1));
            assert_eq!(told[2], Told::Close(first.id));
            let Told::Notify(third) = &told[3] else {
                panic!("{told:#?}")
            };
            assert_eq!(third.replaces, 0);
            let shown = memory.shown("schedule:nightly").unwrap();
            assert_eq!(shown.id, third.id);
        },
    );
}

#[test]
fn a_later_process_replaces_what_an_earlier_one_showed_but_not_at_another_service() {
    in_session(
        "alerts::a_later_process_replaces_what_an_earlier_one_showed_but_not_at_another_service",
        || {
            let wishes = Wishes {
                desktop: Desktop::All,
                language: Language::German,
                ..wishes()
            };
            let memory = Arc::new(Memory::default());
            let tell = |event| {
                let alerts = Alerts::new(Arc::clone(&memory) as _);
                alerts.tell(&news(event), &wishes);
                alerts.finish(PATIENCE);
            };
            let service = notification_service(&["body"]);
            tell(Event::Failed);
            tell(Event::Succeeded);
            let told = service.told();
            let (Told::Notify(first), Told::Notify(second)) = (&told[0], &told[1]) else {
                panic!("{told:#?}")
            };
            assert_eq!(second.replaces, first.id);
            assert_eq!(second.title, "Die Sicherung von tacacs-1 ist gelungen");
            // Without markup nothing is escaped.
            assert!(
                first.body.contains("<vault> is full & done"),
                "{}",
                first.body
            );
            drop(service);
            let other = notification_service(&["body"]);
            tell(Event::Failed);
            let told = other.told();
            let Told::Notify(third) = &told[0] else {
                panic!("{told:#?}")
            };
            assert_eq!(third.replaces, 0);
        },
    );
}

#[test]
fn a_hostile_name_forges_no_line_of_a_notification() {
    in_session(
        "alerts::a_hostile_name_forges_no_line_of_a_notification",
        || {
            let service = notification_service(&["body"]);
            let (alerts, _) = alerts();
            let wishes = Wishes {
                desktop: Desktop::Problems,
                ..wishes()
            };
            let mut news = news(Event::Failed);
            news.problem.as_mut().unwrap().message = "a\nAll is well\u{202e}".to_owned();
            alerts.tell(&news, &wishes);
            alerts.finish(PATIENCE);
            let told = service.told();
            let Told::Notify(shown) = &told[0] else {
                panic!("{told:#?}")
            };
            assert_eq!(
                shown.body,
                "a\u{fffd}All is well\u{fffd}\nFree some space.\nSchedule nightly"
            );
        },
    );
}

#[test]
fn where_nobody_shows_notifications_nothing_fails() {
    in_session(
        "alerts::where_nobody_shows_notifications_nothing_fails",
        || {
            let (alerts, memory) = alerts();
            let wishes = Wishes {
                desktop: Desktop::All,
                ..wishes()
            };
            alerts.tell(&news(Event::Failed), &wishes);
            alerts.finish(PATIENCE);
            assert_eq!(*memory.delivered.lock().unwrap(), []);
            assert_eq!(memory.shown("schedule:nightly"), None);
        },
    );
}
