//! The DDPM U-Net in its published layouts against recorded runs of the published implementations (see the
//! sidecars): names, outputs and gradients.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use serde_json::Value;
use undrift_checkpoints::layouts::{diffusers, ermongroup};
use undrift_checkpoints::{CheckpointError, ClosedForm, Entry, Settings, Shapes};
use undrift_networks::{DdpmUnet, DdpmUnetConfig, Resampling, fill_parameters, from_bytes, parameter_shapes};
use undrift_noise::{Key, Purpose};

type Tensors = HashMap<String, TensorData>;

/// The functions of a layout, and how its sidecars name their implementation.
struct Layout {
    name: &'static str,
    recognises: fn(&Shapes) -> bool,
    infer: fn(&Shapes) -> Result<Settings, CheckpointError>,
    config: fn(&Settings) -> Result<DdpmUnetConfig, CheckpointError>,
    settings: fn(&DdpmUnetConfig) -> Settings,
    entries: fn(&DdpmUnetConfig) -> Vec<Entry>,
    expresses: fn(&DdpmUnetConfig) -> Result<(), CheckpointError>,
}

const DIFFUSERS: Layout = Layout {
    name: "diffusers",
    recognises: diffusers::recognises,
    infer: diffusers::infer,
    config: diffusers::config,
    settings: diffusers::settings,
    entries: diffusers::entries,
    expresses: diffusers::expresses,
};

const ERMONGROUP: Layout = Layout {
    name: "ermongroup",
    recognises: ermongroup::recognises,
    infer: ermongroup::infer,
    config: ermongroup::config,
    settings: ermongroup::settings,
    entries: ermongroup::entries,
    expresses: ermongroup::expresses,
};

const LAYOUTS: [&Layout; 2] = [&DIFFUSERS, &ERMONGROUP];

/// A recorded run.
struct Case {
    layout: &'static Layout,
    name: String,
    sidecar: Value,
    recorded: Tensors,
    weights: Option<Tensors>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/networks").join(name)
}

fn tensors(name: &str) -> Tensors {
    from_bytes(&fs::read(path(name)).unwrap()).unwrap().parameters.into_iter().collect()
}

fn sidecar(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// Every recorded run of a network of these layouts.
fn cases() -> Vec<Case> {
    let names = fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    let cases: Vec<_> = names.into_iter().filter_map(case).collect();
    assert!(LAYOUTS.iter().all(|layout| cases.iter().any(|case| case.layout.name == layout.name)));
    cases
}

fn case(name: String) -> Option<Case> {
    let sidecar = sidecar(&format!("{name}.json"));
    let peer = sidecar["peer"].as_str()?;
    let layout = LAYOUTS.iter().find(|layout| peer.starts_with(layout.name) && sidecar["config"].is_object())?;
    let file = sidecar["weights"].as_str()?.split(' ').next()?;
    let weights = file.ends_with(".safetensors").then(|| tensors(file));
    Some(Case { layout, recorded: tensors(&format!("{name}.safetensors")), name, sidecar, weights })
}

impl Case {
    fn config(&self) -> DdpmUnetConfig {
        let given = self.sidecar["config"].as_object().unwrap().clone();
        (self.layout.config)(&Settings::new(given)).unwrap()
    }

    fn entries(&self) -> Vec<Entry> {
        (self.layout.entries)(&self.config())
    }

    /// Whether it is small enough for double precision.
    fn is_small(&self) -> bool {
        parameters(&self.entries()) < 1_000_000
    }

    /// The network, all weights from the file or by the rule.
    fn network(&self, device: &Device, dtype: DType) -> DdpmUnet {
        let entries: HashMap<String, Entry> =
            self.entries().into_iter().map(|entry| (entry.ours.clone(), entry)).collect();
        let rule = ClosedForm { prefix: self.sidecar["name_prefix"].as_str().unwrap_or_default().into() };
        let net = self.config().init(device, Key::new(0, Purpose::Initialisation)).unwrap();
        let value = |ours: &str, shape: &[usize]| {
            let entry = &entries[ours];
            let data = match &self.weights {
                Some(file) => file[&entry.theirs].clone(),
                None => rule.tensor(&entry.theirs, &entry.shape),
            };
            assert_eq!(data.shape().as_slice(), entry.shape, "{}", entry.theirs);
            Ok::<_, CheckpointError>(cast(&in_shape(entry, &data, shape), dtype))
        };
        fill_parameters(net, value).unwrap()
    }

    fn input<const D: usize>(&self, name: &str, device: &Device, dtype: DType) -> Tensor<D> {
        Tensor::from_data(cast(&self.recorded[name], dtype), (device, dtype))
    }

    fn output(&self, dtype: DType) -> TensorData {
        let device = Device::flex();
        let time = self.input("input/timesteps", &device, dtype);
        let output = self.network(&device, dtype).forward(self.input("input/x", &device, dtype), time).into_data();
        assert_eq!(output.dtype(), dtype, "precision follows the weights");
        output
    }
}

fn parameters(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.shape.iter().product::<usize>()).sum()
}

fn f64s(data: &TensorData) -> Vec<f64> {
    match data.dtype() {
        DType::F64 => data.as_slice::<f64>().unwrap().to_vec(),
        _ => data.as_slice::<f32>().unwrap().iter().map(|v| f64::from(*v)).collect(),
    }
}

fn cast(data: &TensorData, dtype: DType) -> TensorData {
    let values = f64s(data);
    match dtype {
        DType::F64 => TensorData::new(values, data.shape().clone()),
        _ => TensorData::new(values.into_iter().map(|v| v as f32).collect(), data.shape().clone()),
    }
}

/// Their tensor as our parameter, of our shape.
fn in_shape(entry: &Entry, data: &TensorData, shape: &[usize]) -> TensorData {
    let data = if entry.transposed { transposed(data) } else { data.clone() };
    TensorData::new(f64s(&data), shape.to_vec())
}

fn transposed(data: &TensorData) -> TensorData {
    let values = f64s(data);
    let [rows, columns] = data.shape().to_vec()[..] else { panic!("a matrix has two dimensions") };
    let order = (0..rows * columns).map(|i| i % rows * columns + i / rows);
    TensorData::new(order.map(|i| values[i]).collect(), [columns, rows])
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
    for case in cases() {
        let gap = largest_gap(&f64s(&case.output(DType::F32)), &f64s(&case.recorded["output"]));
        assert!(gap < 2e-5, "{} in f32: {gap}", case.name);
        if case.is_small() {
            let gap = largest_gap(&f64s(&case.output(DType::F64)), &f64s(&case.recorded["output_f64"]));
            // Not less, because the peers take their sinusoids in f32 before they go on in f64.
            assert!(gap < 5e-6, "{} in f64: {gap}", case.name);
        }
    }
}

/// Gradients by our dotted names.
struct GradientsByName<'a> {
    path: Vec<String>,
    gradients: &'a Gradients,
    found: HashMap<String, TensorData>,
}

impl ModuleVisitor for GradientsByName<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().grad(self.gradients).expect("every parameter takes part").into_data();
        self.found.insert(self.path.join("."), data);
    }
}

/// Gradients of the mean squared error by the names of the published code, and that of the input.
fn gradients(case: &Case, dtype: DType) -> HashMap<String, Vec<f64>> {
    let device = Device::flex().autodiff();
    let net = case.network(&device, dtype);
    let x = case.input::<4>("input/x", &device, dtype).require_grad();
    let gap = net.forward(x.clone(), case.input("input/timesteps", &device, dtype));
    let gap = gap.sub(case.input("grad/target", &device, dtype));
    let gradients = gap.clone().mul(gap).mean().backward();
    let mut visitor = GradientsByName { path: vec![], gradients: &gradients, found: HashMap::new() };
    net.visit(&mut visitor);
    let theirs = |entry: Entry| {
        let data = &visitor.found[&entry.ours];
        (entry.theirs, f64s(&if entry.transposed { transposed(data) } else { data.clone() }))
    };
    let mut found: HashMap<_, _> = case.entries().into_iter().map(theirs).collect();
    found.insert("input_x".into(), f64s(&x.grad(&gradients).unwrap().into_data()));
    found
}

/// Both paths: the fused operations in single precision, plain ones in double.
#[test]
fn gradients_agree_in_both_precisions() {
    let cases: Vec<_> = cases().into_iter().filter(|case| case.recorded.contains_key("grad/target")).collect();
    assert!(!cases.is_empty());
    for (case, dtype) in cases.iter().flat_map(|case| [(case, DType::F32), (case, DType::F64)]) {
        let (found, name) = (gradients(case, dtype), &case.name);
        for (parameter, theirs) in &case.recorded {
            let Some(parameter) = parameter.strip_prefix("grad/").filter(|name| *name != "target") else { continue };
            let theirs = f64s(theirs);
            let (gap, norm) = (largest_gap(&found[parameter], &theirs), norm(&theirs));
            // What stands in front of a norm of one channel has a gradient of rounding errors only.
            assert!(gap < 1e-4 * norm + 1e-7, "{name}: {parameter}: {gap} of {norm}");
        }
        for (parameter, theirs) in case.sidecar["grad_l2_norms_f32"].as_object().unwrap() {
            let (ours, theirs) = (norm(&found[parameter]), theirs.as_f64().unwrap());
            assert!((ours - theirs).abs() < 1e-4 * theirs + 1e-7, "{name}: {parameter}: {ours} for {theirs}");
        }
    }
}

fn shapes_of(entries: &[Entry]) -> Shapes {
    entries.iter().map(|entry| (entry.theirs.clone(), entry.shape.clone())).collect()
}

#[test]
fn files_hold_exactly_the_tensors_of_the_layout() {
    for case in cases() {
        let entries = case.entries();
        if let Some(count) = case.sidecar["n_parameters"].as_u64() {
            assert_eq!(parameters(&entries) as u64, count, "{}", case.name);
        }
        let Some(file) = &case.weights else { continue };
        let found: Shapes = file.iter().map(|(name, data)| (name.clone(), data.shape().to_vec())).collect();
        assert_eq!(shapes_of(&entries), found, "{}", case.name);
        for layout in LAYOUTS {
            assert_eq!((layout.recognises)(&found), layout.name == case.layout.name, "{}", case.name);
        }
    }
}

#[test]
fn the_keys_of_the_released_model_come_in_their_order() {
    for layout in LAYOUTS {
        let name = format!("keys_ddpm_cifar10_{}.json", layout.name);
        let (text, sidecar) = (fs::read_to_string(path(&name)).unwrap(), sidecar(&name));
        let entries = (layout.entries)(&DdpmUnetConfig::cifar10());
        let recorded: Shapes = serde_json::from_value(sidecar["state_dict"].clone()).unwrap();
        assert_eq!(shapes_of(&entries), recorded);
        assert_eq!(entries.len(), recorded.len());
        let places = entries.iter().map(|entry| text.find(&format!("\"{}\"", entry.theirs)).unwrap());
        assert!(places.is_sorted(), "{}", layout.name);
    }
}

/// Networks that differ from each other wherever a layout could.
fn variants() -> [DdpmUnetConfig; 7] {
    let small = DdpmUnetConfig {
        image_size: 16,
        base: 32,
        multipliers: vec![1, 2, 2],
        blocks: 1,
        attention: vec![8],
        ..DdpmUnetConfig::cifar10()
    };
    [
        DdpmUnetConfig { in_channels: 1, out_channels: 2, ..small.clone() },
        DdpmUnetConfig { multipliers: vec![1], blocks: 3, attention: vec![16], ..small.clone() },
        DdpmUnetConfig { multipliers: vec![1, 3, 2], attention: vec![16, 4], blocks: 2, ..small.clone() },
        DdpmUnetConfig { multipliers: vec![2, 1], attention: vec![16], ..small.clone() },
        DdpmUnetConfig { resampling: Resampling::Plain, ..small.clone() },
        DdpmUnetConfig { middle_attention: false, head_channels: Some(8), ..small.clone() },
        DdpmUnetConfig { resampling: Resampling::CentredConvolution, groups: 16, ..small },
    ]
}

/// Each layout with each network that it has words for.
fn expressed() -> Vec<(&'static Layout, DdpmUnetConfig)> {
    let all = LAYOUTS.into_iter().flat_map(|layout| variants().map(|config| (layout, config)));
    all.filter(|(layout, config)| (layout.expresses)(config).is_ok()).collect()
}

#[test]
fn every_parameter_of_ours_is_one_tensor_of_theirs() {
    for (layout, config) in expressed() {
        let net = config.init(&Device::flex(), Key::new(0, Purpose::Initialisation)).unwrap();
        let ours: HashMap<_, _> = parameter_shapes(&net).into_iter().collect();
        let entries = (layout.entries)(&config);
        let names: HashMap<_, _> = entries.iter().map(|entry| (&entry.ours, entry)).collect();
        assert_eq!((entries.len(), names.len()), (ours.len(), ours.len()), "{config:?}");
        for entry in &entries {
            let (shape, theirs) = (&ours[&entry.ours], &entry.shape);
            let fits = match entry.transposed {
                true => shape.iter().eq(theirs.iter().rev()),
                false => shape.starts_with(theirs) && shape[theirs.len()..].iter().all(|size| *size == 1),
            };
            assert!(fits, "{}: {shape:?} for {theirs:?} of {}", entry.ours, entry.theirs);
        }
    }
}

#[test]
fn settings_say_all_of_a_configuration() {
    let counts = LAYOUTS.map(|layout| expressed().iter().filter(|(one, _)| one.name == layout.name).count());
    assert_eq!(counts, [5, 5]);
    for (layout, config) in expressed() {
        assert_eq!((layout.config)(&(layout.settings)(&config)).unwrap(), config, "{}", layout.name);
    }
}

/// Everything that a trained network has and its tensors do not show.
const UNSEEN: [&str; 10] = [
    "attention_head_dim",
    "downsample_padding",
    "dropout",
    "flip_sin_to_cos",
    "freq_shift",
    "image_size",
    "norm_eps",
    "norm_num_groups",
    "sample_size",
    "time_embedding_type",
];

#[test]
fn shapes_tell_what_they_can_and_the_rest_is_asked_for() {
    for (layout, config) in expressed() {
        let all = (layout.settings)(&config);
        let seen = (layout.infer)(&shapes_of(&(layout.entries)(&config))).unwrap();
        for (key, value) in seen.iter().filter(|(key, _)| *key != "attn_levels") {
            assert_eq!(Some(value), all.value(key), "{}: {key}", layout.name);
        }
        let missing = (layout.config)(&seen).unwrap_err();
        assert!(matches!(missing, CheckpointError::SettingMissing { .. }), "{missing}");
        let given = all.iter().filter(|(key, _)| UNSEEN.contains(key));
        let given = Settings::new(given.map(|(key, value)| (key.to_owned(), value.clone())).collect());
        assert_eq!((layout.config)(&seen.overlaid(&given)).unwrap(), config, "{}", layout.name);
    }
}

#[test]
fn the_released_shapes_tell_all() {
    let counts = &sidecar("parameter_counts.json")["counts"];
    let celeba = DdpmUnetConfig { image_size: 64, multipliers: vec![1, 2, 2, 2, 4], ..DdpmUnetConfig::cifar10() };
    let mut compared = 0;
    for (name, count) in counts.as_object().unwrap() {
        let Some(layout) = LAYOUTS.iter().find(|layout| name.starts_with(layout.name)) else { continue };
        let config = match name {
            name if name.contains("cifar10") => DdpmUnetConfig::cifar10(),
            name if name.contains("celeba.yml") => celeba.clone(),
            _ => DdpmUnetConfig::lsun256(),
        };
        let entries = (layout.entries)(&config);
        assert_eq!(parameters(&entries) as u64, count.as_u64().unwrap(), "{name}");
        let inferred = (layout.config)(&(layout.infer)(&shapes_of(&entries)).unwrap()).unwrap();
        assert_eq!(inferred, DdpmUnetConfig { dropout: 0.0, ..config }, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn names_from_before_are_read_as_those_of_now() {
    const BEFORE: &str = "_old_attention_names.safetensors";
    let files = fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: Vec<_> = files.filter_map(|name| Some(name.strip_suffix(BEFORE)?.to_owned())).collect();
    assert!(!files.is_empty());
    for file in files {
        let (before, now) = (tensors(&format!("{file}{BEFORE}")), tensors(&format!("{file}.safetensors")));
        assert!(before.keys().any(|name| !now.contains_key(name)));
        let rename = |(name, data): (String, TensorData)| (diffusers::modern_name(&name).unwrap_or(name), data);
        let renamed: Tensors = before.into_iter().map(rename).collect();
        assert!(renamed == now, "{file}");
        assert!(now.keys().all(|name| diffusers::modern_name(name).is_none()));
    }
}

#[test]
fn a_network_of_one_layout_is_the_same_in_the_other() {
    let case = cases().into_iter().find(|case| case.layout.name == "ermongroup" && case.weights.is_some()).unwrap();
    let (config, weights) = (case.config(), case.weights.as_ref().unwrap());
    let theirs: HashMap<_, _> = case.entries().into_iter().map(|entry| (entry.ours, entry.theirs)).collect();
    let written = diffusers::entries(&config).into_iter().map(|entry| {
        let data = cast(&weights[&theirs[&entry.ours]], DType::F32);
        (entry.theirs, TensorData::new(data.as_slice::<f32>().unwrap().to_vec(), entry.shape))
    });
    let mut sidecar = case.sidecar.clone();
    sidecar["config"] = diffusers::settings(&config).iter().map(|(k, v)| (k.to_owned(), v.clone())).collect();
    let weights = Some(written.collect());
    let (name, recorded) = (case.name.clone(), case.recorded.clone());
    let other = Case { layout: &DIFFUSERS, name, sidecar, recorded, weights };
    assert!(other.output(DType::F32) == case.output(DType::F32));
}
