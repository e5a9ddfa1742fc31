//! The process of a row of a recipe, as published codes say such things.

use crate::methods::{Method, MethodError, Methods, Values};
use crate::recipe::Settings;
use undrift_pipelines::{Betas, Predicted, Process, StepVariance};

/// The process of a row of a recipe: DDPM's over its chain, with its prediction and variance.
///
/// # Errors
/// [`MethodError`] for a chain that cannot be made, and for a prediction or variance that no published code knows.
pub fn process_of_row(methods: &Methods, row: &Settings) -> Result<Process, MethodError> {
    Ok(Process {
        chain: betas(methods, &row.chain)?,
        prediction: predicted(&row.model.prediction)?,
        variance: step_variance(&row.model.variance)?,
        ..Process::ddpm()
    })
}

/// A chain that published codes have a name for, or its betas one by one.
fn betas(methods: &Methods, method: &Method) -> Result<Betas, MethodError> {
    let (_, values) = methods.chains.find(method)?;
    let listed = || Ok(Betas::Listed { betas: methods.chain(method)?.betas().to_vec() });
    let Some(length) = values.count_if_any("length") else {
        return match method.name.as_str() {
            "zero-terminal-snr" => Ok(Betas::ZeroTerminalSnr { of: Box::new(betas(methods, values.inner("of"))?) }),
            _ => listed(),
        };
    };
    let number = |name: &str| values.number(name);
    Ok(match method.name.as_str() {
        "linear" => Betas::Linear { length },
        "linear-scaled" => Betas::LinearScaled { length },
        "linear-between" => Betas::LinearBetween { length, start: number("start"), end: number("end") },
        "quadratic" => Betas::Quadratic { length, start: number("start"), end: number("end") },
        "scaled-linear" => Betas::ScaledLinear { length, start: number("start"), end: number("end") },
        "sigmoid" => Betas::Sigmoid { length, start: number("start"), end: number("end") },
        "constant" => Betas::Constant { length, beta: number("beta") },
        "jsd" => Betas::Jsd { length },
        "warm-up" => {
            let [start, end, fraction] = ["start", "end", "fraction"].map(number);
            Betas::WarmUp { length, start, end, fraction }
        }
        "cosine" if is_published(&values) => Betas::Cosine { length },
        _ => return listed(),
    })
}

/// Whether a cosine chain has the published constants.
fn is_published(values: &Values) -> bool {
    (values.number("offset"), values.number("cap")) == (0.008, 0.999)
}

fn predicted(method: &Method) -> Result<Predicted, MethodError> {
    match method.name.as_str() {
        "eps" => Ok(Predicted::Eps),
        "x0" => Ok(Predicted::X0),
        "v" => Ok(Predicted::V),
        "mu-tilde" => Ok(Predicted::MuTilde),
        other => Err(MethodError::refused(other, "no published code has such a prediction")),
    }
}

fn step_variance(method: &Method) -> Result<StepVariance, MethodError> {
    match method.name.as_str() {
        "fixed-small" => Ok(StepVariance::FixedSmall),
        "fixed-large" => Ok(StepVariance::FixedLarge),
        "learned" => Ok(StepVariance::Learned),
        "learned-range" => Ok(StepVariance::LearnedRange),
        other => Err(MethodError::refused(other, "no published code has such a variance")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_says_its_own_betas_to_published_codes() {
        let methods = Methods::standard();
        for text in [
            "linear:length=20",
            "linear-scaled:length=60",
            "linear-between:length=20,start=0.01,end=0.2",
            "quadratic:length=20,start=0.01,end=0.2",
            "scaled-linear:length=20,start=0.01,end=0.2",
            "sigmoid:length=20,start=0.01,end=0.2",
            "cosine:length=20",
            "cosine:length=20,offset=0.1",
            "sigmoid-alpha-bar:length=20",
            "constant:length=20,beta=0.1",
            "jsd:length=20",
            "warm-up:length=20,start=0.01,end=0.2,fraction=0.5",
            "betas:betas=0.1+0.2",
            "zero-terminal-snr:of=linear:length=20",
        ] {
            let method: Method = text.parse().unwrap();
            let said = betas(&methods, &method).unwrap().chain().unwrap();
            assert_eq!(said.betas(), methods.chain(&method).unwrap().betas(), "{text}");
        }
    }
}
