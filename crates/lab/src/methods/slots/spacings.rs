//! The spacings by name: which levels of a chain a sampler visits.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_schedules::{Chain, Grid, GridError, Labels, Spacing};

/// Choices of the levels that a sampler visits.
pub struct Spacings;

impl Slot for Spacings {
    const NAME: &'static str = "spacing";
    const WRITTEN: &'static str = "`sampling.sampler.spacing`, `--spacing`";
    /// The grid of so many steps; all of the chain's where none are given.
    type Build = fn(&Values, &Chain, Option<usize>) -> Result<Grid, MethodError>;
}

/// Every spacing.
pub const SPACINGS: &[Row<Spacings>] = &[
    Row {
        name: "uniform",
        about: "even strides from the first level on (Song, Meng, Ermon 2020, arXiv:2010.02502, appendix D.2)",
        parameters: &[],
        build: |_, chain, steps| spaced(Spacing::Uniform, chain, steps),
    },
    Row {
        name: "quadratic",
        about: "squares of even strides, dense near the data (Song, Meng, Ermon 2020, arXiv:2010.02502, appendix D.2)",
        parameters: &[],
        build: |_, chain, steps| spaced(Spacing::Quadratic, chain, steps),
    },
    Row {
        name: "leading",
        about: "integer strides from the first level on (Lin et al. 2023, arXiv:2305.08891, table 2)",
        parameters: &[],
        build: |_, chain, steps| spaced(Spacing::Leading, chain, steps),
    },
    Row {
        name: "trailing",
        about: "even strides that end at the noisiest level (Lin et al. 2023, arXiv:2305.08891, table 2)",
        parameters: &[],
        build: |_, chain, steps| spaced(Spacing::Trailing, chain, steps),
    },
    Row {
        name: "linspace",
        about: "even strides with both ends (Lin et al. 2023, arXiv:2305.08891, table 2)",
        parameters: &[],
        build: |_, chain, steps| spaced(Spacing::Linspace, chain, steps),
    },
    Row {
        name: "karras",
        about: "sigmas between the chain's ends, labels interpolated (Karras et al. 2022, arXiv:2206.00364, eq. 5)",
        parameters: &[Parameter::number("rho", Some(7.0), "how the grid bends, above 0")],
        build: |values, chain, steps| {
            let grid = chain.karras(steps.unwrap_or(chain.len()), values.number("rho"), Labels::Interpolated);
            grid.map_err(refused)
        },
    },
];

fn spaced(spacing: Spacing, chain: &Chain, steps: Option<usize>) -> Result<Grid, MethodError> {
    steps.map_or_else(|| Ok(chain.grid()), |steps| chain.respace(spacing, steps).map_err(refused))
}

fn refused(why: GridError) -> MethodError {
    MethodError::refused("steps", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;

    #[test]
    fn every_row_takes_the_steps_that_it_is_asked_for() {
        let (methods, chain) = (Methods::standard(), Chain::linear(60).unwrap());
        for row in SPACINGS {
            for steps in [1, 7, 60] {
                let grid = methods.grid(&row.name.parse().unwrap(), &chain, Some(steps));
                match grid {
                    Ok(grid) => assert_eq!(grid.steps(), steps, "{}", row.name),
                    Err(error) => assert_eq!((row.name, steps), ("karras", 1), "{error}"),
                }
            }
            assert_eq!(methods.grid(&row.name.parse().unwrap(), &chain, None).unwrap().steps(), 60, "{}", row.name);
            let error = methods.grid(&row.name.parse().unwrap(), &chain, Some(0)).unwrap_err().to_string();
            assert!(error.contains("steps"), "{error}");
        }
    }
}
