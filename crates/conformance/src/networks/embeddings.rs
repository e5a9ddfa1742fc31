//! Sines and cosines of time labels.

use burn::tensor::Tensor;
use undrift_networks::Sinusoids;

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{tensor, values};
use crate::tolerances;

pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let run = Arithmetic::F32;
    let time = fixture.tensors().get("t")?.values.clone();
    let entries = time.len();
    let time: Tensor<1> = tensor(time, [entries], run);
    for name in fixture.tensors().names().filter(|name| *name != "t") {
        let recorded = fixture.tensors().get(name)?;
        let (Some(sinusoids), &[_, width]) = (sinusoids(name), recorded.shape.as_slice()) else {
            cases.not_covered(name, "sinusoids of another code");
            continue;
        };
        let ours = values(sinusoids.embed(time.clone(), width));
        cases.add(name, run, Ok(compare(&ours, &recorded.values, tolerances::SINUSOIDS)));
    }
    Ok(())
}

fn sinusoids(name: &str) -> Option<Sinusoids> {
    let flag = |key: &str| {
        let digit = name.split(key).nth(1)?.chars().next()?;
        digit.to_digit(10)
    };
    match name.split('_').next()? {
        "guided" | "dit" => Some(Sinusoids::ADM),
        "ermongroup" => Some(Sinusoids::DDPM),
        "diffusers" => Some(Sinusoids { cosines_first: flag("flip")? == 1, shift: f64::from(flag("shift")?) }),
        _ => None,
    }
}
