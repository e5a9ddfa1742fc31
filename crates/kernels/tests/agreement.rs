//! Every fused operation against the same operation in double precision, which is composed of plain Burn
//! operations: outputs and all gradients, at random sizes.

mod common;

use burn::tensor::Tensor;
use common::{assert_agree, leaves};
use proptest::prelude::*;
use undrift_kernels::{Activation, Padding, attention, concat_channels, convolution, group_norm, silu, upsample};

fn image() -> impl Strategy<Value = [usize; 3]> {
    (1..4usize, 1..10usize, 1..10usize).prop_map(|(batch, height, width)| [batch, height, width])
}

fn both<const D: usize>(f: impl Fn(usize) -> Tensor<D>) -> [Tensor<D>; 2] {
    [f(0), f(1)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_of_three_by_three(
        [b, h, w] in image(), from in 1..40usize, to in 1..40usize, shared: bool, residual: bool, seed: u64,
    ) {
        let x = leaves([b, h, w, from], seed);
        let weight = leaves([to, from, 3, 3], seed ^ 1);
        let shift = leaves([if shared { 1 } else { b }, to], seed ^ 2);
        let rest = leaves([b, h, w, to], seed ^ 3);
        let y = both(|at| convolution(
            x[at].clone(), weight[at].clone(), shift[at].clone(), residual.then(|| rest[at].clone()), 1,
            Padding::same(3),
        ));
        let [single, double] = y;
        if residual {
            assert_agree!([single, double], seed ^ 4, [x, weight, shift, rest]);
        } else {
            assert_agree!([single, double], seed ^ 4, [x, weight, shift]);
        }
    }

    #[test]
    fn convolutions_of_any_kernel_stride_and_padding(
        [b, h, w] in image(), from in 1..20usize, to in 1..20usize, kernel in (1..4usize, 1..4usize),
        stride in 1..3usize, pad in prop::array::uniform4(0..3usize), seed: u64,
    ) {
        let [top, left, bottom, right] = pad;
        prop_assume!(h + top + bottom >= kernel.0 && w + left + right >= kernel.1);
        let x = leaves([b, h, w, from], seed);
        let weight = leaves([to, from, kernel.0, kernel.1], seed ^ 1);
        let shift = leaves([1, to], seed ^ 2);
        let padding = Padding { top, left, bottom, right };
        let [single, double] =
            both(|at| convolution(x[at].clone(), weight[at].clone(), shift[at].clone(), None, stride, padding));
        assert_agree!([single, double], seed ^ 4, [x, weight, shift]);
    }

    #[test]
    fn pointwise_convolutions_of_many_pixels(
        b in 1..5usize, side in 1..20usize, from in 1..70usize, to in 1..70usize, residual: bool, seed: u64,
    ) {
        let x = leaves([b, side, side, from], seed);
        let weight = leaves([to, from, 1, 1], seed ^ 1);
        let shift = leaves([b, to], seed ^ 2);
        let rest = leaves([b, side, side, to], seed ^ 3);
        let [single, double] = both(|at| convolution(
            x[at].clone(), weight[at].clone(), shift[at].clone(), residual.then(|| rest[at].clone()), 1,
            Padding::default(),
        ));
        if residual {
            assert_agree!([single, double], seed ^ 4, [x, weight, shift, rest]);
        } else {
            assert_agree!([single, double], seed ^ 4, [x, weight, shift]);
        }
    }

    #[test]
    fn group_norms(
        [b, h, w] in image(), groups in 1..6usize, width in 1..9usize, shared: bool, active: bool, seed: u64,
    ) {
        // A group of two numbers has deviation as small as it likes, and with it large gradients.
        prop_assume!(h * w * width >= 4);
        let channels = groups * width;
        let x = leaves([b, h, w, channels], seed);
        let rows = if shared { 1 } else { b };
        let (gain, bias) = (leaves([rows, channels], seed ^ 1), leaves([rows, channels], seed ^ 2));
        let activation = if active { Activation::Silu } else { Activation::None };
        let [single, double] =
            both(|at| group_norm(x[at].clone(), gain[at].clone(), bias[at].clone(), groups, 1e-3, activation));
        assert_agree!([single, double], seed ^ 4, [x, gain, bias]);
    }

    #[test]
    fn attentions(b in 1..4usize, tokens in 1..120usize, heads in 1..4usize, width in 1..20usize, seed: u64) {
        let shape = [b, tokens, heads * width];
        let (q, k, v) = (leaves(shape, seed), leaves(shape, seed ^ 1), leaves(shape, seed ^ 2));
        let [single, double] = both(|at| attention(q[at].clone(), k[at].clone(), v[at].clone(), heads));
        assert_agree!([single, double], seed ^ 4, [q, k, v]);
    }

    #[test]
    fn upsampling([b, h, w] in image(), channels in 1..40usize, seed: u64) {
        let x = leaves([b, h, w, channels], seed);
        let [single, double] = both(|at| upsample(x[at].clone()));
        assert_agree!([single, double], seed ^ 4, [x]);
    }

    #[test]
    fn channels_side_by_side([b, h, w] in image(), first in 1..40usize, second in 1..40usize, seed: u64) {
        let (x, y) = (leaves([b, h, w, first], seed), leaves([b, h, w, second], seed ^ 1));
        let [single, double] = both(|at| concat_channels(x[at].clone(), y[at].clone()));
        assert_agree!([single, double], seed ^ 4, [x, y]);
    }

    #[test]
    fn silus(rows in 1..50usize, columns in 1..50usize, seed: u64) {
        let x = leaves([rows, columns], seed).map(|x| x.mul_scalar(20.0).detach().require_grad());
        let [single, double] = both(|at| silu(x[at].clone()));
        assert_agree!([single, double], seed ^ 4, [x]);
    }
}
