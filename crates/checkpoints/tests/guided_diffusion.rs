//! ADM's U-Net and classifier against recorded runs of the published code (see the sidecars).

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use undrift_checkpoints::layouts::{guided_classifier, guided_diffusion};
use undrift_checkpoints::{CheckpointError, ClosedForm, Entry, Settings, Shapes};
use undrift_networks::{AdmClassifier, AdmHeads, AdmTrunkConfig, AdmUnet, AdmUnetConfig};
use undrift_networks::{fill_parameters, parameter_shapes};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

type Tensors = HashMap<String, (Vec<usize>, Vec<f64>)>;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/networks")
}

fn sidecar(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

fn tensors(name: &str) -> Tensors {
    let bytes = std::fs::read(folder().join(name)).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |dtype, data: &[u8]| -> Vec<f64> {
        match dtype {
            Dtype::F32 => data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
            Dtype::F64 => data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I64 => data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("{other:?}"),
        }
    };
    file.iter().map(|(n, v)| (n.to_string(), (v.shape().to_vec(), values(v.dtype(), v.data())))).collect()
}

fn data(values: &[f64], shape: &[usize], dtype: DType) -> TensorData {
    match dtype {
        DType::F64 => TensorData::new(values.to_vec(), shape.to_vec()),
        _ => TensorData::new(values.iter().map(|v| *v as f32).collect::<Vec<_>>(), shape.to_vec()),
    }
}

fn f64s(data: &TensorData) -> Vec<f64> {
    data.clone().convert::<f64>().as_slice::<f64>().unwrap().to_vec()
}

/// Names of all recorded runs that begin and end so.
fn recorded(start: &str, end: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|file| file.strip_suffix(".json").map(String::from));
    let names: Vec<String> = names.filter(|name| name.starts_with(start) && name.ends_with(end)).collect();
    assert!(!names.is_empty());
    names
}

fn settings(value: &Value) -> Settings {
    Settings::new(value.as_object().unwrap().clone())
}

fn shapes(entries: &[Entry]) -> Shapes {
    entries.iter().map(|entry| (entry.theirs.clone(), entry.shape.clone())).collect()
}

fn key() -> Key {
    Key::new(0, Purpose::Initialisation)
}

/// One of both networks.
enum Network {
    Unet(Box<AdmUnet>),
    Classifier(Box<AdmClassifier>),
}

impl Network {
    /// The network of these settings, without weights, and its entries; its own settings and shapes must give
    /// back its configuration.
    fn new(given: &Settings, is_classifier: bool, device: &Device) -> (Self, Vec<Entry>) {
        if is_classifier {
            let config = guided_classifier::config(given).unwrap();
            let entries = guided_classifier::entries(&config);
            let shapes = shapes(&entries);
            assert!(guided_classifier::recognises(&shapes) && !guided_diffusion::recognises(&shapes));
            let inferred = guided_classifier::infer(&shapes).unwrap();
            assert_eq!(inferred.get::<usize>("image_size").unwrap(), Some(config.trunk.image_size));
            assert_eq!(guided_classifier::config(&inferred.overlaid(&unseen(&config.trunk))).unwrap(), config);
            assert_eq!(guided_classifier::config(&guided_classifier::settings(&config)).unwrap(), config);
            (Network::Classifier(Box::new(config.init(device, key()).unwrap())), entries)
        } else {
            let config = guided_diffusion::config(given).unwrap();
            let entries = guided_diffusion::entries(&config);
            let shapes = shapes(&entries);
            assert!(guided_diffusion::recognises(&shapes) && !guided_classifier::recognises(&shapes));
            let inferred = guided_diffusion::infer(&shapes).unwrap();
            // With blocks that change the resolution, whether convolutions would is not to be seen.
            let rest = unseen(&config.trunk).with("conv_resample", config.trunk.conv_resample);
            assert_eq!(guided_diffusion::config(&inferred.overlaid(&rest)).unwrap(), config);
            assert_eq!(guided_diffusion::config(&guided_diffusion::settings(&config)).unwrap(), config);
            (Network::Unet(Box::new(config.init(device, key()).unwrap())), entries)
        }
    }

    fn of(sidecar: &Value, device: &Device) -> (Self, Vec<Entry>) {
        let is_classifier = sidecar["peer"].as_str().unwrap().contains("EncoderUNetModel");
        Network::new(&settings(&sidecar["config"]), is_classifier, device)
    }

    fn filled(self, mut weights: impl FnMut(&str, &[usize]) -> TensorData) -> Self {
        let mut fill = |name: &str, shape: &[usize]| Ok::<_, CheckpointError>(weights(name, shape));
        match self {
            Network::Unet(net) => Network::Unet(Box::new(fill_parameters(*net, &mut fill).unwrap())),
            Network::Classifier(net) => Network::Classifier(Box::new(fill_parameters(*net, &mut fill).unwrap())),
        }
    }

    /// The output, flattened.
    fn forward(&self, x: Tensor<4>, time: Tensor<1>, labels: Option<&[usize]>) -> Tensor<1> {
        match self {
            Network::Unet(net) => net.forward(x, time, labels).flatten(0, 3),
            Network::Classifier(net) => net.forward(x, time).flatten(0, 1),
        }
    }

    fn parameter_shapes(&self) -> Vec<(String, Vec<usize>)> {
        match self {
            Network::Unet(net) => parameter_shapes(net.as_ref()),
            Network::Classifier(net) => parameter_shapes(net.as_ref()),
        }
    }
}

/// What shapes cannot tell, in the constructor's words.
fn unseen(trunk: &AdmTrunkConfig) -> Settings {
    let settings = Settings::default()
        .with("image_size", trunk.image_size)
        .with("use_new_attention_order", trunk.new_attention_order)
        .with("dropout", trunk.dropout);
    match trunk.heads {
        AdmHeads::Number(heads) => settings.with("num_heads", heads),
        AdmHeads::Channels(channels) => settings.with("num_head_channels", channels),
    }
}

/// A recorded run with the published weights in our network.
struct Run {
    network: Network,
    entries: Vec<Entry>,
    sidecar: Value,
    recorded: Tensors,
    device: Device,
    dtype: DType,
}

impl Run {
    fn new(name: &str, device: Device, dtype: DType) -> Self {
        let sidecar = sidecar(name);
        let (network, entries) = Network::of(&sidecar, &device);
        let file = sidecar["weights"].as_str().filter(|w| w.ends_with(".safetensors")).map(tensors);
        let rule = ClosedForm { prefix: sidecar["name_prefix"].as_str().unwrap_or_default().into() };
        let by_ours: HashMap<&str, &Entry> = entries.iter().map(|entry| (entry.ours.as_str(), entry)).collect();
        let network = network.filled(|ours, shape| {
            let entry = by_ours[ours];
            let values = match &file {
                Some(file) => file[&entry.theirs].1.clone(),
                None => f64s(&rule.tensor(&entry.theirs, &entry.shape)),
            };
            data(&values, shape, dtype)
        });
        Run { network, entries, sidecar, recorded: tensors(&format!("{name}.safetensors")), device, dtype }
    }

    fn load<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = &self.recorded[name];
        Tensor::from_data(data(values, shape, self.dtype), (&self.device, self.dtype))
    }

    fn output(&self, x: Tensor<4>) -> Tensor<1> {
        let labels = self.recorded.get("input/y");
        let labels: Option<Vec<usize>> = labels.map(|(_, y)| y.iter().map(|label| *label as usize).collect());
        self.network.forward(x, self.load("input/timesteps"), labels.as_deref())
    }

    fn gap(&self, name: &str) -> f64 {
        largest_gap(&f64s(&self.output(self.load("input/x")).into_data()), &self.recorded[name].1)
    }
}

fn largest_gap(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[test]
fn outputs_agree_in_both_precisions() {
    for name in recorded("guided_", "_io") {
        let gap = Run::new(&name, Device::flex(), DType::F32).gap("output");
        assert!(gap < 2e-5, "{name} f32: {gap}");
        let gap = Run::new(&name, Device::flex(), DType::F64).gap("output_f64");
        // Not less, because the peer takes its sinusoids and softmax in f32 before it goes on in f64.
        assert!(gap < 5e-6, "{name} f64: {gap}");
    }
}

#[test]
fn the_whole_network_of_cifar10_agrees() {
    for name in recorded("rule_adm", "") {
        let gap = Run::new(&name, Device::flex(), DType::F32).gap("output");
        assert!(gap < 2e-5, "{name}: {gap}");
    }
}

/// Gradients by our dotted names.
struct GradientsByName<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: HashMap<String, Vec<f64>>,
}

impl ModuleVisitor for GradientsByName<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).expect("every parameter takes part");
        self.found.insert(self.path.join("."), f64s(&gradient.into_data()));
    }
}

/// Both paths: the fused operations in single precision, plain ones in double.
#[test]
fn gradients_agree_in_both_precisions() {
    for (name, dtype) in recorded("guided_", "_io").iter().flat_map(|n| [(n, DType::F32), (n, DType::F64)]) {
        let run = Run::new(name, Device::flex().autodiff(), dtype);
        let x = run.load::<4>("input/x").require_grad();
        let (_, target) = &run.recorded["grad/target"];
        let target = Tensor::<1>::from_data(data(target, &[target.len()], dtype), (&run.device, dtype));
        let gap = run.output(x.clone()).sub(target);
        let gradients = gap.clone().mul(gap).mean().backward();
        let mut visitor = GradientsByName { path: vec![], gradients: &gradients, found: HashMap::new() };
        match &run.network {
            Network::Unet(net) => net.visit(&mut visitor),
            Network::Classifier(net) => net.visit(&mut visitor),
        }
        let found = visitor.found;
        let mut found: HashMap<&str, Vec<f64>> =
            run.entries.iter().map(|e| (e.theirs.as_str(), found[&e.ours].clone())).collect();
        found.insert("input_x", f64s(&x.grad(&gradients).unwrap().into_data()));
        for (tensor, (_, theirs)) in &run.recorded {
            let Some(tensor) = tensor.strip_prefix("grad/").filter(|tensor| *tensor != "target") else { continue };
            let (gap, norm) = (largest_gap(&found[tensor], theirs), norm(theirs));
            assert!(gap < 1e-4 * norm + 1e-7, "{name} {dtype:?} {tensor}: {gap} of {norm}");
        }
        let norms = run.sidecar["grad_l2_norms_f32"].as_object().unwrap();
        assert_eq!(norms.len(), run.entries.len());
        for (tensor, theirs) in norms {
            let (ours, theirs) = (norm(&found[tensor.as_str()]), theirs.as_f64().unwrap());
            // Biases in front of a norm of one channel have a gradient of rounding errors only.
            assert!((ours - theirs).abs() < 1e-4 * theirs + 1e-7, "{name} {dtype:?} {tensor}: {ours} for {theirs}");
        }
    }
}

/// Every parameter of ours once; the sum of their sizes.
fn covered(network: &Network, entries: &[Entry]) -> u64 {
    let size = |shape: &[usize]| shape.iter().product::<usize>();
    let ours: BTreeMap<String, usize> = network.parameter_shapes().iter().map(|(n, s)| (n.clone(), size(s))).collect();
    let listed: BTreeMap<String, usize> = entries.iter().map(|e| (e.ours.clone(), size(&e.shape))).collect();
    assert_eq!(listed, ours);
    assert_eq!(entries.len(), ours.len());
    ours.values().sum::<usize>() as u64
}

#[test]
fn entries_are_the_published_keys_and_our_parameters() {
    for name in recorded("guided_", "_io") {
        let sidecar = sidecar(&name);
        let (network, entries) = Network::of(&sidecar, &Device::flex());
        let shapes = shapes(&entries);
        assert!(shapes.keys().eq(sidecar["grad_l2_norms_f32"].as_object().unwrap().keys()), "{name}");
        assert_eq!(covered(&network, &entries), sidecar["n_parameters"].as_u64().unwrap(), "{name}");
        if let Some(file) = sidecar["weights"].as_str().filter(|w| w.ends_with(".safetensors")) {
            let file: Shapes = tensors(file).into_iter().map(|(name, (shape, _))| (name, shape)).collect();
            assert_eq!(shapes, file, "{name}");
        }
    }
    for (file, name) in
        [("keys_adm_cifar10", "ADM-ES/DDPM-IP cifar10 uncond"), ("keys_adm_imagenet64", "ADM imagenet64 cond")]
    {
        let theirs: Shapes = serde_json::from_value(sidecar(file)["state_dict"].clone()).unwrap();
        let entries = guided_diffusion::entries(&guided_diffusion::config(&flags(name)).unwrap());
        assert_eq!(shapes(&entries), theirs, "{file}");
    }
}

/// The published flags of a model.
fn flags(name: &str) -> Settings {
    let adm = |size: usize, width: usize| {
        settings(&json!({"image_size": size, "num_channels": width, "num_res_blocks": 2, "learn_sigma": true,
            "attention_resolutions": "32,16,8", "resblock_updown": true, "use_fp16": true}))
    };
    let improved = |size: usize, width: usize| {
        settings(&json!({"image_size": size, "num_channels": width, "num_res_blocks": 3, "learn_sigma": true}))
    };
    let classifier = |size: usize, depth: usize| {
        settings(&json!({"image_size": size, "classifier_width": 128, "classifier_depth": depth,
            "classifier_attention_resolutions": "32,16,8", "classifier_pool": "attention"}))
    };
    match name {
        "ADM imagenet64 cond" => adm(64, 192)
            .with("num_res_blocks", 3)
            .with("class_cond", true)
            .with("num_head_channels", 64)
            .with("use_new_attention_order", true),
        "ADM imagenet128 cond" => adm(128, 256).with("class_cond", true).with("num_heads", 4),
        "ADM imagenet256 cond" => adm(256, 256).with("class_cond", true).with("num_head_channels", 64),
        "ADM imagenet256 uncond / lsun" => adm(256, 256).with("num_head_channels", 64),
        "ADM imagenet512 cond" => adm(512, 256).with("class_cond", true).with("num_head_channels", 64),
        "ADM-ES/DDPM-IP cifar10 uncond" => settings(&sidecar("rule_adm_cifar10_full")["config"]),
        "iDDPM cifar10" => improved(32, 128).with("dropout", 0.3),
        "iDDPM imagenet64 uncond" => improved(64, 128),
        "iDDPM imagenet64 cond 192" => improved(64, 192).with("class_cond", true),
        "ADM classifier64" => classifier(64, 4),
        "ADM classifier128" => classifier(128, 2),
        "ADM classifier256" => classifier(256, 2),
        "ADM classifier512" => classifier(512, 2),
        _ => panic!("the flags of {name} are not here"),
    }
}

fn refusal(settings: Settings) -> String {
    guided_diffusion::config(&settings).expect_err("must be refused").to_string()
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let cifar = || flags("ADM-ES/DDPM-IP cifar10 uncond");
    assert!(refusal(cifar().with("num_chanels", 4)).contains("num_chanels"));
    assert!(refusal(cifar().with("out_channels", 3)).contains("learn_sigma"));
    assert!(refusal(cifar().with("model_channels", 64)).contains("num_channels"));
    assert!(refusal(cifar().with("class_cond", false).with("num_classes", 10)).contains("class_cond"));
    assert!(refusal(cifar().with("attention_resolutions", "16,x")).contains("attention_resolutions"));
    assert!(refusal(cifar().with("image_size", 48)).contains("channel_mult"));
    assert!(refusal(cifar().with("dims", 1)).contains("dims"));
    let shapes = shapes(&guided_diffusion::entries(&AdmUnetConfig::cifar10()));
    let inferred = guided_diffusion::infer(&shapes).unwrap().with("image_size", 32);
    assert!(refusal(inferred.clone()).contains("num_heads"));
    assert!(refusal(inferred.with("num_heads", 4)).contains("use_new_attention_order"));
}

fn batch(net: &Network, first: usize, count: usize) -> Vec<u32> {
    let device = Device::flex();
    let like = Tensor::zeros([count, 3, 16, 16], &device);
    let x = SampleNoise::new(Key::new(7, Purpose::Data), first as u64, count).normal(&like);
    let times: Vec<f32> = (first..first + count).map(|i| 100.0 * i as f32 + 3.0).collect();
    let labels: Vec<usize> = (first..first + count).collect();
    let labels = matches!(net, Network::Unet(_)).then_some(labels.as_slice());
    let output = net.forward(x, Tensor::from_data(TensorData::new(times, [count]), &device), labels).into_data();
    output.as_slice::<f32>().unwrap().iter().map(|v| v.to_bits()).collect()
}

#[test]
fn samples_do_not_depend_on_the_batch() {
    for name in ["guided_unet_updown_newattn_cond_learn_io", "guided_classifier_attention_io"] {
        let net = Run::new(name, Device::flex(), DType::F32).network;
        let parts = [(0, 3), (3, 1), (4, 3)];
        let parts: Vec<u32> = parts.iter().flat_map(|(first, count)| batch(&net, *first, *count)).collect();
        assert!(batch(&net, 0, 7) == parts, "{name}");
    }
}

#[test]
fn the_classifier_can_be_differentiated_in_the_image() {
    let run = Run::new("guided_classifier_attention_io", Device::flex().autodiff(), DType::F64);
    let x = run.load::<4>("input/x").require_grad();
    let gradients = run.output(x.clone()).powi_scalar(2).sum().backward();
    let gradient = f64s(&x.grad(&gradients).unwrap().into_data());
    let (shape, values) = &run.recorded["input/x"];
    let loss = |index: usize, step: f64| {
        let mut moved = values.clone();
        moved[index] += step;
        let x = Tensor::from_data(data(&moved, shape, DType::F64), (&run.device, DType::F64));
        norm(&f64s(&run.output(x).into_data())).powi(2)
    };
    for index in [0, 137, 700, values.len() - 1] {
        let slope = (loss(index, 1e-4) - loss(index, -1e-4)) / 2e-4;
        assert!((slope - gradient[index]).abs() < 1e-6 * norm(&gradient), "{index}: {slope} for {}", gradient[index]);
    }
}
