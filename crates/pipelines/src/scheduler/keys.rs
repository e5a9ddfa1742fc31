//! Every key that a scheduler's file may hold, and what becomes of it.

use super::class::Class;
use serde_json::{Value, json};
use undrift_checkpoints::{CheckpointError, Settings};

/// One key of the constructors of diffusers' schedulers.
pub(crate) struct Key {
    /// Its name.
    pub name: &'static str,
    /// The classes whose code reads it.
    pub classes: &'static [Class],
    /// What becomes of it there.
    pub role: Role,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Samples follow it.
    Honoured,
    /// It bears on nothing that is done here, for this reason.
    Harmless(&'static str),
    /// Only these values, in JSON, are accepted: with any other its code does what is not done here.
    Only(&'static [&'static str]),
}

const EVERY: &[Class] = &Class::ALL;
/// Those that lay sigmas along curves.
const CURVED: &[Class] = &[Class::Euler, Class::Heun, Class::Kdpm2, Class::Lms, Class::DpmMultistep, Class::UniPc];
/// The multistep solvers in log(signal / noise).
const MULTISTEP: &[Class] = &[Class::DpmMultistep, Class::UniPc];

const fn honoured(name: &'static str, classes: &'static [Class]) -> Key {
    Key { name, classes, role: Role::Honoured }
}

const fn only(name: &'static str, classes: &'static [Class], values: &'static [&'static str]) -> Key {
    Key { name, classes, role: Role::Only(values) }
}

const fn harmless(name: &'static str, classes: &'static [Class], why: &'static str) -> Key {
    Key { name, classes, role: Role::Harmless(why) }
}

/// The keys of all classes above, as of version 0.42 of diffusers, and two of its first versions.
pub(crate) const KEYS: &[Key] = &[
    only("algorithm_type", &[Class::DpmMultistep], &["\"dpmsolver++\"", "\"deis\""]),
    honoured("beta_end", EVERY),
    honoured("beta_schedule", EVERY),
    honoured("beta_start", EVERY),
    honoured("clip_sample", &[Class::Ddim, Class::Ddpm, Class::Heun]),
    honoured("clip_sample_range", &[Class::Ddim, Class::Ddpm, Class::Heun]),
    only("disable_corrector", &[Class::UniPc], &["[]"]),
    honoured("dynamic_thresholding_ratio", &[Class::Ddim, Class::Ddpm, Class::DpmMultistep, Class::UniPc]),
    honoured("euler_at_final", &[Class::DpmMultistep]),
    honoured("final_sigmas_type", &[Class::Euler, Class::DpmMultistep, Class::UniPc]),
    harmless("flow_shift", MULTISTEP, "it shifts the sigmas of flow matching alone, which use_flow_sigmas asks for"),
    only("interpolation_type", &[Class::Euler], &["\"linear\""]),
    honoured("lambda_min_clipped", &[Class::DpmMultistep]),
    honoured("lower_order_final", MULTISTEP),
    honoured("num_train_timesteps", EVERY),
    only("predict_epsilon", EVERY, &["true"]),
    only("predict_x0", &[Class::UniPc], &["true"]),
    honoured("prediction_type", EVERY),
    honoured(
        "rescale_betas_zero_snr",
        &[Class::Ddim, Class::Ddpm, Class::Euler, Class::EulerAncestral, Class::DpmMultistep, Class::UniPc],
    ),
    honoured("sample_max_value", &[Class::Ddim, Class::Ddpm, Class::DpmMultistep, Class::UniPc]),
    honoured("set_alpha_to_one", &[Class::Ddim, Class::Pndm]),
    only("shift_terminal", &[Class::UniPc], &[]),
    honoured("sigma_max", CURVED),
    honoured("sigma_min", CURVED),
    honoured("skip_prk_steps", &[Class::Pndm]),
    honoured("solver_order", MULTISTEP),
    only("solver_p", &[Class::UniPc], &[]),
    honoured("solver_type", MULTISTEP),
    honoured("steps_offset", EVERY),
    harmless("tensor_format", EVERY, "it named the array library of the first versions"),
    honoured("thresholding", &[Class::Ddim, Class::Ddpm, Class::DpmMultistep, Class::UniPc]),
    harmless("time_shift_type", MULTISTEP, "it names the shift of flow matching, which use_dynamic_shifting asks for"),
    honoured("timestep_spacing", EVERY),
    honoured("timestep_type", &[Class::Euler]),
    only("timestep_values", EVERY, &[]),
    honoured("trained_betas", EVERY),
    honoured("use_beta_sigmas", CURVED),
    only("use_dynamic_shifting", MULTISTEP, &["false"]),
    honoured("use_exponential_sigmas", CURVED),
    only("use_flow_sigmas", MULTISTEP, &["false"]),
    honoured("use_karras_sigmas", CURVED),
    honoured("use_lu_lambdas", &[Class::DpmMultistep]),
    honoured("variance_type", &[Class::Ddpm, Class::DpmMultistep]),
];

/// Keys of diffusers' other schedulers, which the code of none of the classes above reads.
const OF_OTHERS: &[&str] = &[
    "base_image_seq_len",
    "base_shift",
    "clip_denoised",
    "correct_steps",
    "corrector_order",
    "eta",
    "invert_sigmas",
    "max_image_seq_len",
    "max_shift",
    "noise_sampler_seed",
    "original_inference_steps",
    "predictor_order",
    "rho",
    "s_noise",
    "sampling_eps",
    "shift",
    "sigma_data",
    "sigma_schedule",
    "snr",
    "snr_shift_scale",
    "stochastic_sampling",
    "tau_func",
    "timestep_scaling",
];

/// The keys that were given and that the class's own code does not read, e.g. `clip_sample` of a `PNDMScheduler`.
///
/// # Errors
/// [`CheckpointError::Setting`], or several of them together, for keys that no scheduler of diffusers has, and for
/// values with which the class's code does what is not done here.
pub(crate) fn check(class: Class, settings: &Settings) -> Result<Vec<String>, CheckpointError> {
    let (mut faults, mut unread) = (Vec::new(), Vec::new());
    for (name, value) in settings.iter().filter(|(name, value)| !name.starts_with('_') && !value.is_null()) {
        match KEYS.iter().find(|key| key.name == name) {
            Some(key) if !key.classes.contains(&class) => unread.push(name.to_owned()),
            Some(key) => faults.extend(fault(class, key, value)),
            None if OF_OTHERS.contains(&name) => unread.push(name.to_owned()),
            None => faults.push(CheckpointError::Setting {
                key: name.to_owned(),
                value: value.to_string(),
                expected: "no scheduler of diffusers that is known here has this key; take it out".to_owned(),
            }),
        }
    }
    CheckpointError::all(faults)?;
    Ok(unread)
}

fn fault(class: Class, key: &Key, value: &Value) -> Option<CheckpointError> {
    let Role::Only(accepted) = key.role else { return None };
    let known = |text: &&str| serde_json::from_str::<Value>(text).is_ok_and(|known| known == *value);
    if accepted.iter().any(known) {
        return None;
    }
    let accepted = if accepted.is_empty() { json!(null).to_string() } else { accepted.join(" or ") };
    let expected = format!("of {} only {accepted} is supported", class.name());
    Some(CheckpointError::Setting { key: key.name.to_owned(), value: value.to_string(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: Value) -> Settings {
        Settings::default().with(key, value)
    }

    #[test]
    fn an_unknown_key_is_refused_by_every_class() {
        for class in Class::ALL {
            let error = check(class, &one("beta_shedule", json!("linear"))).unwrap_err().to_string();
            assert!(error.contains("beta_shedule"), "{error}");
            assert_eq!(check(class, &one("_name_or_path", json!("x"))).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn every_key_is_read_or_said_to_be_unread_or_refused() {
        for class in Class::ALL {
            for key in KEYS {
                let found = check(class, &one(key.name, json!("nonsense")));
                match (key.classes.contains(&class), key.role) {
                    (false, _) => assert_eq!(found.unwrap(), [key.name]),
                    (true, Role::Only(_)) => assert!(found.unwrap_err().to_string().contains(key.name)),
                    (true, _) => assert!(found.unwrap().is_empty(), "{}", key.name),
                }
            }
        }
    }

    #[test]
    fn values_with_the_meaning_of_none_are_accepted() {
        for (class, key, value) in [
            (Class::UniPc, "disable_corrector", json!([])),
            (Class::UniPc, "solver_p", json!(null)),
            (Class::DpmMultistep, "use_flow_sigmas", json!(false)),
        ] {
            assert!(check(class, &one(key, value)).unwrap().is_empty(), "{key}");
        }
    }

    #[test]
    fn several_faults_are_named_together() {
        let settings = one("use_flow_sigmas", json!(true)).with("algorithm_type", "dpmsolver");
        let error = check(Class::DpmMultistep, &settings).unwrap_err().to_string();
        assert!(error.contains("use_flow_sigmas") && error.contains("algorithm_type"), "{error}");
    }
}
