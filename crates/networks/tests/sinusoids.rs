//! The sines and cosines of time labels against those of four published implementations.

use std::collections::HashMap;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use undrift_files::from_bytes;
use undrift_networks::Sinusoids;

fn recorded() -> HashMap<String, TensorData> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/networks/timestep_embeddings.safetensors");
    from_bytes(&std::fs::read(path).unwrap()).unwrap().parameters.into_iter().collect()
}

fn largest_gap(ours: &TensorData, theirs: &TensorData) -> f32 {
    assert_eq!(ours.shape(), theirs.shape());
    let pairs = ours.as_slice::<f32>().unwrap().iter().zip(theirs.as_slice::<f32>().unwrap());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn time_embeddings_agree() {
    let recorded = recorded();
    let time: Tensor<1> = Tensor::from_data(recorded["t"].clone(), &Device::flex());
    let ddpm = Sinusoids::DDPM;
    let adm = Sinusoids::ADM;
    for width in [32, 128, 33] {
        for (name, sinusoids) in [("ermongroup", ddpm), ("guided", adm), ("dit", adm), ("diffusers", ddpm)] {
            let file = if name == "diffusers" {
                format!("diffusers_dim{width}_flip0_shift1")
            } else {
                format!("{name}_dim{width}")
            };
            let gap = largest_gap(&sinusoids.embed(time.clone(), width).into_data(), &recorded[&file]);
            // DDIM's code rounds its exponents in another order.
            let room = if name == "ermongroup" { 4e-5 } else { 1e-5 };
            assert!(gap < room, "{file}: {gap}");
        }
        for (flip, shift) in [(false, 0), (true, 0), (true, 1)] {
            let sinusoids = Sinusoids { cosines_first: flip, shift: f64::from(shift) };
            let file = format!("diffusers_dim{width}_flip{}_shift{shift}", u8::from(flip));
            let gap = largest_gap(&sinusoids.embed(time.clone(), width).into_data(), &recorded[&file]);
            assert!(gap < 1e-5, "{file}: {gap}");
        }
    }
}
