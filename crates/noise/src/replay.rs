//! Recorded noise, for golden vectors.

use std::collections::VecDeque;

use burn::tensor::Tensor;

use crate::Noise;

/// Recorded noise, given back in order: the k-th draw is the k-th tensor.
///
/// For golden vectors, whose noise comes from another implementation, and for watching one draw's effect.
/// A draw follows the element type and device of the tensor it is for.
#[derive(Clone, Debug)]
pub struct Replay<const D: usize> {
    waiting: VecDeque<Tensor<D>>,
    given: usize,
    uniforms: VecDeque<Vec<f64>>,
}

impl<const D: usize> Replay<D> {
    /// Noise that gives `draws` in this order, each once.
    pub fn new(draws: Vec<Tensor<D>>) -> Self {
        Replay { waiting: draws.into(), given: 0, uniforms: VecDeque::new() }
    }

    /// The same with recorded uniform numbers, one for each sample of a draw, in the order of those draws.
    #[must_use]
    pub fn with_uniforms(self, draws: Vec<Vec<f64>>) -> Self {
        Replay { uniforms: draws.into(), ..self }
    }

    /// How many recorded draws have not been given yet.
    pub fn remaining(&self) -> usize {
        self.waiting.len()
    }
}

impl<const D: usize> Noise<D> for Replay<D> {
    /// The next recorded tensor.
    ///
    /// # Panics
    ///
    /// If all recorded draws have been given, or if the next one has another shape than `like`: the
    /// recording belongs to another run, and any number given instead would be a silent error.
    fn normal(&mut self, like: &Tensor<D>) -> Tensor<D> {
        let draw = self.waiting.pop_front().unwrap_or_else(|| {
            panic!("replayed noise has only {} draws; record one for each draw of the run", self.given)
        });
        assert!(
            draw.dims() == like.dims(),
            "replayed noise: draw {} has shape {:?}, but {:?} is asked for; use the recording of this run",
            self.given,
            draw.dims(),
            like.dims(),
        );
        self.given += 1;
        draw.to_device(&like.device()).cast(like.dtype())
    }

    /// The next recorded uniform numbers.
    ///
    /// # Panics
    ///
    /// If all of them have been given, or if there is not one for each row of `like`.
    fn uniforms(&mut self, like: &Tensor<D>) -> Vec<f64> {
        let next = self.uniforms.pop_front();
        let draw = next.unwrap_or_else(|| panic!("replayed noise has no more uniform draws; record each of the run"));
        let rows = like.dims()[0];
        assert!(draw.len() == rows, "replayed noise: {} uniform numbers for {rows} samples", draw.len());
        draw
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn row(value: f64) -> Tensor<2> {
        Tensor::full([1, 2], value, (&Device::flex(), DType::F64))
    }

    #[test]
    fn gives_each_draw_once_and_in_order() {
        let mut replay = Replay::new(vec![row(1.0), row(2.0)]);
        let like = Tensor::<2>::zeros([1, 2], (&Device::flex(), DType::F32));
        assert_eq!(replay.normal(&like).into_data().try_to_vec::<f32>().unwrap(), [1.0, 1.0]);
        assert_eq!(replay.remaining(), 1);
        assert_eq!(replay.normal(&row(0.0)).into_data().try_to_vec::<f64>().unwrap(), [2.0, 2.0]);
        assert_eq!(replay.remaining(), 0);
    }

    #[test]
    fn uniform_numbers_have_a_recording_of_their_own() {
        let mut replay = Replay::new(vec![row(1.0)]).with_uniforms(vec![vec![0.25], vec![0.5]]);
        assert_eq!((replay.uniforms(&row(0.0)), replay.uniforms(&row(0.0))), (vec![0.25], vec![0.5]));
        assert_eq!(replay.remaining(), 1);
    }

    #[test]
    #[should_panic(expected = "no more uniform draws")]
    fn an_exhausted_recording_of_uniforms_is_an_error() {
        Replay::new(vec![row(1.0)]).uniforms(&row(0.0));
    }

    #[test]
    #[should_panic(expected = "has only 1 draws")]
    fn an_exhausted_recording_is_an_error() {
        let mut replay = Replay::new(vec![row(1.0)]);
        replay.normal(&row(0.0));
        replay.normal(&row(0.0));
    }

    #[test]
    #[should_panic(expected = "draw 0 has shape [1, 2], but [2, 1] is asked for")]
    fn another_shape_is_an_error() {
        Replay::new(vec![row(1.0)]).normal(&row(0.0).reshape([2, 1]));
    }
}
