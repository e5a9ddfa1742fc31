//! The layouts by value, and what each can tell.

use undrift_networks::DdpmUnetConfig;

use crate::layouts::{diffusers, dit, ermongroup, guided_classifier, guided_diffusion};
use crate::{Assumed, CheckpointError, Entry, NetworkConfig, Settings, Shapes};

/// How a published code names the tensors of its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `UNet2DModel` of diffusers.
    Diffusers,
    /// `Model` of ermongroup/ddim and of pesser/pytorch_diffusion.
    Ermongroup,
    /// `UNetModel` of guided-diffusion, improved-diffusion and what was made from them.
    GuidedDiffusion,
    /// `EncoderUNetModel` of guided-diffusion, its classifier of noised images.
    GuidedClassifier,
    /// `DiT` of facebookresearch/DiT.
    Dit,
}

impl Layout {
    /// All of them.
    pub const ALL: [Layout; 5] =
        [Layout::Diffusers, Layout::Ermongroup, Layout::GuidedClassifier, Layout::GuidedDiffusion, Layout::Dit];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Diffusers => "diffusers",
            Layout::Ermongroup => "ermongroup",
            Layout::GuidedDiffusion => "guided-diffusion",
            Layout::GuidedClassifier => "guided-classifier",
            Layout::Dit => "dit",
        }
    }

    /// The layout that these tensors are of.
    pub fn of(shapes: &Shapes) -> Option<Layout> {
        Layout::ALL.into_iter().find(|layout| layout.recognises(shapes))
    }

    fn recognises(self, shapes: &Shapes) -> bool {
        match self {
            Layout::Diffusers => diffusers::recognises(shapes),
            Layout::Ermongroup => ermongroup::recognises(shapes),
            Layout::GuidedDiffusion => guided_diffusion::recognises(shapes),
            Layout::GuidedClassifier => guided_classifier::recognises(shapes),
            Layout::Dit => dit::recognises(shapes),
        }
    }

    /// What names and shapes tell about the configuration, in the published code's words.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] for shapes that no network of this layout has.
    pub fn infer(self, shapes: &Shapes) -> Result<Settings, CheckpointError> {
        match self {
            Layout::Diffusers => diffusers::infer(shapes),
            Layout::Ermongroup => ermongroup::infer(shapes),
            Layout::GuidedDiffusion => guided_diffusion::infer(shapes),
            Layout::GuidedClassifier => guided_classifier::infer(shapes),
            Layout::Dit => dit::infer(shapes),
        }
    }

    /// The configuration that settings in the published code's words mean.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] names a setting that is missing, unknown or impossible.
    pub fn config(self, settings: &Settings) -> Result<NetworkConfig, CheckpointError> {
        Ok(match self {
            Layout::Diffusers => NetworkConfig::Ddpm(diffusers::config(settings)?),
            Layout::Ermongroup => NetworkConfig::Ddpm(ermongroup::config(settings)?),
            Layout::GuidedDiffusion => NetworkConfig::Adm(guided_diffusion::config(settings)?),
            Layout::GuidedClassifier => NetworkConfig::Classifier(guided_classifier::config(settings)?),
            Layout::Dit => NetworkConfig::Dit(dit::config(settings)?),
        })
    }

    /// What [`config`](Self::config) takes where nothing is said: what no tensor shows and nobody gave.
    ///
    /// # Errors
    ///
    /// Those of [`config`](Self::config).
    pub fn assumed(self, settings: &Settings) -> Result<Vec<Assumed>, CheckpointError> {
        match self {
            Layout::Diffusers => diffusers::assumed(settings),
            Layout::Ermongroup => ermongroup::assumed(settings),
            Layout::GuidedDiffusion => guided_diffusion::assumed(settings),
            Layout::GuidedClassifier => guided_classifier::assumed(settings),
            Layout::Dit => dit::assumed(settings),
        }
    }

    /// The settings of a configuration, in the published code's words.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Inexpressible`] for a network that this layout has no words for.
    pub fn settings(self, config: &NetworkConfig) -> Result<Settings, CheckpointError> {
        Ok(match (self, config) {
            (Layout::Diffusers, NetworkConfig::Ddpm(unet)) => diffusers::settings(expressible(self, unet)?),
            (Layout::Ermongroup, NetworkConfig::Ddpm(unet)) => ermongroup::settings(expressible(self, unet)?),
            (Layout::GuidedDiffusion, NetworkConfig::Adm(unet)) => guided_diffusion::settings(unet),
            (Layout::GuidedClassifier, NetworkConfig::Classifier(net)) => guided_classifier::settings(net),
            (Layout::Dit, NetworkConfig::Dit(dit)) => dit::settings(dit),
            (layout, config) => return Err(layout.cannot_hold(config)),
        })
    }

    /// Settings in the form of the file that lies beside the weights.
    pub fn as_sidecar(self, settings: Settings) -> Settings {
        match self {
            Layout::Ermongroup => ermongroup::in_parts(settings),
            _ => settings,
        }
    }

    /// The tensors of a network, in the published order, and which parameter of ours each one is.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Inexpressible`] for a network that this layout has no names for.
    pub fn entries(self, config: &NetworkConfig) -> Result<Vec<Entry>, CheckpointError> {
        Ok(match (self, config) {
            (Layout::Diffusers, NetworkConfig::Ddpm(unet)) => diffusers::entries(expressible(self, unet)?),
            (Layout::Ermongroup, NetworkConfig::Ddpm(unet)) => ermongroup::entries(expressible(self, unet)?),
            (Layout::GuidedDiffusion, NetworkConfig::Adm(unet)) => guided_diffusion::entries(unet),
            (Layout::GuidedClassifier, NetworkConfig::Classifier(net)) => guided_classifier::entries(net),
            (Layout::Dit, NetworkConfig::Dit(dit)) => dit::entries(dit),
            (layout, config) => return Err(layout.cannot_hold(config)),
        })
    }

    /// Today's name of a tensor whose name has changed since.
    pub(crate) fn modern_name(self, name: &str) -> Option<String> {
        match self {
            Layout::Diffusers => diffusers::modern_name(name),
            _ => None,
        }
    }

    fn cannot_hold(self, config: &NetworkConfig) -> CheckpointError {
        let what = format!("a network of the kind `{}`", config.kind());
        CheckpointError::Inexpressible { layout: self.name(), what }
    }
}

fn expressible(layout: Layout, unet: &DdpmUnetConfig) -> Result<&DdpmUnetConfig, CheckpointError> {
    match layout {
        Layout::Diffusers => diffusers::expresses(unet)?,
        _ => ermongroup::expresses(unet)?,
    }
    Ok(unet)
}
