//! Outputs, losses and gradients of recorded runs.

use burn::tensor::{Device, Tensor};
use undrift_checkpoints::Network;

use super::gradients::gradients;
use super::peer::{Example, Peer};
use crate::case::{Arithmetic, Cases};
use crate::compare::{Tolerance, compare};
use crate::error::FixtureError;
use crate::fixture::Fixture;
use crate::tensors::{Array, device, images, tensor, values};
use crate::tolerances;

pub(super) fn run(fixture: &Fixture, cases: &mut Cases) -> Result<(), FixtureError> {
    let peer = Peer::read(fixture)?;
    let root = fixture.root();
    if root.has("n_parameters") {
        let ours = peer.network(&device(), Arithmetic::F32)?.parameter_count() as f64;
        cases.add(
            "n_parameters",
            Arithmetic::F32,
            Ok(compare(&[ours], &root.numbers("n_parameters")?, Tolerance::EXACT)),
        );
    }
    for Example { name, ours, recorded } in peer.examples(fixture)? {
        let compared = compare(&ours, &recorded, Tolerance::EXACT);
        cases.add(&format!("example_values_first3/{name}"), Arithmetic::F32, Ok(compared));
    }
    for run in Arithmetic::BOTH {
        outputs(fixture, &peer, run, cases)?;
    }
    for run in Arithmetic::BOTH.into_iter().filter(|_| root.has("grad_l2_norms_f32")) {
        gradients_of(fixture, &peer, run, cases)?;
    }
    let taps = fixture.tensors().names().filter(|name| name.starts_with("tap/")).count();
    if taps > 0 {
        cases.note("tap", "values inside the network, which locate an error but are no results");
    }
    Ok(())
}

/// The network's output for the recorded input.
fn outputs(fixture: &Fixture, peer: &Peer, run: Arithmetic, cases: &mut Cases) -> Result<(), FixtureError> {
    let name = match run {
        Arithmetic::F32 => "output",
        Arithmetic::F64 => "output_f64",
    };
    let Some(expected) = fixture.tensors().find(name) else { return Ok(()) };
    let device = device();
    let output = Input::read(fixture, run, &device)?.through(&peer.network(&device, run)?);
    cases.add(
        "output",
        run,
        Ok(compare(&output.values, &expected.values, tolerances::network_output(peer.layout, run))),
    );
    Ok(())
}

fn gradients_of(fixture: &Fixture, peer: &Peer, run: Arithmetic, cases: &mut Cases) -> Result<(), FixtureError> {
    let device = device().autodiff();
    let network = peer.network(&device, run)?;
    let input = Input::read(fixture, run, &device)?;
    let target = fixture.tensors().get("grad/target")?;
    let entries = peer.layout.entries(&peer.config).map_err(FixtureError::refused)?;
    let (loss, found) = gradients(&network, &input, target, &entries, run);
    let root = fixture.root();
    let recorded = root.numbers("loss_value_f32")?;
    cases.add("loss", run, Ok(compare(&[loss], &recorded, tolerances::NETWORK_LOSS)));
    for (name, norm) in root.get("grad_l2_norms_f32")?.fields() {
        let ours = found.get(name).ok_or_else(|| FixtureError::NoTensor { name: format!("grad/{name}") })?;
        let compared = compare(&[norm_of(ours)], &norm.as_numbers()?, tolerances::GRADIENT_NORM);
        cases.add(&format!("grad_l2_norms_f32/{name}"), run, Ok(compared));
    }
    for name in fixture.tensors().names() {
        let Some(theirs) = name.strip_prefix("grad/").filter(|name| *name != "target") else { continue };
        let recorded = &fixture.tensors().get(name)?.values;
        let ours = found.get(theirs).ok_or_else(|| FixtureError::NoTensor { name: name.to_owned() })?;
        let room = tolerances::gradient(norm_of(recorded));
        cases.add(name, run, Ok(compare(ours, recorded, room)));
    }
    Ok(())
}

fn norm_of(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// What a network was given.
pub(super) struct Input {
    pub(super) x: Tensor<4>,
    time: Tensor<1>,
    labels: Option<Vec<usize>>,
}

impl Input {
    pub(super) fn read(fixture: &Fixture, run: Arithmetic, on: &Device) -> Result<Self, FixtureError> {
        let tensors = fixture.tensors();
        let time = tensors.get("input/timesteps")?;
        let x = images("input/x", tensors.get("input/x")?, run)?;
        let labels = tensors.find("input/y").map(|_| tensors.indices("input/y")).transpose()?;
        let time = tensor(time.values.clone(), [time.values.len()], run);
        Ok(Input { x: onto(x, on), time: onto(time, on), labels })
    }

    /// The same with an image that gradients are asked of.
    pub(super) fn tracked(&self) -> Self {
        Input { x: self.x.clone().require_grad(), time: self.time.clone(), labels: self.labels.clone() }
    }

    /// The output for this input, whatever its number of axes.
    pub(super) fn through(&self, network: &Network) -> Array {
        match network {
            Network::Classifier(net) => array(net.forward(self.x.clone(), self.time.clone())),
            net => array(self.image(net)),
        }
    }

    /// The mean of the squared differences from `target`.
    pub(super) fn squared_error(&self, network: &Network, target: &Array, run: Arithmetic) -> Tensor<1> {
        match network {
            Network::Classifier(net) => mean_square(net.forward(self.x.clone(), self.time.clone()), target, run),
            net => mean_square(self.image(net), target, run),
        }
    }

    fn image(&self, network: &Network) -> Tensor<4> {
        network.forward(self.x.clone(), self.time.clone(), self.labels.as_deref())
    }
}

fn mean_square<const D: usize>(output: Tensor<D>, target: &Array, run: Arithmetic) -> Tensor<1> {
    let target: Tensor<D> = tensor(target.values.clone(), output.dims(), run);
    (output.clone() - onto(target, &output.device())).square().mean()
}

fn array<const D: usize>(output: Tensor<D>) -> Array {
    Array { shape: output.dims().to_vec(), values: values(output) }
}

/// The same numbers on a device that may track gradients.
fn onto<const D: usize>(x: Tensor<D>, device: &Device) -> Tensor<D> {
    let dtype = x.dtype();
    Tensor::from_data(x.into_data(), (device, dtype))
}
