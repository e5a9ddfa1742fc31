//! Which assumptions bear on the samples that are drawn.

use crate::{AskedSolver, Choice, Process, PublishedSolver};
use undrift_checkpoints::Assumed;

/// Whether samples depend on what was assumed, where so much is said on the command line; `guided`: whether
/// classifier-free guidance is.
pub fn bears_on_samples(assumed: &Assumed, process: &Process, choice: &Choice, guided: bool) -> bool {
    let solver = choice.solver.as_ref().map_or(Some(process.solver), |asked: &AskedSolver| asked.published);
    match assumed.key {
        "dropout" => false,
        "cfg_scale" => !guided,
        "class_dropout_prob" => guided,
        "sample_type" | "eta" | "use_ddim" => choice.solver.is_none(),
        "var_type" | "sigma_small" | "variance_type" => solver == Some(PublishedSolver::Ddpm),
        "timestep_respacing" | "num_sampling_steps" | "timesteps" | "skip_type" => {
            choice.steps.is_none() && choice.placing.is_none()
        }
        "clip_denoised" => choice.wrappers.is_none(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_checkpoints::{Layout, NetworkConfig, Settings};
    use undrift_networks::DdpmUnetConfig;

    fn bearing(choice: &Choice, guided: bool) -> Vec<&'static str> {
        let config = NetworkConfig::Ddpm(DdpmUnetConfig::cifar10());
        let process = Process::of(Layout::Ermongroup, &Settings::default(), &config).unwrap();
        let more = ["dropout", "cfg_scale", "class_dropout_prob", "use_ddim", "timestep_respacing", "clip_denoised"];
        let more = more.map(|key| Assumed { key, value: String::new(), why: "" });
        let bears = |one: &&Assumed| bears_on_samples(one, &process, choice, guided);
        process.assumed.iter().chain(&more).filter(bears).map(|one| one.key).collect()
    }

    #[test]
    fn what_the_command_line_says_is_not_assumed() {
        let chain = ["num_diffusion_timesteps", "beta_schedule", "beta_start", "beta_end"];
        let sampler = ["sample_type", "eta", "skip_type", "timesteps", "cfg_scale", "use_ddim"];
        let rest = ["timestep_respacing", "clip_denoised"];
        assert_eq!(bearing(&Choice::default(), false), [&chain[..], &sampler, &rest].concat());
        let choice = Choice {
            solver: Some(PublishedSolver::Ddpm.into()),
            steps: Some(10),
            placing: None,
            wrappers: Some(Vec::new()),
        };
        assert_eq!(bearing(&choice, true), [&chain[..], &["var_type", "class_dropout_prob"]].concat());
    }
}
