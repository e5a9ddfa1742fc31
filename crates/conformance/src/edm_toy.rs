//! Toy denoisers of golden vectors in EDM coordinates.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Prediction, Question};

use super::error::FixtureError;

/// A formula of x0 in `x` and sigma, in place of a trained denoiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum EdmToy {
    /// The exact one for data that are `N(mean, variance)`.
    Gauss { mean: f64, variance: f64 },
    /// `tanh(a x / (1 + sigma) + b cos(sigma))`, which is right for no data.
    Tanh { a: f64, b: f64 },
}

impl EdmToy {
    /// Reads `D=(m*sigma^2+s^2*x)/(sigma^2+s^2), m=0.3, s=0.5`, the same with its numbers filled in, or
    /// `D=tanh(1.3*x/(1+sigma)+0.2*cos(sigma))`.
    pub(super) fn read(text: &str) -> Result<Self, FixtureError> {
        parse(text).ok_or_else(|| FixtureError::NotCovered(format!("a toy denoiser `{text}`")))
    }
}

fn parse(text: &str) -> Option<EdmToy> {
    let formula = text.split_once("D=")?.1;
    if let Some(inside) = formula.strip_prefix("tanh(") {
        let (a, rest) = inside.split_once("*x/(1+sigma)+")?;
        let b = rest.strip_suffix("*cos(sigma))")?;
        return Some(EdmToy::Tanh { a: a.parse().ok()?, b: b.parse().ok()? });
    }
    let (mean, rest) = formula.strip_prefix('(')?.split_once("*sigma^2+")?;
    let (variance, rest) = rest.split_once("*x)/(sigma^2+")?;
    let (again, named) = rest.split_once(')')?;
    if (mean, variance, again) == ("m", "s^2", "s^2") {
        let number = |name: &str| named.split(',').find_map(|part| part.trim().strip_prefix(name)?.parse::<f64>().ok());
        return Some(EdmToy::Gauss { mean: number("m=")?, variance: number("s=")?.powi(2) });
    }
    (variance == again).then_some(())?;
    Some(EdmToy::Gauss { mean: mean.parse().ok()?, variance: variance.parse().ok()? })
}

impl Denoiser<4> for EdmToy {
    fn predict(&self, x: Tensor<4>, at: &Question<4>) -> Result<Prediction<4>, DenoiseError> {
        let column = |f: &dyn Fn(f64) -> f64| at.column(&x, |level| f(level.sigma()));
        let x0 = match *self {
            EdmToy::Gauss { mean, variance } => {
                let total = |sigma: f64| sigma * sigma + variance;
                let of_mean = column(&|sigma| mean * sigma * sigma / total(sigma));
                x.clone() * column(&|sigma| variance / total(sigma)) + of_mean
            }
            EdmToy::Tanh { a, b } => {
                (x.clone() * column(&|sigma| a / (1.0 + sigma)) + column(&|sigma| b * sigma.cos())).tanh()
            }
        };
        Prediction::from_x0(x, x0, at.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_read_with_names_or_numbers() {
        let read = |text: &str| EdmToy::read(text).ok();
        let gauss = Some(EdmToy::Gauss { mean: 0.3, variance: 0.25 });
        assert_eq!(read("D=(m*sigma^2+s^2*x)/(sigma^2+s^2), m=0.3, s=0.5"), gauss);
        assert_eq!(read("gauss: D=(0.3*sigma^2+0.25*x)/(sigma^2+0.25)"), gauss);
        let tanh = Some(EdmToy::Tanh { a: 1.3, b: 0.2 });
        assert_eq!(read("tanh: D=tanh(1.3*x/(1+sigma)+0.2*cos(sigma))"), tanh);
        assert_eq!(read("D=(0.3*sigma^2+0.25*x)/(sigma^2+0.3)"), None);
        assert_eq!(read("relu(x)"), None);
    }
}
