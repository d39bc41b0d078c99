//! Text for people: lines, facts and aligned tables. Whatever comes from archives or disks is made harmless for a terminal here, at the
//! one place where all of it passes.

use std::borrow::Cow;

use comfy_table::{Cell, CellAlignment, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words;
use crate::model::{Warning, harmless};

pub(super) struct Page {
    text: String,
    zone: TimeZone,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) enum Column {
    Left(&'static str),
    /// Numbers and sizes.
    Right(&'static str),
}

impl Page {
    pub fn new(zone: TimeZone) -> Self {
        Self {
            text: String::new(),
            zone,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// One line, whatever is in it.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(&harmless(text.as_ref()));
        self.text.push('\n');
    }

    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Names and values in two aligned columns.
    pub fn facts<'a>(&mut self, facts: impl IntoIterator<Item = (&'static str, Cow<'a, str>)>) {
        let mut table = plain();
        for (name, value) in facts {
            table.add_row([harmless(name), harmless(&value)]);
        }
        self.push(&mut table);
    }

    pub fn table<R>(&mut self, columns: &[Column], rows: impl IntoIterator<Item = R>)
    where
        R: IntoIterator<Item = String>,
    {
        let mut table = plain();
        table.set_header(columns.iter().map(|c| c.cell(c.title())));
        for row in rows {
            table.add_row(columns.iter().zip(row).map(|(c, text)| c.cell(&text)));
        }
        self.push(&mut table);
    }

    pub fn warnings(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            match &warning.component {
                Some(component) => self.line(format!("warning: {component}: {}", warning.message)),
                None => self.line(format!("warning: {}", warning.message)),
            }
        }
    }

    pub fn time(&self, at: Timestamp) -> String {
        words::time(at, &self.zone)
    }

    /// `never` where it did not happen.
    pub fn time_or(&self, at: Option<Timestamp>, otherwise: &str) -> String {
        at.map_or_else(|| otherwise.to_owned(), |at| self.time(at))
    }

    fn push(&mut self, table: &mut Table) {
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        if !table.is_empty() {
            self.text.push_str(&table.trim_fmt());
            self.text.push('\n');
        }
    }
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }

    fn cell(self, text: &str) -> Cell {
        let alignment = match self {
            Self::Left(_) => CellAlignment::Left,
            Self::Right(_) => CellAlignment::Right,
        };
        Cell::new(harmless(text)).set_alignment(alignment)
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_one_harmless_line() {
        let mut page = Page::new(TimeZone::UTC);
        page.line("a\u{1b}[2Jb\nerror: forged\u{202e}x");
        page.table(&[Column::Left("name")], [["x\ny".to_owned()]]);
        assert_eq!(
            page.as_str(),
            "a\u{fffd}[2Jb\u{fffd}error: forged\u{fffd}x\nname\nx\u{fffd}y\n"
        );
    }

    #[test]
    fn columns_line_up_also_under_wide_letters() {
        let mut page = Page::new(TimeZone::UTC);
        page.table(
            &[
                Column::Left("name"),
                Column::Right("rows"),
                Column::Left("note"),
            ],
            [
                ["日本".to_owned(), "7".to_owned(), "x".to_owned()],
                ["ab".to_owned(), "1,234".to_owned(), String::new()],
            ],
        );
        assert_eq!(
            page.as_str(),
            "name   rows  note\n日本      7  x\nab    1,234\n"
        );
    }
}
