//! What these losses refuse, and that they say the remedy.

mod support;

use burn::tensor::Tensor;
use support::doubles;
use undrift_denoisers::{DenoiseError, Eps, Gaussian, Levels, OutputVariance, Preconditioned, Prediction, Variance};
use undrift_losses::{LossError, Plain, bits_per_dim, bound, squared_error, variational_bound};
use undrift_noise::Zeros;
use undrift_schedules::{Chain, Grid};

fn chain() -> Chain {
    Chain::linear_scaled(100).expect("valid")
}

fn images() -> Tensor<2> {
    doubles(&[0.0; 6], [3, 2])
}

fn gaussian() -> Gaussian {
    Gaussian { mean: 0.0, std: 0.5 }
}

#[test]
fn the_squared_error_refuses_a_learned_variance() {
    let network = |x: Tensor<2>, _: Tensor<1>| Tensor::cat(vec![x.clone(), x], 1);
    for variance in [OutputVariance::LogVariance, OutputVariance::Range] {
        let model = Preconditioned { network, parameterisation: Eps, variance };
        let error = squared_error(&model, &Plain, images(), &chain().last().into(), &mut Zeros).unwrap_err();
        assert!(matches!(error, LossError::VarianceNotTrained { variance: v } if v == variance));
        assert!(error.to_string().contains("use the hybrid loss or the variational bound"));
    }
}

#[test]
fn counts_must_fit_the_batch() {
    let levels = Levels::from(chain().levels()[..2].to_vec());
    let model = Preconditioned {
        network: |x: Tensor<2>, _: Tensor<1>| x,
        parameterisation: Eps,
        variance: OutputVariance::None,
    };
    let miscounted = |error| matches!(error, LossError::Denoise(DenoiseError::LevelCount { levels: 2, batch: 3 }));
    assert!(miscounted(squared_error(&model, &Plain, images(), &levels, &mut Zeros).unwrap_err()));
    let spans = [1, 2].map(|t| chain().span(t).expect("in range"));
    let error = variational_bound(&gaussian(), Variance::FixedSmall, &Plain, images(), &spans, &mut Zeros).unwrap_err();
    assert!(miscounted(error));
}

#[test]
fn a_prediction_must_be_about_the_data() {
    let span = chain().span(3).expect("in range");
    let wide = doubles(&[0.0; 6], [3, 2]);
    let prediction = Prediction::from_x0(wide.clone(), wide, span.from()).expect("fits");
    let narrow = doubles(&[0.0; 3], [3, 1]);
    let error = bound::term(&prediction, &narrow, &[span], Variance::FixedSmall).unwrap_err();
    assert!(matches!(error, LossError::DataShape { .. }), "{error}");
}

#[test]
fn a_bound_needs_a_grid_to_the_data() {
    let levels = chain().levels().to_vec();
    let above = Grid::ending_at([levels[9], levels[5]], levels[2]).expect("decreasing");
    let error = bits_per_dim(&gaussian(), Variance::FixedSmall, &above, images(), &mut Zeros).unwrap_err();
    let alpha_bar = levels[2].alpha_bar();
    assert!(matches!(error, LossError::EndsAboveData { alpha_bar: a } if a == alpha_bar));
    assert!(error.to_string().contains("reaches the data"));
}

#[test]
fn a_fixed_model_has_no_learned_variance() {
    let error = bits_per_dim(&gaussian(), Variance::Learned, &chain().grid(), images(), &mut Zeros).unwrap_err();
    assert!(matches!(error, LossError::Denoise(DenoiseError::NoLearnedVariance)));
}

#[test]
fn without_signal_an_x0_model_has_a_bound_and_an_eps_model_has_none() {
    let grid = chain().zero_terminal_snr().expect("valid").grid();
    let found = bits_per_dim(&gaussian(), Variance::FixedSmall, &grid, images(), &mut Zeros).expect("fits");
    assert!(found.total.iter().all(|total| total.is_finite()), "{found:?}");
    let network = |x: Tensor<2>, _: Tensor<1>| x;
    let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
    let error = bits_per_dim(&model, Variance::FixedSmall, &grid, images(), &mut Zeros).unwrap_err();
    assert!(matches!(error, LossError::Denoise(DenoiseError::NoSignal { .. })), "{error}");
}
