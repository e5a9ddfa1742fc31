//! The transformer: samples stay apart, labels are dropped as asked, positions are not trained.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use undrift_networks::{Dit, DitConfig, collect_parameters, fill_parameters};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

fn config() -> DitConfig {
    DitConfig { input_size: 8, width: 32, depth: 2, heads: 4, classes: 5, label_dropout: 0.5, ..DitConfig::small(2) }
}

/// A network whose last layers are not 0, so that everything reaches the output.
fn network() -> Dit {
    let net = config().init(&Device::flex(), Key::new(1, Purpose::Initialisation)).unwrap();
    let noisy = |name: &str, shape: &[usize]| {
        let count = shape.iter().product();
        let seed = name.bytes().map(u64::from).sum();
        let like = Tensor::<2>::zeros([1, count], &Device::flex());
        let values = SampleNoise::new(Key::new(seed, Purpose::Initialisation), 0, 1).normal(&like).mul_scalar(0.2);
        Ok::<_, undrift_networks::NetworkError>(TensorData::new(
            values.into_data().iter::<f32>().collect(),
            shape.to_vec(),
        ))
    };
    fill_parameters(net, noisy).unwrap()
}

fn images(first: u64, count: usize) -> Tensor<4> {
    let like = Tensor::zeros([count, 4, 8, 8], &Device::flex());
    SampleNoise::new(Key::new(3, Purpose::Data), first, count).normal(&like)
}

fn bits(x: Tensor<4>) -> Vec<u32> {
    x.into_data().iter::<f32>().map(f32::to_bits).collect()
}

#[test]
fn samples_do_not_depend_on_the_batch() {
    let net = network();
    let run = |first: u64, count: usize, shared: bool| {
        let times: Vec<f32> =
            (0..if shared { 1 } else { count }).map(|i| 11.0 + 90.0 * (first as usize + i) as f32).collect();
        let entries = [times.len()];
        let time =
            Tensor::from_data(TensorData::new(if shared { vec![500.0] } else { times }, entries), &Device::flex());
        let labels: Vec<usize> = (0..count).map(|i| (first as usize + i) % 6).collect();
        bits(net.forward(images(first, count), time, &labels))
    };
    for shared in [true, false] {
        let apart: Vec<u32> = [(0, 1), (1, 4), (5, 2)].iter().flat_map(|(first, n)| run(*first, *n, shared)).collect();
        assert!(run(0, 7, shared) == apart, "one time for all: {shared}");
    }
}

#[test]
fn a_dropped_label_is_the_null_label() {
    let net = network();
    let time = || Tensor::<1>::from_floats([300.0], &Device::flex());
    let (count, labels) = (40, vec![2; 40]);
    let mut noise = SampleNoise::new(Key::new(9, Purpose::Dropout), 0, count);
    let trained = bits(net.forward_training(images(0, count), time(), &labels, &mut noise));
    let plain = bits(net.forward(images(0, count), time(), &labels));
    let null = bits(net.forward(images(0, count), time(), &vec![5; count]));
    let each = trained.len() / count;
    let sample = |x: &[u32], i: usize| x[i * each..(i + 1) * each].to_vec();
    let dropped = (0..count).filter(|i| sample(&trained, *i) == sample(&null, *i)).count();
    let kept = (0..count).filter(|i| sample(&trained, *i) == sample(&plain, *i)).count();
    assert_eq!(dropped + kept, count);
    assert!((10..30).contains(&dropped), "{dropped} of {count} at a probability of one half");
}

#[test]
fn positions_get_no_gradient_and_weights_do() {
    struct Tracked(Vec<bool>);
    impl ModuleVisitor for Tracked {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().is_require_grad());
        }
    }
    let net = config().init(&Device::flex().autodiff(), Key::new(1, Purpose::Initialisation)).unwrap();
    let mut tracked = Tracked(Vec::new());
    net.visit(&mut tracked);
    let names: Vec<String> = collect_parameters(&net).into_iter().map(|(name, _)| name).collect();
    for (name, tracked) in names.iter().zip(tracked.0) {
        assert_eq!(tracked, name != "positions", "{name}");
    }
}

#[test]
fn guidance_reaches_three_channels_and_stops_at_strength_one() {
    let net = network();
    let time = || Tensor::<1>::from_floats([300.0], &Device::flex());
    let labels = [1, 4];
    let plain = net.forward(images(0, 2), time(), &labels);
    let guided = net.forward_with_cfg(images(0, 2), time(), &labels, 4.0);
    let part = |x: &Tensor<4>, first: usize, count: usize| bits(x.clone().narrow(1, first, count));
    assert_ne!(part(&guided, 0, 3), part(&plain, 0, 3));
    assert_eq!(part(&guided, 3, 5), part(&plain, 3, 5));
    let neutral = net.forward_with_cfg(images(0, 2), time(), &labels, 1.0);
    let gap = (neutral - plain).abs().max().into_scalar::<f32>();
    assert!(gap < 1e-5, "{gap}");
}

#[test]
fn impossible_shapes_are_named() {
    let message = |change: fn(&mut DitConfig)| {
        let mut config = DitConfig::small(2);
        change(&mut config);
        config.validate().expect_err("must be refused").to_string()
    };
    assert!(message(|c| c.patch = 3).contains("3x3"));
    assert!(message(|c| c.width = 386).contains("386"));
    assert!(message(|c| c.heads = 5).contains("5 heads"));
    assert!(message(|c| c.depth = 0).contains("depth is 0"));
    assert!(message(|c| c.mlp_ratio = f64::NAN).contains("NaN"));
    assert!(message(|c| c.label_dropout = 1.5).contains("1.5"));
    assert!(message(|c| c.depth = 1_000_000_000).contains("depth is 1000000000; it must be at most 1000"));
    assert!(message(|c| c.input_size = 1 << 40).contains("input_size"));
    assert!(message(|c| c.width = usize::MAX).contains("width"));
    assert!(message(|c| c.classes = usize::MAX).contains("classes"));
}
