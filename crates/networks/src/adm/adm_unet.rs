//! ADM's U-Net.

use burn::module::Module;
use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use serde_json::Value;
use undrift_kernels::Activation;
use undrift_noise::{Key, SampleNoise};

use crate::adm::AdmTrunkConfig;
use crate::adm::adm_trunk::{AdmTrunk, Level, up_levels};
use crate::adm::embedding::LabelEmbedding;
use crate::backbone::check_input;
use crate::dropout::Dropout;
use crate::fused::{convolve, normalise};
use crate::initialiser::Initialiser;
use crate::{AdmUnetConfig, AnyNetwork, Architecture, Backbone, Condition, ConditionKind, Mode, NetworkError};

/// The U-Net of Improved DDPM, ADM and DDPM-IP, made by [`AdmUnetConfig::init`].
///
/// Source: Dhariwal, Nichol 2021, arXiv:2105.05233, code (`UNetModel`).
#[derive(Module, Debug)]
pub struct AdmUnet {
    trunk: AdmTrunk,
    labels: Option<LabelEmbedding>,
    up: Vec<Level>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: AdmUnetConfig,
}

impl AdmUnet {
    /// The network's output in inference: no dropout, also on an autodiff device.
    ///
    /// Sample i is the same, bit for bit, in a batch of any size.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, in_channels, image_size, image_size]`
    /// - `time`: `[1]` or `[B]`, in the units of the schedule that it was trained with
    /// - `labels`: 1 or B classes, counted from 0; `None` for a network without classes
    /// - result: `[B, out_channels, image_size, image_size]`
    ///
    /// # Panics
    ///
    /// If a shape is another one, a label is no class, or labels are given to a network without classes or
    /// missing for one with them.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>) -> Tensor<4> {
        self.run(x, time, labels, &mut Dropout::off())
    }

    /// The network's output in training: dropout masks are the next draws of `noise`, none if it is 0.
    ///
    /// # Shapes
    ///
    /// Those of [`forward`](Self::forward); `noise` has B samples.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_training(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        labels: Option<&[usize]>,
        noise: &mut SampleNoise,
    ) -> Tensor<4> {
        self.run(x, time, labels, &mut Dropout::new(self.config.trunk.dropout, noise))
    }

    /// The configuration that this network was made from.
    pub fn config(&self) -> &AdmUnetConfig {
        &self.config
    }

    pub(crate) fn new(config: &AdmUnetConfig, device: &Device, key: Key) -> Self {
        let init = &mut Initialiser::new(device, key);
        let (trunk, skips) = AdmTrunk::new(&config.trunk, init);
        let labels = config.classes.map(|classes| LabelEmbedding::new(classes, 4 * config.trunk.base, init));
        let up = up_levels(&config.trunk, config.heads_up, skips, init);
        let width = config.trunk.widths[0];
        let norm_out = init.adm_norm(width);
        let conv_out = init.adm_zero_conv([width, config.out_channels], 3);
        AdmUnet { trunk, labels, up, norm_out, conv_out, config: config.clone() }
    }

    fn run(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>, dropout: &mut Dropout<'_>) -> Tensor<4> {
        check_input(self.config.input(), x.dims(), time.dims()).unwrap_or_else(|error| panic!("{error}"));
        let embedding = self.embed(time, labels, x.dims()[0]);
        let (mut h, mut skips) = self.trunk.forward(x, &embedding, dropout);
        for level in &self.up {
            h = level.up(h, &embedding, dropout, &mut skips);
        }
        let h = normalise(&self.norm_out, h, Activation::Silu);
        convolve(&self.conv_out, h).permute([0, 3, 1, 2])
    }

    fn embed(&self, time: Tensor<1>, labels: Option<&[usize]>, batch: usize) -> Tensor<2> {
        let embedding = self.trunk.embed(time);
        match (&self.labels, labels) {
            (None, None) => embedding,
            (Some(table), Some(labels)) => {
                let count = labels.len();
                assert!(count == 1 || count == batch, "a batch of {batch} takes 1 or {batch} labels, not {count}");
                embedding.add(table.forward(labels))
            }
            (None, Some(_)) => panic!("this network has no classes; give it no labels"),
            (Some(_), None) => panic!("this network is conditional; give it a label for each image"),
        }
    }
}

impl Backbone<4> for AdmUnet {
    fn forward(
        &self,
        x: Tensor<4>,
        time: Tensor<1>,
        condition: &Condition,
        mode: Mode<'_>,
    ) -> Result<Tensor<4>, NetworkError> {
        let batch = x.dims()[0];
        check_input(self.config.input(), x.dims(), time.dims())?;
        self.knows().check(condition, batch)?;
        mode.check(batch)?;
        let labels = condition.labels(None);
        Ok(self.run(x, time, labels.as_deref(), &mut mode.dropout(self.config.trunk.dropout)))
    }

    fn knows(&self) -> ConditionKind {
        self.config.condition()
    }
}

impl AdmUnetConfig {
    /// The untrained network on `device`, its weights a function of `key` alone.
    ///
    /// # Errors
    ///
    /// What [`validate`](Self::validate) finds.
    pub fn init(&self, device: &Device, key: Key) -> Result<AdmUnet, NetworkError> {
        self.validate()?;
        Ok(AdmUnet::new(self, device, key))
    }
}

impl Architecture for AdmUnetConfig {
    fn network(&self, device: &Device, key: Key) -> Result<AnyNetwork<4>, NetworkError> {
        self.init(device, key).map(AnyNetwork::new)
    }

    fn input(&self) -> [usize; 3] {
        self.trunk.input()
    }

    fn output(&self) -> [usize; 3] {
        [self.out_channels, self.trunk.image_size, self.trunk.image_size]
    }

    fn condition(&self) -> ConditionKind {
        let classes = |count| ConditionKind::Classes { count, may_be_lost: false };
        self.classes.map_or(ConditionKind::None, |count| classes(count as u32))
    }

    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a configuration of numbers and names is JSON")
    }

    fn sentence(&self) -> String {
        let AdmTrunkConfig { in_channels, image_size, widths, blocks, attention, dropout, .. } = &self.trunk;
        format!(
            "The U-Net of ADM for {in_channels} channels of {image_size}x{image_size}: levels of {widths:?} channels \
             with {blocks} blocks each, attention where {attention:?} divides the size, dropout {dropout}, {}.",
            self.condition(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter_shapes;
    use undrift_noise::Purpose;

    #[test]
    fn parameter_counts_are_the_published_ones() {
        for (config, count) in [(AdmUnetConfig::cifar10(), 57_094_662), (AdmUnetConfig::imagenet64(), 295_904_454)] {
            // Parameters are made when first read, so that counting them allocates none.
            let net = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
            let sizes = parameter_shapes(&net).into_iter().map(|(_, shape)| shape.iter().product::<usize>());
            assert_eq!(sizes.sum::<usize>(), count);
        }
    }
}
