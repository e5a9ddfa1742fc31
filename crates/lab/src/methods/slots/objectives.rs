//! The objectives by name: what training minimises.

use super::VariancesOf;
use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use std::cell::Cell;
use std::rc::Rc;
use undrift_losses::{
    Bound, Corruption, Hybrid, HybridBound, Importance, Objective, Penalised, Simple, Weigh, Weighting,
};
use undrift_schedules::Chain;

/// What training minimises.
pub struct Objectives;

/// What an objective is made of beside its own parameters.
pub struct ObjectiveParts<'a> {
    /// The forward process.
    pub chain: &'a Chain,
    /// The variance of reverse steps.
    pub variance: VariancesOf,
    /// How training inputs are made.
    pub corruption: Box<dyn Corruption<4>>,
    /// How much the squared error of a level counts; none where all count alike.
    pub weighting: Option<Box<dyn Weigh>>,
    /// The penalty on the network's slope; a recipe that asks for one is refused where the objective leaves it.
    pub penalty: Penalty,
}

/// The penalty on the network's slope that a row asks for, to be put around its objective.
pub struct Penalty {
    pub(crate) lambda: f64,
    pub(crate) corruption: Box<dyn Corruption<4>>,
    pub(crate) taken: Rc<Cell<bool>>,
}

impl Penalty {
    /// The objective with the penalty; the objective alone, bit for bit, where none is asked for.
    ///
    /// It stands inside whatever draws levels by their losses, which then counts and weighs the penalty too.
    pub fn around(self, inner: impl Objective<4> + 'static) -> Box<dyn Objective<4>> {
        self.taken.set(true);
        Box::new(Penalised { inner, corruption: self.corruption, lambda: self.lambda })
    }
}

impl Slot for Objectives {
    const NAME: &'static str = "objective";
    const WRITTEN: &'static str = "`model.objective`";
    type Build = fn(&Values, ObjectiveParts<'_>) -> Result<Box<dyn Objective<4>>, MethodError>;
}

/// Every objective on a chain.
pub const OBJECTIVES: &[Row<Objectives>] = &[
    Row {
        name: "simple",
        about: "mean squared error in the network's own output space, weighed; L_simple for eps (Ho et al. 2020, \
                arXiv:2006.11239, eq. 14)",
        parameters: &[],
        build: |values, parts| {
            if parts.variance.is_learned() {
                let why = "a learned variance is trained by the bound only (`bound`, `hybrid` or `importance-bound`)";
                return Err(MethodError::refused(values.method(), why));
            }
            let corruption = parts.corruption;
            let weighting = parts.weighting.unwrap_or_else(|| Box::new(Weighting::Uniform));
            Ok(parts.penalty.around(Simple { corruption, weighting }))
        },
    },
    Row {
        name: "bound",
        about: "the variational bound L, one random term per image, in bits per dimension (Ho et al. 2020, eq. 5)",
        parameters: &[],
        build: |values, parts| {
            unweighed(values, &parts)?;
            Ok(parts.penalty.around(Bound { corruption: parts.corruption, variance: parts.variance.steps }))
        },
    },
    Row {
        name: "hybrid",
        about: "L_simple and a share of the bound, which teaches the variance alone (Nichol and Dhariwal 2021, \
                arXiv:2102.09672, eq. 16)",
        parameters: &[Parameter::number("lambda", Some(Hybrid::LAMBDA), "the bound's share, from 0")],
        build: |values, parts| {
            unweighed(values, &parts)?;
            if !parts.variance.is_learned() {
                let why = "its bound teaches a learned variance; choose `learned-range`";
                return Err(MethodError::refused(values.method(), why));
            }
            let hybrid = HybridBound { corruption: parts.corruption, lambda: values.number("lambda") };
            Ok(parts.penalty.around(hybrid))
        },
    },
    Row {
        name: "importance-bound",
        about: "the bound at levels drawn in proportion to their last losses (the same paper's L_vlb)",
        parameters: &[],
        build: |values, parts| {
            unweighed(values, &parts)?;
            let bound = Bound { corruption: parts.corruption, variance: parts.variance.steps };
            let sampled = Importance::new(parts.penalty.around(bound), parts.chain.len());
            Ok(Box::new(sampled.map_err(|why| MethodError::refused(values.method(), why))?))
        },
    },
];

fn unweighed(values: &Values, parts: &ObjectiveParts<'_>) -> Result<(), MethodError> {
    if parts.weighting.is_none() {
        return Ok(());
    }
    Err(MethodError::refused(values.method(), "`model.weighting` weighs squared errors; choose objective `simple`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices;
    use crate::methods::Methods;
    use burn::tensor::{DType, Tensor};
    use undrift_denoisers::{Eps, Network, OutputVariance, Preconditioned};
    use undrift_losses::Ask;
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};

    fn made(text: &str, variance: &str, weighting: Option<&str>) -> Result<Box<dyn Objective<4>>, String> {
        let (methods, chain) = (Methods::standard(), Chain::linear(4).unwrap());
        let parts = ObjectiveParts {
            chain: &chain,
            variance: methods.variance(&variance.parse().unwrap()).unwrap(),
            corruption: methods.corruption(&"plain".parse().unwrap(), &chain).unwrap(),
            weighting: weighting.map(|text| methods.weighting(&text.parse().unwrap()).unwrap()),
            penalty: Penalty {
                lambda: 0.0,
                corruption: methods.corruption(&"plain".parse().unwrap(), &chain).unwrap(),
                taken: Rc::default(),
            },
        };
        methods.objective(&text.parse().unwrap(), parts).map_err(|error| error.to_string())
    }

    /// A batch's losses with a network of one weight, and the gradient of their sum.
    fn losses(objective: &mut dyn Objective<4>, variance: OutputVariance, number: u64) -> (Vec<f64>, f64) {
        let (chain, device) = (Chain::linear(4).unwrap(), devices::host().autodiff());
        let weight = Tensor::<4>::full([1, 1, 1, 1], 0.3, (&device, DType::F32)).require_grad();
        let network = |x: Tensor<4>, _: Tensor<1>| match variance {
            OutputVariance::None => x * weight.clone(),
            _ => Tensor::cat(vec![x.clone() * weight.clone(), x * weight.clone() - 3.0], 1),
        };
        let model = Preconditioned { network: &network as &dyn Network<4>, parameterisation: &Eps as _, variance };
        let mut noise = SampleNoise::new(Key::new(1, Purpose::Data), number * 8, 8);
        let x0 = noise.normal(&Tensor::<4>::zeros([8, 1, 2, 2], (&device, DType::F32)));
        let x0 = (x0.clamp(-1.0, 1.0) * 127.5 + 127.5).round() / 127.5 - 1.0;
        let ask = Ask { model, average: None, chain: &chain, x0, first: number * 8, seed: 0, ts: None };
        let loss = objective.loss(ask).unwrap();
        assert_eq!(loss.dims(), [8]);
        let gradient = weight.grad(&loss.clone().sum().backward()).unwrap().into_scalar::<f32>();
        (loss.into_data().iter::<f64>().collect(), gradient.into())
    }

    #[test]
    fn every_row_has_finite_losses_and_goes_on_bit_for_bit() {
        for row in OBJECTIVES {
            let learned = row.name == "hybrid";
            let variance = if learned { "learned-range" } else { "fixed-small" };
            let output = if learned { OutputVariance::Range } else { OutputVariance::None };
            let mut objective = made(row.name, variance, None).unwrap();
            let seen = (0..20).map(|number| losses(&mut *objective, output, number)).collect::<Vec<_>>();
            for (losses, gradient) in seen {
                assert!(losses.iter().all(|loss| loss.is_finite()), "{}: {losses:?}", row.name);
                assert!(gradient.is_finite() && gradient != 0.0, "{}: {gradient}", row.name);
            }
            let mut restored = made(row.name, variance, None).unwrap();
            restored.restore(&objective.state()).unwrap();
            let (went_on, again) = (losses(&mut *objective, output, 20), losses(&mut *restored, output, 20));
            assert_eq!(went_on, again, "{}", row.name);
            let fresh = losses(&mut *made(row.name, variance, None).unwrap(), output, 20);
            assert_eq!(fresh != went_on, row.name == "importance-bound", "{}: what it remembers", row.name);
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(made("simple", "learned", None).err().unwrap().contains("bound"));
        assert!(made("hybrid", "fixed-small", None).err().unwrap().contains("learned-range"));
        for row in OBJECTIVES.iter().filter(|row| row.name != "simple") {
            let error = made(row.name, "learned-range", Some("snr")).err().unwrap();
            assert!(error.contains("`model.weighting`") && error.contains("simple"), "{}: {error}", row.name);
        }
        assert!(made("simple", "fixed-small", Some("snr")).is_ok());
    }
}
