//! Every key of DiT: of its constructor, of `create_diffusion`, and the arguments of its scripts.
//!
//! Source: `models.py`, `diffusion/__init__.py`, `train.py`, `sample.py` and `sample_ddp.py` of facebookresearch/DiT. The
//! arguments of `train.py` lie in its checkpoints.

use crate::word::{Kind, Word};

const TRAINING: &str = "it is training's alone";
const COMMAND: &str = "the command line has its own word for it";
const DECODER: &str = "there is no decoder here; latents are written as they are";

/// The constructor's.
pub(crate) const CONSTRUCTOR: &[Word] = &[
    Word::read("input_size", Kind::Number),
    Word::read("patch_size", Kind::Number),
    Word::read("in_channels", Kind::Number),
    Word::read("hidden_size", Kind::Number),
    Word::read("depth", Kind::Number),
    Word::read("num_heads", Kind::Number),
    Word::read("mlp_ratio", Kind::Number),
    Word::read("class_dropout_prob", Kind::Number),
    Word::read("num_classes", Kind::Number),
    Word::read("learn_sigma", Kind::Flag),
];

/// `create_diffusion`'s.
pub(crate) const PROCESS: &[Word] = &[
    Word::read("timestep_respacing", Kind::Text),
    Word::read("noise_schedule", Kind::Text),
    Word::read("sigma_small", Kind::Flag),
    Word::read("predict_xstart", Kind::Flag),
    Word::read("diffusion_steps", Kind::Number),
    Word::harmless("use_kl", TRAINING),
    Word::harmless("rescale_learned_sigmas", TRAINING),
];

/// The scripts'.
pub(crate) const SCRIPTS: &[Word] = &[
    Word::read("model", Kind::Text),
    Word::read("image_size", Kind::Number),
    Word::read("num_sampling_steps", Kind::Text),
    Word::refused("cfg_scale", &[], "say it by --cfg-scale"),
    Word::harmless("data_path", TRAINING),
    Word::harmless("results_dir", TRAINING),
    Word::harmless("epochs", TRAINING),
    Word::harmless("global_batch_size", TRAINING),
    Word::harmless("global_seed", TRAINING),
    Word::harmless("num_workers", TRAINING),
    Word::harmless("log_every", TRAINING),
    Word::harmless("ckpt_every", TRAINING),
    Word::harmless("vae", DECODER),
    Word::harmless("tf32", "networks are computed in single precision here"),
    Word::harmless("ckpt", COMMAND),
    Word::harmless("seed", COMMAND),
    Word::harmless("sample_dir", COMMAND),
    Word::harmless("per_proc_batch_size", COMMAND),
    Word::harmless("num_fid_samples", COMMAND),
];
