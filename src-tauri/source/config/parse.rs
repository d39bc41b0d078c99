//! One configuration file by the syntax that its name promises. What does not parse is none of its errors: the answer is None.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::{environment, ini};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Ini,
    Toml,
    Yaml,
    Json,
    Env,
}

/// None: its name says nothing of configuration.
pub(crate) fn syntax(file_name: &str) -> Option<Syntax> {
    let name = file_name.rsplit('/').next().unwrap_or(file_name);
    let name = name.to_ascii_lowercase();
    if name == ".env" || name.starts_with(".env.") {
        return Some(Syntax::Env);
    }
    match name.rsplit_once('.')?.1 {
        "ini" | "conf" | "cfg" => Some(Syntax::Ini),
        "toml" => Some(Syntax::Toml),
        "yaml" | "yml" => Some(Syntax::Yaml),
        "json" => Some(Syntax::Json),
        "env" => Some(Syntax::Env),
        _ => None,
    }
}

pub(crate) fn parse(file_name: &str, content: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(content).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match syntax(file_name)? {
        Syntax::Ini => from_ini(text),
        Syntax::Toml => toml::from_str::<toml::Table>(text)
            .ok()
            .map(|table| from_toml(toml::Value::Table(table))),
        Syntax::Yaml => from_yaml(text),
        Syntax::Json => serde_json::from_str(text).ok(),
        Syntax::Env => {
            let pairs = environment::parse(text).into_iter();
            Some(Value::Object(pairs.map(|(k, v)| (k, v.into())).collect()))
        }
    }
}

/// `a.b.0` → text, for comparing. Empty objects and lists count as values.
pub(crate) fn flatten(value: &Value) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    collect(value, String::new(), &mut flat);
    flat
}

fn collect(value: &Value, name: String, flat: &mut BTreeMap<String, String>) {
    let below = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, inner) in map {
                collect(inner, below(key), flat);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (at, inner) in list.iter().enumerate() {
                collect(inner, below(&at.to_string()), flat);
            }
        }
        Value::String(text) => {
            flat.insert(name, text.clone());
        }
        // The document itself, empty.
        Value::Object(_) if name.is_empty() => {}
        other => {
            flat.insert(name, other.to_string());
        }
    }
}

fn from_ini(text: &str) -> Option<Value> {
    let ini = ini::parse(text, ini::Headerless::Allowed).ok()?;
    let mut out = Map::new();
    for (section, keys) in ini.sections {
        let keys = keys.into_iter().map(|(k, v)| (k, Value::String(v)));
        if section.is_empty() {
            out.extend(keys);
        } else {
            out.insert(section, Value::Object(keys.collect()));
        }
    }
    Some(Value::Object(out))
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(n) => Value::Number(n.into()),
        toml::Value::Float(n) => {
            Number::from_f64(n).map_or_else(|| Value::String(n.to_string()), Value::Number)
        }
        toml::Value::Boolean(b) => Value::Bool(b),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(list) => Value::Array(list.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(k, v)| (k, from_toml(v)));
            Value::Object(entries.collect())
        }
    }
}

/// One document, or a list of several.
fn from_yaml(text: &str) -> Option<Value> {
    match serde_saphyr::from_str::<Value>(text) {
        Ok(value) => Some(value),
        Err(_) => serde_saphyr::from_multiple::<Value>(text)
            .ok()
            .map(Value::Array),
    }
}
