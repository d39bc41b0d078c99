//! The text as a kit: strictly, line by line. No message repeats what a line holds: it may be a secret in the wrong place.

use age::x25519;
use jiff::Timestamp;
use minisign::PublicKey;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use super::{Kit, KitError, VERSION, key};

#[derive(Default)]
struct Found {
    version: Option<String>,
    created_at: Option<Timestamp>,
    recipient: Option<String>,
    verification_key: Option<String>,
    identities: Vec<x25519::Identity>,
    instances: Vec<super::KitInstance>,
    destinations: Vec<crate::model::DestinationConfig>,
    ended: Option<()>,
}

/// Line ends of other systems are taken; a kit that was cut off is not.
pub fn read(text: &SecretString) -> Result<Kit, KitError> {
    let text = text.expose_secret();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Found::default();
    for (number, line) in text.lines().enumerate() {
        found
            .take(line.trim_end())
            .map_err(|reason| match found.version {
                Some(_) => KitError::Line {
                    line: number + 1,
                    reason,
                },
                None => not_a_kit("its first line is another"),
            })?;
    }
    found.into_kit()
}

impl Found {
    fn take(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line == "#" || line.starts_with("#  ") {
            return Ok(());
        }
        if self.ended.is_some() {
            return Err("something follows the end".to_owned());
        }
        match line.strip_prefix("# ") {
            Some(comment) => {
                let (key, value) = comment.split_once(':').unwrap_or((comment, ""));
                self.take_value(key, value.trim_start())
            }
            None if self.version.is_none() => Err("the kit has not begun".to_owned()),
            None => {
                let identity = line.parse();
                self.identities
                    .push(identity.map_err(|_| "this is no age identity".to_owned())?);
                Ok(())
            }
        }
    }

    fn take_value(&mut self, key: &str, value: &str) -> Result<(), String> {
        if self.version.is_none() && key != key::KIT {
            return Err("the kit has not begun".to_owned());
        }
        match key {
            key::KIT => once(&mut self.version, value.to_owned())?,
            key::CREATED => once(&mut self.created_at, parsed(value, "time")?)?,
            key::RECIPIENT => {
                parsed::<x25519::Recipient>(value, "age public key")?;
                once(&mut self.recipient, value.to_owned())?;
            }
            key::VERIFICATION_KEY => {
                PublicKey::from_base64(value)
                    .map_err(|_| "this is no minisign public key".to_owned())?;
                once(&mut self.verification_key, value.to_owned())?;
            }
            key::INSTANCE => {
                let instance: super::KitInstance = json(value)?;
                parsed::<crate::model::InstanceId>(&instance.id, "instance id")?;
                if !crate::model::instance::is_instance_name(&instance.name) {
                    return Err("this is no instance's name".to_owned());
                }
                self.instances.push(instance);
            }
            key::DESTINATION => self.destinations.push(json(value)?),
            key::END if value.is_empty() => once(&mut self.ended, ())?,
            _ => return Err("this line is not known".to_owned()),
        }
        Ok(())
    }

    fn into_kit(self) -> Result<Kit, KitError> {
        match self.version.as_deref() {
            Some(VERSION) => {}
            Some(_) => {
                return Err(not_a_kit(
                    "it is of a version that this program does not know",
                ));
            }
            None => return Err(not_a_kit("it is empty")),
        }
        if self.ended.is_none() {
            return Err(not_a_kit("its end is missing: it was cut off"));
        }
        let recipient = self.recipient.ok_or_else(|| not_a_kit("no public key"))?;
        let belongs = |identity: &x25519::Identity| identity.to_public().to_string() == recipient;
        if !self.identities.iter().any(belongs) {
            return Err(not_a_kit("no identity belongs to its public key"));
        }
        Ok(Kit {
            created_at: self.created_at.ok_or_else(|| not_a_kit("no time"))?,
            verification_key: self
                .verification_key
                .ok_or_else(|| not_a_kit("no verification key"))?,
            recipient,
            identities: self.identities,
            instances: self.instances,
            destinations: self.destinations,
        })
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("this line comes twice".to_owned()),
    }
}

fn parsed<T: std::str::FromStr>(value: &str, what: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("this is no {what}"))
}

fn json<T: DeserializeOwned>(value: &str) -> Result<T, String> {
    serde_json::from_str(value).map_err(|e| format!("this cannot be read at column {}", e.column()))
}

fn not_a_kit(reason: &str) -> KitError {
    KitError::NotAKit(reason.to_owned())
}
