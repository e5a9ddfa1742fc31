//! Every fused operation, forward and with its gradients, at the sizes of the quick network, in single precision.
//!
//! The same function in double precision is the composition of plain Burn operations; `plain` beside `fused` shows
//! what the fusion gives, at twice the bytes.

use burn::tensor::{DType, Device, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use undrift_kernels::{
    Activation, Padding, attention, concat_channels, convolution, group_norm, on_worker_thread, upsample,
};

const BATCH: usize = 64;

/// A function of an image and other inputs, run forward and with gradients.
type Operation = fn(&[Tensor<4>]) -> Tensor<4>;

fn leaves(shapes: &[[usize; 4]], device: &Device, dtype: DType) -> Vec<Tensor<4>> {
    let one = |shape: &[usize; 4]| {
        let count = shape.iter().product::<usize>() as i64;
        let ramp = Tensor::<1, burn::tensor::Int>::arange(0..count, device).float().cast(dtype);
        ramp.mul_scalar(0.7).sin().reshape(*shape).require_grad()
    };
    shapes.iter().map(one).collect()
}

fn compare(c: &mut Criterion, name: &str, shapes: &[[usize; 4]], operation: Operation) {
    let mut group = c.benchmark_group(name);
    for (path, dtype) in [("fused", DType::F32), ("plain", DType::F64)] {
        let inputs = leaves(shapes, &Device::flex(), dtype);
        group.bench_function(BenchmarkId::new("forward", path), |b| {
            on_worker_thread(|| b.iter(|| black_box(operation(&inputs))));
        });
        let inputs = leaves(shapes, &Device::flex().autodiff(), dtype);
        group.bench_function(BenchmarkId::new("forward and gradients", path), |b| {
            on_worker_thread(|| b.iter(|| black_box(operation(&inputs).sum().backward())));
        });
    }
}

fn convolve(x: &[Tensor<4>], stride: usize, padding: Padding) -> Tensor<4> {
    let [out, ..] = x[1].dims();
    let shift = Tensor::zeros([1, out], (&x[0].device(), x[0].dtype()));
    convolution(x[0].clone(), x[1].clone(), shift, None, stride, padding)
}

fn convolutions(c: &mut Criterion) {
    let same: Operation = |x| convolve(x, 1, Padding::same(3));
    for (side, from, to) in [(16, 32, 32), (16, 96, 32), (8, 64, 64), (8, 128, 64)] {
        let name = format!("convolution 3x3, {side}x{side}, {from} to {to}");
        compare(c, &name, &[[BATCH, side, side, from], [to, from, 3, 3]], same);
    }
    let halving: Operation = |x| convolve(x, 2, Padding { bottom: 1, right: 1, ..Padding::default() });
    compare(c, "convolution 3x3 with stride 2, 16x16, 32 to 32", &[[BATCH, 16, 16, 32], [32, 32, 3, 3]], halving);
    let pointwise: Operation = |x| convolve(x, 1, Padding::default());
    compare(c, "convolution 1x1, 16x16, 96 to 32", &[[BATCH, 16, 16, 96], [32, 96, 1, 1]], pointwise);
}

fn others(c: &mut Criterion) {
    compare(c, "group norm and SiLU, 16x16, 32", &[[BATCH, 16, 16, 32]], |x| {
        let row = |value: f64| Tensor::full([1, 32], value, (&x[0].device(), x[0].dtype()));
        group_norm(x[0].clone(), row(1.0), row(0.0), 8, 1e-6, Activation::Silu)
    });
    let image = [BATCH, 8, 8, 64];
    compare(c, "attention, 64 tokens, 64", &[image; 3], |x| {
        let tokens = |x: &Tensor<4>| x.clone().reshape([BATCH, 64, 64]);
        attention(tokens(&x[0]), tokens(&x[1]), tokens(&x[2]), 1).reshape([BATCH, 8, 8, 64])
    });
    compare(c, "upsample, 8x8, 64", &[image], |x| upsample(x[0].clone()));
    compare(c, "concat, 16x16, 64 and 32", &[[BATCH, 16, 16, 64], [BATCH, 16, 16, 32]], |x| {
        concat_channels(x[0].clone(), x[1].clone())
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = convolutions, others
}
criterion_main!(benches);
