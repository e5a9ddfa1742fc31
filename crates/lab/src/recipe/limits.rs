//! Numbers that no machine, or not this one, can hold, and texts that no table can; found before anything is made.

use super::validate::{rule, whole};
use super::{Built, Experiment, Recipe, RecipeError};
use crate::devices;
use undrift_studies::memory;

/// Largest seed: TOML has no larger integers, so that no saved recipe could hold it.
const SEED: u64 = i64::MAX as u64;

/// What training keeps of each parameter: last weights, moving average, Adam's two moments, gradient.
const COPIES: usize = 5;

/// Refuses the numbers of a row that size something larger than `memory` bytes.
///
/// Each bound is what is needed at the very least, so that nothing is refused that could run. The network must be a
/// valid one.
pub(super) fn check_sizes(row: &Experiment, built: &Built, memory: u64) -> Result<(), RecipeError> {
    let s = &row.settings;
    let fits = |field, value: String, needed: u64| {
        let (needs, has) = (memory::said(needed), memory::said(memory));
        rule(row, field, value, needed <= memory, format!("that needs {needs} of memory, and this machine has {has}"))
    };
    let parameters = built
        .network
        .parameter_count(&devices::host())
        .map_err(|source| RecipeError::Network { row: row.id.clone(), source })?
        .saturating_mul(COPIES);
    fits("network", s.network.to_string(), memory::bytes(parameters, size_of::<f32>()))?;
    let (numbers, (kept, skipped)) = (built.source.shape.iter().product::<usize>(), built.network.held());
    let [kept, skipped] = [kept, skipped].map(|numbers| numbers.saturating_mul(size_of::<f32>()));
    let (t, p) = (&s.training, &s.sampling);
    fits("training.batch", t.batch.to_string(), memory::bytes(t.batch, kept))?;
    fits("sampling.count", p.count.to_string(), memory::bytes(p.count, numbers))?;
    fits("sampling.batch", p.batch.to_string(), memory::bytes(p.batch.min(p.count), skipped))
}

/// Refuses texts of several lines, which no table holds, and seeds that no file of TOML holds.
pub(super) fn check_texts(recipe: &Recipe) -> Result<(), RecipeError> {
    let one_line = |text: &str| !text.contains(char::is_control);
    let accepted = "it is one line of text, without line breaks, tabs and other control characters";
    let shown = |text: &str| format!("{text:?}");
    whole("title", shown(&recipe.title), one_line(&recipe.title), accepted)?;
    recipe.notes.iter().try_for_each(|note| whole("notes", shown(note), one_line(note), accepted))?;
    let rows = if recipe.exposure.is_some() { &recipe.rows[..1.min(recipe.rows.len())] } else { &recipe.rows[..] };
    let named = recipe.baseline.as_ref().is_none_or(|baseline| rows.iter().any(|row| row.id == *baseline));
    whole(
        "baseline",
        format!("{:?}", recipe.baseline),
        named,
        "it is the id of a row (of a study the first), or is left away for the first",
    )?;
    for row in &recipe.rows {
        rule(row, "label", shown(&row.label), one_line(&row.label), accepted)?;
    }
    let (mut tuned, mut published) = (&[][..], &[][..]);
    if let Some(study) = &recipe.exposure {
        (tuned, published) = (&study.tuning_seeds[..], &study.published[..]);
    }
    for one in published {
        for (field, text) in [("exposure.published.what", &one.what), ("exposure.published.source", &one.source)] {
            whole(field, shown(text), one_line(text), accepted)?;
        }
    }
    for (field, seeds) in [("seeds", recipe.seeds.as_slice()), ("exposure.tuning_seeds", tuned)] {
        let fine = seeds.iter().all(|seed| *seed <= SEED);
        whole(field, format!("{seeds:?}"), fine, "a seed is at most 9223372036854775807, the largest integer of TOML")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::{Method, Methods};
    use crate::recipe::load;

    fn message(change: impl FnOnce(&mut Recipe)) -> String {
        let mut recipe = load("exposure-bias", Some("smoke"), &Methods::standard()).unwrap();
        change(&mut recipe);
        recipe.validate(&Methods::standard()).expect_err("must be refused").to_string()
    }

    /// Every number of a recipe that sizes an allocation.
    #[test]
    fn numbers_beyond_memory_are_refused_by_name() {
        type Change = fn(&mut crate::recipe::Settings, usize);
        let list: [(&str, Change); 9] = [
            ("chain", |s, n| s.chain = Method::named("linear").with("length", n)),
            ("chain", |s, n| s.chain = Method::named("jsd").with("length", n)),
            ("base", |s, n| s.network.set("base", (n / 8 * 8) as i64)),
            ("multipliers", |s, n| s.network.set("multipliers", vec![1, n as i64])),
            ("blocks", |s, n| s.network.set("blocks", n as i64)),
            ("training.batch", |s, n| s.training.batch = n),
            ("sampling.count", |s, n| s.sampling.count = n),
            ("metrics.splits", |s, n| s.metrics.splits = n),
            ("sampling.batch", |s, n| (s.sampling.count, s.sampling.batch) = (1 << 20, n)),
        ];
        for (field, change) in list {
            for number in [u32::MAX as usize, 1 << 40, 1 << 50, i64::MAX as usize] {
                let error = message(|recipe| change(&mut recipe.rows[0].settings, number));
                assert!(error.contains(field), "{field} = {number}: {error}");
            }
        }
    }

    #[test]
    fn a_row_needs_what_it_needs_and_no_more() {
        let mut row = load("table2", Some("paper"), &Methods::standard()).unwrap().rows[5].clone();
        let checked = |row: &Experiment, memory: u64| {
            check_sizes(row, &Built::of(&Methods::standard(), &row.settings).unwrap(), memory)
        };
        checked(&row, 16 << 30).unwrap();
        let at = |row: &Experiment, memory: u64| checked(row, memory).unwrap_err().to_string();
        let network = at(&row, 512 << 20);
        assert!(network.contains("`network`") && network.contains("681.8 MiB"), "{network}");
        row.settings.training.batch = 1024;
        let batch = at(&row, 2 << 30);
        assert!(batch.contains("`training.batch` is 1024") && batch.contains("2.5 GiB"), "{batch}");
        (row.settings.training.batch, row.settings.sampling.count) = (1, 1 << 20);
        let count = at(&row, 2 << 30);
        assert!(count.contains("`sampling.count`") && count.contains("3.0 GiB"), "{count}");
    }

    #[test]
    fn texts_of_several_lines_are_refused_by_name() {
        for text in ["two\nlines", "a\ttab", "\r", "\u{1b}[31mred"] {
            assert!(message(|recipe| recipe.title = text.to_owned()).contains("`title`"));
            assert!(message(|recipe| recipe.notes = vec![text.to_owned()]).contains("`notes`"));
            assert!(message(|recipe| recipe.rows[1].label = text.to_owned()).contains("`label`"));
            let of = |recipe: &mut Recipe| recipe.exposure.as_mut().unwrap().published[0].clone();
            let what = message(|recipe| {
                let one = crate::exposure::PublishedEffect { what: text.to_owned(), ..of(recipe) };
                recipe.exposure.as_mut().unwrap().published.push(one);
            });
            assert!(what.contains("`exposure.published.what`"), "{what}");
        }
    }

    #[test]
    fn a_baseline_is_a_row() {
        assert!(message(|recipe| recipe.baseline = Some("another".to_owned())).contains("`baseline`"));
    }

    #[test]
    fn seeds_that_toml_cannot_hold_are_refused_by_name() {
        assert!(message(|recipe| recipe.seeds = vec![0, 1 << 63]).contains("`seeds`"));
        assert!(
            message(|recipe| recipe.exposure.as_mut().unwrap().tuning_seeds = vec![u64::MAX]).contains("tuning_seeds")
        );
        let mut recipe = load("table2", Some("smoke"), &Methods::standard()).unwrap();
        recipe.seeds = vec![SEED];
        recipe.validate(&Methods::standard()).unwrap();
        assert_eq!(toml::from_str::<Recipe>(&recipe.to_toml()).unwrap(), recipe);
    }
}
