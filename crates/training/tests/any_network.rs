//! Each network is trained behind `AnyNetwork` as it is without it, and every parameter is.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use undrift_networks::{
    AdmHeads, AdmTrunkConfig, AdmUnetConfig, AnyNetwork, Architecture, Backbone, Condition, ConditionKind,
    DdpmUnetConfig, DitConfig, Mode, PerceptronConfig, Trainable,
};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_training::{Optimisation, TrainState, Trainer};

/// Samples of a batch.
const BATCH: usize = 4;

fn key() -> Key {
    Key::new(5, Purpose::Initialisation)
}

fn ddpm() -> DdpmUnetConfig {
    DdpmUnetConfig {
        in_channels: 1,
        out_channels: 1,
        image_size: 8,
        base: 8,
        widths: vec![8, 16],
        blocks: 1,
        attention: vec![4],
        groups: 4,
        dropout: 0.1,
        ..DdpmUnetConfig::cifar10()
    }
}

fn adm() -> AdmUnetConfig {
    let trunk = AdmTrunkConfig {
        in_channels: 1,
        image_size: 8,
        base: 32,
        widths: vec![32],
        blocks: 1,
        attention: vec![1],
        heads: AdmHeads::Number(2),
        dropout: 0.1,
        ..AdmUnetConfig::cifar10().trunk
    };
    AdmUnetConfig { trunk, out_channels: 1, classes: Some(3), heads_up: AdmHeads::Number(2) }
}

fn dit() -> DitConfig {
    let small = DitConfig { input_size: 8, in_channels: 1, width: 32, depth: 1, heads: 4, ..DitConfig::small(2) };
    DitConfig { classes: 3, label_dropout: 0.5, learn_sigma: false, ..small }
}

fn perceptron() -> PerceptronConfig {
    PerceptronConfig { input: [1, 8, 8], out_channels: 1, width: 16, classes: Some(3), ..PerceptronConfig::points(1) }
}

/// What one step asks of a network, all of it a function of the number of the step.
fn loss<B: Backbone<4>>(network: &B, step: u64) -> Result<Tensor<1>, undrift_networks::NetworkError> {
    let device = Device::flex();
    let draw = |purpose| {
        let like = Tensor::<4>::zeros([BATCH, 1, 8, 8], &device);
        Tensor::from_inner(SampleNoise::new(Key::new(7, purpose), step * BATCH as u64, BATCH).normal(&like))
    };
    let (x, target): (Tensor<4>, Tensor<4>) = (draw(Purpose::Data), draw(Purpose::Training));
    let condition = match network.knows() {
        ConditionKind::None => Condition::None,
        _ => Condition::classes(&[0, 1, 2, 1]),
    };
    let time = Tensor::from_floats([3.0, 400.0, 50.0, 999.0], &device.autodiff());
    let mut noise = SampleNoise::new(Key::new(7, Purpose::Dropout), step * BATCH as u64, BATCH);
    let output = network.forward(x.clone(), time, &condition, Mode::Training(&mut noise))?;
    Ok((output - target - x).square().mean())
}

/// The state after three steps, and whether each loss is a number.
fn trained<B: Backbone<4> + Trainable>(network: B) -> TrainState {
    let mut trainer = Trainer::new(network, Optimisation::constant(1e-3)).unwrap();
    for _ in 0..3 {
        let update = trainer.step(|network, step| Ok(loss(network, step).unwrap())).unwrap();
        assert!(update.loss.is_finite() && update.gradient_norm > 0.0);
    }
    trainer.state(BTreeMap::new())
}

fn on(architecture: &dyn Architecture) -> AnyNetwork<4> {
    architecture.network(&Device::flex(), key()).unwrap()
}

#[test]
fn each_network_is_trained_as_the_module_itself() {
    let device = Device::flex();
    assert_eq!(trained(on(&ddpm())), trained(ddpm().init(&device, key()).unwrap()));
    assert_eq!(trained(on(&adm())), trained(adm().init(&device, key()).unwrap()));
    assert_eq!(trained(on(&dit())), trained(dit().init(&device, key()).unwrap()));
    assert_eq!(trained(on(&perceptron())), trained(perceptron().init(&device, key()).unwrap()));
}

#[test]
fn every_parameter_gets_a_gradient() {
    let architectures: [(&dyn Architecture, &[&str]); 4] =
        [(&ddpm(), &[]), (&adm(), &[]), (&dit(), &["positions"]), (&perceptron(), &[])];
    for (architecture, fixed) in architectures {
        let network = on(architecture).with_autodiff();
        let gradients = network.gradients(loss(&network, 0).unwrap().backward());
        let names = network.shapes().into_iter().map(|(name, _)| name);
        let without: Vec<String> =
            names.zip(gradients).filter(|(_, gradient)| gradient.is_none()).map(|(name, _)| name).collect();
        assert_eq!(without, fixed, "{architecture:?}");
    }
}

#[test]
fn a_state_goes_back_into_any_network() {
    let state = trained(on(&perceptron()));
    let mut fresh = Trainer::new(on(&perceptron()), Optimisation::constant(1e-3)).unwrap();
    fresh.restore(&state).unwrap();
    assert_eq!(fresh.state(BTreeMap::new()), state);
    assert_eq!(fresh.averaged().collected(), state.averaged());
    let mut other = Trainer::new(on(&ddpm()), Optimisation::constant(1e-3)).unwrap();
    assert!(other.restore(&state).unwrap_err().to_string().contains("missing    conv_in.weight"));
}
