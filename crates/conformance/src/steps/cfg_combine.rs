//! Golden vectors of classifier-free guidance.

use burn::tensor::Tensor;
use undrift_denoisers::{ClassifierFree, Denoiser, Eps, Levels, OutputVariance, Preconditioned, Question};
use undrift_schedules::Level;

use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{tensor, values};
use crate::tolerances;

/// Channels that the released code of DiT guides.
const DIT: usize = 3;

/// The conditional half of a doubled batch and the unconditional one, combined. (The released code gives the
/// combination twice; the second time is thrown away by its sampler and not compared.)
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    for run in Arithmetic::BOTH {
        for name in fixture.tensors().names().filter(|name| *name != "model_out") {
            let asked = name.strip_prefix("scale").and_then(|name| name.split_once('/'));
            let scale = asked.and_then(|(scale, _)| scale.parse().ok());
            let (channels, whole) = match asked.map(|(_, form)| form) {
                Some("dit_forward_with_cfg") => (Some(DIT), true),
                // The plain formula on the variance channels too, which is nobody's guidance.
                Some("standard_all_channels") => (None, false),
                _ => (None, false),
            };
            let Some(scale) = scale else {
                cases.not_covered(name, "another form of guidance");
                continue;
            };
            cases.add(name, run, compared(fixture, name, scale, channels, whole, run));
        }
    }
    Ok(())
}

fn compared(
    fixture: &Fixture,
    name: &str,
    scale: f64,
    channels: Option<usize>,
    whole: bool,
    run: Arithmetic,
) -> Result<crate::case::Outcome, FixtureError> {
    let output = fixture.tensors().images("model_out", run)?;
    let [doubled, both, height, width] = output.dims();
    let (batch, half) = (doubled / 2, both / 2);
    let model = |first: usize| {
        let output = output.clone().narrow(0, first, batch);
        let network = move |_: Tensor<4>, _: Tensor<1>| output.clone();
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::LogVariance }
    };
    let guided = ClassifierFree { conditional: model(0), unconditional: model(batch), scale, channels };
    let x = tensor(vec![0.0; batch * half * height * width], [batch, half, height, width], run);
    let at = Levels::from(Level::vp(0.5, 1.0).map_err(FixtureError::refused)?);
    let prediction = guided.predict(x, &Question::from(&at)).map_err(FixtureError::refused)?;
    let published = fixture.tensors().images(name, run)?.narrow(0, 0, batch);
    let (mut ours, mut theirs) = (vec![prediction.eps()], vec![published.clone().narrow(1, 0, half)]);
    if let (true, Some(undrift_denoisers::LearnedVariance::LogVariance(learned))) = (whole, prediction.learned()) {
        ours.push(learned.clone());
        theirs.push(published.narrow(1, half, both - half));
    }
    let all = |parts: Vec<Tensor<4>>| values(Tensor::cat(parts, 1));
    // The recorded numbers are single precision.
    Ok(compare(&all(ours), &all(theirs), tolerances::step(Arithmetic::F32)))
}
