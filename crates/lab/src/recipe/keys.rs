//! Every key of a recipe that belongs to no method: what it takes, what it is when nothing is said, and what it means.

/// A key of a recipe.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted path.
    pub path: &'static str,
    /// What its values are, with their range.
    pub takes: &'static str,
    /// Whether it must be given.
    pub need: Need,
    /// What it means.
    pub about: &'static str,
}

/// Whether a key must be given; values are in TOML.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// It must; an example.
    Must(&'static str),
    /// It is this when nothing is said.
    Default(&'static str),
    /// It may be left away, which is a value of its own; an example.
    May(&'static str),
}

const fn must(path: &'static str, takes: &'static str, example: &'static str, about: &'static str) -> Key {
    Key { path, takes, need: Need::Must(example), about }
}

const fn or(path: &'static str, takes: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { path, takes, need: Need::Default(default), about }
}

const fn may(path: &'static str, takes: &'static str, example: &'static str, about: &'static str) -> Key {
    Key { path, takes, need: Need::May(example), about }
}

const LINE: &str = "one line of text";
const NAME: &str = "letters, digits and `-`";
const FLAG: &str = "`true` or `false`";
const SOME: &str = "whole number, at least 1";
const ANY: &str = "whole number, from 0";
const POSITIVE: &str = "number above 0";
const PENALTY: &str = "number, from 0";
const METHOD: &str = "method";
const SEEDS: &str = "list of whole numbers, each once";
const LEVELS: &str = "list of whole numbers in 1..=T, each once";

/// Every key, table by table in the order of a recipe; the keys of methods are in their slots' tables.
pub const KEYS: &[Key] = &[
    must("name", NAME, "\"mine\"", "name, used for the default run directory"),
    must("title", LINE, "\"My table\"", "heading of the report"),
    or("notes", "list of texts", "[]", "what the report says about the rows and their published numbers"),
    may("baseline", "id of a row", "\"first\"", "the row that the others are held against; the first if none is named"),
    must("seeds", SEEDS, "[0]", "each row is trained and sampled once per seed"),
    must("data.set", METHOD, "\"fashion-mnist-sample\"", "the data set; its parameters stand beside it"),
    must("data.flip", FLAG, "false", "random horizontal flips while training"),
    must("model.prediction", METHOD, "\"eps\"", "what the network's output is"),
    must("model.objective", METHOD, "\"simple\"", "what training minimises"),
    must("model.variance", METHOD, "\"fixed-large\"", "variance of the reverse steps"),
    or("model.weighting", METHOD, "\"uniform\"", "how much the squared error of a level counts"),
    or("model.corruption", METHOD, "\"plain\"", "how training inputs are made"),
    or("model.condition", METHOD, "\"none\"", "what the network is told beside the noised image"),
    or("network.kind", METHOD, "\"ddpm-unet\"", "the network; its parameters stand beside it"),
    must("chain.kind", METHOD, "\"linear-scaled\"", "the forward process; its parameters stand beside it"),
    must("training.steps", SOME, "60", "optimiser steps"),
    must("training.batch", SOME, "4", "images per step"),
    must("training.learning_rate", POSITIVE, "1e-3", "Adam's learning rate after the warm-up"),
    must("training.warm_up", ANY, "5", "steps of linear warm-up; 0 is none"),
    must("training.clip", POSITIVE, "1.0", "largest global gradient norm"),
    or(
        "training.input_perturbation",
        "number, from 0, `\"paper\"` (0.1) or `\"released-cifar10\"` (0.15)",
        "0.0",
        "gamma of input perturbation (Ning et al. 2023, arXiv:2301.11706), the short form of that `model.corruption`; 0 \
         is none",
    ),
    or(
        "training.gradient_penalty",
        PENALTY,
        "0.0",
        "lambda of `|d eps / d x|^2` per image, which that paper compares with; 0 is none",
    ),
    or("training.weight_penalty", PENALTY, "0.0", "lambda of `|W|^2` on the weights; 0 is none"),
    must("training.checkpoint_every", SOME, "20", "steps between checkpoints"),
    must("training.log_every", SOME, "5", "steps between recorded losses, each the mean since the last one"),
    must("training.ema.decay", "number in [0, 1)", "0.99", "decay per step of the moving average of the weights"),
    must("training.ema.ramp", FLAG, "true", "decay `min(decay, (1 + n) / (10 + n))` at step n, for short runs"),
    must("sampling.count", SOME, "20", "samples per row and seed"),
    must("sampling.batch", SOME, "7", "samples drawn at a time; no sample depends on it"),
    must("sampling.weights", "list of `\"ema\"` and `\"raw\"`", "[\"ema\"]", "weights that are sampled and scored"),
    must("sampling.sampler.solver", METHOD, "\"ddim\"", "the solver; without `[sampling.sampler]` it is `ddpm`"),
    may("sampling.sampler.steps", SOME, "10", "levels that it visits; all of the chain's when nothing is said"),
    or("sampling.sampler.spacing", METHOD, "\"trailing\"", "how those levels are chosen"),
    or("sampling.sampler.wrappers", "list of methods", "[\"clip\"]", "in written order, the first next to the network"),
    must("metrics.extractor", METHOD, "\"fashion-mnist\"", "feature extractor of Frechet distance and inception score"),
    must("metrics.splits", "whole number in 1..=`sampling.count`", "2", "splits of the inception score"),
    or("metrics.further", "list of methods", "[]", "further scores of the samples"),
    must("metrics.bits_per_dim_images", ANY, "4", "test images whose bits per dimension are computed; 0 is none"),
    must("exposure.tuning_seeds", SEEDS, "[7]", "seeds on which constants are searched; none of `seeds`"),
    must("exposure.solvers", "list of methods", "[\"ddim\"]", "the solvers that are compared"),
    must("exposure.spacing", METHOD, "\"uniform\"", "how levels are chosen"),
    must("exposure.steps", LEVELS, "[3]", "numbers of steps that are sampled without a cure"),
    must("exposure.cured_steps", "those of `exposure.steps`", "[3]", "numbers of steps at which cures are tried too"),
    must("exposure.scales", "list of numbers above 0", "[1.0]", "scales b among which epsilon scaling is searched"),
    must(
        "exposure.windows",
        "list of whole numbers in 0..=T, whose halves differ",
        "[4]",
        "windows w, in levels, among which time shift is searched",
    ),
    must("exposure.cutoffs", LEVELS, "[20]", "cutoffs t_c, in levels, among which time shift is searched"),
    must("exposure.curve_steps", SOME, "3", "steps of the chains along which the bias is measured"),
    must("exposure.curve_images", "whole number, at least 2", "4", "real images that those chains start from"),
    must("exposure.chain_lengths", LEVELS, "[10]", "levels that real images are noised to and sampled back from"),
    must("exposure.published.what", LINE, "\"DDIM\"", "what was cured: model and sampler"),
    must("exposure.published.steps", SOME, "10", "steps"),
    must("exposure.published.plain", "number", "14.21", "FID without the cure"),
    must("exposure.published.cured", "number", "10.54", "FID with it"),
    must("exposure.published.source", LINE, "\"a paper\"", "where the numbers are from"),
    may("presets.NAME", "table", "{ training = { steps = 50 } }", "keys of `seeds` and the tables above, overridden"),
    must("rows.id", NAME, "\"first\"", "short identifier, each once, also the row's folder"),
    must("rows.label", LINE, "\"eps\"", "the row's name in the report"),
    or("rows.set", "table", "{}", "keys of the tables above but `[exposure]`, overridden for this row"),
    may("rows.published.inception_score", "number", "9.46", "published inception score"),
    may("rows.published.inception_score_std", "number", "0.11", "its standard deviation over splits"),
    may("rows.published.fid", "number", "3.17", "published FID"),
];

/// The tables of a recipe, as headings, in their order.
pub const TABLES: &[(&str, &str, &str)] = &[
    ("", "the recipe as a whole", "before the first table"),
    ("data", "images to train on and to compare with", "`[data]`"),
    ("model", "what the network predicts and what training minimises", "`[model]`"),
    ("network", "the network", "`[network]`"),
    ("chain", "the forward process", "`[chain]`"),
    ("training", "optimiser and steps", "`[training]`"),
    ("training.ema", "moving average of the weights", "`[training.ema]`"),
    ("sampling", "how many samples, from which weights", "`[sampling]`"),
    ("sampling.sampler", "how they are drawn; may be left away", "`[sampling.sampler]`"),
    ("metrics", "what is measured", "`[metrics]`"),
    ("exposure", "what a study of exposure bias compares; a table of rows has none", "`[exposure]`"),
    ("exposure.published", "published effects, shown beside ours; may be left away", "`[[exposure.published]]`"),
    ("presets", "named sets of overrides; `quick` is taken when none is named", "`[presets]`"),
    ("rows", "one experiment each", "`[[rows]]`"),
    ("rows.published", "what the paper reports for the row; may be left away", "`[rows.published]`"),
];

impl Key {
    /// The table that it stands in, and its name there.
    pub fn place(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use crate::recipe::load::resolved_from;
    use crate::recipe::{BUILT_IN, Recipe, RecipeError, load};
    use toml::{Table, Value};

    /// A small recipe that has every table.
    fn base() -> Table {
        let text = include_str!("../../tests/tiny.toml");
        let mut table: Table = toml::from_str(text).unwrap();
        let keys = KEYS.iter().filter(|key| key.path.starts_with("exposure.") || key.path.contains(".published."));
        for key in keys.chain(KEYS.iter().filter(|key| key.path == "sampling.sampler.solver")) {
            set(&mut table, key.path, Some(value(key)));
        }
        table
    }

    fn value(key: &Key) -> Value {
        let (Need::Must(text) | Need::Default(text) | Need::May(text)) = key.need;
        toml::from_str::<Table>(&format!("x = {text}")).unwrap().remove("x").unwrap()
    }

    /// Gives a key this value, or takes it away; of a list of tables the first one is meant.
    fn set(table: &mut Table, path: &str, value: Option<Value>) {
        let Some((first, rest)) = path.split_once('.') else {
            match value {
                Some(value) => table.insert(path.to_owned(), value),
                None => table.remove(path),
            };
            return;
        };
        let empty = match path.starts_with("published.what") {
            true => Value::Array(vec![Value::Table(Table::new())]),
            false => Value::Table(Table::new()),
        };
        match table.entry(first).or_insert(empty) {
            Value::Array(list) => set(list[0].as_table_mut().unwrap(), rest, value),
            other => set(other.as_table_mut().unwrap(), rest, value),
        }
    }

    fn with(path: &str, value: Option<Value>) -> Result<Recipe, RecipeError> {
        let mut table = base();
        set(&mut table, path, value);
        resolved_from("test", table, None, &Methods::standard())
    }

    #[test]
    fn every_key_of_the_table_is_accepted_and_is_what_it_says_when_nothing_is_said() {
        resolved_from("test", base(), None, &Methods::standard()).unwrap();
        for key in KEYS {
            let set = with(key.path, Some(value(key))).unwrap_or_else(|error| panic!("{}: {error}", key.path));
            let unset = with(key.path, None);
            match key.need {
                Need::Must(_) => {
                    let error = unset.expect_err(key.path).to_string();
                    assert!(error.contains(&format!("`{}`", key.place().1)), "{}: {error}", key.path);
                }
                Need::Default(_) => assert_eq!(unset.expect(key.path), set, "{}", key.path),
                Need::May(_) => drop(unset.expect(key.path)),
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_in_every_table() {
        for (table, _, _) in TABLES {
            let path = if table.is_empty() { "bogus".to_owned() } else { format!("{table}.bogus") };
            let error = match *table {
                "presets" => with("presets.quick", Some(toml::from_str("bogus = 1").unwrap())),
                _ => with(&path, Some(Value::Integer(1))),
            };
            let error = error.expect_err(&path).to_string();
            assert!(error.contains("bogus"), "{path}: {error}");
        }
    }

    /// Whether the table has a key, or it is a parameter of a method that stands beside its name.
    fn is_known(path: &str) -> bool {
        let beside = ["data", "network", "chain"].iter().find(|table| path.split('.').next() == Some(table));
        let slot = beside.map(|table| if *table == "data" { "data set" } else { *table });
        let slots = Methods::standard().slots();
        let mut parameters = slots.iter().filter(|listing| Some(listing.name) == slot).flat_map(|listing| {
            listing.methods.iter().flat_map(|(_, _, parameters)| parameters.iter().map(|parameter| parameter.name))
        });
        let name = path.split('.').nth(1);
        KEYS.iter().any(|key| key.path == path) || parameters.any(|parameter| Some(parameter) == name)
    }

    fn check(path: &str, value: &Value) {
        match value {
            _ if is_known(path) => {}
            Value::Table(table) => table.iter().for_each(|(key, value)| {
                check(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value);
            }),
            Value::Array(list) if list.iter().all(Value::is_table) => list.iter().for_each(|value| check(path, value)),
            _ => panic!("`{path}` is not in the table of keys"),
        }
    }

    #[test]
    fn the_table_has_every_key_of_every_built_in_recipe() {
        for (name, text) in BUILT_IN {
            let source: Table = toml::from_str(text).unwrap();
            let presets = source["presets"].as_table().unwrap();
            for preset in presets.keys() {
                let recipe = load(name, Some(preset), &Methods::standard()).unwrap();
                let mut table: Table = toml::from_str(&recipe.to_toml()).unwrap();
                assert!(table.remove("preset").is_some());
                for row in table["rows"].as_array_mut().unwrap() {
                    check("", &row.as_table_mut().unwrap().remove("settings").unwrap());
                }
                check("", &Value::Table(table));
            }
        }
    }
}
