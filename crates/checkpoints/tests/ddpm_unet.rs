//! The DDPM U-Net in its published layouts against recorded runs of the published implementations (see the
//! sidecars): tensors, outputs and gradients.

mod ddpm_layouts;

use std::collections::HashMap;
use std::fs;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use ddpm_layouts::{DIFFUSERS, ERMONGROUP, LAYOUTS, Layout, Tensors, parameters, path, shapes_of, sidecar, tensors};
use serde_json::Value;
use undrift_checkpoints::{CheckpointError, ClosedForm, Entry, Settings, Shapes};
use undrift_networks::{DdpmUnet, DdpmUnetConfig, fill_parameters};
use undrift_noise::{Key, Purpose};

/// A recorded run.
struct Case {
    layout: &'static Layout,
    name: String,
    sidecar: Value,
    recorded: Tensors,
    weights: Option<Tensors>,
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
        let seen = self.weights.as_ref().map(|file| (self.layout.infer)(&file_shapes(file)).unwrap());
        (self.layout.config)(&seen.unwrap_or_default().overlaid(&Settings::new(given))).unwrap()
    }

    fn entries(&self) -> Vec<Entry> {
        (self.layout.entries)(&self.config())
    }

    /// Whether it is small enough for double precision.
    fn is_small(&self) -> bool {
        parameters(&self.entries()) < 3_000_000
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

fn file_shapes(file: &Tensors) -> Shapes {
    file.iter().map(|(name, data)| (name.clone(), data.shape().to_vec())).collect()
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

#[test]
fn files_hold_exactly_the_tensors_of_the_layout() {
    for case in cases() {
        let entries = case.entries();
        if let Some(count) = case.sidecar["n_parameters"].as_u64() {
            assert_eq!(parameters(&entries) as u64, count, "{}", case.name);
        }
        let Some(file) = &case.weights else { continue };
        let found = file_shapes(file);
        (case.layout.expresses)(&case.config()).unwrap();
        assert_eq!(shapes_of(&entries), found, "{}", case.name);
        for layout in LAYOUTS {
            assert_eq!((layout.recognises)(&found), layout.name == case.layout.name, "{}", case.name);
        }
    }
}

#[test]
fn a_network_of_one_layout_is_the_same_in_the_other() {
    let case = cases().into_iter().find(|case| case.layout.name == ERMONGROUP.name && case.weights.is_some()).unwrap();
    let (config, weights) = (case.config(), case.weights.as_ref().unwrap());
    let theirs: HashMap<_, _> = case.entries().into_iter().map(|entry| (entry.ours, entry.theirs)).collect();
    let written = (DIFFUSERS.entries)(&config).into_iter().map(|entry| {
        let data = cast(&weights[&theirs[&entry.ours]], DType::F32);
        (entry.theirs, TensorData::new(data.as_slice::<f32>().unwrap().to_vec(), entry.shape))
    });
    let mut sidecar = case.sidecar.clone();
    sidecar["config"] = (DIFFUSERS.settings)(&config).iter().map(|(k, v)| (k.to_owned(), v.clone())).collect();
    let weights = Some(written.collect());
    let (name, recorded) = (case.name.clone(), case.recorded.clone());
    let other = Case { layout: &DIFFUSERS, name, sidecar, recorded, weights };
    assert!(other.output(DType::F32) == case.output(DType::F32));
}
