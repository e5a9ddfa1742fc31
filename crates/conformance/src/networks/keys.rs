//! Names and shapes of all tensors of a published model.

use undrift_checkpoints::{Layout, Settings, Shapes};

use crate::case::{Arithmetic, Cases, Outcome};
use crate::compare::{Comparison, Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;

/// From the recorded names and shapes to a configuration, and back to the same names and shapes.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let root = fixture.root();
    let recorded: Shapes = root
        .get("state_dict")?
        .fields()
        .into_iter()
        .map(|(name, shape)| {
            Ok((name.to_owned(), shape.members().iter().map(|n| n.as_count()).collect::<Result<_, _>>()?))
        })
        .collect::<Result<_, FixtureError>>()?;
    let layout =
        Layout::of(&recorded).ok_or_else(|| FixtureError::NotCovered("names of no known layout".to_owned()))?;
    let settings = layout.infer(&recorded).map(|seen| unseen(layout).overlaid(&seen));
    let config = settings.and_then(|settings| layout.config(&settings)).map_err(FixtureError::refused)?;
    let entries = layout.entries(&config).map_err(FixtureError::refused)?;
    let ours: Shapes = entries.into_iter().map(|entry| (entry.theirs, entry.shape)).collect();
    cases.add("state_dict", Arithmetic::F32, Ok(same(&ours, &recorded)));
    let count = ours.values().map(|shape| shape.iter().product::<usize>()).sum::<usize>() as f64;
    cases.add("n_parameters", Arithmetic::F32, Ok(compare(&[count], &root.numbers("n_parameters")?, Tolerance::EXACT)));
    cases.add("n_keys", Arithmetic::F32, Ok(compare(&[ours.len() as f64], &root.numbers("n_keys")?, Tolerance::EXACT)));
    Ok(())
}

/// Settings on which neither names nor shapes depend: any will do.
fn unseen(layout: Layout) -> Settings {
    let none = Settings::default();
    match layout {
        Layout::Diffusers => none
            .with("sample_size", SIZE)
            .with("norm_num_groups", 1)
            .with("norm_eps", 1e-6)
            .with("attention_head_dim", serde_json::Value::Null)
            .with("downsample_padding", 0)
            .with("flip_sin_to_cos", false)
            .with("freq_shift", 1),
        Layout::Ermongroup => none.with("image_size", SIZE),
        Layout::GuidedDiffusion | Layout::GuidedClassifier => {
            none.with("image_size", SIZE).with("num_heads", 1).with("use_new_attention_order", false)
        }
        Layout::Dit => none.with("num_heads", 1),
    }
}

/// An image size that can be halved often enough.
const SIZE: usize = 512;

fn same(ours: &Shapes, recorded: &Shapes) -> Outcome {
    let differs =
        |a: &Shapes, b: &Shapes| a.iter().find(|(name, shape)| b.get(*name) != Some(shape)).map(|(n, _)| n.clone());
    match differs(recorded, ours).or_else(|| differs(ours, recorded)) {
        None => Outcome::Compared(Comparison { values: recorded.len(), ..Comparison::AGREES }),
        Some(name) => Outcome::Failed { reason: format!("`{name}` is not the same tensor here and there") },
    }
}
