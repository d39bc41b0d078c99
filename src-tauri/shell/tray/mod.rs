//! The tray: an icon that tells how things stand, and a menu. It shows a `View` and passes wishes on; it decides nothing.
//! Where no tray host runs, the icon appears when one does; without the tray's library there is none, and all else works.

mod view;
mod watch;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use tauri::image::Image;
use tauri::menu::{Menu, MenuBuilder, MenuItem, PredefinedMenuItem, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Wry, include_image};

use super::schedules::Standing;
use view::{Mark, View};
pub use watch::{Nudge, Watch};
use words::Spoken;

const FINE: Image<'_> = include_image!("icons/tray/fine.png");
const RUNNING: Image<'_> = include_image!("icons/tray/running.png");
const ATTENTION: Image<'_> = include_image!("icons/tray/attention.png");
const FAILING: Image<'_> = include_image!("icons/tray/failing.png");

const STATE: &str = "state";
const AGE: &str = "age";
const BACK_UP: &str = "back-up:";

/// What was chosen in the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    BackUp(String),
    Pause,
    Resume,
    Open,
    Quit,
}

impl Wish {
    pub fn from_id(id: &str) -> Option<Self> {
        match id {
            "pause" => Some(Self::Pause),
            "resume" => Some(Self::Resume),
            "open" => Some(Self::Open),
            "quit" => Some(Self::Quit),
            id => Some(Self::BackUp(id.strip_prefix(BACK_UP)?.to_owned())),
        }
    }
}

/// On the main thread only, as all of GTK.
pub struct Tray {
    icon: TrayIcon,
    shown: View,
    lines: Lines,
}

/// The items whose words change by themselves.
struct Lines {
    state: MenuItem<Wry>,
    age: Option<MenuItem<Wry>>,
}

impl Tray {
    /// None where there can be no tray: the library that draws it is loaded when it is first used, and panics where it is missing.
    pub fn new(app: &AppHandle, view: View) -> Option<Self> {
        let built = catch_unwind(AssertUnwindSafe(|| Self::build(app, view)));
        match built {
            Ok(Ok(tray)) => Some(tray),
            Ok(Err(cause)) => {
                eprintln!("error: there is no tray icon: {cause}");
                None
            }
            Err(_) => {
                eprintln!("error: there is no tray icon: its library cannot be loaded");
                eprintln!("hint: install libayatana-appindicator3-1; all else works without it");
                None
            }
        }
    }

    fn build(app: &AppHandle, view: View) -> tauri::Result<Self> {
        let (menu, lines) = menu(app, &view)?;
        let mut builder = TrayIconBuilder::with_id("holdfast")
            .icon(image(view.mark))
            .tooltip(&view.sentence)
            .menu(&menu);
        if let Some(dir) = icon_dir() {
            builder = builder.temp_dir_path(dir);
        }
        let icon = builder.build(app)?;
        Ok(Self {
            icon,
            shown: view,
            lines,
        })
    }

    /// Changes what is different, so that an open menu stays open where only its words change.
    pub fn show(&mut self, app: &AppHandle, view: View) -> tauri::Result<()> {
        if view.mark != self.shown.mark {
            self.icon.set_icon(Some(image(view.mark)))?;
        }
        if view.sentence != self.shown.sentence {
            self.icon.set_tooltip(Some(&view.sentence))?;
        }
        if shape(&view) == shape(&self.shown) {
            self.lines.state.set_text(state_line(&view))?;
            if let (Some(item), Some(text)) = (&self.lines.age, &view.age) {
                item.set_text(text)?;
            }
        } else {
            let (menu, lines) = menu(app, &view)?;
            self.icon.set_menu(Some(menu))?;
            self.lines = lines;
        }
        self.shown = view;
        Ok(())
    }
}

/// What makes another menu, rather than other words in it.
fn shape(view: &View) -> impl PartialEq + '_ {
    let View {
        mark: _,
        language,
        sentence: _,
        age,
        running: _,
        notice,
        instances,
        schedules,
    } = view;
    (*language, age.is_some(), notice, instances, *schedules)
}

fn menu(app: &AppHandle, view: &View) -> tauri::Result<(Menu<Wry>, Lines)> {
    let words = view.language.words();
    let line = |id: &str, text: &str| MenuItem::with_id(app, id, text, false, None::<&str>);
    let lines = Lines {
        state: line(STATE, state_line(view))?,
        age: view.age.as_ref().map(|text| line(AGE, text)).transpose()?,
    };
    let mut menu = MenuBuilder::new(app).item(&lines.state);
    if let Some(age) = &lines.age {
        menu = menu.item(age);
    }
    if let Some(notice) = &view.notice {
        menu = menu.item(&line("notice", notice)?);
    }
    let mut back_up =
        SubmenuBuilder::with_id(app, "back-up", words.back_up).enabled(!view.instances.is_empty());
    for name in &view.instances {
        // An ampersand marks a key to press, as in GTK's own menus.
        back_up = back_up.text(format!("{BACK_UP}{name}"), name.replace('&', "&&"));
    }
    menu = menu
        .item(&PredefinedMenuItem::separator(app)?)
        .item(&back_up.build()?);
    menu = match view.schedules {
        Standing::None => menu,
        Standing::Active => menu.text("pause", words.pause),
        Standing::Paused => menu.text("resume", words.resume),
    };
    let menu = menu
        .text("open", words.open)
        .separator()
        .text("quit", words.quit)
        .build()?;
    Ok((menu, lines))
}

fn state_line(view: &View) -> &str {
    view.running.as_ref().unwrap_or(&view.sentence)
}

fn image(mark: Mark) -> Image<'static> {
    match mark {
        Mark::Fine => FINE,
        Mark::Running => RUNNING,
        Mark::Attention => ATTENTION,
        Mark::Failing => FAILING,
    }
}

/// The tray's library takes its icon from a file. In memory, and one folder a process: two may run for two data folders.
fn icon_dir() -> Option<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?;
    let dir = runtime.join(format!("holdfast-tray-{}", std::process::id()));
    runtime.is_dir().then_some(dir)
}

/// What `icon_dir` made, at the end.
pub fn clean_up() {
    if let Some(dir) = icon_dir() {
        // Not there where there was no tray.
        let _ = std::fs::remove_dir_all(dir);
    }
}
