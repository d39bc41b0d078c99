//! INI as Python's configparser reads it, without interpolation: the TACACS+ server's dialect. Own code, because the kept crates differ
//! where it matters: they take an indented `[x]` for a section, lose track of duplicates, or know no continuation by indentation.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::Warning;

/// Sections → keys (lower case) → values (lines joined by `\n`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ini {
    /// Keys before any section are under the empty name.
    pub sections: BTreeMap<String, BTreeMap<String, String>>,
    /// Given twice: the last one counts here; the server refuses such a file.
    pub duplicates: Vec<Duplicate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duplicate {
    pub line: usize,
    /// `section` or `section.key`.
    pub what: String,
}

/// Keys before the first section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headerless {
    /// As the server does.
    Refused,
    Allowed,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IniError {
    #[error("line {line}: a key before any [section]")]
    NoSection { line: usize },
    #[error("line {line}: neither a section nor `key = value`")]
    NotASetting { line: usize },
}

pub(crate) fn parse(text: &str, headerless: Headerless) -> Result<Ini, IniError> {
    let mut reader = Reader::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in lines(text).enumerate() {
        reader.line(number + 1, line, headerless)?;
    }
    reader.end_value();
    Ok(reader.ini)
}

impl Ini {
    pub fn warnings(&self, file: &Path) -> Vec<Warning> {
        let warning = |d: &Duplicate| {
            let (file, line, what) = (file.display(), d.line, &d.what);
            let message =
                format!("`{file}` line {line}: `{what}` is given twice, the last one counts");
            Warning::new("config_duplicate", Some("config"), message)
        };
        self.duplicates.iter().map(warning).collect()
    }
}

#[derive(Default)]
struct Reader {
    ini: Ini,
    section: Option<String>,
    key: Option<Open>,
    indent: usize,
}

/// A value that may go on.
struct Open {
    key: String,
    lines: Vec<String>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str, headerless: Headerless) -> Result<(), IniError> {
        let value = line.trim_matches(is_space);
        if value.starts_with(['#', ';']) {
            return Ok(());
        }
        if value.is_empty() {
            // Part of a value only if the value goes on after it: trailing ones are cut when it ends.
            if let Some(open) = &mut self.key {
                open.lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| is_space(*c)).count();
        if indent > self.indent
            && let Some(open) = &mut self.key
        {
            open.lines.push(value.to_owned());
            return Ok(());
        }
        self.indent = indent;
        if let Some(header) = header(value) {
            self.begin_section(number, header);
            return Ok(());
        }
        if self.section.is_none() {
            if headerless == Headerless::Refused {
                return Err(IniError::NoSection { line: number });
            }
            self.section = Some(String::new());
        }
        let (key, value) = value
            .split_once(['=', ':'])
            .map(|(key, value)| (key.trim_end_matches(is_space), value.trim_matches(is_space)))
            .filter(|(key, _)| !key.is_empty())
            .ok_or(IniError::NotASetting { line: number })?;
        self.begin_value(number, key.to_lowercase(), value);
        Ok(())
    }

    fn begin_section(&mut self, line: usize, name: &str) {
        self.end_value();
        // The default section may come again, in Python too.
        if self.ini.sections.contains_key(name) && name != "DEFAULT" {
            self.duplicate(line, name.to_owned());
        }
        self.ini.sections.entry(name.to_owned()).or_default();
        self.section = Some(name.to_owned());
    }

    fn begin_value(&mut self, line: usize, key: String, value: &str) {
        self.end_value();
        let section = self.section.clone().unwrap_or_default();
        let known = self.ini.sections.get(&section);
        if known.is_some_and(|keys| keys.contains_key(&key)) {
            self.duplicate(line, format!("{section}.{key}"));
        }
        self.key = Some(Open {
            key,
            lines: vec![value.to_owned()],
        });
    }

    fn end_value(&mut self) {
        let Some(open) = self.key.take() else { return };
        let section = self.section.clone().unwrap_or_default();
        let value = open.lines.join("\n");
        let value = value.trim_end_matches(is_space).to_owned();
        let keys = self.ini.sections.entry(section).or_default();
        keys.insert(open.key, value);
    }

    fn duplicate(&mut self, line: usize, what: String) {
        self.ini.duplicates.push(Duplicate { line, what });
    }
}

/// `[name]` and anything after it; the name goes to the last bracket.
fn header(value: &str) -> Option<&str> {
    let rest = value.strip_prefix('[')?;
    let name = &rest[..rest.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

/// Python's idea of white space is Unicode's and four separators more.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Ends at `\n`, `\r\n` or `\r`, as files opened as text do in Python.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}
