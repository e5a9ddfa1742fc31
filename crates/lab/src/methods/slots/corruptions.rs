//! The corruptions by name: how training inputs are made.

use crate::methods::{MethodError, Parameter, Row, Slot, Values};
use undrift_losses::{Corruption, InputPerturbation, Plain};
use undrift_schedules::Chain;

/// Ways to make training inputs.
pub struct Corruptions;

impl Slot for Corruptions {
    const NAME: &'static str = "corruption";
    const WRITTEN: &'static str = "`model.corruption`";
    type Build = fn(&Values, &Chain) -> Result<Box<dyn Corruption<4>>, MethodError>;
}

/// Every corruption of `undrift-losses`.
pub const CORRUPTIONS: &[Row<Corruptions>] = &[
    Row {
        name: "plain",
        about: "the forward process itself (Ho et al. 2020, arXiv:2006.11239, eq. 4)",
        parameters: &[],
        build: |_, _| Ok(Box::new(Plain)),
    },
    Row {
        name: "input-perturbation",
        about: "the network sees more noise than it is asked for (Ning et al. 2023, arXiv:2301.11706)",
        parameters: &[Parameter::number("gamma", None, "strength in units of the level's noise, from 0; 0 is neutral")
            .named(&[
                ("paper", InputPerturbation::PAPER_GAMMA),
                ("released-cifar10", InputPerturbation::RELEASED_CIFAR10_GAMMA),
            ])],
        build: |values, _| {
            let corruption = InputPerturbation::new(values.number("gamma"));
            Ok(Box::new(corruption.map_err(|why| MethodError::refused(values.method(), why))?))
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Methods;
    use burn::tensor::{DType, Device, Tensor};
    use undrift_denoisers::{Gaussian, Levels};
    use undrift_noise::{Key, Noise, Purpose, SampleNoise};

    const EXAMPLES: [&str; 2] = ["plain", "input-perturbation:gamma=0.1"];

    /// What the samples `first ..` become, and their targets.
    fn corrupted(text: &str, first: u64, count: usize) -> Vec<u64> {
        let chain = Chain::linear(50).unwrap();
        let corruption = Methods::standard().corruption(&text.parse().unwrap(), &chain).unwrap();
        let of = |purpose| SampleNoise::new(Key::new(0, purpose), first, count);
        let x0 = of(Purpose::Data).normal(&Tensor::<4>::zeros([count, 1, 4, 4], (&Device::flex(), DType::F64)));
        let at = Levels::from(chain.levels()[20]);
        let model = Gaussian { mean: 0.0, std: 1.0 };
        let made = corruption.corrupt(&model, &x0, &at, &mut of(Purpose::Training)).unwrap();
        let both = Tensor::cat(vec![made.x, made.eps], 1);
        both.into_data().iter::<f64>().map(f64::to_bits).collect()
    }

    #[test]
    fn every_row_is_the_same_for_a_sample_whatever_its_batch() {
        for row in CORRUPTIONS {
            let example = EXAMPLES.iter().find(|text| text.split(':').next() == Some(row.name)).expect(row.name);
            assert_eq!(corrupted(example, 2, 1), corrupted(example, 0, 3)[64..], "{example}");
        }
    }

    #[test]
    fn the_neutral_value_is_the_forward_process_and_another_is_not() {
        assert_eq!(corrupted("input-perturbation:gamma=0", 0, 3), corrupted("plain", 0, 3));
        assert_eq!(corrupted("input-perturbation:gamma=paper", 0, 3), corrupted(EXAMPLES[1], 0, 3));
        assert_ne!(corrupted(EXAMPLES[1], 0, 3), corrupted("plain", 0, 3));
    }

    #[test]
    fn an_impossible_strength_is_refused() {
        let chain = Chain::linear(50).unwrap();
        let error = |text: &str| Methods::standard().corruption(&text.parse().unwrap(), &chain).err().unwrap();
        assert!(error("input-perturbation:gamma=-1").to_string().contains("-1"));
        assert!(error("input-perturbation:gamma=released").to_string().contains("released-cifar10"));
    }
}
