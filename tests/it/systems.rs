//! `docs/systems.md` says which row is done, or for which systems it is, and by which tests; so it can be held to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ROWS: u32 = 67;

type Tests = BTreeMap<u32, BTreeSet<String>>;

/// A line of one of the tables.
struct Row {
    number: u32,
    state: String,
    tests: BTreeSet<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/systems.md")).unwrap();
    let cells = page.lines().map(|line| line.split('|').collect::<Vec<_>>());
    cells
        .filter_map(|cells| {
            let number = cells.get(1)?.trim().parse().ok()?;
            assert_eq!(cells.len(), 6, "row {number}");
            let names = cells[4].split('`').map(str::trim);
            Some(Row {
                number,
                state: cells[3].trim().to_owned(),
                tests: names
                    .filter(|name| name.starts_with("row_"))
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect()
}

/// The functions named after a row in a file, if they are tests.
fn tests_of(source: &str) -> impl Iterator<Item = (u32, String)> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let pairs: Vec<_> = lines
        .windows(2)
        .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
        .collect();
    pairs.into_iter().filter_map(|(before, line)| {
        let name = line.split("fn row_").nth(1)?.split('(').next()?;
        let number = name.split('_').next()?.parse().ok()?;
        let is_test = before.starts_with("#[tokio::test") || before == "#[test]";
        is_test.then(|| (number, format!("row_{name}")))
    })
}

fn collect(folder: &Path, found: &mut Tests) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for (number, name) in tests_of(&fs::read_to_string(&path).unwrap()) {
                found.entry(number).or_default().insert(name);
            }
        }
    }
}

#[test]
fn each_row_is_there_once_and_in_its_order() {
    let numbers: Vec<u32> = rows().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>());
}

#[test]
fn a_row_is_done_by_the_tests_that_bear_its_number() {
    let mut there = Tests::new();
    collect(&root().join("tests/it"), &mut there);
    for row in rows() {
        let number = row.number;
        let own = there.remove(&number).unwrap_or_default();
        assert_eq!(row.tests, own, "row {number}: listed, and there");
        match &*row.state {
            done if done == "done" || done.starts_with("done for ") => {
                assert!(!own.is_empty(), "row {number} is done without a test");
            }
            open => assert!(open.starts_with("open: "), "row {number}: {open}"),
        }
    }
    assert!(there.is_empty(), "tests of rows that are none: {there:?}");
}
