//! Times of the quick preset's U-Net: `cargo test --release -p undrift-networks --test timing -- --ignored --nocapture`.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use undrift_networks::DdpmUnetConfig;
use undrift_noise::{Key, Noise, Purpose, SampleNoise};

#[test]
#[ignore = "a measurement"]
fn quick_preset() {
    let config = DdpmUnetConfig {
        in_channels: 1,
        out_channels: 1,
        image_size: 16,
        base: 32,
        multipliers: vec![1, 2],
        blocks: 1,
        attention: vec![8],
        groups: 8,
        dropout: 0.1,
    };
    let key = Key::new(1, Purpose::Initialisation);
    let images = |device: &Device| {
        let like = Tensor::<4>::zeros([64, 1, 16, 16], device);
        SampleNoise::new(Key::new(7, Purpose::Data), 0, 64).normal(&like)
    };
    let device = Device::flex();
    let net = config.init(&device, key).unwrap();
    println!("{} parameters", net.num_params());
    let x = images(&device);
    for (name, times) in [("one time", 1), ("64 times", 64)] {
        median(&format!("forward, {name}"), || {
            let _ = net.forward(x.clone(), Tensor::ones([times], &device)).into_data();
        });
    }
    let device = device.autodiff();
    let net = config.init(&device, key).unwrap();
    let x = images(&device);
    for dropout in [false, true] {
        median(&format!("forward and backward, dropout {dropout}"), || {
            let time = Tensor::ones([64], &device);
            let mut noise = SampleNoise::new(Key::new(8, Purpose::Dropout), 0, 64);
            let y = match dropout {
                true => net.forward_training(x.clone(), time, &mut noise),
                false => net.forward(x.clone(), time),
            };
            let _ = y.sub(x.clone()).powi_scalar(2).mean().backward();
        });
    }
}

fn median(name: &str, mut work: impl FnMut()) {
    work();
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name}: median {:.0} ms, least {:.0} ms", times[4], times[0]);
}
