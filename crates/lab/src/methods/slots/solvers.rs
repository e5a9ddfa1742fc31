//! The solvers by name.

use crate::methods::{Context, MethodError, Parameter, Row, Slot, Values};
use undrift_denoisers::Variance;
use undrift_samplers::{
    Ancestral, Churn, Ddim, DpmSolver2, DpmSolverPp2m, DpmSolverPp2s, Euler, Heun, Labelling, Lms, Pndm, Pnm,
    SampleError, Solver, TimeShiftAdm, TimeShiftPnm, UniPc, UniPcVariant,
};
use undrift_schedules::Labels;

/// Solvers.
pub struct Solvers;

impl Slot for Solvers {
    const NAME: &'static str = "solver";
    const WRITTEN: &'static str = "`sampling.sampler.solver`, `--sampler`";
    type Build = fn(&Values, &Context<'_>) -> Result<Box<dyn Solver<4>>, MethodError>;
}

/// Every solver that needs nothing but numbers; a new one is one row more.
pub const SOLVERS: &[Row<Solvers>] = &[
    Row {
        name: "ddpm",
        about: "ancestral sampling with the row's own variance (Ho et al. 2020, arXiv:2006.11239, algorithm 2)",
        parameters: &[],
        build: |_, context| Ok(Box::new(Ancestral { variance: context.variance })),
    },
    Row {
        name: "ddpm-small",
        about: "ancestral sampling with the variance beta_tilde",
        parameters: &[],
        build: |_, _| Ok(Box::new(Ancestral { variance: Variance::FixedSmall })),
    },
    Row {
        name: "ddpm-large",
        about: "ancestral sampling with the variance beta of each jump, the sigma-hat of DDIM's table 1 \
                (Song, Meng, Ermon 2020, arXiv:2010.02502)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Ancestral { variance: Variance::FixedLarge })),
    },
    Row {
        name: "ddim",
        about: "DDIM (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 12); eps follows from a clipped x0, as in \
                guided-diffusion",
        parameters: &[ETA],
        build: |values, _| Ok(Box::new(Ddim { eta: values.number("eta"), keep_eps: false })),
    },
    Row {
        name: "ddim-keep-eps",
        about: "DDIM that keeps the network's own eps beside a clipped x0, as diffusers; where no wrapper clips, it \
                clips x0 to [-1, 1] itself",
        parameters: &[ETA],
        build: |values, _| Ok(Box::new(Ddim { eta: values.number("eta"), keep_eps: true })),
    },
    Row {
        name: "euler",
        about: "Euler's method in sigma with churn (Karras et al. 2022, arXiv:2206.00364, algorithm 2 without its \
                lines 9 to 11)",
        parameters: CHURN,
        build: |values, context| Ok(Box::new(Euler { churn: churn("euler", values, context)? })),
    },
    Row {
        name: "heun",
        about: "Heun's method in sigma with churn, two evaluations per step (Karras et al. 2022, arXiv:2206.00364, \
                algorithm 2)",
        parameters: CHURN,
        build: |values, context| Ok(Box::new(Heun { churn: churn("heun", values, context)? })),
    },
    Row {
        name: "lms",
        about: "the method of Adams and Bashforth of order 4 in sigma, as k-diffusion's `lms`",
        parameters: &[],
        build: |_, _| Ok(Box::new(Lms)),
    },
    Row {
        name: "dpm-solver-2",
        about: "DPM-Solver-2, two evaluations per step (Lu et al. 2022, arXiv:2206.00927), as k-diffusion's `dpm_2`",
        parameters: &[],
        build: |_, context| Ok(Box::new(DpmSolver2 { labelling: labelling(context) })),
    },
    Row {
        name: "dpm-solver-pp-2m",
        about: "DPM-Solver++(2M), data prediction (Lu et al. 2022, arXiv:2211.01095)",
        parameters: &[],
        build: |_, _| Ok(Box::new(DpmSolverPp2m)),
    },
    Row {
        name: "dpm-solver-pp-2s",
        about: "DPM-Solver++(2S), data prediction, two evaluations per step (Lu et al. 2022, arXiv:2211.01095); with \
                `eta` 1 k-diffusion's `dpmpp_2s_ancestral`",
        parameters: &[ETA],
        build: |values, context| {
            Ok(Box::new(DpmSolverPp2s { eta: values.number("eta"), labelling: labelling(context) }))
        },
    },
    Row {
        name: "f-pndm",
        about: "F-PNDM: three pseudo Runge-Kutta steps, then the fourth-order multistep form (Liu et al. 2022, \
                arXiv:2202.09778)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Pndm::F)),
    },
    Row {
        name: "s-pndm",
        about: "S-PNDM, the second-order form (Liu et al. 2022, arXiv:2202.09778)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Pndm::S)),
    },
    Row {
        name: "plms",
        about: "PNDM without Runge-Kutta steps, its order growing with the past, as diffusers' skip_prk_steps",
        parameters: &[],
        build: |_, _| Ok(Box::new(Pndm::Plms)),
    },
    Row {
        name: "unipc",
        about: "UniPC of order 2 with B(h) = e^h - 1 (Zhao et al. 2023, arXiv:2302.04867)",
        parameters: &[],
        build: |_, _| Ok(Box::new(UniPc::of(UniPcVariant::B2))),
    },
    Row {
        name: "unipc-b1",
        about: "UniPC of order 2 with B(h) = h (Zhao et al. 2023, arXiv:2302.04867)",
        parameters: &[],
        build: |_, _| Ok(Box::new(UniPc::of(UniPcVariant::B1))),
    },
    Row {
        name: "time-shift-pnm",
        about: "the time shift that was released for pseudo numerical methods, which departs from its paper; for parity",
        parameters: SHIFT,
        build: |values, context| {
            let method = Pnm::Ddpm { eta: values.number("eta") };
            let (window, cutoff) = (values.level("window", context.chain)?, values.level("cutoff", context.chain)?);
            let solver = TimeShiftPnm::new(method, context.chain, context.grid, window, cutoff);
            Ok(Box::new(solver.map_err(refused("time-shift-pnm"))?))
        },
    },
    Row {
        name: "time-shift-adm",
        about: "the time shift that was released for guided-diffusion, which departs from its paper; for parity",
        parameters: SHIFT,
        build: |values, context| {
            let (window, cutoff) = (values.level("window", context.chain)?, values.level("cutoff", context.chain)?);
            let solver = TimeShiftAdm::new(context.chain, context.grid, window, cutoff, values.number("eta"));
            Ok(Box::new(solver.map_err(refused("time-shift-adm"))?))
        },
    },
];

const SHIFT: &[Parameter] = &[
    ETA,
    Parameter::count("window", None, "levels of the chain to choose from"),
    Parameter::count("cutoff", None, "index from 0 up to which nothing is shifted"),
];

fn refused(method: &'static str) -> impl Fn(SampleError) -> MethodError {
    move |source| MethodError::Refused { method: method.to_owned(), why: source.to_string() }
}

const ETA: Parameter = Parameter::number("eta", Some(0.0), "stochasticity: 0 adds no noise, 1 as much as DDPM");

const CHURN: &[Parameter] = &[
    Parameter::number("churn", Some(0.0), "S_churn, from 0"),
    Parameter::number("s-min", Some(0.0), "S_min, smallest sigma that is churned"),
    Parameter::number("s-max", Some(f64::INFINITY), "S_max, largest sigma that is churned"),
    Parameter::number("s-noise", Some(1.0), "S_noise, standard deviation of the added noise"),
];

/// Labels by the network's own chain for levels between those of the grid.
fn labelling(context: &Context<'_>) -> Labelling {
    Labelling::ByChain(context.chain.clone(), Labels::Interpolated)
}

/// Churn whose raised levels are labelled by the network's own chain.
fn churn(of: &'static str, values: &Values, context: &Context<'_>) -> Result<Churn, MethodError> {
    let number = |name| values.number(name);
    let steps = context.grid.steps();
    let churn = Churn::new(number("churn"), number("s-min"), number("s-max"), number("s-noise"), steps);
    Ok(churn.map_err(refused(of))?.labelled_by(context.chain.clone(), Labels::Interpolated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::{Method, Methods, Sampler, SamplerSettings};
    use burn::tensor::{DType, Device, Tensor};
    use undrift_denoisers::{Eps, Gaussian, OutputVariance};
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};
    use undrift_samplers::{Outputs, steps};
    use undrift_schedules::Chain;

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    /// So many that DDPM's small variance, which is too small for long steps, spreads the samples by about 0.45.
    const STEPS: usize = 50;

    fn built(settings: &SamplerSettings, length: usize) -> Result<Sampler, MethodError> {
        let outputs = Outputs { parameterisation: &Eps, variance: OutputVariance::None };
        settings.build(&Methods::standard(), &Chain::linear(length).unwrap(), Variance::FixedSmall, outputs)
    }

    fn drawn(name: &str, first: u64, count: usize) -> (Vec<f64>, usize) {
        let settings = SamplerSettings {
            solver: name.parse().unwrap(),
            steps: Some(STEPS),
            spacing: Method::named("trailing"),
            wrappers: Vec::new(),
        };
        let sampler = built(&settings, 1000).unwrap();
        let mut noise = SampleNoise::new(Key::new(0, Purpose::Sampling), first, count);
        let x = noise.normal(&Tensor::<4>::zeros([count, 1, 2, 2], (&Device::flex(), DType::F64)));
        let (mut last, mut number) = (x.clone(), 0);
        for step in steps(&MODEL, sampler.solver(), sampler.grid(), x, &mut noise) {
            last = step.unwrap().x;
            number += 1;
        }
        (last.into_data().iter::<f64>().collect(), number)
    }

    #[test]
    fn every_row_takes_its_steps_to_the_data_sample_by_sample() {
        for row in SOLVERS {
            let name = match row.parameters.iter().any(|parameter| parameter.name == "window") {
                true => format!("{}:window=20,cutoff=300", row.name),
                false => row.name.to_owned(),
            };
            let (all, steps) = drawn(&name, 0, 300);
            assert_eq!(steps, STEPS, "{}", row.name);
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let spread = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
            // The released time shifts look at the spread of four pixels, which is a poor guide.
            assert!((mean - 0.3).abs() < 0.06 && (spread - 0.5).abs() < 0.2, "{}: {mean} {spread}", row.name);
            assert_eq!(drawn(&name, 200, 1).0, all[800..804], "{}", row.name);
        }
    }

    #[test]
    fn names_are_unique_and_an_unknown_one_lists_them() {
        let names: std::collections::BTreeSet<&str> = SOLVERS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), SOLVERS.len());
        let settings = SamplerSettings { solver: Method::named("dimm"), ..SamplerSettings::ancestral() };
        let error = built(&settings, 10).err().unwrap().to_string();
        assert!(error.contains("dimm") && error.contains("heun"), "{error}");
    }
}
