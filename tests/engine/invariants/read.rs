//! Reads Rust sources as tokens, so that comments and strings name nothing and macros hide nothing. It resolves paths by their text:
//! a renamed import is seen where it is imported, not where it is used.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One file below `src-tauri`.
pub struct Source {
    /// Relative to the package.
    pub file: String,
    /// `["destination", "net"]`; empty for `lib.rs`.
    pub module_path: Vec<String>,
    tokens: TokenStream,
}

/// A path as it is written, and how many inline modules it stands in.
struct Written {
    path: Vec<String>,
    inline: usize,
}

impl Source {
    pub fn parse(path: &str, code: &str) -> Self {
        let mut module_path: Vec<_> = path.split('/').map(str::to_owned).collect();
        let stem = module_path.pop().unwrap_or_default();
        let stem = stem.trim_end_matches(".rs");
        if !["lib", "mod"].contains(&stem) {
            module_path.push(stem.to_owned());
        }
        Self {
            file: format!("src-tauri/{path}"),
            module_path,
            tokens: code
                .parse()
                .unwrap_or_else(|error| panic!("{path} is not Rust: {error}")),
        }
    }

    /// The module at the crate's root that it belongs to.
    pub fn module(&self) -> &str {
        self.module_path.first().map_or("lib", String::as_str)
    }

    /// Paths into this crate, from its root.
    pub fn own_crate(&self) -> Vec<Vec<String>> {
        let from_root = |written: &Written| -> Option<Vec<String>> {
            let (first, rest) = written.path.split_first()?;
            if first == "crate" || first == "holdfast" {
                return Some(rest.to_vec());
            }
            let ups = written
                .path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            // What `super` leaves of an inline module is below this file: not the root's.
            let depth = (self.module_path.len() + written.inline).checked_sub(ups)?;
            let within = self.module_path.get(..depth)?;
            (ups > 0).then(|| [within, &written.path[ups..]].concat())
        };
        let paths = self.paths();
        paths
            .iter()
            .filter_map(from_root)
            .filter(|path| !path.is_empty())
            .collect()
    }

    /// Paths into other crates (or into names that were imported) for which `wanted` holds, one line each.
    pub fn foreign(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        self.paths()
            .iter()
            .filter(|written| !["crate", "self", "super"].contains(&written.path[0].as_str()))
            .filter(|written| wanted(&written.path))
            .map(|written| format!("{}: `{}`", self.file, written.path.join("::")))
            .collect()
    }

    /// Which of these words stand in it, one line each.
    pub fn words(&self, words: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        each_word(&self.tokens, &mut |word| {
            if words.contains(&word) {
                found.push(format!("{}: `{word}`", self.file));
            }
        });
        found
    }

    fn paths(&self) -> Vec<Written> {
        let mut found = Vec::new();
        collect(&self.tokens, 0, &mut found);
        found
    }
}

/// Every module of the crate. The build script is none.
pub fn sources() -> Vec<Source> {
    let modules = files("src-tauri", &["rs"]);
    let modules = modules.iter().filter(|file| *file != "src-tauri/build.rs");
    let sources: Vec<_> = modules
        .map(|file| Source::parse(file.trim_start_matches("src-tauri/"), &text(file)))
        .collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

/// What people wrote of the page: what is generated may be as long as it likes.
pub fn page_sources() -> Vec<String> {
    let mut files = files("ui/src", &["ts", "tsx", "css"]);
    files.retain(|file| !file.starts_with("ui/src/bindings/"));
    files
}

/// Relative to the package, in order. Nothing where the folder is missing.
pub fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    walkdir::WalkDir::new(package().join(folder))
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            path.extension()
                .is_some_and(|found| extensions.iter().any(|e| found == *e))
        })
        .map(|path| relative(&path))
        .collect()
}

pub fn text(file: &str) -> String {
    fs::read_to_string(package().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn relative(path: &Path) -> String {
    let path = path
        .strip_prefix(package())
        .expect("it was found below the package");
    path.to_str().expect("sources have plain names").to_owned()
}

fn each_word(tokens: &TokenStream, each: &mut impl FnMut(&str)) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => each(&ident.to_string()),
            TokenTree::Group(group) => each_word(&group.stream(), each),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// All paths of a stream, with those in its groups.
fn collect(tokens: &TokenStream, inline: usize, found: &mut Vec<Written>) {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [
                TokenTree::Ident(word),
                TokenTree::Ident(_),
                TokenTree::Group(body),
                ..,
            ] if word == "mod" && body.delimiter() == Delimiter::Brace => {
                collect(&body.stream(), inline + 1, found);
                at += 3;
            }
            [TokenTree::Ident(word), ..] if word == "use" => {
                at = tree(&tokens, at + 1, &[], inline, found);
            }
            [TokenTree::Ident(_), ..] if is_separator(&tokens, at + 1) => {
                at = tree(&tokens, at, &[], inline, found);
            }
            [TokenTree::Group(group), ..] => {
                collect(&group.stream(), inline, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// One path, or a tree of them as `use` has it, from `at`. Returns where it ends.
fn tree(
    tokens: &[TokenTree],
    mut at: usize,
    prefix: &[String],
    inline: usize,
    found: &mut Vec<Written>,
) -> usize {
    let mut path = prefix.to_vec();
    if is_separator(tokens, at) {
        at += 2;
    }
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(segment)) => {
                path.push(segment.to_string().trim_start_matches("r#").to_owned());
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let branches: Vec<_> = group.stream().into_iter().collect();
                for branch in branches.split(is_comma) {
                    tree(branch, 0, &path, inline, found);
                }
                return at + 1;
            }
            _ => break,
        }
        at += 1;
        if !is_separator(tokens, at) {
            break;
        }
        at += 2;
    }
    if !path.is_empty() {
        found.push(Written { path, inline });
    }
    at
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ',')
}
