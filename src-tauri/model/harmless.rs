//! Text of others, before people see it: names come from disks, servers and archives of strangers.

use std::borrow::Cow;

/// Without what could move the cursor, forge a line or turn the reading direction.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(hostile) {
        Cow::Owned(text.replace(hostile, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}
