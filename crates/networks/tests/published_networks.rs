//! The U-Net and its gradients against recorded runs of published implementations (see the sidecars).

use std::collections::HashMap;
use std::path::PathBuf;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use serde_json::Value;
use undrift_networks::{DdpmUnet, DdpmUnetConfig, Sinusoids, apply_parameters, from_bytes, parameter_shapes};
use undrift_noise::{Key, Purpose};

type Tensors = HashMap<String, TensorData>;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/networks").join(name)
}

fn tensors(name: &str) -> Tensors {
    from_bytes(&std::fs::read(path(name)).unwrap()).unwrap().parameters.into_iter().collect()
}

fn sidecar(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

fn f64s(data: &TensorData) -> Vec<f64> {
    match data.dtype() {
        DType::F64 => data.as_slice::<f64>().unwrap().to_vec(),
        _ => data.as_slice::<f32>().unwrap().iter().map(|v| f64::from(*v)).collect(),
    }
}

/// The data in another element type.
fn cast(data: &TensorData, dtype: DType) -> TensorData {
    let values = f64s(data);
    match dtype {
        DType::F64 => TensorData::new(values, data.shape().clone()),
        _ => TensorData::new(values.into_iter().map(|v| v as f32).collect(), data.shape().clone()),
    }
}

fn largest_gap(ours: &TensorData, theirs: &TensorData) -> f64 {
    assert_eq!(ours.shape(), theirs.shape());
    f64s(ours).iter().zip(f64s(theirs)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Our configuration for a `config` of diffusers.
fn config(peer: &Value) -> DdpmUnetConfig {
    let number = |key: &str| peer[key].as_u64().unwrap() as usize;
    let widths: Vec<usize> =
        peer["block_out_channels"].as_array().unwrap().iter().map(|w| w.as_u64().unwrap() as usize).collect();
    let kinds = peer["down_block_types"].as_array().unwrap();
    let attends = |level: &usize| kinds[*level].as_str().unwrap().contains("Attn");
    DdpmUnetConfig {
        in_channels: number("in_channels"),
        out_channels: number("out_channels"),
        image_size: number("sample_size"),
        base: widths[0],
        multipliers: widths.iter().map(|w| w / widths[0]).collect(),
        blocks: number("layers_per_block"),
        attention: (0..kinds.len()).filter(attends).map(|l| number("sample_size") >> l).collect(),
        groups: number("norm_num_groups"),
        dropout: 0.0,
        ..DdpmUnetConfig::cifar10()
    }
}

/// The name that diffusers gives to one of our parameters.
fn peer_name(ours: &str) -> String {
    let renamed = [
        ("time.expand", "time_embedding.linear_1"),
        ("time.mix", "time_embedding.linear_2"),
        ("middle.first", "mid_block.resnets.0"),
        ("middle.attention", "mid_block.attentions.0"),
        ("middle.last", "mid_block.resnets.1"),
        ("norm_out", "conv_norm_out"),
        ("gamma", "weight"),
        ("beta", "bias"),
        (".time.", ".time_emb_proj."),
        ("shortcut", "conv_shortcut"),
        (".norm.", ".group_norm."),
        (".query.", ".to_q."),
        (".key.", ".to_k."),
        (".value.", ".to_v."),
        (".out.", ".to_out.0."),
    ];
    let name = renamed.iter().fold(ours.to_string(), |name, (from, to)| name.replace(from, to));
    let parts: Vec<&str> = name.split('.').collect();
    match (parts[0], parts.get(2)) {
        ("down", Some(&"resample")) => name.replace("down", "down_blocks").replace("resample", "downsamplers.0.conv"),
        ("up", Some(&"resample")) => name.replace("up", "up_blocks").replace("resample", "upsamplers.0.conv"),
        ("down" | "up", _) => {
            let kind = if parts[4] == "block" { "resnets" } else { "attentions" };
            format!("{}_blocks.{}.{kind}.{}.{}", parts[0], parts[1], parts[3], parts[5..].join("."))
        }
        _ => name,
    }
}

/// Whether we keep a dense layer's matrix transposed to PyTorch's.
fn is_dense(ours: &str) -> bool {
    ours.ends_with("weight") && (ours.starts_with("time.") || ours.contains(".time."))
}

fn transposed(data: &TensorData) -> TensorData {
    let values = f64s(data);
    let [rows, columns] = data.shape().to_vec()[..] else { panic!("a matrix has two dimensions") };
    let order = (0..rows * columns).map(|i| i % rows * columns + i / rows);
    TensorData::new(order.map(|i| values[i]).collect(), [columns, rows])
}

fn reshaped(data: &TensorData, shape: &[usize]) -> TensorData {
    TensorData::new(f64s(data), shape.to_vec())
}

/// The closed-form values of the `rule_*` fixtures, in PyTorch's order.
fn rule(name: &str, shape: &[usize]) -> Vec<f64> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let unit = |i: u64| {
        let mut z = hash.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (2.0 * ((z ^ (z >> 31)) >> 40) as f64 + 1.0 - 16_777_216.0) / 16_777_216.0
    };
    let count: usize = shape.iter().product();
    let (a, b) = match (shape.len(), name.ends_with("weight")) {
        (1, true) => (1.0, 0.1),
        (1, false) => (0.0, 0.1),
        _ => (0.0, (3.0 / (count / shape[0]) as f64).sqrt()),
    };
    (0..count as u64).map(|i| f64::from((a + b * unit(i)) as f32)).collect()
}

/// The network of a sidecar with the peer's weights, from a file or by rule.
fn network(sidecar: &Value, weights: Option<&Tensors>, device: &Device, dtype: DType) -> DdpmUnet {
    let net = config(&sidecar["config"]).init(device, Key::new(0, Purpose::Initialisation)).unwrap();
    assert_eq!(net.num_params() as u64, sidecar["n_parameters"].as_u64().unwrap());
    let parameters: Vec<_> = parameter_shapes(&net)
        .into_iter()
        .map(|(ours, shape)| {
            let (theirs, dense) = (peer_name(&ours), is_dense(&ours));
            let peer_shape: Vec<usize> = if dense { shape.iter().rev().copied().collect() } else { shape.clone() };
            let data = match weights {
                Some(file) => file.get(&theirs).unwrap_or_else(|| panic!("{theirs} for {ours}")).clone(),
                None => TensorData::new(rule(&theirs, &peer_shape), peer_shape),
            };
            let data = if dense { transposed(&data) } else { reshaped(&data, &shape) };
            (ours, cast(&data, dtype))
        })
        .collect();
    apply_parameters(net, parameters).unwrap()
}

struct Case {
    sidecar: Value,
    recorded: Tensors,
    weights: Option<Tensors>,
}

fn cases() -> [Case; 2] {
    let case = |name: &str, weights: Option<&str>| Case {
        sidecar: sidecar(&format!("{name}.json")),
        recorded: tensors(&format!("{name}.safetensors")),
        weights: weights.map(tensors),
    };
    [
        case("diffusers_unet2d_micro_io", Some("diffusers_unet2d_micro_weights.safetensors")),
        case("diffusers_cifar10_structure_base16_io", None),
    ]
}

fn load<const D: usize>(data: &TensorData, device: &Device, dtype: DType) -> Tensor<D> {
    Tensor::from_data(cast(data, dtype), (device, dtype))
}

fn output(case: &Case, dtype: DType) -> TensorData {
    let device = Device::flex();
    let net = network(&case.sidecar, case.weights.as_ref(), &device, dtype);
    let x = load(&case.recorded["input/x"], &device, dtype);
    net.forward(x, load(&case.recorded["input/timesteps"], &device, dtype)).into_data()
}

#[test]
fn outputs_agree_in_both_precisions() {
    for case in cases() {
        let gap = largest_gap(&output(&case, DType::F32), &case.recorded["output"]);
        assert!(gap < 2e-5, "f32: {gap}");
        let gap = largest_gap(&output(&case, DType::F64), &case.recorded["output_f64"]);
        // Not less, because the peer takes its sinusoids in f32 before it goes on in f64.
        assert!(gap < 5e-6, "f64: {gap}");
    }
}

/// Gradients by dotted name, those of dense layers as PyTorch has them.
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
        let name = self.path.join(".");
        let data = param.val().grad(self.gradients).expect("every parameter takes part").into_data();
        let data = if is_dense(&name) { transposed(&data) } else { data };
        self.found.insert(peer_name(&name), data);
    }
}

/// Both paths: the fused operations in single precision, plain ones in double.
#[test]
fn gradients_agree_in_both_precisions() {
    for (case, dtype) in cases().iter().flat_map(|case| [(case, DType::F32), (case, DType::F64)]) {
        let device = Device::flex().autodiff();
        let net = network(&case.sidecar, case.weights.as_ref(), &device, dtype);
        let x = load::<4>(&case.recorded["input/x"], &device, dtype).require_grad();
        let time = load(&case.recorded["input/timesteps"], &device, dtype);
        let target = load(&case.recorded["grad/target"], &device, dtype);
        let gap = net.forward(x.clone(), time).sub(target);
        let gradients = gap.clone().mul(gap).mean().backward();
        let mut visitor = GradientsByName { path: vec![], gradients: &gradients, found: HashMap::new() };
        net.visit(&mut visitor);
        let mut found = visitor.found;
        found.insert("input_x".into(), x.grad(&gradients).unwrap().into_data());
        for (name, theirs) in &case.recorded {
            let Some(name) = name.strip_prefix("grad/").filter(|name| *name != "target") else { continue };
            let theirs = f64s(theirs);
            let norm = theirs.iter().map(|v| v * v).sum::<f64>().sqrt();
            let gap = f64s(&found[name]).iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(gap < 1e-4 * norm, "{name}: {gap} of {norm}");
        }
        for (name, norm) in case.sidecar["grad_l2_norms_f32"].as_object().unwrap() {
            let (ours, theirs) = (f64s(&found[name]), norm.as_f64().unwrap());
            let ours = ours.iter().map(|v| v * v).sum::<f64>().sqrt();
            // Biases just before a norm of one channel have a gradient of rounding errors only.
            assert!((ours - theirs).abs() < 1e-4 * theirs + 1e-7, "{name}: {ours} for {theirs}");
        }
    }
}

#[test]
fn time_embeddings_agree() {
    let recorded = tensors("timestep_embeddings.safetensors");
    let time = load(&recorded["t"], &Device::flex(), DType::F32);
    let ddpm = Sinusoids::DDPM;
    let adm = Sinusoids::ADM;
    for width in [32, 128, 33] {
        for (name, sinusoids) in [("ermongroup", ddpm), ("guided", adm), ("dit", adm), ("diffusers", ddpm)] {
            let file = if name == "diffusers" {
                format!("diffusers_dim{width}_flip0_shift1")
            } else {
                format!("{name}_dim{width}")
            };
            let gap = largest_gap(&sinusoids.embed(time.clone(), width).into_data(), &recorded[&file]);
            assert!(gap < 1e-4, "{file}: {gap}");
        }
        for (flip, shift) in [(false, 0), (true, 0), (true, 1)] {
            let sinusoids = Sinusoids { cosines_first: flip, shift: f64::from(shift) };
            let file = format!("diffusers_dim{width}_flip{}_shift{shift}", u8::from(flip));
            let gap = largest_gap(&sinusoids.embed(time.clone(), width).into_data(), &recorded[&file]);
            assert!(gap < 1e-4, "{file}: {gap}");
        }
    }
}

#[test]
fn precision_follows_the_data() {
    struct Types(Vec<DType>);
    impl ModuleMapper for Types {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0.push(param.val().dtype());
            param
        }
    }
    let [case, _] = cases();
    let mut types = Types(vec![]);
    network(&case.sidecar, case.weights.as_ref(), &Device::flex(), DType::F64).map(&mut types);
    assert!(types.0.iter().all(|dtype| *dtype == DType::F64));
}
