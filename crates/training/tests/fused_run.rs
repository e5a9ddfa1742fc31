//! A U-Net trained through the fused operations in single precision against the same training composed of
//! plain Burn operations in double precision.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor};
use undrift_networks::{DdpmUnet, DdpmUnetConfig};
use undrift_noise::{Key, Noise, Purpose, SampleNoise};
use undrift_training::{Ema, Optimisation, Trainer};

/// Images per step.
const BATCH: usize = 8;

/// Gives every parameter another element type.
struct Cast(DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let id = param.id;
        param.clone().transform_for_load(param.val().inner().cast(self.0), id)
    }
}

fn network() -> DdpmUnet {
    let config = DdpmUnetConfig {
        in_channels: 1,
        out_channels: 1,
        image_size: 8,
        base: 16,
        widths: vec![16, 32],
        blocks: 1,
        attention: vec![4],
        groups: 4,
        dropout: 0.0,
        ..DdpmUnetConfig::cifar10()
    };
    config.init(&Device::flex(), Key::new(5, Purpose::Initialisation)).unwrap()
}

/// Losses of an eps-model of striped images, whose data, times and noise are functions of the step.
fn losses(dtype: DType, steps: u64) -> Vec<f64> {
    let network = network().map(&mut Cast(dtype));
    let ema = Ema::ramped(0.99);
    let settings = Optimisation { warm_up: 20, clip: Some(1.0), ema, ..Optimisation::constant(5e-4) };
    let mut trainer = Trainer::new(network, settings).unwrap();
    let one = |trainer: &mut Trainer<DdpmUnet>, step: u64| {
        let like = Tensor::<4>::zeros([BATCH, 1, 8, 8], (&Device::flex(), DType::F32));
        let draw =
            |purpose| SampleNoise::new(Key::new(7, purpose), step * BATCH as u64, BATCH).normal(&like).cast(dtype);
        let stripes = draw(Purpose::Data).sum_dim(3).div_scalar(3.0).repeat_dim(3, 8);
        let eps = draw(Purpose::Training);
        let share: Vec<f64> = (0..BATCH).map(|i| ((step as usize * 37 + i * 13) % 100) as f64 / 100.0).collect();
        let share = Tensor::<1>::from_data(&share[..], (&Device::flex(), dtype));
        let weight = |part: Tensor<1>| part.sqrt().reshape([BATCH, 1, 1, 1]);
        let x = stripes * weight(share.clone()) + eps.clone() * weight(share.clone().neg().add_scalar(1.0));
        let update = trainer.step(|model, _| {
            let time = Tensor::from_inner(share.mul_scalar(1000.0));
            let error = model.forward(Tensor::from_inner(x), time) - Tensor::from_inner(eps);
            Ok(error.square().mean())
        });
        update.unwrap().loss
    };
    (0..steps).map(|step| one(&mut trainer, step)).collect()
}

#[test]
fn two_hundred_steps_end_at_the_loss_of_the_plain_path() {
    let (fused, plain) = (losses(DType::F32, 200), losses(DType::F64, 200));
    let end = |losses: &[f64]| losses[190..].iter().sum::<f64>() / 10.0;
    assert!(end(&plain) < 0.7 * plain[0], "the network learns: {} after {}", end(&plain), plain[0]);
    let largest = fused.iter().zip(&plain).map(|(a, b)| (a / b - 1.0).abs()).fold(0.0, f64::max);
    assert!(largest < 1e-3, "the losses differ by {largest} relative");
}
