//! The flow of a Gaussian, which is known, and how far from it a solver ends.

use burn::tensor::Tensor;
use undrift_denoisers::Gaussian;
use undrift_noise::Zeros;
use undrift_schedules::{Grid, Level};

use crate::{SampleError, Solver, sample};

/// Where the probability flow of the data N(mean, std^2) takes `x` from one level to another, in any coordinates:
/// `x / signal - mean` shrinks as the root of `std^2 + sigma^2`.
///
/// # Shapes
/// `x` is `[batch, ..]` at `from`, which has a signal; the result has its shape and is at `to`.
pub fn exact_flow<const D: usize>(data: Gaussian, x: &Tensor<D>, from: Level, to: Level) -> Tensor<D> {
    let width = |level: Level| data.std.hypot(level.sigma());
    let shrunk = (x.clone() * (1.0 / from.signal()) - data.mean) * (width(to) / width(from));
    (shrunk + data.mean) * to.signal()
}

/// The largest distance between where a solver takes `x` without noise and the exact flow of the same Gaussian: with
/// twice the steps it falls by `2^order` where the solver has that order. Infinite for a result that is no number.
///
/// # Shapes
/// `x` is `[batch, ..]` at the start of `grid`; best in f64.
///
/// # Errors
/// [`SampleError::NoSignal`] for a grid that starts at pure noise, [`SampleError::EndsAtData`] for one that does not end
/// at a level, and those of the solver.
pub fn flow_error<const D: usize>(
    solver: &dyn Solver<D>,
    data: Gaussian,
    grid: &Grid,
    x: Tensor<D>,
) -> Result<f64, SampleError> {
    let (from, to) = (grid.start(), grid.end().ok_or(SampleError::EndsAtData)?);
    if from.is_pure_noise() {
        return Err(SampleError::NoSignal { time: from.time() });
    }
    let exact = exact_flow(data, &x, from, to);
    let off = (sample(&data, solver, grid, x, &mut Zeros)? - exact).into_data();
    Ok(off.iter::<f64>().map(|off| if off.is_nan() { f64::INFINITY } else { off.abs() }).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gap, tensor};
    use crate::{Churn, Ddim, Heun};
    use undrift_denoisers::{Denoiser, Question};

    const DATA: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn grid(steps: usize) -> Grid {
        let sigma = |i: usize| 4.0 - 3.0 * i as f64 / steps as f64;
        let mut levels: Vec<Level> = (0..=steps).map(|i| Level::edm(sigma(i), sigma(i)).expect("valid")).collect();
        let end = levels.pop().expect("not empty");
        Grid::ending_at(levels, end).expect("falling")
    }

    /// Its derivative in sigma is the believed eps.
    #[test]
    fn the_flow_moves_by_eps_per_sigma() {
        let [at, near] = [2.0, 2.0 + 1e-5].map(|sigma| Level::edm(sigma, sigma).expect("valid"));
        let x = tensor(vec![1.5, -0.4], [1, 2]);
        let eps = DATA.predict(x.clone(), &Question::from(at)).expect("fits").eps();
        let slope = (exact_flow(DATA, &x, at, near) - x.clone()) * 1e5;
        assert!(gap(&slope, &eps) < 1e-4);
        let back = exact_flow(DATA, &exact_flow(DATA, &x, at, near), near, at);
        assert!(gap(&back, &x) < 1e-14);
    }

    #[test]
    fn the_error_falls_with_the_order() {
        let x = || tensor(vec![3.0, -2.0], [1, 2]);
        let error = |solver: &dyn Solver<2>, steps| flow_error(solver, DATA, &grid(steps), x()).expect("has a belief");
        let (euler, heun) = (Ddim::default(), Heun { churn: Churn::NONE });
        for (solver, order) in [(&euler as &dyn Solver<2>, 1.0), (&heun, 2.0)] {
            assert!(((error(solver, 100) / error(solver, 200)).log2() - order).abs() < 0.05);
        }
    }

    #[test]
    fn grids_without_a_flow_are_refused() {
        let x = || tensor(vec![3.0, -2.0], [1, 2]);
        let data = Grid::of_sigmas([2.0, 1.0]).expect("valid");
        assert_eq!(flow_error(&Ddim::default(), DATA, &data, x()), Err(SampleError::EndsAtData));
        let pure =
            Grid::ending_at([Level::flow(1.0).expect("valid")], Level::flow(0.5).expect("valid")).expect("falls");
        assert_eq!(flow_error(&Ddim::default(), DATA, &pure, x()), Err(SampleError::NoSignal { time: 1.0 }));
    }
}
