//! The words of diffusers: its files, the keys of its `config.json`, and those of a scheduler that may lie beside them.

/// The key that says which class a configuration is of.
pub const CLASS: &str = "_class_name";
/// The class of the networks that are read.
pub(crate) const UNET: &str = "UNet2DModel";
/// The key of the version that wrote a file.
pub const VERSION_KEY: &str = "_diffusers_version";
/// The version whose keys and rules these are.
pub const VERSION: &str = "0.42.1";
/// The file that says which pipeline a folder is.
pub(crate) const INDEX: &str = "model_index.json";
/// The file of a scheduler.
pub const SCHEDULER_FILE: &str = "scheduler_config.json";

/// Settings that are read.
pub(crate) const READ: [&str; 15] = [
    "add_attention",
    "attention_head_dim",
    "block_out_channels",
    "down_block_types",
    "downsample_padding",
    "dropout",
    "flip_sin_to_cos",
    "freq_shift",
    "in_channels",
    "layers_per_block",
    "norm_eps",
    "norm_num_groups",
    "out_channels",
    "sample_size",
    "up_block_types",
];

/// Settings that change nothing here: a number that only class embeddings use, and what the moving average of
/// diffusers stores beside the network's own settings.
pub(crate) const IGNORED: [&str; 8] = [
    "num_train_timesteps",
    "decay",
    "inv_gamma",
    "min_decay",
    "optimization_step",
    "power",
    "update_after_step",
    "use_ema_warmup",
];

/// Settings of a scheduler, which a configuration file or a flag may give beside the network's.
///
/// What they mean is not this crate's business; a network is not refused because of them.
pub const SCHEDULER_WORDS: [&str; 40] = [
    "algorithm_type",
    "beta_end",
    "beta_schedule",
    "beta_start",
    "clip_sample",
    "clip_sample_range",
    "disable_corrector",
    "dynamic_thresholding_ratio",
    "euler_at_final",
    "final_sigmas_type",
    "flow_shift",
    "interpolation_type",
    "lambda_min_clipped",
    "lower_order_final",
    "num_train_timesteps",
    "predict_x0",
    "prediction_type",
    "rescale_betas_zero_snr",
    "sample_max_value",
    "set_alpha_to_one",
    "shift_terminal",
    "sigma_max",
    "sigma_min",
    "skip_prk_steps",
    "solver_order",
    "solver_p",
    "solver_type",
    "steps_offset",
    "thresholding",
    "time_shift_type",
    "timestep_spacing",
    "timestep_type",
    "trained_betas",
    "use_beta_sigmas",
    "use_dynamic_shifting",
    "use_exponential_sigmas",
    "use_flow_sigmas",
    "use_karras_sigmas",
    "use_lu_lambdas",
    "variance_type",
];
