//! Small tensors and grids for the unit tests of this crate.

use std::cell::RefCell;

use burn::tensor::{DType, Device, Tensor, TensorData};
use undrift_denoisers::{DenoiseError, Denoiser, Prediction, Question};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

pub(crate) fn tensor(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

pub(crate) fn values(tensor: &Tensor<2>) -> Vec<f64> {
    tensor.to_data().iter::<f64>().collect()
}

pub(crate) fn bits(tensor: &Tensor<2>) -> Vec<u64> {
    values(tensor).into_iter().map(f64::to_bits).collect()
}

/// Largest absolute difference; NaN anywhere counts as infinite.
pub(crate) fn gap(a: &Tensor<2>, b: &Tensor<2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let differences = values(a).into_iter().zip(values(b)).map(|(a, b)| (a - b).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max)
}

/// Noise of `count` samples from number `first` on, and their first draw as a start.
pub(crate) fn start(first: u64, count: usize, width: usize, dtype: DType) -> (SampleNoise, Tensor<2>) {
    let mut noise = SampleNoise::new(Key::new(11, Purpose::Sampling), first, count);
    let x = noise.normal(&Tensor::<2>::zeros([count, width], (&Device::flex(), dtype)));
    (noise, x)
}

/// Believes in `x / 2` and keeps a list of what it was asked: sigma, label, and whether inside a step.
#[derive(Default)]
pub(crate) struct Half {
    pub(crate) asked: RefCell<Vec<(f64, f64, bool)>>,
}

impl Denoiser<2> for Half {
    fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
        let level = at.of(0).expect("one level");
        self.asked.borrow_mut().push((level.sigma(), level.time(), at.is_stage()));
        let x0 = x.clone() * (0.5 / level.signal());
        Prediction::from_x0(x, x0, at.clone())
    }
}
