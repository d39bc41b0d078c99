//! The TACACS+ server's configuration as the server sees it: one layer over the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::environment::Environment;
use super::ini::Ini;
use super::overrides::Override;
use super::redact::is_secret_name;

/// Sections → keys → values.
pub(crate) struct Layers(BTreeMap<String, BTreeMap<String, String>>);

/// Python's name for the section whose keys hold in all others.
const DEFAULT: &str = "DEFAULT";

/// The sections that the server fills from `TACACS_{SECTION}_{KEY}`. Keys of `radius_auth` all start with `radius_`, so that
/// `TACACS_RADIUS_AUTH_PORT` is `auth_port` of `radius`.
const SECTIONS: [(&str, &str); 16] = [
    ("RADIUS_AUTH_RADIUS_", "radius_auth"),
    ("COMMAND_AUTHORIZATION_", "command_authorization"),
    ("PROXY_PROTOCOL_", "proxy_protocol"),
    ("AUTH_", "auth"),
    ("BACKUP_", "backup"),
    ("DATABASE_", "database"),
    ("DEVICES_", "devices"),
    ("LDAP_", "ldap"),
    ("LOGGING_", "logging"),
    ("MONITORING_", "monitoring"),
    ("OKTA_", "okta"),
    ("RADIUS_", "radius"),
    ("SECURITY_", "security"),
    ("SERVER_", "server"),
    ("SYSLOG_", "syslog"),
    ("WEBHOOKS_", "webhooks"),
];

impl Layers {
    pub fn new(baseline: Ini) -> Self {
        Self(baseline.sections)
    }

    /// Missing keys only. Secrets stay in the environment: they are in no file that is backed up, so they are in no export either.
    pub fn fill_from(&mut self, environment: &Environment) {
        for (name, value) in environment {
            let Some((section, key)) = setting_of(name) else {
                continue;
            };
            if !is_secret_name(&key) && self.get(section, &key).is_none() {
                self.set(section, key, value.clone());
            }
        }
    }

    pub fn override_with(&mut self, rows: Vec<Override>) {
        for row in rows {
            self.set(&row.section, row.key, row.value);
        }
    }

    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let of = |name: &str| self.0.get(name).and_then(|keys| keys.get(key));
        of(section).or_else(|| of(DEFAULT)).map(String::as_str)
    }

    pub fn into_json(self) -> Value {
        let section = |(name, keys): (String, BTreeMap<String, String>)| {
            let keys = keys.into_iter().map(|(k, v)| (k, Value::String(v)));
            (name, Value::Object(keys.collect()))
        };
        Value::Object(self.0.into_iter().map(section).collect())
    }

    fn set(&mut self, section: &str, key: String, value: String) {
        let keys = self.0.entry(section.to_owned()).or_default();
        keys.insert(key, value);
    }
}

fn setting_of(variable: &str) -> Option<(&'static str, String)> {
    let rest = variable.strip_prefix("TACACS_")?;
    let (prefix, section) = SECTIONS
        .iter()
        .find(|(prefix, _)| rest.starts_with(prefix))?;
    let key = rest[prefix.len()..].to_ascii_lowercase();
    if key.is_empty() {
        return None;
    }
    let key = if *section == "radius_auth" {
        format!("radius_{key}")
    } else {
        key
    };
    Some((section, key))
}
