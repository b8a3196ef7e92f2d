//! The house keeps its shape: which room may name which, what the engine stays free of, and where `unsafe` may
//! stand (ARCHITECTURE.md). Tests may name what they need.
#![allow(clippy::unwrap_used, clippy::panic)] // The whole file is a test.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Every room of `fastpath/src` and the rooms it may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("event", &["engine"]),
    ("config", &["engine", "event"]),
    ("nic", &["config"]),
    ("io", &["nic", "engine", "config"]),
    ("telemetry", &["io", "engine", "event", "config"]),
    ("worker", &["nic", "io", "engine", "event", "telemetry", "config"]),
    ("control", &["worker", "engine", "event", "telemetry", "config"]),
    ("cli", &["control", "worker", "nic", "io", "engine", "event", "telemetry", "config"]),
];

/// Inside the engine each of these may name only those before it.
const ENGINE_ROOMS: &[&str] = &["packet", "flow", "stream", "app", "rules"];

/// What would make the engine's result depend on more than its input.
const IMPURE: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["libc"],
    &["fastpath_common"],
    &["tracing"],
];

/// Folders whose code may say `unsafe`. redirect-ebpf is no member of the workspace.
const UNSAFE: &[&str] =
    &["fastpath/src/nic/", "fastpath/src/engine/rules/scan/", "fastpath/src/engine/rules/scan.rs"];

#[test]
fn every_room_names_only_the_rooms_below_it() {
    let faults: Vec<Fault> = sources("fastpath/src").iter().flat_map(check_rooms).collect();
    assert!(faults.is_empty(), "{}", list(&faults));
}

#[test]
fn the_engine_is_pure() {
    let faults: Vec<Fault> = sources("fastpath/src/engine").iter().flat_map(check_purity).collect();
    assert!(faults.is_empty(), "{}", list(&faults));
}

#[test]
fn unsafe_stands_in_its_two_rooms_only() {
    let members = ["common", "fastpath", "benches"];
    let faults: Vec<Fault> =
        members.iter().flat_map(|dir| sources(dir)).flat_map(|file| check_unsafe(&file)).collect();
    assert!(faults.is_empty(), "{}", list(&faults));
}

#[test]
fn every_room_is_in_the_table() {
    let source = root().join("fastpath/src");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let known = ROOMS.iter().any(|(room, _)| *room == name) || ["lib", "main"].contains(&name);
        assert!(known, "the room `{name}` is new: say in ROOMS which rooms it may name");
    }
}

#[test]
fn the_checks_see_what_they_look_for() {
    let rooms = |path: &str, text: &str| check_rooms(&Source::parse(path, text)).len();
    let engine = "fastpath/src/engine/flow/key.rs";
    assert_eq!(rooms(engine, "use crate::nic::Frame;"), 1);
    assert_eq!(rooms(engine, "fn f() { crate::worker::run() }"), 1);
    assert_eq!(rooms(engine, "use crate::{engine::packet::View, io::PacketIo, config};"), 2);
    assert_eq!(rooms(engine, "use super::super::super::telemetry::Counter;"), 1);
    assert_eq!(rooms(engine, "use super::{super::{super::{event::Eve}}};"), 1);
    assert_eq!(rooms(engine, "mod inner { use super::super::super::super::cli; }"), 1);
    assert_eq!(rooms(engine, "macro_call!(crate::control::stop())"), 1);
    assert_eq!(rooms(engine, "use crate::engine::stream::Stream;"), 1, "flow is below stream");
    assert_eq!(rooms("fastpath/src/engine/rules/mod.rs", "use super::flow::Key;"), 0);
    assert_eq!(rooms(engine, "use super::super::event::Event; use crate::engine::packet::View;"), 0);
    assert_eq!(rooms(engine, "//! [`crate::nic`]\n#[cfg(test)] mod tests { use crate::nic; }"), 0);
    assert_eq!(rooms("fastpath/src/nic/socket.rs", "use crate::io::PacketIo;"), 1);
    assert_eq!(rooms("fastpath/src/io/mod.rs", "use crate::{nic, engine::meta};"), 0);

    let purity = |text: &str| check_purity(&Source::parse(engine, text)).len();
    assert_eq!(purity("use std::{fs, time::{Duration, Instant}}; use std::net::IpAddr;"), 2);
    assert_eq!(purity("fn f() { std::thread::sleep(d); tracing::info!(\"\") }"), 2);
    assert_eq!(purity("#[cfg(test)] use std::fs;\nfn f() {}"), 0);

    let unsafes = |path: &str, text: &str| check_unsafe(&Source::parse(path, text)).len();
    assert_eq!(unsafes("fastpath/src/io/mod.rs", "fn f() { unsafe { g() } }"), 1);
    assert_eq!(unsafes("fastpath/tests/e2e/main.rs", "#[test] fn f() { unsafe { g() } }"), 1);
    assert_eq!(unsafes("fastpath/src/nic/link.rs", "fn f() { unsafe { g() } }"), 0);
    assert_eq!(unsafes("fastpath/src/io/mod.rs", "#[allow(unsafe_code)] fn f() { \"unsafe\"; }"), 0);
}

fn check_rooms(file: &Source) -> Vec<Fault> {
    let Some(room) = file.module.first() else { return Vec::new() };
    let may = ROOMS.iter().find(|(name, _)| name == room).map_or(&[][..], |(_, may)| may);
    let fault = |path: &&NamedPath| {
        let [first, rest @ ..] = path.segments.as_slice() else { return false };
        let Some(named) = rest.first().filter(|_| first == "crate") else { return false };
        if named != room {
            return ROOMS.iter().any(|(name, _)| name == named) && !may.contains(&named.as_str());
        }
        let rank =
            |name: Option<&String>| ENGINE_ROOMS.iter().position(|room| Some(*room) == name.map(|n| &**n));
        room == "engine" && rank(file.module.get(1)).is_some_and(|own| rank(rest.get(1)) > Some(own))
    };
    file.outside_tests().filter(fault).map(|path| file.fault(path)).collect()
}

fn check_purity(file: &Source) -> Vec<Fault> {
    let impure = |path: &&NamedPath| IMPURE.iter().any(|start| path.starts_with(start));
    file.outside_tests().filter(impure).map(|path| file.fault(path)).collect()
}

fn check_unsafe(file: &Source) -> Vec<Fault> {
    if UNSAFE.iter().any(|room| file.path.starts_with(room)) {
        return Vec::new();
    }
    // In tests too: a test that needs it belongs to one of the rooms.
    file.paths.iter().filter(|path| path.segments == ["unsafe"]).map(|path| file.fault(path)).collect()
}

struct Fault {
    file: String,
    line: usize,
    named: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: may not name `{}`", self.file, self.line, self.named)
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

/// One Rust file and every path it names.
struct Source {
    /// From the root of the workspace, with `/`.
    path: String,
    /// Where the file stands in its crate: `["engine", "packet"]`.
    module: Vec<String>,
    paths: Vec<NamedPath>,
}

/// A path as the compiler would see it: `crate::…` where it was `super::…`; one element for a bare name.
struct NamedPath {
    segments: Vec<String>,
    line: usize,
    in_test: bool,
}

impl NamedPath {
    fn starts_with(&self, start: &[&str]) -> bool {
        // A bare `libc` may be a variable: a path has at least two elements.
        self.segments.len() >= start.len().max(2) && self.segments.iter().zip(start).all(|(a, b)| a == b)
    }
}

impl Source {
    fn parse(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let inside = path.split_once("/src/").map_or("", |(_, inside)| inside).trim_end_matches(".rs");
        let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
        module.retain(|name| !name.is_empty());
        if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            module.pop();
        }
        let whole_file_is_test = module.iter().any(|name| name == "tests");
        let mut reader = Reader { paths: Vec::new(), module: module.clone(), in_test: whole_file_is_test };
        reader.read(tokens);
        Self { path: path.to_owned(), module, paths: reader.paths }
    }

    fn outside_tests(&self) -> impl Iterator<Item = &NamedPath> {
        self.paths.iter().filter(|path| !path.in_test)
    }

    fn fault(&self, path: &NamedPath) -> Fault {
        Fault { file: self.path.clone(), line: path.line, named: path.segments.join("::") }
    }
}

/// Walks the tokens of a file; comments and texts are none.
struct Reader {
    paths: Vec<NamedPath>,
    module: Vec<String>,
    in_test: bool,
}

impl Reader {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_cfg_test(&tokens[at..]) {
                let end = at + 2 + item_length(&tokens[at + 2..]);
                let outer = std::mem::replace(&mut self.in_test, true);
                self.read(tokens[at + 2..end].iter().cloned().collect());
                self.in_test = outer;
                at = end;
            } else if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), ..] =
                &tokens[at..]
                && word == "mod"
            {
                self.module.push(name.to_string());
                self.read(body.stream());
                self.module.pop();
                at += 3;
            } else if let TokenTree::Ident(_) = &tokens[at] {
                at += self.path(&tokens[at..], &[]);
            } else {
                if let TokenTree::Group(group) = &tokens[at] {
                    self.read(group.stream());
                }
                at += 1;
            }
        }
    }

    /// Takes the path that starts here, under `prefix`; how many tokens it has.
    fn path(&mut self, tokens: &[TokenTree], prefix: &[String]) -> usize {
        let mut segments = prefix.to_vec();
        let mut at = 0;
        while let Some(TokenTree::Ident(name)) = tokens.get(at) {
            self.extend(&mut segments, &name.to_string());
            at += 1;
            let colon =
                |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
            if !(colon(tokens.get(at)) && colon(tokens.get(at + 1))) {
                break;
            }
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.group(group.stream(), &segments);
                    return at + 3;
                }
                _ => break,
            }
        }
        let line = tokens[0].span().start().line;
        self.paths.push(NamedPath { segments, line, in_test: self.in_test });
        at
    }

    /// The parts of `{a, b::c, d as e}` in a `use`.
    fn group(&mut self, tokens: TokenStream, prefix: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for part in tokens.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ',')) {
            if !part.is_empty() {
                self.path(part, prefix);
            }
        }
    }

    fn extend(&self, segments: &mut Vec<String>, name: &str) {
        let here = || std::iter::once("crate".to_owned()).chain(self.module.iter().cloned());
        match name {
            "self" if segments.is_empty() => segments.extend(here()),
            "self" => {}
            "super" => {
                if segments.is_empty() {
                    segments.extend(here());
                }
                segments.pop();
            }
            name => segments.push(name.to_owned()),
        }
    }
}

/// `#[cfg(test)]` or `#[cfg(all(test, …))]` starts here.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return false };
    let text: String = attribute.stream().into_iter().map(|token| token.to_string()).collect();
    hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test"))
}

/// Tokens up to the end of the item: its braces, or a semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let is_use = matches!(tokens.first(), Some(TokenTree::Ident(word)) if word == "use");
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_use,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every Rust file under a folder of the workspace.
fn sources(folder: &str) -> Vec<Source> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source::parse(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no Rust file under {folder}");
    found
}
