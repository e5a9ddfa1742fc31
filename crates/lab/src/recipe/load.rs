//! From TOML text to resolved experiments.

use super::{Experiment, Recipe, RecipeError, Settings};
use crate::exposure::ExposureSettings;
use crate::methods::Methods;
use crate::report::Published;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// Names and texts of the recipes that the program carries.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("table2", include_str!("../../recipes/table2.toml")),
    ("fixed-variance", include_str!("../../recipes/fixed-variance.toml")),
    ("exposure-bias", include_str!("../../recipes/exposure-bias.toml")),
];

/// The text of a built-in recipe.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A recipe file as written: settings, presets and rows as partial tables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    name: String,
    title: String,
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    baseline: Option<String>,
    seeds: Vec<u64>,
    data: Table,
    model: Table,
    network: Value,
    chain: Value,
    training: Table,
    sampling: Table,
    metrics: Table,
    #[serde(default)]
    exposure: Option<Table>,
    #[serde(default)]
    presets: BTreeMap<String, Table>,
    rows: Vec<RowSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowSource {
    id: String,
    label: String,
    #[serde(default)]
    published: Published,
    #[serde(default)]
    set: Table,
}

/// Loads a built-in recipe or a TOML file and resolves one preset (`quick`, if `None`; the settings as written, if
/// the file has no such preset).
///
/// # Errors
/// [`RecipeError`] names the file, the key or the value, and what would be accepted.
pub fn load(name_or_path: &str, preset: Option<&str>, methods: &Methods) -> Result<Recipe, RecipeError> {
    let (origin, text) = match built_in(name_or_path) {
        Some(text) => (format!("built-in recipe `{name_or_path}`"), text.to_owned()),
        None => (name_or_path.to_owned(), read(name_or_path)?),
    };
    let table: Table =
        toml::from_str(&text).map_err(|e| RecipeError::Syntax { origin: origin.clone(), source: Box::new(e) })?;
    resolved_from(&origin, table, preset, methods)
}

/// Resolves and checks a recipe as it was written or as it was resolved before.
pub(super) fn resolved_from(
    origin: &str,
    table: Table,
    preset: Option<&str>,
    methods: &Methods,
) -> Result<Recipe, RecipeError> {
    let recipe =
        if table.contains_key("preset") { resolved(origin, table, preset)? } else { resolve(origin, table, preset)? };
    recipe.validate(methods)?;
    Ok(recipe)
}

fn read(name_or_path: &str) -> Result<String, RecipeError> {
    let path = Path::new(name_or_path);
    if !path.exists() {
        let known = BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        return Err(RecipeError::Unknown { name: name_or_path.to_owned(), known });
    }
    std::fs::read_to_string(path).map_err(|source| RecipeError::Read { path: path.to_owned(), source })
}

/// A recipe that was resolved before: what `show-recipe` prints and a run directory keeps.
fn resolved(origin: &str, table: Table, preset: Option<&str>) -> Result<Recipe, RecipeError> {
    let recipe: Recipe = typed(origin, table)?;
    match preset {
        Some(preset) if preset != recipe.preset => Err(RecipeError::UnknownPreset {
            origin: origin.to_owned(),
            preset: preset.to_owned(),
            known: recipe.preset,
        }),
        _ => Ok(recipe),
    }
}

fn resolve(origin: &str, table: Table, preset: Option<&str>) -> Result<Recipe, RecipeError> {
    let source: Source = typed(origin, table)?;
    let mut base = Table::new();
    for (key, part) in [
        ("data", &source.data),
        ("model", &source.model),
        ("training", &source.training),
        ("sampling", &source.sampling),
        ("metrics", &source.metrics),
    ] {
        base.insert(key.to_owned(), Value::Table(part.clone()));
    }
    base.extend([("network".to_owned(), source.network), ("chain".to_owned(), source.chain)]);
    base.insert(
        "seeds".to_owned(),
        Value::Array(source.seeds.iter().map(|&seed| Value::Integer(seed as i64)).collect()),
    );
    base.extend(source.exposure.map(|study| ("exposure".to_owned(), Value::Table(study))));
    let chosen = preset.unwrap_or("quick");
    match source.presets.get(chosen) {
        Some(overrides) => merge(&mut base, overrides),
        None if preset.is_none() => {}
        None => {
            let known = source.presets.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(RecipeError::UnknownPreset { origin: origin.to_owned(), preset: chosen.to_owned(), known });
        }
    }
    let Whole { seeds, exposure } = typed(origin, taken(&mut base, &["seeds", "exposure"]))?;
    let rows = source.rows.into_iter().map(|row| experiment(origin, &base, row)).collect::<Result<_, _>>()?;
    let (name, title, notes, baseline) = (source.name, source.title, source.notes, source.baseline);
    Ok(Recipe { name, title, preset: chosen.to_owned(), notes, baseline, seeds, exposure, rows })
}

/// What a preset may override beside the settings of rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    seeds: Vec<u64>,
    #[serde(default)]
    exposure: Option<ExposureSettings>,
}

/// The entries of these names, which are no longer in `table` then.
fn taken(table: &mut Table, names: &[&str]) -> Table {
    names.iter().filter_map(|name| table.remove_entry(*name)).collect()
}

fn experiment(origin: &str, base: &Table, row: RowSource) -> Result<Experiment, RecipeError> {
    let mut merged = base.clone();
    merge(&mut merged, &row.set);
    let settings: Settings = typed(&format!("{origin}, row `{}`", row.id), merged)?;
    Ok(Experiment { id: row.id, label: row.label, published: row.published, settings })
}

/// Overrides keys of `into` by those of `from`; tables merge, everything else is replaced.
fn merge(into: &mut Table, from: &Table) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

fn typed<T: DeserializeOwned>(origin: &str, table: Table) -> Result<T, RecipeError> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|e| RecipeError::Field {
        origin: origin.to_owned(),
        path: e.path().to_string(),
        message: e.inner().to_string().trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Given;

    fn table2_with(find: &str, replace: &str) -> Result<Recipe, RecipeError> {
        let text = built_in("table2").unwrap();
        assert!(text.contains(find), "the recipe no longer says {find}");
        let recipe = resolve("test", toml::from_str(&text.replacen(find, replace, 1)).unwrap(), None)?;
        recipe.validate(&Methods::standard()).map(|()| recipe)
    }

    #[test]
    fn every_built_in_recipe_resolves_with_every_preset() {
        for (name, text) in BUILT_IN {
            let table: Table = toml::from_str(text).unwrap();
            for preset in table["presets"].as_table().unwrap().keys() {
                let recipe = load(name, Some(preset), &Methods::standard()).unwrap();
                assert_eq!(toml::from_str::<Recipe>(&recipe.to_toml()).unwrap(), recipe);
            }
        }
    }

    #[test]
    fn paper_preset_is_the_published_setup() {
        let recipe = load("table2", Some("paper"), &Methods::standard()).unwrap();
        let s = &recipe.rows[5].settings;
        assert_eq!(
            (s.chain.to_string(), s.training.steps, s.training.batch),
            ("linear-scaled:length=1000".to_owned(), 800_000, 128)
        );
        assert_eq!((s.training.learning_rate, s.training.warm_up, s.training.clip), (2e-4, 5000, 1.0));
        assert_eq!((s.training.ema.decay, s.training.ema.ramp), (0.9999, false));
        assert_eq!(s.network.given("dropout"), Some(&Given::from(&0.1)));
        assert_eq!((s.sampling.count, s.data.flip), (50_000, true));
    }

    #[test]
    fn presets_and_rows_override_single_keys() {
        let quick = load("table2", None, &Methods::standard()).unwrap();
        let smoke = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        assert_eq!(quick.rows.len(), 6);
        assert_eq!(
            smoke.rows[0].settings.network.given("multipliers"),
            quick.rows[0].settings.network.given("multipliers")
        );
        assert_ne!(smoke.rows[0].settings.training.steps, quick.rows[0].settings.training.steps);
        assert_ne!(quick.rows[0].settings.model, quick.rows[5].settings.model);
    }

    #[test]
    fn gamma_is_a_number_or_a_name() {
        let with = |gamma: &str| table2_with("clip = 1.0", &format!("clip = 1.0\ninput_perturbation = {gamma}"));
        let gamma = |text: &str| with(text).unwrap().rows[0].settings.training.input_perturbation;
        assert_eq!([gamma("0.2"), gamma("\"paper\""), gamma("\"released-cifar10\"")], [0.2, 0.1, 0.15]);
        let error = with("\"released\"").unwrap_err().to_string();
        assert!(error.contains("input_perturbation") && error.contains("released-cifar10"), "{error}");
        assert!(with("-0.1").unwrap_err().to_string().contains("input_perturbation"));
    }

    #[test]
    fn a_text_replaces_a_method_that_was_a_table() {
        let whole = "[[rows]]\nid = \"other\"\nlabel = \"other\"\n";
        let with = |set: &str| table2_with("[[rows]]", &format!("{whole}set = {{ {set} }}\n\n[[rows]]"));
        let settings = |set: &str| with(set).unwrap().rows[0].settings.clone();
        assert_eq!(settings("chain = \"cosine:length=60\"").chain, "cosine:length=60".parse().unwrap());
        assert_eq!(settings("chain = { kind = \"cosine\" }").chain, "cosine:length=250".parse().unwrap());
        assert_eq!(settings("network = \"perceptron:width=8\"").network, "perceptron:width=8".parse().unwrap());
        let error = with("network = { kind = \"perceptron\" }").unwrap_err().to_string();
        assert!(error.contains("`network`") && error.contains("no parameter `attention`"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = table2_with("warm_up = 100", "warmup = 100").unwrap_err().to_string();
        assert!(error.contains("training") && error.contains("warmup"), "{error}");
    }

    #[test]
    fn impossible_values_name_the_field_and_the_remedy() {
        for (find, replace, field) in [
            ("length = 250", "length = 0", "chain"),
            ("length = 250", "length = 10", "chain"),
            ("steps = 800", "steps = 0", "training.steps"),
            ("batch = 64\nlearning", "batch = 0\nlearning", "training.batch"),
            ("dropout = 0.0", "dropout = 1.5", "dropout"),
            ("groups = 8", "groups = 7", "groups"),
            ("decay = 0.995", "decay = 1.5", "training.ema.decay"),
            ("splits = 4", "splits = 5000", "metrics.splits"),
            ("clip = 1.0", "clip = -1.0", "training.clip"),
            ("learning_rate = 1e-3", "learning_rate = -1e-3", "training.learning_rate"),
            ("seeds = [0]", "seeds = []", "seeds"),
            ("seeds = [0]", "seeds = [1, 1]", "seeds"),
            ("name = \"table2\"", "name = \"../table2\"", "name"),
        ] {
            let error = table2_with(find, replace).unwrap_err().to_string();
            assert!(error.contains(field), "{replace}: {error}");
        }
    }

    #[test]
    fn presets_and_rows_that_do_not_exist_are_errors() {
        assert!(load("table2", Some("fast"), &Methods::standard()).unwrap_err().to_string().contains("smoke"));
        assert!(load("table9", None, &Methods::standard()).unwrap_err().to_string().contains("table2"));
        let rows = ["eps-simpel".to_owned()];
        assert!(
            load("table2", None, &Methods::standard())
                .unwrap()
                .with_rows(&rows)
                .unwrap_err()
                .to_string()
                .contains("eps-simple")
        );
    }
}
