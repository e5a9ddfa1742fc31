//! Which of a training run's weights these are, by what they are called.

/// Which of a training run's weights a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightKind {
    /// A moving average of the weights.
    Ema,
    /// The weights of the last step.
    Raw,
    /// Neither the file nor its name says.
    Unsaid,
}

impl WeightKind {
    /// What a path of keys says, the innermost that says anything.
    pub(crate) fn of_path(path: &str) -> Self {
        path.rsplit('.').map(Self::of_name).find(|kind| *kind != WeightKind::Unsaid).unwrap_or(WeightKind::Unsaid)
    }

    /// What a name says by its words.
    pub(crate) fn of_name(name: &str) -> Self {
        let words = words(name);
        let negated = words.windows(2).any(|pair| pair[0] == "non" && is_average(&pair[1]));
        if negated || words.iter().any(|word| word == "nonema") {
            WeightKind::Raw
        } else if words.iter().any(|word| is_average(word)) {
            WeightKind::Ema
        } else if words.iter().any(|word| RAW.contains(&word.as_str())) {
            WeightKind::Raw
        } else {
            WeightKind::Unsaid
        }
    }

    /// What a file's name says; `model500000` is how guided-diffusion calls the last weights of a step.
    pub(crate) fn of_file(stem: &str) -> Self {
        let step = stem.strip_prefix("model").unwrap_or_default();
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            return WeightKind::Raw;
        }
        Self::of_name(stem)
    }

    /// This, or where nothing is said the other.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == WeightKind::Unsaid { other } else { self }
    }
}

/// Words of an average.
const AVERAGE: [&str; 7] = ["ema", "averaged", "average", "avg", "shadow", "swa", "polyak"];

/// Words of the weights that are being trained, where an average is kept beside them.
const RAW: [&str; 4] = ["raw", "online", "collected", "current"];

/// What `ema` is written together with.
const NOUNS: [&str; 8] = ["model", "net", "network", "unet", "weights", "params", "state", "decay"];

fn is_average(word: &str) -> bool {
    let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let rest = word.strip_prefix("ema").or_else(|| word.strip_suffix("ema"));
    AVERAGE.contains(&word) || rest.is_some_and(|rest| NOUNS.contains(&rest))
}

/// The words of a name in small letters: a word ends before anything but a letter or digit, and before a capital.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let begins = before.is_ascii_lowercase() && letter.is_ascii_uppercase();
        if begins || !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric() {
            words.last_mut().expect("there is a first word").push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_weights_are() {
        for name in [
            "ema",
            "EMA",
            "ema_model",
            "model_ema",
            "model-EMA",
            "net_ema",
            "emaModel",
            "modelEma",
            "ema_0",
            "ema1",
            "unet_ema",
            "ema_state_dict",
            "state_dict_ema",
            "emamodel",
            "netema",
            "averaged_model",
            "avg",
            "swa_model",
            "shadow",
            "shadow_params",
            "EMAModel",
            "moving_average",
            "polyak",
        ] {
            assert_eq!(WeightKind::of_name(name), WeightKind::Ema, "{name}");
        }
        for name in ["raw", "online_model", "non_ema", "nonema", "non-ema", "collected_params", "current_model_state"] {
            assert_eq!(WeightKind::of_name(name), WeightKind::Raw, "{name}");
        }
        for name in [
            "schema",
            "schema_model",
            "cinema",
            "semantic",
            "remap",
            "temperature",
            "emanate",
            "model",
            "state_dict",
            "",
            "0",
            "pooling",
            "haemal",
            "nonemergency",
            "swan",
            "stored",
        ] {
            assert_eq!(WeightKind::of_name(name), WeightKind::Unsaid, "{name}");
        }
    }

    #[test]
    fn the_innermost_key_that_says_anything_counts() {
        assert_eq!(WeightKind::of_path("ema.online_model"), WeightKind::Raw);
        assert_eq!(WeightKind::of_path("ema.ema_model.module"), WeightKind::Ema);
        assert_eq!(WeightKind::of_path("ema.collected_params"), WeightKind::Raw);
        assert_eq!(WeightKind::of_path("model_ema.diffusion_model"), WeightKind::Ema);
        assert_eq!(WeightKind::of_path("state_dict.model"), WeightKind::Unsaid);
    }

    #[test]
    fn a_files_name_may_be_that_of_a_step() {
        assert_eq!(WeightKind::of_file("model500000"), WeightKind::Raw);
        assert_eq!(WeightKind::of_file("ema_0.9999_500000"), WeightKind::Ema);
        assert_eq!(WeightKind::of_file("last-EMA"), WeightKind::Ema);
        assert_eq!(WeightKind::of_file("model-790000"), WeightKind::Unsaid);
        assert_eq!(WeightKind::of_file("schema"), WeightKind::Unsaid);
    }
}
