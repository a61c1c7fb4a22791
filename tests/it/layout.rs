//! The rooms of the house: imports point only downwards.
//!
//! A room that every request passes through must not depend on one above it, or a change there
//! reaches everything. The table is the one of the design.

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and what it may import. Who may import "down" may import everything listed after it,
/// but for vendors and the simulator, which only those who name them know.
const ROOMS: &[(&str, May)] = &[
    ("lib", May::All),
    ("fuzzing", May::All),
    ("test_util", May::All),
    ("sso", May::Down(&["vendor", "simulator"])),
    ("axum", May::Down(&[])),
    ("layer", May::Down(&[])),
    ("endpoint", May::Down(&[])),
    ("flow", May::Down(&[])),
    ("tenant", May::Only(&["provider", "oidc"])),
    ("vendor", May::Only(&["provider", "oidc", "vars"])),
    ("simulator", May::Only(&["oidc"])),
    ("policy", May::Only(&["session", "oidc"])),
    ("provider", May::Only(&["oidc"])),
    ("session", May::Only(&["oidc"])),
    ("oidc", May::Only(&[])),
    ("forwarded", May::Only(&[])),
    ("vars", May::Only(&[])),
    ("error", May::Nothing),
    ("clock", May::Nothing),
    ("secret", May::Nothing),
    ("crypto", May::Only(&[])),
];

/// Every room stands on these.
const FLOOR: [&str; 4] = ["error", "clock", "secret", "crypto"];

/// What a room is entered by only if it is named.
const BY_NAME: [&str; 2] = ["vendor", "simulator"];

#[derive(Clone, Copy, Debug)]
enum May {
    All,
    Down(&'static [&'static str]),
    /// These and the floor.
    Only(&'static [&'static str]),
    Nothing,
}

fn allowed(from: &str, to: &str) -> bool {
    let place = |room: &str| ROOMS.iter().position(|(name, _)| *name == room);
    let (Some(here), Some(there)) = (place(from), place(to)) else {
        return false;
    };
    from == to
        || match ROOMS[here].1 {
            May::All => true,
            May::Down(named) => named.contains(&to) || (there > here && !BY_NAME.contains(&to)),
            May::Only(named) => named.contains(&to) || FLOOR.contains(&to),
            May::Nothing => false,
        }
}

/// The names after `crate::` in code; comments and doc links don't count.
fn imports(source: &str) -> Vec<String> {
    names_after("crate::", &code(source))
}

/// The rooms that a file reaches by as many `super` as lead out of its own, where `depth` is the
/// number of modules that it lies in. In an inline module the same words stay inside, so only what
/// is a room counts.
fn climbs(source: &str, depth: usize) -> Vec<String> {
    let mut found = names_after(&"super::".repeat(depth), &code(source));
    found.retain(|name| ROOMS.iter().any(|(room, _)| room == name));
    found
}

fn code(source: &str) -> String {
    let code = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

fn names_after(start: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        // `$crate::` and a name that ends so are other things.
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ':')) {
            continue;
        }
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend(first_name(rest)),
        }
    }
    found
}

/// The first segment of each path of a group `{a::b, c::{d, e}}`.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut head = true;
    let mut found = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => head = true,
            c if head && !c.is_whitespace() => {
                found.extend(first_name(&group[at..]));
                head = false;
            }
            _ => {}
        }
    }
    found
}

fn first_name(path: &str) -> Option<String> {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0).then(|| path[..end].to_owned())
}

/// What the front door re-exports, and from which room: `use crate::Error` means `error`.
fn doors(lib: &str) -> Vec<(String, String)> {
    let code = code(lib);
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some((_, path)) = statement.split_once("pub use ") else {
            continue;
        };
        let Some((room, items)) = path.split_once("::") else {
            continue;
        };
        let items = items.split(|c: char| !c.is_alphanumeric() && c != '_');
        let items = items.filter(|item| item.starts_with(|c: char| c.is_ascii_uppercase()));
        found.extend(items.map(|item| (item.to_owned(), room.trim().to_owned())));
    }
    found
}

/// A lower-case name is a room. Another is what the front door re-exports, or its own.
fn room_of(name: &str, doors: &[(String, String)]) -> String {
    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let door = doors.iter().find(|(item, _)| item == name);
    door.map_or_else(|| "lib".to_owned(), |(_, room)| room.clone())
}

fn room(file: &Path, src: &Path) -> String {
    let relative = file.strip_prefix(src).unwrap();
    let first = relative.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// 1 for `oidc.rs` and `oidc/mod.rs`, 2 for `oidc/claims.rs`.
fn depth(file: &Path, src: &Path) -> usize {
    let names = file.strip_prefix(src).unwrap().iter().count();
    names - usize::from(file.ends_with("mod.rs"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_point_only_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(!files.is_empty());
    let doors = doors(&fs::read_to_string(src.join("lib.rs")).unwrap());
    let mut wrong = Vec::new();
    for file in files {
        let from = room(&file, &src);
        if !ROOMS.iter().any(|(name, _)| *name == from) {
            wrong.push(format!("{} is in no room of the table", file.display()));
        }
        let source = fs::read_to_string(&file).unwrap();
        let names = [imports(&source), climbs(&source, depth(&file, &src))].concat();
        for to in names.iter().map(|name| room_of(name, &doors)) {
            // Tests of a room, and the suite for stores, may sign somebody in by `test_util`.
            let in_tests = file
                .iter()
                .any(|part| part == "tests" || part == "tests.rs" || part == "conformance");
            let may = allowed(&from, &to) || (in_tests && to == "test_util");
            if !may {
                wrong.push(format!("{} imports {to}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the front door exports is exported by no public room as well.
#[test]
fn each_item_has_one_way_in() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let doors = doors(&lib);
    assert!(doors.iter().any(|(item, _)| item == "Policy"));
    for (item, room) in &doors {
        if !lib.contains(&format!("pub mod {room};")) {
            continue;
        }
        let inside = src.join(room).join("mod.rs");
        let inside = fs::read_to_string(inside)
            .unwrap_or_else(|_| fs::read_to_string(src.join(format!("{room}.rs"))).unwrap());
        for statement in code(&inside).split(';') {
            let twice = statement.split_once("pub use ").is_some_and(|(_, path)| {
                path.split(|c: char| !c.is_alphanumeric())
                    .any(|name| name == item)
            });
            assert!(!twice, "{item} is exported by the crate and by {room}");
        }
    }
}

#[test]
fn the_table_says_who_may_know_whom() {
    for (from, to, expected) in [
        ("flow", "provider", true),
        ("flow", "vendor", false),
        ("flow", "endpoint", false),
        ("sso", "vendor", true),
        ("provider", "oidc", true),
        ("provider", "session", false),
        ("provider", "policy", false),
        ("policy", "session", true),
        ("session", "policy", false),
        ("session", "crypto", true),
        ("vendor", "flow", false),
        ("vendor", "provider", true),
        ("vendor", "vars", true),
        ("provider", "vendor", false),
        ("vars", "sso", false),
        ("simulator", "provider", false),
        ("oidc", "provider", false),
        ("oidc", "clock", true),
        ("clock", "error", false),
        ("layer", "forwarded", true),
        ("forwarded", "session", false),
        ("test_util", "sso", true),
        ("policy", "unheard_of", false),
    ] {
        assert_eq!(allowed(from, to), expected, "{from} → {to}");
    }
}

#[test]
fn only_code_imports() {
    let source = "
        //! [`crate::layer`] is above.
        use crate::oidc::Claims; // crate::sso
        use crate::{clock::Clock, session::{Session, user::User}, Error};
        fn f() -> crate::error::Result<()> { $crate::layer::x(); subcrate::policy::y() }
    ";
    assert_eq!(
        imports(source),
        ["oidc", "clock", "session", "Error", "error"]
    );
}

#[test]
fn super_leads_out_of_a_room_too() {
    let source = "use super::super::flow::SignIn; use super::policy::Rule;";
    assert_eq!(climbs(source, 2), ["flow"]);
    assert_eq!(climbs(source, 1), ["policy"]);
    let src = Path::new("src");
    for (file, expected) in [
        ("src/clock.rs", 1),
        ("src/oidc/mod.rs", 1),
        ("src/oidc/jwk.rs", 2),
    ] {
        assert_eq!(depth(Path::new(file), src), expected, "{file}");
    }
}

#[test]
fn the_front_door_only_passes_on() {
    let doors = doors("pub use error::{BoxError, Error};\npub use sso::Sso; mod sso;");
    for (name, room) in [
        ("Error", "error"),
        ("Sso", "sso"),
        ("Other", "lib"),
        ("flow", "flow"),
    ] {
        assert_eq!(room_of(name, &doors), room, "{name}");
    }
}
