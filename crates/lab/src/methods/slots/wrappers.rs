//! What stands between a network and a solver, by name.

use crate::methods::{Context, MethodError, Parameter, Row, Slot, Values};
use undrift_denoisers::{ClipX0Within, DenoiseError, DynamicThreshold};
use undrift_samplers::{BandWeights, EpsilonScaling, MovingAverage, Solver, TimeShift, WithoutNoise};

pub use undrift_pipelines::Belief;

/// A solver of images.
pub type Steps = Box<dyn Solver<4>>;

/// Wrappers.
pub struct Wrappers;

impl Slot for Wrappers {
    const NAME: &'static str = "wrapper";
    const WRITTEN: &'static str = "`sampling.sampler.wrappers`, `--wrapper`";
    type Build = Wrap;
}

/// What a wrapper wraps, and how.
#[derive(Clone, Copy)]
pub enum Wrap {
    /// The network's belief.
    Belief(for<'a> fn(&Values, &Context<'_>, Belief<'a>) -> Result<Belief<'a>, MethodError>),
    /// The solver, for methods that remember earlier steps.
    Solver(fn(&Values, &Context<'_>, Steps) -> Result<Steps, MethodError>),
}

/// Every wrapper that needs nothing but numbers; a new one is one row more.
pub const WRAPPERS: &[Row<Wrappers>] = &[
    Row {
        name: "clip",
        about: "clips x0 to [-1, 1], as DDPM's authors do while sampling",
        parameters: &[Parameter::number(
            "range",
            Some(1.0),
            "largest absolute value, above 0; a published model's own where it has one",
        )],
        build: Wrap::Belief(|values, _, inner| {
            let clipped = ClipX0Within::new(inner, values.number("range"));
            Ok(Box::new(clipped.map_err(refused("clip"))?))
        }),
    },
    Row {
        name: "dynamic-threshold",
        about: "clips each sample's x0 to a quantile of its own absolute values and divides by it (Saharia et al. 2022, \
                arXiv:2205.11487)",
        parameters: &[
            Parameter::number("ratio", Some(0.995), "the quantile, in [0, 1]"),
            Parameter::number("most", Some(1.0), "the largest threshold, as diffusers' sample_max_value"),
        ],
        build: Wrap::Belief(|values, _, inner| {
            let bounded = DynamicThreshold::new(inner, values.number("ratio"), values.number("most"));
            Ok(Box::new(bounded.map_err(refused("dynamic-threshold"))?))
        }),
    },
    Row {
        name: "epsilon-scaling",
        about: "divides eps by k i + b, where i counts levels from 0 at the clean end (Ning et al. 2024, arXiv:2308.15321)",
        parameters: &[
            Parameter::number("b", None, "scale at the clean end, above 0; 1 with k = 0 is neutral"),
            Parameter::number("k", Some(0.0), "growth per level"),
        ],
        build: Wrap::Belief(|values, context, inner| {
            let scaled = EpsilonScaling::linear(inner, context.grid, values.number("k"), values.number("b"));
            Ok(Box::new(scaled.map_err(refused("epsilon-scaling"))?))
        }),
    },
    Row {
        name: "time-shift",
        about: "asks the network at the time whose noise is nearest to what each sample has (Li et al. 2024, \
                arXiv:2305.15583)",
        parameters: &[
            Parameter::count("window", None, "levels of the chain to choose from; 0 is neutral"),
            Parameter::count("cutoff", None, "t_c, level of the chain up to which nothing is shifted"),
        ],
        build: Wrap::Belief(|values, context, inner| {
            let (window, cutoff) = (values.level("window", context.chain)?, values.level("cutoff", context.chain)?);
            let shifted = TimeShift::new(inner, context.chain, context.grid, window, cutoff);
            Ok(Box::new(shifted.map_err(refused("time-shift"))?))
        }),
    },
    Row {
        name: "moving-average",
        about: "averages x0 over the steps, the coarse wavelet band early and the details late (after Qian et al. 2024, \
                arXiv:2403.17870; our reconstruction)",
        parameters: &[Parameter::number("weight", None, "smallest weight of the present, in (0, 1]; 1 is neutral")],
        build: Wrap::Solver(|values, context, inner| {
            let weights = BandWeights::coarse_to_fine(values.number("weight"));
            let averaged = MovingAverage::new(inner, context.grid, weights);
            Ok(Box::new(averaged.map_err(|source| MethodError::Refused {
                method: "moving-average".to_owned(),
                why: source.to_string(),
            })?))
        }),
    },
    Row {
        name: "without-noise",
        about: "takes the solver's steps without their noise",
        parameters: &[],
        build: Wrap::Solver(|_, _, inner| Ok(Box::new(WithoutNoise(inner)))),
    },
];

fn refused(method: &'static str) -> impl Fn(DenoiseError) -> MethodError {
    move |source| MethodError::Refused { method: method.to_owned(), why: source.to_string() }
}

/// A wrapper with its values.
#[derive(Clone)]
pub(crate) struct Wrapped {
    wrap: Wrap,
    values: Values,
}

impl Wrapped {
    pub(crate) fn new((wrap, values): (Wrap, Values)) -> Self {
        Wrapped { wrap, values }
    }

    /// Whether it wraps the solver, not the belief.
    pub(crate) fn is_around_solver(&self) -> bool {
        matches!(self.wrap, Wrap::Solver(_))
    }

    pub(crate) fn around_denoiser<'a>(
        &self,
        inner: Belief<'a>,
        context: &Context<'_>,
    ) -> Result<Belief<'a>, MethodError> {
        match self.wrap {
            Wrap::Belief(wrap) => wrap(&self.values, context, inner),
            Wrap::Solver(_) => Ok(inner),
        }
    }

    pub(crate) fn around_solver(&self, inner: Steps, context: &Context<'_>) -> Result<Steps, MethodError> {
        match self.wrap {
            Wrap::Belief(_) => Ok(inner),
            Wrap::Solver(wrap) => wrap(&self.values, context, inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WRAPPERS;
    use crate::methods::{Methods, SamplerSettings};
    use burn::tensor::{DType, Device, Tensor};
    use undrift_denoisers::{Denoiser, Eps, OutputVariance, Preconditioned, Variance};
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};
    use undrift_samplers::{Outputs, sample};
    use undrift_schedules::Chain;

    /// Says something that depends on the label, as the exact Gaussian does not.
    fn network(x: Tensor<4>, time: Tensor<1>) -> Tensor<4> {
        let labels = time.dims()[0];
        x * 0.8 + time.reshape([labels, 1, 1, 1]) * 1e-4
    }

    fn drawn(wrappers: &[&str]) -> Result<Vec<u64>, String> {
        let wrappers = wrappers.iter().map(|text| text.parse().unwrap()).collect();
        let settings = SamplerSettings { steps: Some(9), wrappers, ..SamplerSettings::ancestral() };
        let chain = Chain::linear(1000).unwrap();
        let outputs = Outputs { parameterisation: &Eps, variance: OutputVariance::None };
        let sampler = settings.build(&Methods::standard(), &chain, Variance::FixedSmall, outputs);
        let sampler = sampler.map_err(|error| error.to_string())?;
        let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), 0, 3);
        let x = noise.normal(&Tensor::<4>::zeros([3, 1, 4, 4], (&Device::flex(), DType::F64)));
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let model: Box<dyn Denoiser<4>> = sampler.denoiser(Box::new(model)).unwrap();
        let x0 = sample(&*model, sampler.solver(), sampler.grid(), x, &mut noise).unwrap();
        Ok(x0.into_data().iter::<f64>().map(f64::to_bits).collect())
    }

    #[test]
    fn neutral_values_change_no_bit_and_others_do() {
        let plain = drawn(&[]).unwrap();
        for neutral in ["epsilon-scaling:b=1", "time-shift:window=0,cutoff=0", "moving-average:weight=1"] {
            assert_eq!(drawn(&[neutral]).unwrap(), plain, "{neutral}");
        }
        for row in WRAPPERS {
            let parameters = match row.name {
                "epsilon-scaling" => ":b=1.02",
                "moving-average" => ":weight=0.5",
                "time-shift" => ":window=60,cutoff=10",
                _ => "",
            };
            assert_ne!(drawn(&[&format!("{}{parameters}", row.name)]).unwrap(), plain, "{}", row.name);
        }
    }

    /// Scaled, then clipped: x0 ends within [-1, 1]; the other way round it may leave it.
    #[test]
    fn the_first_wrapper_stands_next_to_the_network() {
        let largest = |wrappers: &[&str]| {
            let x0 = drawn(wrappers).unwrap().into_iter().map(|bits| f64::from_bits(bits).abs());
            x0.fold(0.0, f64::max)
        };
        assert!(largest(&["epsilon-scaling:b=3", "clip"]) <= 1.0);
        assert!(largest(&["clip", "epsilon-scaling:b=3"]) > 1.0);
    }

    #[test]
    fn impossible_values_are_refused_before_anything_is_sampled() {
        for (wrapper, expected) in [
            ("epsilon-scaling:b=0", "epsilon-scaling"),
            ("moving-average:weight=2", "weight of 2"),
            ("time-shift:window=3", "cutoff"),
            ("clop", "clip"),
        ] {
            let error = drawn(&[wrapper]).unwrap_err();
            assert!(error.contains(expected), "{wrapper}: {error}");
        }
    }
}
