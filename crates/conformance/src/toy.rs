//! Toy models that stand in for networks.

use burn::tensor::{Tensor, TensorData};
use undrift_denoisers::{DenoiseError, Network};

use super::error::FixtureError;
use super::sidecar::Node;

/// A formula in place of a trained network, evaluated in f64 from the state and rounded to the state's type.
#[derive(Clone, Debug)]
pub(super) struct Toy {
    /// The prediction of eps.
    pub(super) eps: ToyEps,
    /// The second half of the output channels.
    pub(super) channel: Option<Wave>,
    /// alpha_bar of the whole chain, by the label that the network sees.
    pub(super) alpha_bar: Vec<f64>,
}

/// A toy's prediction of eps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ToyEps {
    /// The exact prediction for data that are `N(mean, std^2)`.
    Gauss { mean: f64, std: f64 },
    /// `tanh(a x + b cos(c t))`, which is right for no data.
    Tanh { a: f64, b: f64, c: f64 },
}

/// `offset + amplitude * sin(x_factor * x + t_factor * t)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wave {
    offset: f64,
    amplitude: f64,
    x_factor: f64,
    t_factor: f64,
}

impl ToyEps {
    /// Reads the constants of one toy: `{formula, m, s}` or `{formula, a, b, c}`.
    pub(super) fn read(toy: &Node<'_>) -> Result<Self, FixtureError> {
        let formula = toy.text_or_empty("formula");
        if formula.contains("tanh(a*x+b*cos(c*t))") {
            let (a, b, c) = (toy.number("a")?, toy.number("b")?, toy.number("c")?);
            Ok(ToyEps::Tanh { a, b, c })
        } else if formula.contains("sqrt(1-abar_t)*(x-sqrt(abar_t)*m)/(abar_t*s^2+1-abar_t)") {
            let (mean, std) = (toy.number("m")?, toy.number("s")?);
            Ok(ToyEps::Gauss { mean, std })
        } else {
            Err(FixtureError::NotCovered(format!("a toy model with the formula `{formula}`")))
        }
    }

    fn at(self, x: f64, time: f64, alpha_bar: f64) -> f64 {
        match self {
            ToyEps::Gauss { mean, std } => {
                let variance = alpha_bar * std * std + 1.0 - alpha_bar;
                (1.0 - alpha_bar).sqrt() * (x - alpha_bar.sqrt() * mean) / variance
            }
            ToyEps::Tanh { a, b, c } => (a * x + b * (c * time).cos()).tanh(),
        }
    }
}

impl Wave {
    /// Reads the first wave of a text, as `v(x,t)=0.8*sin(3x+0.01*t)` or `-5+sin(2x)`.
    pub(super) fn read(text: &str) -> Result<Self, FixtureError> {
        parse_wave(text).ok_or_else(|| FixtureError::NotCovered(format!("a variance channel `{text}`")))
    }

    fn at(self, x: f64, time: f64) -> f64 {
        self.offset + self.amplitude * (self.x_factor * x + self.t_factor * time).sin()
    }
}

impl Network<4> for Toy {
    fn forward(&self, x: Tensor<4>, time: Tensor<1>) -> Result<Tensor<4>, DenoiseError> {
        let (device, dtype, dims) = (x.device(), x.dtype(), x.dims());
        let times: Vec<f64> = time.into_data().iter::<f64>().collect();
        let x: Vec<f64> = x.into_data().iter::<f64>().collect();
        let [batch, channels, height, width] = dims;
        let (each, mut output) = (channels * height * width, Vec::new());
        for (b, sample) in x.chunks(each.max(1)).enumerate() {
            let time = if times.len() == 1 { times[0] } else { times[b] };
            self.of_sample(sample, time, &mut output);
        }
        let channels = channels * if self.channel.is_some() { 2 } else { 1 };
        let data = TensorData::new(output, [batch, channels, height, width]);
        Ok(Tensor::from_data(data, (&device, dtype)))
    }
}

impl Toy {
    fn of_sample(&self, sample: &[f64], time: f64, output: &mut Vec<f64>) {
        let alpha_bar = self.alpha_bar.get(time.round_ties_even() as usize).copied().unwrap_or(f64::NAN);
        output.extend(sample.iter().map(|&x| self.eps.at(x, time, alpha_bar)));
        if let Some(wave) = self.channel {
            output.extend(sample.iter().map(|&x| wave.at(x, time)));
        }
    }
}

/// `[name(..)=][offset +|amplitude *]sin(a x [+ b * t])`.
fn parse_wave(text: &str) -> Option<Wave> {
    let formula = text.split_once('=').map_or(text, |(_, right)| right);
    let (front, rest) = formula.split_once("sin(")?;
    let inside = rest.split_once(')')?.0;
    let (offset, amplitude) = match front.trim().strip_suffix('*') {
        Some(front) => front.rsplit_once('+').unwrap_or(("0", front)),
        None => (front.trim().trim_end_matches('+'), "1"),
    };
    let offset = if offset.is_empty() { "0" } else { offset };
    let mut wave = Wave {
        offset: offset.trim().parse().ok()?,
        amplitude: amplitude.trim().parse().ok()?,
        x_factor: 0.0,
        t_factor: 0.0,
    };
    for term in inside.split('+').map(str::trim) {
        let factor = |name: char| term.strip_suffix(name).map(|f| f.trim_end_matches('*'));
        match (factor('x'), factor('t')) {
            (Some(factor), _) => wave.x_factor = number_or_one(factor)?,
            (_, Some(factor)) => wave.t_factor = number_or_one(factor)?,
            _ => return None,
        }
    }
    Some(wave)
}

fn number_or_one(text: &str) -> Option<f64> {
    if text.is_empty() { Some(1.0) } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn waves_are_read_from_their_formulas() {
        let wave = |offset, amplitude, x_factor, t_factor| Wave { offset, amplitude, x_factor, t_factor };
        let read = |text| parse_wave(text);
        let range = "v(x,t)=0.8*sin(3x+0.01*t), concatenated after eps on the channel axis";
        assert_eq!(read(range), Some(wave(0.0, 0.8, 3.0, 0.01)));
        assert_eq!(read("-5+sin(2x)"), Some(wave(-5.0, 1.0, 2.0, 0.0)));
        assert_eq!(read("f(x) = 2+0.5*sin(3*x)"), Some(wave(2.0, 0.5, 3.0, 0.0)));
        assert_eq!(read("sin(x+t)"), Some(wave(0.0, 1.0, 1.0, 1.0)));
        assert_eq!(read("cos(x)"), None);
        assert_eq!(read("0.8*sin(3y)"), None);
    }

    #[test]
    fn the_gauss_toy_is_the_exact_prediction_of_its_data() {
        let toy = json!({"formula": "eps(x,t)=sqrt(1-abar_t)*(x-sqrt(abar_t)*m)/(abar_t*s^2+1-abar_t): exact", "m": 0.3, "s": 0.4});
        let toy = ToyEps::read(&Node::root(&toy)).unwrap();
        assert_eq!(toy, ToyEps::Gauss { mean: 0.3, std: 0.4 });
        let (alpha_bar, x) = (0.25_f64, 0.7);
        let expected = 0.75_f64.sqrt() * (x - 0.5 * 0.3) / (0.25 * 0.16 + 0.75);
        assert!((toy.at(x, 0.0, alpha_bar) - expected).abs() < 1e-15);
    }

    #[test]
    fn an_unknown_formula_is_not_covered() {
        let toy = json!({"formula": "eps = relu(x)"});
        let error = ToyEps::read(&Node::root(&toy)).unwrap_err();
        assert!(matches!(error, FixtureError::NotCovered(_)));
    }
}
