//! Samples of a published checkpoint, as its own code would draw them.
//!
//! `published PATH [SAMPLES] [FILE]`: a checkpoint's file or a folder as diffusers writes it, such as
//! `fixtures/pipelines/ddim-clip-range/files`; by default 4 samples, into `published.png`. Any other ending than `png`
//! gives the numbers as `.npz`.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use undrift::burn::tensor::{DType, Device, Tensor};
use undrift::data::{NpyArray, NpyValues, quantise, write_npz};
use undrift::pipelines::{Choice, Guidance, Pipeline, Plan, Said, Sampling};
use undrift::training::BoxError;

fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("give the path of a checkpoint")?;
    let count: usize = arguments.next().map_or(Ok(4), |number| number.parse())?;
    let file = arguments.next().unwrap_or("published.png".to_owned());

    let device = Device::flex();
    let pipeline = Pipeline::open(Path::new(&path), &Said::default())?;
    let plan = Plan::new(&pipeline.process, &Choice::default(), &device)?;
    let network = pipeline.published.load(&device, DType::F32)?;
    println!("{}, {} parameters: {}", network.config().kind(), network.parameter_count(), plan.text());
    let classes = (0..network.config().classes().unwrap_or(0)).collect();
    let sampling = Sampling::new(&network, &pipeline.process, &plan, Guidance::None, classes, &device, 0)?;
    let samples = sampling.draw(0, count, || ControlFlow::Continue(()))?.ok_or("nobody asked to stop")?;
    write(Path::new(&file), samples)
}

fn write(file: &Path, samples: Tensor<4>) -> Result<(), BoxError> {
    let shape @ [_, channels, height, width] = samples.dims();
    if file.extension().is_some_and(|ending| ending == "png") {
        let bytes = quantise(samples)?;
        std::fs::write(file, undrift::report::grid_png(&bytes, channels, height, width, 8, 4)?)?;
        return Ok(());
    }
    let numbers: Vec<f32> = samples.into_data().iter().collect();
    let array = NpyArray { name: "samples", shape: shape.to_vec(), values: NpyValues::Floats(&numbers) };
    Ok(write_npz(File::create(file)?, &[array])?)
}
