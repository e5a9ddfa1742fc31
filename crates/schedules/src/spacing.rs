//! Which levels of a chain a shorter grid visits.

mod sections;

use crate::{Chain, Grid, GridError};

/// A rule that picks exactly `n` of a chain's `T` levels, strictly ordered, for every `n` in `1..=T`.
///
/// Published rules that may pick another number, or a level twice, are in [`peers`](crate::peers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// `t = 1 + floor(i T / n)`: an even stride from the first level on.
    ///
    /// Song, Meng, Ermon 2020, arXiv:2010.02502, appendix D.2 ("linear"). Their code has an integer stride
    /// instead, and with it gives another number of steps whenever `n` does not divide `T`.
    Uniform,
    /// `t = 1 + max(floor(i^2 0.8 T / (n - 1)^2), i)`: dense near the data, and not above `0.8 T + 1`.
    ///
    /// Song, Meng, Ermon 2020, arXiv:2010.02502, appendix D.2. The maximum with `i` is ours: without it
    /// the first levels repeat (`n = 50` of 1000 visits `t = 1` twice).
    Quadratic,
    /// `t = 1 + i floor(T / n)`: an integer stride from the first level on; the noisiest may be left out.
    ///
    /// Lin, Liu, Li, Yang 2023, arXiv:2305.08891, table 2.
    Leading,
    /// `t = round(i T / n)` for `i` in `1..=n`: an even stride that ends at the noisiest level.
    ///
    /// Lin, Liu, Li, Yang 2023, arXiv:2305.08891, table 2; halves are rounded to even, as numpy does (diffusers adds
    /// its stride up in floating point, misses some halves and for some `n` gives one step too many).
    Trailing,
    /// `t = 1 + round(i (T - 1) / (n - 1))`: both ends included; one step is the noisiest level.
    ///
    /// Lin, Liu, Li, Yang 2023, arXiv:2305.08891, table 2; halves are rounded to even. For one step diffusers
    /// takes the least noisy level.
    Linspace,
}

impl Spacing {
    /// The `t` of the picked levels, noisiest first: `steps` of `1..=len`.
    ///
    /// A single step is the noisiest level for `Trailing` and `Linspace`, and `t = 1` for the others.
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::TooManySteps`] for more than `len`.
    pub fn pick(self, len: usize, steps: usize) -> Result<Vec<usize>, GridError> {
        if steps == 0 {
            return Err(GridError::Empty);
        }
        if steps > len {
            return Err(GridError::TooManySteps { steps, len });
        }
        Ok((0..steps).rev().map(|i| self.nth(i as u128, len as u128, steps as u128) as usize).collect())
    }

    /// The `i`-th picked `t`, counted from 0 at the data; whole numbers throughout, so that nothing rounds twice.
    fn nth(self, i: u128, len: u128, steps: u128) -> u128 {
        let gaps = (steps - 1).max(1);
        match self {
            Spacing::Uniform => 1 + i * len / steps,
            Spacing::Quadratic => 1 + (4 * i * i * len / (5 * gaps * gaps)).max(i),
            Spacing::Leading => 1 + i * (len / steps),
            Spacing::Trailing => round_half_even((i + 1) * len, steps),
            Spacing::Linspace if steps == 1 => len,
            Spacing::Linspace => 1 + round_half_even(i * (len - 1), gaps),
        }
    }
}

impl Chain {
    /// `steps` levels of this chain, picked by a spacing; they keep their labels.
    ///
    /// Betas are those of the longer jumps: see [`Chain::grid_at`].
    ///
    /// # Errors
    /// [`GridError::Empty`] for no steps, [`GridError::TooManySteps`] for more than `T`.
    pub fn respace(&self, spacing: Spacing, steps: usize) -> Result<Grid, GridError> {
        self.grid_at(&spacing.pick(self.len(), steps)?)
    }
}

/// `numerator / denominator` to the nearest whole number, halves to even.
fn round_half_even(numerator: u128, denominator: u128) -> u128 {
    let (whole, twice_rest) = (numerator / denominator, 2 * (numerator % denominator));
    let up = twice_rest > denominator || twice_rest == denominator && whole % 2 == 1;
    whole + u128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(spacing: Spacing, len: usize, steps: usize) -> Vec<usize> {
        spacing.pick(len, steps).unwrap().into_iter().rev().map(|t| t - 1).collect()
    }

    #[test]
    fn the_published_lists_of_ten() {
        assert_eq!(labels(Spacing::Uniform, 1000, 10), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert_eq!(labels(Spacing::Leading, 1000, 10), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert_eq!(labels(Spacing::Quadratic, 1000, 10), [0, 9, 39, 88, 158, 246, 355, 483, 632, 800]);
        assert_eq!(labels(Spacing::Trailing, 1000, 10), [99, 199, 299, 399, 499, 599, 699, 799, 899, 999]);
        assert_eq!(labels(Spacing::Linspace, 1000, 10), [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]);
    }

    #[test]
    fn strides_that_do_not_divide_are_spread() {
        assert_eq!(labels(Spacing::Uniform, 1000, 7), [0, 142, 285, 428, 571, 714, 857]);
        assert_eq!(labels(Spacing::Leading, 1000, 7), [0, 142, 284, 426, 568, 710, 852]);
        assert_eq!(labels(Spacing::Trailing, 1000, 7), [142, 285, 428, 570, 713, 856, 999]);
        assert_eq!(labels(Spacing::Linspace, 1000, 7), [0, 166, 333, 500, 666, 832, 999]);
    }

    #[test]
    fn one_step_and_impossible_numbers() {
        for (spacing, label) in [
            (Spacing::Uniform, 0),
            (Spacing::Quadratic, 0),
            (Spacing::Leading, 0),
            (Spacing::Trailing, 999),
            (Spacing::Linspace, 999),
        ] {
            assert_eq!(labels(spacing, 1000, 1), [label]);
            assert_eq!(spacing.pick(10, 0), Err(GridError::Empty));
            assert_eq!(spacing.pick(10, 11), Err(GridError::TooManySteps { steps: 11, len: 10 }));
        }
    }
}
