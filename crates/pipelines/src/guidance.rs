//! How samples are drawn towards their classes.

use burn::module::Module;
use undrift_checkpoints::NetworkConfig;
use undrift_networks::AdmClassifier;

/// How samples are drawn towards their classes.
#[derive(Clone)]
pub enum Guidance {
    /// By the network's own condition, or not at all.
    None,
    /// Away from what the network gives for the null label.
    ClassifierFree {
        /// s; 1 is the plain condition.
        scale: f64,
        /// Channels that are guided; all, if absent.
        channels: Option<usize>,
        /// The label that stands for no class.
        null: usize,
    },
    /// By a classifier of noised images.
    Classifier(Box<ByClassifier>),
}

/// A classifier that guides.
#[derive(Clone)]
pub struct ByClassifier {
    pub(crate) classifier: AdmClassifier,
    pub(crate) scale: f64,
}

impl ByClassifier {
    /// A classifier on an autodiff device, whose own weights get no gradients, and s.
    pub fn new(classifier: AdmClassifier, scale: f64) -> Self {
        ByClassifier { classifier: classifier.no_grad(), scale }
    }
}

/// Channels that a network's released code guides, where those are not all: 3 for DiT.
pub fn released_channels(config: &NetworkConfig) -> Option<usize> {
    const DIT: usize = 3;
    matches!(config, NetworkConfig::Dit(_)).then_some(DIT)
}
