//! Runs every file of `fuzz/corpus` through its target.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 10] = [
    ("callback_form", super::callback_form),
    ("callback_query", super::callback_query),
    ("cookie_header", super::cookie_header),
    ("id_token", super::id_token),
    ("id_token_claims", super::id_token_claims),
    ("jwks", super::jwks),
    ("login_state_cookie", super::login_state_cookie),
    ("metadata", super::metadata),
    ("return_url", super::return_url),
    ("token_response", super::token_response),
];

/// The folder with the targets; `None` in the published package, which is without it.
fn fuzz() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_package = root.join("Cargo.toml.orig").exists();
    (!is_package).then(|| root.join("fuzz"))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.unwrap().path())).collect();
    names.sort();
    names
}

#[test]
fn the_corpus_holds() {
    let Some(fuzz) = fuzz() else {
        println!("skipped: fuzz/corpus is missing");
        return;
    };
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let files: Vec<_> = fs::read_dir(fuzz.join("corpus").join(name))
            .unwrap()
            .collect();
        assert!(files.len() >= 12, "{name} has too few seeds");
        for file in files {
            let path = file.unwrap().path();
            let data = fs::read(&path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| target(&data))).is_err() {
                failed.push(path);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn each_target_is_in_the_table_and_has_a_corpus() {
    let Some(fuzz) = fuzz() else {
        println!("skipped: fuzz/fuzz_targets is missing");
        return;
    };
    let table = TARGETS.map(|(name, _)| name);
    assert_eq!(names(&fuzz.join("fuzz_targets")), table);
    assert_eq!(names(&fuzz.join("corpus")), table);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for name in table {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")));
    }
}
