//! The runner of a sidecar that names none, by what else it says about itself: directories of the old form.

use crate::fixture::Fixture;
use crate::runner::{Chains, Losses, Metrics, Networks, Schedules, Steps};
use crate::sidecar::Node;

/// Words that a sidecar may leave out.
pub(crate) trait Derived: Sized {
    /// The word of a sidecar that has none; none where nothing here is known to fit.
    fn of(fixture: &Fixture) -> Option<Self>;
}

/// Beginnings of the names of files whose methods are known not to exist here.
const ABSENT: [&str; 6] = [
    "solver_deis",
    "solver_dpmpp_3m",
    "solver_sde_",
    "solver_dpmsolver_2m",
    "solver_dpmpp_2m_heun",
    "solver_unipc_bh1_o3",
];

/// The schedulers of diffusers that are multistep.
const MULTISTEP: [&str; 3] = ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "PNDMScheduler"];

/// The first of some words whose condition holds.
fn first<T: Copy>(words: &[(bool, T)]) -> Option<T> {
    words.iter().find(|(holds, _)| *holds).map(|(_, word)| *word)
}

/// The last word of the peer: its function or class.
fn class(fixture: &Fixture) -> &str {
    fixture.peer().rsplit(' ').next().unwrap_or_default()
}

fn is_multistep(fixture: &Fixture) -> bool {
    MULTISTEP.iter().any(|known| class(fixture).ends_with(known))
}

impl Derived for Schedules {
    fn of(fixture: &Fixture) -> Option<Self> {
        let (root, peer) = (fixture.root(), fixture.peer());
        let any = |of: &dyn Fn(&Node<'_>) -> bool| root.fields().iter().any(|(_, field)| of(field));
        let spaced = root.find("cases").is_some_and(|cases| cases.members().iter().any(|case| case.has("spacing")));
        first(&[
            (root.has("betas") && root.has("args"), Schedules::Tables),
            (peer.contains("space_timesteps"), Schedules::Respacing),
            (peer.contains("rescale_zero_terminal_snr"), Schedules::ZeroSnr),
            (peer.contains("previous_timestep"), Schedules::Previous),
            (peer.contains("lucidrains"), Schedules::Lucidrains),
            (any(&|field| field.has("ermongroup_uniform")), Schedules::Skips),
            (peer.contains("DDPMScheduler") && peer.contains(".betas"), Schedules::DiffusersBetas),
            (spaced, Schedules::DiffusersLists),
            (any(&is_list_of_sigmas), Schedules::Sigmas),
        ])
    }
}

fn is_list_of_sigmas(list: &Node<'_>) -> bool {
    let names = ["sigmas", "sigma_steps", "sigma_up"];
    list.members().iter().any(|case| names.iter().any(|name| case.has(name)))
}

impl Derived for Losses {
    fn of(fixture: &Fixture) -> Option<Self> {
        let is = |function: &str| fixture.peer().contains(function);
        let of_chain = |name: &str| name.starts_with("snr_") && name.contains("_T");
        let ratios = fixture.root().fields().iter().any(|(name, table)| table.is_list() && of_chain(name));
        first(&[
            (is("calc_bpd_loop"), Losses::Bits),
            (is("discretized_gaussian_log_likelihood"), Losses::Decoder),
            (is("noise_estimation_loss"), Losses::Ermongroup),
            (is("training_losses"), Losses::Training),
            (is("LossSecondMomentResampler"), Losses::SecondMoment),
            (is("EDMLoss"), Losses::Edm),
            (ratios, Losses::Weights),
        ])
    }
}

impl Derived for Steps {
    fn of(fixture: &Fixture) -> Option<Self> {
        let is = |function: &str| fixture.peer().contains(function);
        let has = |field: &str| fixture.root().has(field);
        let solvers = ["EulerDiscreteScheduler", "HeunDiscreteScheduler", "EDMEulerScheduler"];
        if ABSENT.iter().any(|name| fixture.stem().starts_with(name)) {
            return Some(Steps::Absent);
        }
        first(&[
            (is("condition_mean"), Steps::ClassifierGuidance),
            (is("forward_with_cfg"), Steps::CfgCombine),
            (is("p_mean_variance") && has("mean_type"), Steps::Ddpm),
            (is("DDPMScheduler.step"), Steps::Diffusers),
            (is("EDMPrecond") && has("c_skip"), Steps::EdmPrecond),
            (is("ddpm_steps"), Steps::Ermongroup),
            (is_multistep(fixture), Steps::Multistep),
            (is("eps_scaler"), Steps::EsAdm),
            (is("PNMSolver.ddpm"), Steps::TsPnm),
            (is("apply_time_shift"), Steps::TsShift),
            (is("ddim_sample") && has("mean_type"), Steps::Ddim),
            (is("DDIMScheduler.step"), Steps::DiffusersDdim),
            (is("edm_sampler"), Steps::Edm),
            (solvers.contains(&class(fixture)), Steps::Solver),
        ])
    }
}

impl Derived for Chains {
    fn of(fixture: &Fixture) -> Option<Self> {
        let is = |function: &str| fixture.peer().contains(function);
        let has = |field: &str| fixture.root().has(field);
        let published_loop = is("p_sample_loop") || is("ddim_sample_loop");
        let others = ["DDIMScheduler", "EulerDiscreteScheduler", "HeunDiscreteScheduler"];
        let without_peer = fixture.peer().is_empty();
        first(&[
            (published_loop && !has("lambda") && !has("window"), Chains::Ddpm),
            (is("ddpm_steps"), Chains::Ermongroup),
            (is_multistep(fixture), Chains::Multistep),
            (is("edm_sampler"), Chains::Edm),
            (others.contains(&class(fixture)), Chains::Diffusers),
            (without_peer && fixture.tensors().find("noise").is_some(), Chains::Noise),
            (without_peer && (has("gauss") || has("tanh")), Chains::Toys),
            (is("ADM-ES") && has("lambda"), Chains::EsAdm),
            (is("PNMSolver.sample"), Chains::TsPnm),
            (is("do_time_shift"), Chains::TsAdm),
        ])
    }
}

impl Derived for Metrics {
    fn of(fixture: &Fixture) -> Option<Self> {
        let (root, tensors) = (fixture.root(), fixture.tensors());
        let named = !fixture.peer().is_empty() || root.has("peers");
        let inputs = !named && (tensors.find("gen").is_some() || tensors.find("logits").is_some());
        first(&[
            (root.has("sets"), Metrics::Frechet),
            (fixture.peer().contains("isc_features_to_metric"), Metrics::Inception),
            (inputs, Metrics::Inputs),
        ])
    }
}

impl Derived for Networks {
    fn of(fixture: &Fixture) -> Option<Self> {
        let root = fixture.root();
        first(&[
            (root.has("counts"), Networks::Counts),
            (root.has("state_dict"), Networks::Keys),
            (root.has("config"), Networks::Recorded),
            (fixture.peer().contains("forward_with_cfg"), Networks::Guided),
            (fixture.peer().contains("pos_embed"), Networks::Positions),
            (fixture.tensors().find("t").is_some(), Networks::Embeddings),
            (root.has("what"), Networks::Beside),
        ])
    }
}
