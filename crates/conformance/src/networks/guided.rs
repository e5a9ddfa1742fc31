//! A transformer's own classifier-free guidance.

use undrift_checkpoints::{Layout, Network, Published};

use super::peer::Peer;
use crate::case::{Arithmetic, Cases};
use crate::compare::compare;
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{device, tensor, values};
use crate::tolerances;
use burn::tensor::{DType, Tensor};

/// The conditional half of the doubled batch that the released function takes; the unconditional one gets the same
/// noise in its first channels, and its other channels are thrown away by the released sampler.
pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let run = Arithmetic::F32;
    let weights = fixture.root().text("weights")?;
    let stem = weights.trim_end_matches(".safetensors").trim_end_matches("_weights");
    let given = Peer::read(&fixture.beside(&format!("{stem}_io"))?)?.given()?;
    let published = Published::open(&fixture.file(weights), &given).map_err(FixtureError::refused)?;
    let Network::Dit(net) = published.load(&device(), DType::F32).map_err(FixtureError::refused)? else {
        return Err(FixtureError::NotCovered("guidance of another network".to_owned()));
    };
    let tensors = fixture.tensors();
    let x = tensors.images("x", run)?;
    let half = x.dims()[0] / 2;
    let labels = tensors.indices("y")?;
    let time: Tensor<1> = tensor(tensors.get("timesteps")?.values[..half].to_vec(), [half], run);
    for name in tensors.names() {
        let Some(scale) = name.strip_prefix("cfg").and_then(|scale| scale.parse().ok()) else { continue };
        let ours = net.forward_with_cfg(x.clone().narrow(0, 0, half), time.clone(), &labels[..half], scale);
        let recorded = tensors.images(name, run)?.narrow(0, 0, half);
        cases.add(
            name,
            run,
            Ok(compare(&values(ours), &values(recorded), tolerances::network_output(Layout::Dit, run))),
        );
    }
    Ok(())
}
