//! What the constructors of diffusers' schedulers take where a key is not given.

use super::class::Class;
use super::keys::{KEYS, Role};
use serde_json::{Value, json};
use undrift_checkpoints::Settings;

/// The constructor's value of a key that the class has; null where it is none.
pub(crate) fn default(class: Class, key: &str) -> Value {
    let late = matches!(class, Class::Heun | Class::Kdpm2);
    let leads = matches!(class, Class::Ddim | Class::Ddpm | Class::Pndm);
    match key {
        "num_train_timesteps" => json!(1000),
        "beta_start" => json!(if late { 0.00085 } else { 1e-4 }),
        "beta_end" => json!(if late { 0.012 } else { 0.02 }),
        "beta_schedule" => json!("linear"),
        "prediction_type" => json!("epsilon"),
        "variance_type" if class == Class::Ddpm => json!("fixed_small"),
        "clip_sample" => json!(class != Class::Heun),
        "clip_sample_range" | "sample_max_value" => json!(1.0),
        "dynamic_thresholding_ratio" => json!(0.995),
        "timestep_spacing" => json!(if leads { "leading" } else { "linspace" }),
        "steps_offset" => json!(0),
        "set_alpha_to_one" => json!(class == Class::Ddim),
        "final_sigmas_type" => json!("zero"),
        "timestep_type" => json!("discrete"),
        "solver_order" => json!(2),
        "solver_type" => json!(if class == Class::UniPc { "bh2" } else { "midpoint" }),
        "lower_order_final" => json!(true),
        "lambda_min_clipped" => json!("-Infinity"),
        "euler_at_final" | "rescale_betas_zero_snr" | "skip_prk_steps" | "thresholding" => json!(false),
        "use_beta_sigmas" | "use_exponential_sigmas" | "use_karras_sigmas" | "use_lu_lambdas" => json!(false),
        _ => Value::Null,
    }
}

/// What the class reads of some settings, over its constructor's values.
pub(crate) fn laid_under(class: Class, settings: &Settings) -> Settings {
    let read: Vec<&str> = KEYS.iter().filter(|key| key.classes.contains(&class)).map(|key| key.name).collect();
    let usual = read.iter().map(|key| (*key, default(class, key))).filter(|(_, value)| !value.is_null());
    let usual = usual.fold(Settings::default(), |all, (key, value)| all.with(key, value));
    usual.overlaid(&settings.only(&read))
}

/// The keys that the class reads and nobody gave, with their values; none for what is off when it is not given.
pub(crate) fn taken(class: Class, settings: &Settings) -> Vec<(&'static str, Value)> {
    let read = KEYS.iter().filter(|key| key.role == Role::Honoured && key.classes.contains(&class));
    let silent = read.filter(|key| settings.value(key.name).is_none());
    let pairs = silent.map(|key| (key.name, default(class, key.name)));
    let all = laid_under(class, settings);
    let matters = |(key, value): &(&str, Value)| !matches!(value, Value::Null | Value::Bool(false)) && bears(key, &all);
    pairs.filter(matters).collect()
}

/// Whether a key bears on anything beside the others.
fn bears(key: &str, all: &Settings) -> bool {
    let on = |key: &str| all.value(key) == Some(&json!(true));
    let listed = all.value("trained_betas").is_some();
    let cosine = all.value("beta_schedule") == Some(&json!("squaredcos_cap_v2"));
    match key {
        "dynamic_thresholding_ratio" | "sample_max_value" => on("thresholding"),
        "clip_sample" => !on("thresholding"),
        "clip_sample_range" => on("clip_sample") && !on("thresholding"),
        "beta_schedule" => !listed,
        "beta_start" | "beta_end" => !listed && !cosine,
        "lambda_min_clipped" | "timestep_type" => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_class_takes_is_said_key_by_key() {
        let given = Settings::default().with("beta_schedule", "scaled_linear");
        let of = |class| taken(class, &given).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        assert!(of(Class::Ddim).contains(&"set_alpha_to_one") && !of(Class::Ddim).contains(&"beta_schedule"));
        assert!(!of(Class::Pndm).contains(&"set_alpha_to_one"), "it is off");
        assert!(!of(Class::UniPc).contains(&"clip_sample") && of(Class::Ddpm).contains(&"clip_sample"));
        assert_eq!(default(Class::Heun, "beta_start"), json!(0.00085));
    }
}
