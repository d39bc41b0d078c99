//! Notifications of the desktop, after freedesktop's Desktop Notifications Specification: one a subject, replaced when something changes,
//! closed by the next success. Where nobody shows notifications, nobody is told: that is no failure.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zbus::blocking::{Connection, Proxy, connection};
use zbus::names::BusName;
use zbus::zvariant::Value;

use super::words::Spoken;
use super::{DeliveryError, Desktop, Event, Ledger, News, Wishes};
use crate::model::harmless;

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// A service that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(5);

const NORMAL: u8 = 1;
const CRITICAL: u8 = 2;

/// A notification that is to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The service's unique name on the bus: another one knows nothing of it.
    pub server: String,
    pub id: u32,
}

/// The session's notification service. The connection stays: some desktops take a notification away when its sender is gone.
#[derive(Default)]
pub struct Screen {
    bus: Option<Connection>,
}

enum Wanted {
    Show,
    Close,
    Nothing,
}

impl Screen {
    /// None: there was nothing to show, or nobody who shows it.
    pub fn show(
        &mut self,
        news: &News,
        wishes: &Wishes,
        ledger: &dyn Ledger,
    ) -> Option<Result<(), DeliveryError>> {
        let subject = news.subject();
        let before = ledger.shown(&subject);
        let wanted = wanted(news.event, wishes.desktop);
        if matches!(wanted, Wanted::Nothing)
            || (matches!(wanted, Wanted::Close) && before.is_none())
        {
            return None;
        }
        let bus = self.bus()?;
        // A service that was replaced meanwhile knows nothing of it.
        let server = owner(&bus);
        let before = before.filter(|shown| Some(&shown.server) == server.as_ref());
        let done = match wanted {
            Wanted::Close => {
                let closed = before.map_or(Ok(()), |shown| close(&bus, shown.id));
                ledger.remember(&subject, None);
                closed
            }
            _ => notify(&bus, news, wishes, before.map_or(0, |shown| shown.id)).map(|id| {
                // Asked again: it may have been started by this.
                let shown = owner(&bus).map(|server| Shown { server, id });
                ledger.remember(&subject, shown.as_ref());
            }),
        };
        match done {
            Ok(()) => Some(Ok(())),
            Err(error) if nobody_is_there(&error) => None,
            Err(error) => {
                self.bus = None;
                Some(Err(refused(&error)))
            }
        }
    }

    fn bus(&mut self) -> Option<Connection> {
        if self.bus.is_none() {
            let made =
                connection::Builder::session().and_then(|b| b.method_timeout(PATIENCE).build());
            self.bus = made.ok();
        }
        self.bus.clone()
    }
}

fn wanted(event: Event, desktop: Desktop) -> Wanted {
    match event {
        // What failed before stands until the outcome is known.
        Event::Started | Event::Cancelled => Wanted::Nothing,
        event if event.is_trouble() => Wanted::Show,
        _ if desktop == Desktop::All => Wanted::Show,
        _ => Wanted::Close,
    }
}

fn notify(bus: &Connection, news: &News, wishes: &Wishes, replaces: u32) -> zbus::Result<u32> {
    let service = service(bus)?;
    let capabilities: Vec<String> = service.call("GetCapabilities", &())?;
    let markup = capabilities.iter().any(|known| known == "body-markup");
    let lines = wishes.language.body(news);
    let body: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
    let body = body.join("\n");
    let body = if markup { escaped(&body) } else { body };
    let urgency = match news.event {
        Event::Failed | Event::Alarm => CRITICAL,
        _ => NORMAL,
    };
    let hints = HashMap::from([
        ("urgency", Value::U8(urgency)),
        ("desktop-entry", Value::from("holdfast")),
        ("category", Value::from("transfer")),
    ]);
    // The service's own time where all is well; what needs somebody stays.
    let expires: i32 = if news.event.is_trouble() { 0 } else { -1 };
    let actions: [&str; 0] = [];
    service.call(
        "Notify",
        &(
            "Holdfast",
            replaces,
            "holdfast",
            &*harmless(&wishes.language.title(news)),
            body,
            actions.as_slice(),
            hints,
            expires,
        ),
    )
}

/// One that is closed already is no failure.
fn close(bus: &Connection, id: u32) -> zbus::Result<()> {
    match service(bus)?.call("CloseNotification", &(id)) {
        Err(zbus::Error::MethodError(..)) => Ok(()),
        done => done,
    }
}

fn service(bus: &Connection) -> zbus::Result<Proxy<'static>> {
    Proxy::new(bus, SERVICE, PATH, SERVICE)
}

fn owner(bus: &Connection) -> Option<String> {
    let name = BusName::try_from(SERVICE).ok()?;
    let names = zbus::blocking::fdo::DBusProxy::new(bus).ok()?;
    names
        .get_name_owner(name)
        .ok()
        .map(|owner| owner.to_string())
}

fn nobody_is_there(error: &zbus::Error) -> bool {
    let of_name = |name: &str| {
        name.ends_with(".ServiceUnknown")
            || name.ends_with(".NameHasNoOwner")
            || name.contains(".Spawn.")
    };
    match error {
        zbus::Error::MethodError(name, ..) => of_name(name.as_str()),
        zbus::Error::FDO(error) => matches!(
            **error,
            zbus::fdo::Error::ServiceUnknown(_) | zbus::fdo::Error::NameHasNoOwner(_)
        ),
        _ => false,
    }
}

fn refused(error: &zbus::Error) -> DeliveryError {
    match error {
        zbus::Error::MethodError(name, ..) => DeliveryError::Refused(name.to_string()),
        zbus::Error::InputOutput(_) => DeliveryError::Timeout,
        _ => DeliveryError::Request,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
