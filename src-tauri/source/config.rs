//! Reads an instance's configuration, merges its layers into one JSON and redacts what is secret in it. The result is for reading and
//! comparing: what is restored are the files themselves.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::model::manifest::ConfigSource;
use crate::model::plan::SettingChange;
use crate::model::{ComponentKind, Instance, Template, Warning};

use super::guard;

pub(crate) mod environment;
pub(crate) mod ini;
pub(crate) mod layers;
pub(crate) mod overrides;
pub(crate) mod parse;
pub(crate) mod redact;

use environment::Environment;
use layers::Layers;
use overrides::Override;

/// `config_export.json` and what the manifest says of it.
pub struct ConfigExport {
    /// `{}` where there is no configuration. Keys sorted, secrets redacted.
    pub json: Vec<u8>,
    pub config_source: ConfigSource,
    pub has_overrides: bool,
    pub warnings: Vec<Warning>,
}

/// Files above this are no configuration (the server refuses larger ones too).
pub(crate) const MAX_BYTES: u64 = 1024 * 1024;

/// The TACACS+ server's own cache of a configuration that it fetched by URL.
pub(crate) const URL_CACHE: &str = "data/config_baseline_cache.conf";

/// `overrides_copy`: the captured copy of the overrides database, so that no live database is opened here.
#[must_use]
pub fn export(instance: &Instance, overrides_copy: Option<&Path>) -> ConfigExport {
    let mut warnings = Vec::new();
    let sources = instance
        .components
        .iter()
        .filter(|c| c.kind == ComponentKind::Config)
        .flat_map(|c| &c.sources);
    let (mut value, config_source, has_overrides) = match instance.template {
        Template::Tacacs => {
            let source = sources.into_iter().next().map(std::path::PathBuf::as_path);
            tacacs(instance, source, overrides_copy, &mut warnings)
        }
        Template::Auto => {
            let mut files = Map::new();
            for source in sources {
                let name = source.to_string_lossy().into_owned();
                let value = file(&instance.path.join(source), &name, &mut warnings);
                files.insert(name, value);
            }
            (Value::Object(files), ConfigSource::File, false)
        }
    };
    redact::redact(&mut value);
    value.sort_all_objects();
    // A value whose keys are all texts always serialises.
    let mut json = serde_json::to_vec_pretty(&value).unwrap_or_else(|_| b"{}".to_vec());
    json.push(b'\n');
    ConfigExport {
        json,
        config_source,
        has_overrides,
        warnings,
    }
}

/// The settings of one configuration file as `section.key` → value, secrets redacted. None where it does not parse. Two of them do not
/// show whether a secret changed: `compare` does.
#[must_use]
pub fn settings(file_name: &str, content: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut value = parse::parse(file_name, content)?;
    redact::redact(&mut value);
    Some(parse::flatten(&value))
}

/// The settings that differ between two contents of one configuration file: compared as they are, shown redacted. None where one of
/// them does not parse.
#[must_use]
pub fn compare(file_name: &str, live: &[u8], archive: &[u8]) -> Option<Vec<SettingChange>> {
    let plain = |content| parse::parse(file_name, content).map(|value| parse::flatten(&value));
    let (live_plain, archive_plain) = (plain(live)?, plain(archive)?);
    let (live, archive) = (settings(file_name, live)?, settings(file_name, archive)?);
    let mut keys: Vec<&String> = live_plain.keys().chain(archive_plain.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let changed = keys
        .into_iter()
        .filter(|key| live_plain.get(*key) != archive_plain.get(*key));
    let change = |key: &String| SettingChange {
        setting: key.clone(),
        live: live.get(key).cloned(),
        archive: archive.get(key).cloned(),
    };
    Some(changed.map(change).collect())
}

fn tacacs(
    instance: &Instance,
    source: Option<&Path>,
    overrides_copy: Option<&Path>,
    warnings: &mut Vec<Warning>,
) -> (Value, ConfigSource, bool) {
    let Some(source) = source else {
        return (Value::Object(Map::new()), ConfigSource::File, false);
    };
    let config_source = if source == Path::new(URL_CACHE) {
        ConfigSource::Url
    } else {
        ConfigSource::File
    };
    let baseline = match read_ini(&instance.path.join(source)) {
        Ok(ini) => ini,
        Err(reason) => {
            let message = format!("`{}` is not in the export: {reason}", source.display());
            warnings.push(Warning::new("config_unparsed", Some("config"), message));
            ini::Ini::default()
        }
    };
    warnings.extend(baseline.warnings(source));
    let environment = environment::of_server(&instance.path, &environment::this_process());
    let rows = match overrides_copy.map(overrides::from_copy).transpose() {
        Ok(rows) => rows.unwrap_or_default(),
        Err(error) => {
            let message = format!("the overrides are not in the export: {error}");
            warnings.push(Warning::new("overrides_unread", Some("overrides"), message));
            Vec::new()
        }
    };
    let has_overrides = !rows.is_empty();
    let layers = merge(baseline, &environment, rows);
    (layers.into_json(), config_source, has_overrides)
}

/// The server's own order: the file (or the cache of the URL), then its environment for keys that are missing, then the overrides.
pub(crate) fn merge(
    baseline: ini::Ini,
    environment: &Environment,
    overrides: Vec<Override>,
) -> Layers {
    let mut layers = Layers::new(baseline);
    layers.fill_from(environment);
    layers.override_with(overrides);
    layers
}

/// The reason is for people.
pub(crate) fn read_ini(path: &Path) -> Result<ini::Ini, String> {
    let bytes = read(path).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    ini::parse(text, ini::Headerless::Refused).map_err(|error| error.to_string())
}

/// At most `MAX_BYTES`; links are followed, because a configuration file may well be one.
pub(crate) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = guard::open_plain(&path.canonicalize()?)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let reason = format!("larger than {MAX_BYTES} bytes");
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            reason,
        ));
    }
    Ok(bytes)
}

fn file(path: &Path, name: &str, warnings: &mut Vec<Warning>) -> Value {
    let reason = match read(path) {
        Ok(bytes) => match parse::parse(name, &bytes) {
            Some(value) => return value,
            None => "its syntax is not known".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    let message = format!("`{name}` is not in the export: {reason}");
    warnings.push(Warning::new("config_unparsed", Some("config"), message));
    let unparsed = [("unparsed".to_owned(), Value::Bool(true))];
    Value::Object(unparsed.into_iter().collect())
}
