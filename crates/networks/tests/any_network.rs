//! Each network behind `AnyNetwork` is the module itself, bit for bit, and refuses what it does not know by name.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use undrift_networks::{
    AdmHeads, AdmTrunkConfig, AdmUnetConfig, AnyNetwork, Architecture, Backbone, Condition, ConditionKind,
    DdpmUnetConfig, DitConfig, Mode, NetworkError, PerceptronConfig, apply_parameters, collect_parameters,
    parameter_shapes,
};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

/// Samples of a batch.
const BATCH: usize = 5;

fn ddpm() -> DdpmUnetConfig {
    DdpmUnetConfig {
        in_channels: 2,
        out_channels: 2,
        image_size: 8,
        base: 8,
        widths: vec![8, 16],
        blocks: 1,
        attention: vec![4],
        groups: 4,
        dropout: 0.5,
        ..DdpmUnetConfig::cifar10()
    }
}

fn adm() -> AdmUnetConfig {
    let trunk = AdmTrunkConfig {
        in_channels: 2,
        image_size: 8,
        base: 32,
        widths: vec![32, 64],
        blocks: 1,
        attention: vec![2],
        heads: AdmHeads::Number(2),
        dropout: 0.5,
        ..AdmUnetConfig::cifar10().trunk
    };
    AdmUnetConfig { trunk, out_channels: 2, classes: Some(3), heads_up: AdmHeads::Number(2) }
}

fn dit() -> DitConfig {
    let small = DitConfig { input_size: 8, in_channels: 2, width: 32, depth: 2, heads: 4, ..DitConfig::small(2) };
    DitConfig { classes: 3, label_dropout: 0.5, learn_sigma: false, ..small }
}

fn perceptron() -> PerceptronConfig {
    PerceptronConfig { input: [2, 8, 8], width: 16, classes: Some(3), dropout: 0.5, ..PerceptronConfig::points(2) }
}

fn architectures() -> [Box<dyn Architecture>; 4] {
    [Box::new(ddpm()), Box::new(adm()), Box::new(dit()), Box::new(perceptron())]
}

fn key() -> Key {
    Key::new(5, Purpose::Initialisation)
}

/// Weights none of which is near zero, so that everything reaches the output.
fn weights(shapes: Vec<(String, Vec<usize>)>) -> Vec<(String, TensorData)> {
    let weight = |(i, (name, shape)): (usize, (String, Vec<usize>))| {
        let like = Tensor::<2>::zeros([1, shape.iter().product()], &Device::flex());
        let values = SampleNoise::new(Key::new(6, Purpose::Data), i as u64, 1).normal(&like).mul_scalar(0.3);
        (name, TensorData::new(values.into_data().iter::<f32>().collect(), shape))
    };
    shapes.into_iter().enumerate().map(weight).collect()
}

fn network(architecture: &dyn Architecture) -> AnyNetwork<4> {
    let network = architecture.network(&Device::flex(), key()).unwrap();
    let weights = weights(parameter_shapes(&network));
    apply_parameters(network, weights).unwrap()
}

fn with_weights<M: Module>(network: M) -> M {
    let weights = weights(parameter_shapes(&network));
    apply_parameters(network, weights).unwrap()
}

fn images(first: u64, count: usize) -> Tensor<4> {
    SampleNoise::new(Key::new(7, Purpose::Data), first, count).normal(&Tensor::zeros([count, 2, 8, 8], &Device::flex()))
}

fn time() -> Tensor<1> {
    Tensor::from_floats([123.0], &Device::flex())
}

fn condition(kind: ConditionKind, first: usize, count: usize) -> Condition {
    match kind {
        ConditionKind::None => Condition::None,
        _ => Condition::Classes((first..first + count).map(|i| Some(i as u32 % 3)).collect()),
    }
}

fn masks(first: u64, count: usize) -> SampleNoise {
    SampleNoise::new(Key::new(8, Purpose::Dropout), first, count)
}

/// The samples `first..first + count`, evaluated or trained.
fn output(network: &AnyNetwork<4>, first: usize, count: usize, trained: bool) -> Vec<u32> {
    let (condition, mut noise) = (condition(network.knows(), first, count), masks(first as u64, count));
    let mode = if trained { Mode::Training(&mut noise) } else { Mode::Evaluation };
    bits(network.forward(images(first as u64, count), time(), &condition, mode).unwrap())
}

fn bits(x: Tensor<4>) -> Vec<u32> {
    x.into_data().iter::<f32>().map(f32::to_bits).collect()
}

#[test]
fn behind_the_trait_is_the_module_itself() {
    let (x, t) = (images(0, BATCH), time());
    let labels: Vec<usize> = (0..BATCH).map(|i| i % 3).collect();
    let unet = with_weights(ddpm().init(&Device::flex(), key()).unwrap());
    assert!(output(&network(&ddpm()), 0, BATCH, false) == bits(unet.forward(x.clone(), t.clone())));
    let trained = unet.forward_training(x.clone(), t.clone(), &mut masks(0, BATCH));
    assert!(output(&network(&ddpm()), 0, BATCH, true) == bits(trained));
    let unet = with_weights(adm().init(&Device::flex(), key()).unwrap());
    assert!(output(&network(&adm()), 0, BATCH, false) == bits(unet.forward(x.clone(), t.clone(), Some(&labels))));
    let trained = unet.forward_training(x.clone(), t.clone(), Some(&labels), &mut masks(0, BATCH));
    assert!(output(&network(&adm()), 0, BATCH, true) == bits(trained));
    let transformer = with_weights(dit().init(&Device::flex(), key()).unwrap());
    assert!(output(&network(&dit()), 0, BATCH, false) == bits(transformer.forward(x, t, &labels)));
    let plain = with_weights(perceptron().init(&Device::flex(), key()).unwrap());
    let condition = condition(plain.knows(), 0, BATCH);
    let answer = plain.forward(images(0, BATCH), time(), &condition, Mode::Evaluation).unwrap();
    assert!(output(&network(&perceptron()), 0, BATCH, false) == bits(answer));
}

#[test]
fn sample_i_does_not_depend_on_its_batch_in_either_mode() {
    for architecture in architectures() {
        let network = network(&*architecture);
        for trained in [false, true] {
            let apart = [output(&network, 0, 1, trained), output(&network, 1, BATCH - 1, trained)].concat();
            assert!(output(&network, 0, BATCH, trained) == apart, "{architecture:?}, trained: {trained}");
        }
        assert!(output(&network, 0, BATCH, true) == output(&network, 0, BATCH, true), "the same masks");
        assert!(output(&network, 0, BATCH, true) != output(&network, 0, BATCH, false), "masks at all");
    }
}

#[test]
fn classes_and_their_loss_reach_the_output() {
    for architecture in [Box::new(dit()) as Box<dyn Architecture>, Box::new(perceptron())] {
        let network = network(&*architecture);
        let ask =
            |condition: &Condition| bits(network.forward(images(0, 2), time(), condition, Mode::Evaluation).unwrap());
        let [one, two] = [[0, 0], [0, 1]].map(|classes| Condition::classes(&classes));
        let (one, two, none) = (ask(&one), ask(&two), ask(&one.unconditional()));
        let half = one.len() / 2;
        assert!(one[..half] == two[..half] && one[half..] != two[half..] && one[..half] != none[..half]);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    for architecture in architectures() {
        let network = network(&*architecture);
        let good = condition(network.knows(), 0, 2);
        let refused = |x: Tensor<4>, times: usize, condition: &Condition, samples: usize| {
            let (t, mut noise) = (Tensor::ones([times], &Device::flex()), masks(0, samples));
            let answer = network.forward(x, t, condition, Mode::Training(&mut noise));
            answer.expect_err("must be refused").to_string()
        };
        let wide = Tensor::zeros([2, 2, 8, 9], &Device::flex());
        assert!(refused(wide, 1, &good, 2).contains("takes inputs of [2, 8, 8] (channels, height, width), not of"));
        assert!(refused(images(0, 2), 3, &good, 2).contains("takes 1 or 2 times, not 3"));
        assert!(refused(images(0, 2), 1, &good, 3).contains("sample numbers of the dropout noise, not 3"));
        let vectors = Condition::Vectors(Tensor::ones([2, 4], &Device::flex()));
        assert!(refused(images(0, 2), 1, &vectors, 2).contains("was given vectors of 4 numbers"));
        if let ConditionKind::Classes { may_be_lost, .. } = network.knows() {
            assert!(refused(images(0, 2), 1, &Condition::None, 2).contains("was given no condition"));
            assert!(refused(images(0, 2), 1, &Condition::classes(&[0, 3]), 2).contains("class 3 is none of the 3"));
            assert!(refused(images(0, 2), 1, &Condition::classes(&[0; 3]), 2).contains("takes 2 classes, not 3"));
            let lost = network.forward(images(0, 2), time(), &good.unconditional(), Mode::Evaluation);
            assert!(may_be_lost == lost.is_ok() && (may_be_lost || matches!(lost, Err(NetworkError::LostClass))));
        } else {
            assert!(refused(images(0, 2), 1, &Condition::classes(&[0; 2]), 2).contains("was given classes"));
        }
    }
}

#[test]
fn an_architecture_tells_what_it_makes() {
    let read = |value: serde_json::Value| serde_json::from_value::<PerceptronConfig>(value).unwrap();
    assert_eq!(read(perceptron().to_json()), perceptron());
    for architecture in architectures() {
        let network = network(&*architecture);
        let condition = condition(network.knows(), 0, 1);
        let [channels, height, width] = architecture.input();
        let x = Tensor::zeros([1, channels, height, width], &Device::flex());
        let output = network.forward(x, time(), &condition, Mode::Evaluation).unwrap();
        assert_eq!(output.dims()[1..], architecture.output());
        assert_eq!(network.knows(), architecture.condition());
        let counted: usize = collect_parameters(&network).iter().map(|(_, data)| data.num_elements()).sum();
        assert_eq!(architecture.parameter_count(&Device::flex()).unwrap(), counted);
        assert!(architecture.sentence().ends_with('.') && architecture.to_json().is_object());
    }
}
