//! What a recipe can say, as a page: every key, and every method of every slot.

use super::{KEYS, Key, Need, TABLES};
use crate::methods::{Kind, Methods, Parameter, SlotListing};

/// What stands above the tables of keys.
const HEAD: &str = "\
# What a recipe can say

This page is what `undrift methods --markdown` prints.

A recipe is a TOML file: the settings of an experiment, named presets that override single keys of them, and rows that override them once more.
An unknown key, a value out of its range and a combination that could not be trained or sampled are errors, found before anything runs.
`undrift show-recipe` prints a recipe with every key resolved; such a file has `preset`, the preset that was chosen, and each row's own `settings`, and can be run as it is.

A method is written as text, `\"ddim:eta=0.5\"`, or as a table, `{ kind = \"ddim\", eta = 0.5 }`; lists are `1+2+2` in text and `[1, 2, 2]` in a table.
`[chain]` and `[network]` are tables of this kind, and may be texts as well: `chain = \"cosine:length=50\"`.
The table of a preset or a row is merged with the one before it key by key; a text replaces it.
A program of one's own adds methods, which are written in the same way (`undrift_lab::main_with`).
";

/// Every key of a recipe and every method that it can name, as Markdown.
pub fn reference(methods: &Methods) -> String {
    let tables: String = TABLES.iter().map(keys_of).collect();
    let slots: String = methods.slots().iter().map(methods_of).collect();
    format!("{HEAD}\n## Keys\n{tables}\n## Methods\n{slots}")
}

fn keys_of((table, about, heading): &(&str, &str, &str)) -> String {
    let rows = KEYS.iter().filter(|key| key.place().0 == *table).map(key_row).collect::<String>();
    format!("\n### {heading}: {about}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{rows}")
}

fn key_row(key: &Key) -> String {
    let default = match key.need {
        Need::Must(example) => format!("required, as `{example}`"),
        Need::Default(default) => format!("`{default}`"),
        Need::May(example) => format!("absent, or as `{example}`"),
    };
    row(&[&format!("`{}`", key.place().1), key.takes, &default, key.about])
}

fn methods_of(slot: &SlotListing) -> String {
    let rows = slot.methods.iter().map(|(name, about, parameters)| {
        let parameters = parameters.iter().map(parameter).collect::<Vec<_>>().join("; ");
        row(&[&format!("`{name}`"), about, if parameters.is_empty() { "none" } else { &parameters }])
    });
    let (name, written) = (slot.name, slot.written);
    let rows = rows.collect::<String>();
    format!("\n### {name}, in {written}\n\n| method | what it is | parameters |\n|---|---|---|\n{rows}")
}

fn parameter(parameter: &Parameter) -> String {
    let Parameter { name, kind, about, .. } = parameter;
    let kind = match kind {
        Kind::Count => "a whole number".to_owned(),
        Kind::Counts => "a list of whole numbers".to_owned(),
        other => other.text(),
    };
    format!("`{name}`: {about} ({kind}, {})", parameter.default_text())
}

fn row(cells: &[&str]) -> String {
    let cells = cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>();
    format!("| {} |\n", cells.join(" | "))
}
