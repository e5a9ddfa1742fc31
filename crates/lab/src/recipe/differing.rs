//! The settings in which the rows of a recipe differ.

use super::Recipe;
use crate::methods::KIND;
use std::collections::BTreeMap;
use toml::Value;

impl Recipe {
    /// For each row its values of the keys in which rows differ, the same keys in every row.
    ///
    /// A key goes by its last part (`variance`), by its whole path where two of them would be called the same; the name
    /// of a method in a table by the table's (`corruption`). A key
    /// that a row lacks, as a setting that only another kind of chain has, is `-` there.
    pub fn differing(&self) -> Vec<Vec<(String, String)>> {
        let rows: Vec<BTreeMap<String, String>> = self.rows.iter().map(|row| flat(&row.settings)).collect();
        let Some(first) = rows.first() else { return Vec::new() };
        let mut keys: Vec<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
        keys.sort();
        keys.dedup();
        keys.retain(|key| rows.iter().any(|row| row.get(*key) != first.get(*key)));
        let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
        let name = |key: &str| match keys.iter().filter(|other| last(other) == last(key)).count() {
            1 => last(key),
            _ => key.to_owned(),
        };
        let value = |row: &BTreeMap<String, String>, key: &str| row.get(key).cloned().unwrap_or_else(|| "-".to_owned());
        rows.iter().map(|row| keys.iter().map(|key| (name(key), value(row, key))).collect()).collect()
    }
}

/// Every value by its dotted path.
fn flat(settings: &super::Settings) -> BTreeMap<String, String> {
    let table = Value::try_from(settings).expect("settings that were loaded have a TOML form");
    let mut into = BTreeMap::new();
    flatten("", &table, &mut into);
    into
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = match key.as_str() {
                    _ if path.is_empty() => key.clone(),
                    KIND => path.to_owned(),
                    _ => format!("{path}.{key}"),
                };
                flatten(&path, value, into);
            }
        }
        Value::String(text) => {
            into.insert(path.to_owned(), text.clone());
        }
        Value::Float(number) => {
            into.insert(path.to_owned(), undrift_report::numbers::chosen(*number));
        }
        other => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::methods::{Method, Methods};
    use crate::recipe::load;

    fn text(name: &str, change: impl FnOnce(&mut crate::recipe::Recipe)) -> Vec<String> {
        let mut recipe = load(name, Some("smoke"), &Methods::standard()).unwrap();
        change(&mut recipe);
        let row =
            |row: &Vec<(String, String)>| row.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
        recipe.differing().iter().map(|one| row(one).join(" ")).collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        assert_eq!(text("fixed-variance", |_| {}), ["variance=fixed-large", "variance=fixed-small"]);
        assert_eq!(text("exposure-bias", |_| {}), ["input_perturbation=0", "input_perturbation=0.1"]);
        assert_eq!(text("table2", |_| {})[5], "objective=simple prediction=eps variance=fixed-large");
    }

    #[test]
    fn a_method_goes_by_its_slot_in_either_form() {
        let mut table = Method::named("input-perturbation");
        table.set("gamma", 0.1);
        let rows = |method: Method| text("fixed-variance", |recipe| recipe.rows[1].settings.model.corruption = method);
        assert_eq!(
            rows("input-perturbation:gamma=0.1".parse().unwrap())[1],
            "corruption=input-perturbation:gamma=0.1 variance=fixed-small"
        );
        assert_eq!(rows(table)[1], "corruption=input-perturbation gamma=0.1 variance=fixed-small");
    }

    #[test]
    fn keys_of_one_name_go_by_their_paths() {
        let both = text("fixed-variance", |recipe| {
            recipe.rows[1].settings.training.batch += 1;
            recipe.rows[1].settings.sampling.batch += 1;
        });
        assert_eq!(both[0], "variance=fixed-large sampling.batch=64 training.batch=32");
    }
}
