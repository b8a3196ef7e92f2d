//! docs/keywords.md says what the keyword table says. `UPDATE_DOCS=1` writes it anew.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use fastpath::engine::rules::{Keyword, State, keywords};

fn document() -> Result<String, std::fmt::Error> {
    let all: Vec<_> = keywords().collect();
    let count = |wanted: fn(State) -> bool| all.iter().filter(|keyword| wanted(keyword.state)).count();
    let mut text = String::from(
        "# Keywords of the rule language\n\n\
         What fastpath makes of each keyword that Suricata 8 documents. The table comes from the one that rules are read by\n\
         (`fastpath check --list-keywords`); `UPDATE_DOCS=1 cargo test -p fastpath --test keywords` writes it anew.\n\n",
    );
    let supported = count(|state| state == State::Supported);
    let waiting = count(|state| matches!(state, State::NeedsParser(_)));
    let unsupported = count(|state| state == State::Unsupported);
    writeln!(text, "- *supported* ({supported}): read, checked and evaluated.")?;
    writeln!(
        text,
        "- *needs the parser of …*, *needs the detection of protocols* ({waiting}): read and checked; a rule with it is refused, and\n  says that this is all that is missing."
    )?;
    writeln!(text, "- *not supported* ({unsupported}): a rule with it is refused.")?;
    let mut pages = BTreeMap::<&str, Vec<&Keyword>>::new();
    for keyword in &all {
        pages.entry(keyword.page).or_default().push(keyword);
    }
    for (page, mut group) in pages {
        group.sort_by_key(|keyword| keyword.name);
        let url = group.first().map(|keyword| keyword.url()).unwrap_or_default();
        write!(text, "\n## [{page}]({url})\n\n| Keyword | State |\n|---|---|\n")?;
        for keyword in group {
            writeln!(text, "| `{}` | {} |", keyword.name, keyword.state)?;
        }
    }
    Ok(text)
}

#[test]
fn the_document_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keywords.md");
    let wanted = document().unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(wanted.lines()).find(|(written, wanted)| written != wanted);
    assert!(
        written == wanted,
        "docs/keywords.md is not what the table gives; first difference: {differs:?}. \
         `UPDATE_DOCS=1 cargo test -p fastpath --test keywords` writes it anew"
    );
}
