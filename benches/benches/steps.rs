//! The loops that a run spends its time in: a training step, a sampling step, and what surrounds the network.

use burn::tensor::{Device, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use undrift_benches::{BATCH, batch, quick_unet};
use undrift_denoisers::{ClipX0, Eps, Gaussian, Levels, OutputVariance, Preconditioned, Variance};
use undrift_losses::{Plain, squared_error};
use undrift_metrics::{GaussianStats, frechet_distance};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_samplers::{Ancestral, Churn, Ddim, Heun, Solver, sample};
use undrift_schedules::{Chain, Grid};
use undrift_training::{Optimisation, Trainer};

fn one_step() -> Grid {
    let chain = Chain::linear_scaled(250).expect("T is 250");
    chain.grid_at(&[1]).expect("t = 1 is a level")
}

/// A step that ends at a level, where solvers differ.
fn inner_step() -> Grid {
    let chain = Chain::linear_scaled(250).expect("T is 250");
    let level = |t| chain.level(t).expect("in range");
    Grid::ending_at([level(100)], level(90)).expect("less noisy")
}

fn noise() -> SampleNoise {
    SampleNoise::new(Key::new(0, Purpose::Sampling), 0, BATCH)
}

fn training(c: &mut Criterion) {
    let device = Device::flex().autodiff();
    let network = quick_unet(&device).expect("a valid network");
    let mut trainer = Trainer::new(network, Optimisation::ddpm_cifar10()).expect("valid settings");
    let chain = Chain::linear_scaled(250).expect("T is 250");
    let at = Levels::from((0..BATCH).map(|i| chain.levels()[i * 3]).collect::<Vec<_>>());
    let x0 = batch(&device);
    c.bench_function("training step (U-Net, L_simple, clip, Adam, EMA)", |b| {
        b.iter(|| {
            trainer.step(|network, _| {
                let model = Preconditioned {
                    network: |x: Tensor<4>, time: Tensor<1>| network.forward(x, time),
                    parameterisation: Eps,
                    variance: OutputVariance::None,
                };
                Ok(squared_error(&model, &Plain, x0.clone(), &at, &mut noise())?)
            })
        })
    });
}

fn sampling(c: &mut Criterion) {
    let device = Device::flex();
    let network = quick_unet(&device).expect("a valid network");
    let (grid, solver, x) = (one_step(), Ancestral { variance: Variance::FixedLarge }, batch(&device));
    let model = ClipX0(Preconditioned {
        network: |x: Tensor<4>, time: Tensor<1>| network.forward(x, time),
        parameterisation: Eps,
        variance: OutputVariance::None,
    });
    c.bench_function("sampling step (U-Net)", |b| {
        b.iter(|| sample(&model, &solver, &grid, x.clone(), &mut noise()).map(|x| black_box(x.into_data())))
    });
    let exact = Gaussian { mean: 0.0, std: 0.5 };
    c.bench_function("sampling step (exact Gaussian: all but the network)", |b| {
        b.iter(|| sample(&exact, &solver, &grid, x.clone(), &mut noise()).map(|x| black_box(x.into_data())))
    });
    let (between, churn) = (inner_step(), Churn::NONE);
    let solvers: [(&str, &dyn Solver<4>); 3] = [
        ("DDIM", &Ddim::default()),
        ("DDIM with eta 1", &Ddim { eta: 1.0, keep_eps: false }),
        ("Heun", &Heun { churn }),
    ];
    for (name, solver) in solvers {
        c.bench_function(&format!("{name} step (exact Gaussian: all but the network)"), |b| {
            b.iter(|| sample(&exact, solver, &between, x.clone(), &mut noise()).map(|x| black_box(x.into_data())))
        });
    }
}

fn surroundings(c: &mut Criterion) {
    let x = batch(&Device::flex());
    c.bench_function("noise of a batch", |b| b.iter(|| black_box(noise().normal(&x))));
    let rows: Vec<f64> = (0..96 * 1000).map(|i| ((i * 7919) % 1009) as f64 / 1009.0).collect();
    c.bench_function("statistics of 1000 features of width 96", |b| {
        b.iter(|| {
            let mut stats = GaussianStats::new(96);
            stats.push_rows(&rows).map(|()| black_box(stats))
        })
    });
    let mut stats = GaussianStats::new(96);
    stats.push_rows(&rows).expect("whole rows");
    c.bench_function("Frechet distance of width 96", |b| b.iter(|| frechet_distance(&stats, &stats).map(black_box)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = training, sampling, surroundings
}
criterion_main!(benches);
