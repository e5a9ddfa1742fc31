//! `undrift` with eight methods of its own: one file for each, and one line here.

mod convolutions;
mod falling_line;
mod ink;
mod offset_noise;
mod pseudo_huber;
mod renoising;
mod stripes;
mod truncated_snr;

use std::process::ExitCode;
use undrift_lab::methods::{MethodError, Methods};

fn main() -> ExitCode {
    undrift_lab::main_with(methods().expect("no other method has one of these names"))
}

fn methods() -> Result<Methods, MethodError> {
    let mut methods = Methods::standard();
    methods.data_sets.add(stripes::ROW)?;
    methods.chains.add(falling_line::ROW)?;
    methods.networks.add(convolutions::ROW)?;
    methods.objectives.add(pseudo_huber::ROW)?;
    methods.corruptions.add(offset_noise::ROW)?;
    methods.weightings.add(truncated_snr::ROW)?;
    methods.solvers.add(renoising::ROW)?;
    methods.scores.add(ink::ROW)?;
    Ok(methods)
}
