//! Recorded numbers of the published guided-diffusion code, in f64 and f32.
//!
//! Its index 0 is our t = 1, and its evaluation lists levels noisiest first.

mod support;

use burn::tensor::{DType, Tensor};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use support::{grey, tensor, values};
use undrift_denoisers::{
    ClipX0, DenoiseError, Denoiser, Eps, Levels, Network, OutputVariance, Preconditioned, Question, Variance,
};
use undrift_losses::{Plain, bits_per_dim, bound, decoder_log_likelihood, mix, squared_error, variational_bound};
use undrift_noise::Replay;
use undrift_schedules::{Chain, Span};

const RUNS: [(&str, DType); 2] = [("f64", DType::F64), ("f32", DType::F32)];

/// A recorded file: its tensors and what its sidecar says.
struct Recorded {
    bytes: Vec<u8>,
    sidecar: Value,
}

impl Recorded {
    fn read(name: &str) -> Self {
        let bytes = std::fs::read(path(&format!("{name}.safetensors"))).expect("recorded tensors");
        Recorded { bytes, sidecar: json(&format!("{name}.json")) }
    }

    fn get(&self, key: &str) -> (Vec<f64>, Vec<usize>) {
        let file = SafeTensors::deserialize(&self.bytes).expect("well-formed");
        let view = file.tensor(key).unwrap_or_else(|error| panic!("{key}: {error}"));
        let data = view.data();
        let numbers = match view.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
            Dtype::F64 => data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
            Dtype::I64 => data.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b) as f64).collect(),
            other => panic!("{key}: {other:?}"),
        };
        (numbers, view.shape().to_vec())
    }

    fn numbers(&self, key: &str) -> Vec<f64> {
        self.get(key).0
    }

    fn images(&self, key: &str, dtype: DType) -> Tensor<4> {
        let (numbers, shape) = self.get(key);
        tensor(&numbers, shape.try_into().expect("four dimensions"), dtype)
    }

    fn chain(&self) -> Chain {
        let schedule = &self.sidecar["schedule"];
        assert_eq!(schedule["name"], "linear");
        Chain::linear_scaled(schedule["T"].as_u64().expect("a number") as usize).expect("valid")
    }

    /// The toy model that this file was recorded with.
    fn toy(&self, name: &str, variance: OutputVariance) -> Toy {
        let constants = &self.sidecar["toy"][name];
        let get = |key: &str| constants[key].as_f64().unwrap_or(0.0);
        Toy { gauss: name == "gauss", constants: ["m", "s", "a", "b", "c"].map(get), chain: self.chain(), variance }
    }
}

fn path(file: &str) -> String {
    format!("{}/../../fixtures/losses/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn json(file: &str) -> Value {
    let text = std::fs::read_to_string(path(file)).expect("recorded sidecar");
    serde_json::from_str(&text).expect("JSON")
}

/// A closed form in place of a network, evaluated in f64.
struct Toy {
    gauss: bool,
    constants: [f64; 5],
    chain: Chain,
    variance: OutputVariance,
}

impl Toy {
    fn eps(&self, x: f64, time: f64) -> f64 {
        let [m, s, a, b, c] = self.constants;
        if !self.gauss {
            return (a * x + b * (c * time).cos()).tanh();
        }
        let alpha_bar = self.chain.levels()[time as usize].alpha_bar();
        (1.0 - alpha_bar).sqrt() * (x - alpha_bar.sqrt() * m) / (alpha_bar * s * s + 1.0 - alpha_bar)
    }

    fn spread(&self, x: f64, time: f64) -> f64 {
        match self.variance {
            OutputVariance::LogVariance => -5.0 + (2.0 * x).sin(),
            _ => 0.8 * (3.0 * x + 0.01 * time).sin(),
        }
    }

    fn model(self) -> Preconditioned<Toy, Eps> {
        let variance = self.variance;
        Preconditioned { network: self, parameterisation: Eps, variance }
    }
}

impl Network<4> for Toy {
    fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Result<Tensor<4>, DenoiseError> {
        let (dims, dtype, times) = (x.dims(), x.dtype(), values(time));
        let numbers = values(x);
        let row = numbers.len() / dims[0];
        let each = |f: &dyn Fn(f64, f64) -> f64| {
            let at = |(i, &x): (usize, &f64)| f(x, times[if times.len() == 1 { 0 } else { i / row }]);
            tensor(&numbers.iter().enumerate().map(at).collect::<Vec<_>>(), dims, dtype)
        };
        let eps = each(&|x, t| self.eps(x, t));
        Ok(match self.variance {
            OutputVariance::None => eps,
            _ => Tensor::cat(vec![eps, each(&|x, t| self.spread(x, t))], 1),
        })
    }
}

/// Relative 1e-8 in f64; 1e-4 and `room` beside it in f32.
fn close(what: &str, found: &[f64], expected: &[f64], dtype: DType, room: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let (relative, absolute) = if dtype == DType::F64 { (1e-8, 1e-14) } else { (1e-4, room) };
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let gap = (found - expected).abs();
        assert!(gap <= absolute + relative * expected.abs(), "{what} [{i}] {dtype:?}: {found}, not {expected}");
    }
}

#[test]
fn the_decoder() {
    let file = json("discretized_gaussian_nll.json");
    let list =
        |value: &Value| value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect();
    let grey_levels: Vec<f64> = list(&file["x_u8"]);
    let x0: Vec<f64> = grey_levels.into_iter().map(grey).collect();
    let cases = file["cases"].as_array().expect("a list");
    assert!(!cases.is_empty());
    for case in cases {
        let [log_scale, shift] = ["log_scale", "mean_minus_x"].map(|key| case[key].as_f64().expect("a number"));
        for (run, dtype) in RUNS {
            let row = |values: Vec<f64>| tensor(&values, [1, x0.len()], dtype);
            let mean = row(x0.iter().map(|x| x + shift).collect());
            let found = decoder_log_likelihood(row(x0.clone()), mean, row(vec![log_scale; x0.len()]));
            let expected: Vec<f64> = list(&case[&format!("log_prob_{run}")]);
            close(&format!("scale {log_scale}, shift {shift}"), &values(found), &expected, dtype, 1e-5);
        }
    }
}

/// One recorded batch, whose samples are at different levels, t = 1 among them.
struct Batch<'a> {
    file: &'a Recorded,
    name: &'a str,
    run: &'a str,
    dtype: DType,
    spans: Vec<Span>,
}

impl Batch<'_> {
    fn x0(&self) -> Tensor<4> {
        self.file.images("x_start", self.dtype)
    }

    fn noise(&self) -> Replay<4> {
        Replay::new(vec![self.file.images("noise", self.dtype)])
    }

    fn at(&self) -> Levels {
        Levels::from(self.spans.iter().map(|span| span.from()).collect::<Vec<_>>())
    }

    fn close(&self, key: &str, found: &[f64], room: f64) {
        let expected = self.file.numbers(&format!("{}/{key}", self.run));
        close(&format!("{} {key}", self.name), found, &expected, self.dtype, room);
    }

    fn squared_error(&self) {
        let model = self.file.toy(self.name, OutputVariance::None).model();
        let found = squared_error(&model, &Plain, self.x0(), &self.at(), &mut self.noise()).expect("fits");
        self.close("fixed_large/mse/loss", &values(found), 1e-5);
    }

    fn bound(&self, key: &str, channels: OutputVariance, variance: Variance) {
        let model = self.file.toy(self.name, channels).model();
        let found =
            variational_bound(&model, variance, &Plain, self.x0(), &self.spans, &mut self.noise()).expect("fits");
        self.close(key, &values(found), 1e-5);
    }

    fn terms(&self, key: &str, channels: OutputVariance, variance: Variance) {
        let raw = self.file.toy(self.name, channels).model();
        let clipped = ClipX0(self.file.toy(self.name, channels).model());
        let models: [(&dyn Denoiser<4>, &str); 2] = [(&raw, "noclip"), (&clipped, "clip")];
        for (model, clip) in models {
            let x = mix(self.x0(), self.file.images("noise", self.dtype), &self.at());
            let prediction = model.predict(x, &Question::from(&self.at())).expect("fits");
            let terms = bound::term(&prediction, &self.x0(), &self.spans, variance).expect("fits");
            self.close(&format!("{key}/vb_terms_{clip}"), &values(terms), 1e-5);
            self.close(&format!("{key}/vb_pred_xstart_{clip}"), &values(prediction.x0()), 2e-4);
        }
    }
}

#[test]
fn training_losses() {
    for name in ["gauss", "tanh"] {
        let file = Recorded::read(&format!("training_losses_{name}"));
        let chain = file.chain();
        let own_span = |index: &f64| chain.span(*index as usize + 1).expect("in range");
        let spans: Vec<Span> = file.numbers("t").iter().map(own_span).collect();
        for (run, dtype) in RUNS {
            let batch = Batch { file: &file, name, run, dtype, spans: spans.clone() };
            let noisy = mix(batch.x0(), file.images("noise", dtype), &batch.at());
            batch.close("x_t", &values(noisy), 1e-6);
            batch.squared_error();
            batch.bound("fixed_small/kl/loss", OutputVariance::None, Variance::FixedSmall);
            batch.bound("fixed_large/kl/loss", OutputVariance::None, Variance::FixedLarge);
            batch.bound("learned_range/kl/loss", OutputVariance::Range, Variance::Learned);
            batch.bound("learned_range/mse/vb", OutputVariance::Range, Variance::Learned);
            batch.bound("learned/rescaled_mse/vb", OutputVariance::LogVariance, Variance::Learned);
            batch.terms("fixed_small", OutputVariance::None, Variance::FixedSmall);
            batch.terms("fixed_large", OutputVariance::None, Variance::FixedLarge);
            batch.terms("learned_range", OutputVariance::Range, Variance::Learned);
            let prior = values(bound::prior(&batch.x0(), chain.last()));
            close("prior", &prior, &file.numbers("f64/prior_bpd"), dtype, 1e-10);
        }
    }
}

fn evaluation(name: &str, toy: &str, channels: OutputVariance, variance: Variance) {
    let file = Recorded::read(name);
    let grid = match file.sidecar["respacing"].as_str().expect("a string") {
        "none" => file.chain().grid(),
        sections => file.chain().respace_sections(&[sections.parse().expect("a number")]).expect("valid"),
    };
    for (run, dtype) in RUNS {
        let model = file.toy(toy, channels).model();
        let clipped = ClipX0(file.toy(toy, channels).model());
        let model: &dyn Denoiser<4> = if file.sidecar["clip_denoised"] == true { &clipped } else { &model };
        let x0 = file.images("x_start", dtype);
        let (noise, shape) = file.get("noise");
        let draws = noise.chunks(noise.len() / shape[0]).map(|draw| tensor(draw, x0.dims(), dtype)).collect();
        let found = bits_per_dim(model, variance, &grid, x0, &mut Replay::new(draws)).expect("fits");
        let close = |key: &str, found: &[f64], room: f64| {
            close(&format!("{name} {key}"), found, &file.numbers(&format!("{run}/{key}")), dtype, room);
        };
        let columns = |rows: &[Vec<f64>]| -> Vec<f64> {
            let samples = 0..found.prior.len();
            samples.flat_map(|sample| rows.iter().rev().map(move |row| row[sample])).collect()
        };
        close("vb", &columns(&found.terms), 1e-5);
        close("xstart_mse", &columns(&found.x0_mse), 1e-5);
        close("mse", &columns(&found.eps_mse), 1e-5);
        close("total_bpd", &found.total, 5e-4);
        close("prior_bpd", &found.prior, 2e-7);
    }
}

#[test]
fn evaluations() {
    use OutputVariance::{None, Range};
    evaluation("calc_bpd_gauss_1000_fixed_small_clip", "gauss", None, Variance::FixedSmall);
    evaluation("calc_bpd_gauss_50_fixed_large_clip", "gauss", None, Variance::FixedLarge);
    evaluation("calc_bpd_tanh_50_fixed_large_clip", "tanh", None, Variance::FixedLarge);
    evaluation("calc_bpd_gauss_50_learned_range_noclip", "gauss", Range, Variance::Learned);
    evaluation("calc_bpd_tanh_50_learned_range_noclip", "tanh", Range, Variance::Learned);
}
