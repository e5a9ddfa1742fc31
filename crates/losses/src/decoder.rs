//! The discretised Gaussian decoder of the bound's last term.

use burn::tensor::Tensor;
use std::f64::consts::FRAC_2_PI;

/// Half the width of one of 256 grey levels on the scale -1..1.
const HALF_BIN: f64 = 1.0 / 255.0;
/// Beyond this the first and the last grey level take their whole tail.
const EDGE: f64 = 0.999;
/// Smallest probability of a pixel.
const FLOOR: f64 = 1e-12;

/// Log probability, in nats, of 8-bit pixels under a Gaussian integrated over each pixel's bin.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 13: the bin is `x0 ± 1/255`, and open towards infinity at -1 and at 1.
/// `x0` is a grey level `g / 127.5 - 1` with an integer `g` in 0..=255; elsewhere the result means nothing.
/// As in the authors' code, and other than in the paper, the normal distribution function is the approximation
/// `(1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))) / 2`, and a probability is at least 1e-12.
///
/// # Shapes
/// `x0`, `mean`, `log_scale` (logarithm of the standard deviation) and the result: `[B, ..]`, all the same.
pub fn decoder_log_likelihood<const D: usize>(x0: Tensor<D>, mean: Tensor<D>, log_scale: Tensor<D>) -> Tensor<D> {
    let centred = x0.clone() - mean;
    let inverse_scale = (-log_scale).exp();
    let below_upper = normal_cdf((centred.clone() + HALF_BIN) * inverse_scale.clone());
    let below_lower = normal_cdf((centred - HALF_BIN) * inverse_scale);
    let above_lower = below_lower.clone().neg() + 1.0;
    (below_upper.clone() - below_lower)
        .mask_where(x0.clone().lower_elem(-EDGE), below_upper)
        .mask_where(x0.greater_elem(EDGE), above_lower)
        .clamp_min(FLOOR)
        .log()
}

fn normal_cdf<const D: usize>(z: Tensor<D>) -> Tensor<D> {
    let cube = z.clone().square() * z.clone();
    ((z + cube * 0.044715) * FRAC_2_PI.sqrt()).tanh() * 0.5 + 0.5
}
