//! Which settings training depends on, and which can be changed after it.

use super::{ModelSettings, SamplingSettings, Settings, TrainingSettings};
use crate::methods::Method;
use serde::Serialize;

impl Settings {
    /// What training depends on, table by table, as texts that are the same for the same training: where images lie,
    /// how they are sampled and scored, and how often something is saved make no difference.
    pub fn training_parts(&self) -> Vec<(&'static str, String)> {
        let mut set = self.data.set.clone();
        set.given.retain(|(key, _)| key != PATH);
        vec![
            ("data", format!("{} {}", method(&set), self.data.flip)),
            ("model", trained(&self.model)),
            ("network", method(&self.network)),
            ("chain", method(&self.chain)),
            ("training", text(&learned(&self.training))),
        ]
    }

    /// What samples of the same network depend on, as far as there are any.
    pub fn sampling_part(&self) -> String {
        format!("{} {}", text(&self.sampling.sampler), method(&self.model.variance))
    }

    /// What the scores of the same network depend on beside its samples.
    pub fn scoring_part(&self) -> String {
        text(&SamplingSettings { batch: 0, ..self.sampling.clone() }) + &text(&self.metrics)
    }

    /// The tables in which two rows' settings differ so that their trainings do.
    pub fn other_training(&self, other: &Settings) -> Vec<&'static str> {
        let parts = self.training_parts().into_iter().zip(other.training_parts());
        parts.filter(|(one, other)| one != other).map(|((name, _), _)| name).collect()
    }

    /// Whether samples of the same network are the same ones, as far as both have them.
    pub fn samples_alike(&self, other: &Settings) -> bool {
        self.sampling_part() == other.sampling_part()
    }
}

/// The key of a data set that says where it lies.
const PATH: &str = "path";

/// A text that is the same for equal settings.
fn text(settings: &impl Serialize) -> String {
    serde_json::to_string(settings).expect("settings of a loaded recipe have a JSON form")
}

/// A text that is the same for methods that are written alike, in whatever order and form.
fn method(method: &Method) -> String {
    let mut sorted = method.clone();
    sorted.given.sort_by(|one, other| one.0.cmp(&other.0));
    sorted.to_string()
}

/// The model as its training sees it: the squared error does not look at a fixed variance.
fn trained(model: &ModelSettings) -> String {
    let fixed = ["fixed-small", "fixed-large"].contains(&model.variance.name.as_str());
    let variance = match model.objective.name == "simple" && fixed {
        true => Method::named("fixed-small"),
        false => model.variance.clone(),
    };
    let ModelSettings { prediction, objective, weighting, corruption, condition, .. } = model;
    [prediction, objective, &variance, weighting, corruption, condition].map(method).join(" ")
}

/// The training without what only decides how often something is saved or recorded.
fn learned(training: &TrainingSettings) -> TrainingSettings {
    TrainingSettings { checkpoint_every: 1, log_every: 1, ..training.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use crate::recipe::load;

    fn settings() -> Settings {
        load("table2", Some("smoke"), &Methods::standard()).unwrap().rows[5].settings.clone()
    }

    fn changed(change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = settings();
        change(&mut settings);
        settings
    }

    #[test]
    fn every_table_that_training_depends_on_is_named() {
        for (name, other) in [
            ("data", changed(|s| s.data.flip = !s.data.flip)),
            ("model", changed(|s| s.model.prediction = Method::named("x0"))),
            ("network", changed(|s| s.network.set("base", 1024))),
            ("chain", changed(|s| s.chain = Method::named("cosine").with("length", 20))),
            ("training", changed(|s| s.training.steps += 1)),
        ] {
            assert_eq!(settings().other_training(&other), [name]);
        }
    }

    #[test]
    fn methods_that_are_written_otherwise_are_the_same() {
        let weighted = |text: &str| changed(|s| s.model.weighting = toml::Value::from(text).try_into().unwrap());
        let mut table = weighted("min-snr");
        table.model.weighting.set("gamma", 5);
        let mut float = weighted("min-snr");
        float.model.weighting.set("gamma", 5.0);
        for other in [&table, &float] {
            assert_eq!(weighted("min-snr:gamma=5").other_training(other), [""; 0]);
        }
        assert_eq!(weighted("min-snr:gamma=6").other_training(&table), ["model"]);
    }

    #[test]
    fn what_training_does_not_look_at_may_change() {
        for other in [
            changed(|s| s.data.set.set("path", "elsewhere")),
            changed(|s| s.training.checkpoint_every += 1),
            changed(|s| s.training.log_every += 1),
            changed(|s| s.sampling.sampler.steps = Some(3)),
            changed(|s| s.sampling.count += 1),
            changed(|s| s.metrics.splits += 1),
            changed(|s| s.model.variance = Method::named("fixed-small")),
        ] {
            assert_eq!(settings().other_training(&other), [""; 0]);
        }
        assert_eq!(settings().model.variance, Method::named("fixed-large"), "the last change is one");
        let bound = |variance| {
            changed(|s| {
                s.model.objective = Method::named("bound");
                s.model.variance = Method::named(variance);
            })
        };
        let small = bound("fixed-small");
        assert_eq!(small.other_training(&bound("fixed-large")), ["model"], "the bound looks at it");
    }

    #[test]
    fn samples_and_scores_are_told_apart() {
        let plain = settings();
        let of = |other: &Settings| {
            let alike = plain.samples_alike(other);
            (alike, alike && plain.scoring_part() == other.scoring_part())
        };
        assert_eq!(of(&changed(|s| s.sampling.batch += 1)), (true, true));
        assert_eq!(of(&changed(|s| s.sampling.count += 1)), (true, false));
        assert_eq!(of(&changed(|s| s.metrics.splits += 1)), (true, false));
        assert_eq!(of(&changed(|s| s.sampling.sampler.steps = Some(3))), (false, false));
        assert_eq!(of(&changed(|s| s.model.variance = Method::named("fixed-small"))), (false, false));
    }
}
