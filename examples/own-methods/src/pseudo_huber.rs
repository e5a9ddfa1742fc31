//! The pseudo-Huber loss, which outliers move less than a squared error.

use burn::tensor::Tensor;
use undrift_denoisers::Levels;
use undrift_lab::methods::slots::Objectives;
use undrift_lab::methods::{MethodError, Parameter, Row};
use undrift_losses::per_sample::mean_over_dims;
use undrift_losses::{Ask, Corruption, LossError, Objective, Weigh};

/// `sqrt(d^2 + c^2) - c` for each value's error d (after Song and Dhariwal 2023, arXiv:2310.14189, eq. 8).
struct PseudoHuber {
    corruption: Box<dyn Corruption<4>>,
    weighting: Option<Box<dyn Weigh>>,
    c: f64,
}

impl Objective<4> for PseudoHuber {
    fn loss(&mut self, ask: Ask<'_, 4>) -> Result<Tensor<1>, LossError> {
        let at = Levels::from(ask.spans()?.iter().map(|span| span.from()).collect::<Vec<_>>());
        let made = self.corruption.corrupt(&ask.model, &ask.x0, &at, &mut ask.noise())?;
        let target = ask.model.target(ask.x0, made.eps, &at)?;
        let error = target - ask.model.output(made.x, &at)?;
        let losses = mean_over_dims((error.square() + self.c * self.c).sqrt() - self.c);
        match &self.weighting {
            Some(weighting) => weighting.weigh(losses, &ask.model.parameterisation, &at),
            None => Ok(losses),
        }
    }
}

pub(crate) const ROW: Row<Objectives> = Row {
    name: "pseudo-huber",
    about: "sqrt(d^2 + c^2) - c of each value's error (after Song and Dhariwal 2023, arXiv:2310.14189)",
    parameters: &[Parameter::number("c", Some(0.03), "below it errors count squared, above it in proportion; above 0")],
    build: |values, parts| {
        let (c, learned) = (values.number("c"), parts.variance.is_learned());
        if learned || c <= 0.0 {
            return Err(MethodError::refused(values.method(), "it needs a fixed variance and a `c` above 0"));
        }
        Ok(Box::new(PseudoHuber { corruption: parts.corruption, weighting: parts.weighting, c }))
    },
};
