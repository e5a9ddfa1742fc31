//! Every key of the scripts and constructors of guided-diffusion, improved-diffusion and what was made from them.
//!
//! Source: the argument parsers of `image_train`, `image_sample`, `image_nll`, `super_res_*` and `classifier_*` of both
//! codes; DDPM-IP, ADM-ES and P2 weighting; the constructor of latent-diffusion's U-Net, which has the same tensors.

use crate::word::{Kind, Word};

const ELSEWHERE: &str = "it is for the classifier of noised images, which --classifier-set describes";
const MEMORY: &str = "it trades time for memory";
const PRECISION: &str = "networks are computed in single precision here";
const TRAINING: &str = "it is training's alone";
const COMMAND: &str = "the command line has its own word for it";
const SUPER_RESOLUTION: &str =
    "super-resolution takes a small image beside x, and no such network is supported; leave it out for any other";
const LATENT: &str = "latent-diffusion's networks that are conditional on more than a class are not supported";

/// The constructors' words, and those of the U-Net of latent-diffusion that is the same network.
pub(crate) const CONSTRUCTOR: &[Word] = &[
    Word::read("image_size", Kind::Number),
    Word::read("in_channels", Kind::Number),
    Word::read("model_channels", Kind::Number),
    Word::read("out_channels", Kind::Number),
    Word::read("num_res_blocks", Kind::Number),
    Word::read("attention_resolutions", Kind::Any),
    Word::read("dropout", Kind::Number),
    Word::read("channel_mult", Kind::Any),
    Word::read("conv_resample", Kind::Flag),
    Word::read("dims", Kind::Number),
    Word::read("num_heads", Kind::Number),
    Word::read("num_head_channels", Kind::Number),
    Word::read("use_scale_shift_norm", Kind::Flag),
    Word::read("resblock_updown", Kind::Flag),
    Word::read("use_new_attention_order", Kind::Flag),
    Word::harmless("use_checkpoint", MEMORY),
    Word::harmless("use_fp16", PRECISION),
    Word::harmless("legacy", "it chooses between two ways to say the same heads"),
    Word::harmless("transformer_depth", "it is heard beside use_spatial_transformer alone, which is refused"),
    Word::refused("use_spatial_transformer", &["false"], LATENT),
    Word::refused("context_dim", &[], LATENT),
    Word::refused("n_embed", &[], "networks that predict entries of a codebook are not supported"),
];

/// What the diffusion network has and the classifier has not: a table of classes, and a way up.
pub(crate) const UNET: &[Word] =
    &[Word::read("num_classes", Kind::Number), Word::read("num_heads_upsample", Kind::Number)];

/// What the scripts say of the diffusion network in words of their own.
pub(crate) const SCRIPTS: &[Word] = &[
    Word::read("num_channels", Kind::Number),
    Word::read("learn_sigma", Kind::Flag),
    Word::read("class_cond", Kind::Flag),
];

/// What the scripts say of the forward process and of sampling, and the word for which code it is.
pub(crate) const PROCESS: &[Word] = &[
    Word::read("code", Kind::Text),
    Word::read("diffusion_steps", Kind::Number),
    Word::read("noise_schedule", Kind::Text),
    Word::read("timestep_respacing", Kind::Text),
    Word::read("predict_xstart", Kind::Flag),
    Word::read("rescale_timesteps", Kind::Flag),
    Word::read("sigma_small", Kind::Flag),
    Word::read("clip_denoised", Kind::Flag),
    Word::read("use_ddim", Kind::Flag),
    Word::harmless("use_kl", TRAINING),
    Word::harmless("rescale_learned_sigmas", TRAINING),
    Word::refused(
        "eps_scaler",
        &["0", "0.0", "1", "1.0"],
        "ADM-ES divides eps by it: say --wrapper epsilon-scaling:b=.. --wrapper clip instead",
    ),
];

/// What the classifier's scripts say in words of their own.
pub(crate) const CLASSIFIER: &[Word] = &[
    Word::read("classifier_width", Kind::Number),
    Word::read("classifier_depth", Kind::Number),
    Word::read("classifier_attention_resolutions", Kind::Any),
    Word::read("classifier_use_scale_shift_norm", Kind::Flag),
    Word::read("classifier_resblock_updown", Kind::Flag),
    Word::read("classifier_pool", Kind::Text),
    Word::read("pool", Kind::Text),
    Word::harmless("num_heads_upsample", "a classifier has no way up"),
];

/// The same beside a diffusion network, which they do not describe.
pub(crate) const OF_CLASSIFIER: &[Word] = &[
    Word::harmless("classifier_width", ELSEWHERE),
    Word::harmless("classifier_depth", ELSEWHERE),
    Word::harmless("classifier_attention_resolutions", ELSEWHERE),
    Word::harmless("classifier_use_scale_shift_norm", ELSEWHERE),
    Word::harmless("classifier_resblock_updown", ELSEWHERE),
    Word::harmless("classifier_pool", ELSEWHERE),
    Word::refused("classifier_path", &[""], "name the classifier by --classifier"),
    Word::refused("classifier_scale", &[], "say it by --classifier-scale, beside --classifier"),
];

/// The process beside a classifier, which is that of the network it guides.
pub(crate) const OF_DIFFUSION: &[Word] = &[
    Word::harmless("diffusion_steps", OF_GUIDED),
    Word::harmless("noise_schedule", OF_GUIDED),
    Word::harmless("timestep_respacing", OF_GUIDED),
    Word::harmless("predict_xstart", OF_GUIDED),
    Word::harmless("rescale_timesteps", OF_GUIDED),
    Word::harmless("learn_sigma", OF_GUIDED),
    Word::harmless("clip_denoised", OF_GUIDED),
    Word::harmless("use_ddim", OF_GUIDED),
    Word::harmless("use_kl", TRAINING),
    Word::harmless("rescale_learned_sigmas", TRAINING),
    Word::harmless("classifier_path", COMMAND),
    Word::refused("classifier_scale", &[], "say it by --classifier-scale"),
];

const OF_GUIDED: &str = "the process is that of the network that is guided";

/// What the scripts say of training, files and numbers of images.
pub(crate) const AROUND: &[Word] = &[
    Word::harmless("classifier_use_fp16", PRECISION),
    Word::harmless("fp16_scale_growth", PRECISION),
    Word::harmless("data_dir", TRAINING),
    Word::harmless("val_data_dir", TRAINING),
    Word::harmless("schedule_sampler", TRAINING),
    Word::harmless("lr", TRAINING),
    Word::harmless("weight_decay", TRAINING),
    Word::harmless("lr_anneal_steps", TRAINING),
    Word::harmless("anneal_lr", TRAINING),
    Word::harmless("microbatch", TRAINING),
    Word::harmless("ema_rate", TRAINING),
    Word::harmless("log_interval", TRAINING),
    Word::harmless("save_interval", TRAINING),
    Word::harmless("eval_interval", TRAINING),
    Word::harmless("resume_checkpoint", TRAINING),
    Word::harmless("iterations", TRAINING),
    Word::harmless("noised", TRAINING),
    Word::harmless("input_pertub", TRAINING),
    Word::harmless("p2_gamma", TRAINING),
    Word::harmless("p2_k", TRAINING),
    Word::harmless("batch_size", COMMAND),
    Word::harmless("num_samples", COMMAND),
    Word::harmless("model_path", COMMAND),
    Word::refused("large_size", &[], SUPER_RESOLUTION),
    Word::refused("small_size", &[], SUPER_RESOLUTION),
    Word::refused("base_samples", &[""], SUPER_RESOLUTION),
];
