//! Backward passes, written by hand.

use burn::backend::Flex;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn_flex::FlexTensor;

use super::FusedOps;
use super::forward::{attention_of, contiguous, convolve, geometry, norm, normalise, shape, tensor, values};
use crate::group_norm::{Affine, Norm, Statistics};
use crate::level::Level;
use crate::unfolded::Geometry;
use crate::{Activation, Padding, attention, convolution, elementwise, group_norm, pixels};

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

/// The value of a tensor on the graph.
fn value<C: CheckpointStrategy>(x: &Tracked<C>) -> FlexTensor {
    contiguous(x.primitive().clone())
}

/// Makes the output of an operation a node of the graph, with what its backward pass needs.
macro_rules! track {
    ($operation:expr, [$($input:expr),*], $state:expr, $output:expr) => {
        match $operation.prepare::<C>([$($input.node()),*]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish($state, $output),
            OpsKind::UnTracked(prepared) => prepared.finish($output),
        }
    };
}

/// Inputs of a convolution: image, weight, shift and, with four, the residual.
#[derive(Debug, Clone)]
struct Convolution<const INPUTS: usize>;

#[derive(Debug, Clone)]
struct Convolved {
    geometry: Geometry,
    x: FlexTensor,
    weight: FlexTensor,
    /// Rows of the shift: 1 or the batch.
    rows: usize,
}

impl<const INPUTS: usize> Backward<Flex, INPUTS> for Convolution<INPUTS> {
    type State = Convolved;

    fn backward(self, ops: Ops<Convolved, INPUTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let (level, Convolved { geometry: g, x, weight, rows }) = (Level::current(), ops.state);
        let [image, kernel, shift, residual] = [0, 1, 2, 3].map(|at| ops.parents.get(at).and_then(Option::as_ref));
        if let Some(node) = image {
            let dx = convolution::input_gradient(level, &g, values(&weight), values(&dy));
            grads.register::<Flex>(node.id, tensor(dx, shape::<4>(&x)));
        }
        if let Some(node) = kernel {
            let dw = convolution::weight_gradient(level, &g, values(&x), values(&dy));
            grads.register::<Flex>(node.id, tensor(dw, shape::<4>(&weight)));
        }
        if let Some(node) = shift {
            let sums = convolution::pixel_sums(level, values(&dy), g.batch, g.to);
            let sums = if rows == 1 { convolution::row_sums(&sums, g.to) } else { sums };
            grads.register::<Flex>(node.id, tensor(sums, [rows, g.to]));
        }
        if let Some(node) = residual {
            grads.register::<Flex>(node.id, dy);
        }
    }
}

#[derive(Debug)]
struct GroupNorm;

#[derive(Debug, Clone)]
struct Normalised {
    norm: Norm,
    x: FlexTensor,
    gain: FlexTensor,
    bias: FlexTensor,
    statistics: Statistics,
}

impl Backward<Flex, 3> for GroupNorm {
    type State = Normalised;

    fn backward(self, ops: Ops<Normalised, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let [image, gain, bias] = ops.parents;
        let s = ops.state;
        let affine = Affine { gain: values(&s.gain), bias: values(&s.bias) };
        let found = group_norm::backward(Level::current(), &s.norm, values(&s.x), &affine, &s.statistics, values(&dy));
        let [rows, channels] = shape(&s.gain);
        let of_rows = |sums: Vec<f32>| {
            let sums = if rows == 1 { convolution::row_sums(&sums, channels) } else { sums };
            tensor(sums, [rows, channels])
        };
        if let Some(node) = image {
            grads.register::<Flex>(node.id, tensor(found.x, shape::<4>(&s.x)));
        }
        if let Some(node) = gain {
            grads.register::<Flex>(node.id, of_rows(found.gain));
        }
        if let Some(node) = bias {
            grads.register::<Flex>(node.id, of_rows(found.bias));
        }
    }
}

#[derive(Debug)]
struct Attend;

impl Backward<Flex, 3> for Attend {
    /// q, k, v and the number of heads.
    type State = ([FlexTensor; 3], usize);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let ([q, k, v], heads) = ops.state;
        let a = attention_of(&q, heads);
        let found = attention::backward(Level::current(), &a, values(&q), values(&k), values(&v), values(&dy));
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(gradient, shape::<3>(&q)));
            }
        }
    }
}

#[derive(Debug)]
struct Upsample;

impl Backward<Flex, 1> for Upsample {
    /// The shape of the input.
    type State = [usize; 4];

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let [_, _, width, channels] = ops.state;
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, tensor(pixels::repeat_gradient(values(&dy), width, channels), ops.state));
        }
    }
}

#[derive(Debug)]
struct Concat;

impl Backward<Flex, 2> for Concat {
    /// The shapes of both inputs.
    type State = [[usize; 4]; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let parts = pixels::split(values(&dy), ops.state.map(|shape| shape[3]));
        for ((node, part), shape) in ops.parents.into_iter().zip(parts).zip(ops.state) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(part, shape));
            }
        }
    }
}

#[derive(Debug)]
struct Silu;

impl Backward<Flex, 1> for Silu {
    /// The input.
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let x = ops.state;
        if let [Some(node)] = ops.parents {
            let dx = elementwise::silu_gradient(Level::current(), values(&x), values(&dy));
            grads.register::<Flex>(node.id, tensor(dx, x.layout().shape().clone()));
        }
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn fused_convolution(
        x: Tracked<C>,
        weight: Tracked<C>,
        shift: Tracked<C>,
        stride: usize,
        padding: Padding,
    ) -> Tracked<C> {
        let [image, kernel, added] = [&x, &weight, &shift].map(value::<C>);
        let g = geometry(&image, &kernel, stride, padding);
        let y = convolve(&g, &image, &kernel, &added, None);
        let state = Convolved { geometry: g, x: image, weight: kernel, rows: shape::<2>(&added)[0] };
        track!(Convolution::<3>, [x, weight, shift], state, y)
    }

    fn fused_convolution_add(
        x: Tracked<C>,
        weight: Tracked<C>,
        shift: Tracked<C>,
        residual: Tracked<C>,
        stride: usize,
        padding: Padding,
    ) -> Tracked<C> {
        let [image, kernel, added, rest] = [&x, &weight, &shift, &residual].map(value::<C>);
        let g = geometry(&image, &kernel, stride, padding);
        let y = convolve(&g, &image, &kernel, &added, Some(&rest));
        let state = Convolved { geometry: g, x: image, weight: kernel, rows: shape::<2>(&added)[0] };
        track!(Convolution::<4>, [x, weight, shift, residual], state, y)
    }

    fn fused_group_norm(
        x: Tracked<C>,
        gain: Tracked<C>,
        bias: Tracked<C>,
        groups: usize,
        epsilon: f64,
        activation: Activation,
    ) -> Tracked<C> {
        let [image, slope, start] = [&x, &gain, &bias].map(value::<C>);
        let norm = norm(&image, groups, epsilon, activation);
        let (y, statistics) = normalise(&norm, &image, &slope, &start);
        let state = Normalised { norm, x: image, gain: slope, bias: start, statistics };
        track!(GroupNorm, [x, gain, bias], state, y)
    }

    fn fused_attention(q: Tracked<C>, k: Tracked<C>, v: Tracked<C>, heads: usize) -> Tracked<C> {
        let parts = [&q, &k, &v].map(value::<C>);
        let [a, b, c] = parts.clone();
        let y = Flex::fused_attention(a, b, c, heads);
        track!(Attend, [q, k, v], (parts, heads), y)
    }

    fn fused_upsample(x: Tracked<C>) -> Tracked<C> {
        let image = value::<C>(&x);
        let state = shape::<4>(&image);
        track!(Upsample, [x], state, Flex::fused_upsample(image))
    }

    fn fused_concat(a: Tracked<C>, b: Tracked<C>) -> Tracked<C> {
        let [first, second] = [&a, &b].map(value::<C>);
        let state = [shape::<4>(&first), shape::<4>(&second)];
        track!(Concat, [a, b], state, Flex::fused_concat(first, second))
    }

    fn fused_silu(x: Tracked<C>) -> Tracked<C> {
        let input = value::<C>(&x);
        track!(Silu, [x], input.clone(), Flex::fused_silu(input))
    }
}
