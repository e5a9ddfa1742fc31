//! Bits per dimension of a data set, streamed batch by batch.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Variance};
use undrift_losses::{BoundOfBatch, bits_per_dim};
use undrift_noise::{Key, SampleNoise};
use undrift_schedules::Grid;

use crate::{Better, Metric, MetricError, Score};

/// The variational bound of a data set in bits per dimension, and what it is made of; all are means over images.
///
/// A model that has broken down may give infinite or NaN entries; they are reported as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundOfData {
    /// Images averaged over.
    pub images: usize,
    /// The bound: all terms and the prior.
    pub total: f64,
    /// The terms above the decoder, and the prior: what is sent before the pixels.
    pub rate: f64,
    /// The decoder's term, `t = 1`.
    pub distortion: f64,
    /// The prior's term.
    pub prior: f64,
    /// `per_t[t - 1]`: the term of `t = 1..=T`.
    pub per_t: Vec<f64>,
    /// Root of the mean squared error of the `x0` predicted at `t = 1`, on the scale 0..255 of the pixels.
    pub rmse: f64,
}

/// The variational bound of a data set, streamed batch by batch, with one draw of noise per image and level.
///
/// Ho et al. 2020, arXiv:2006.11239, eq. 5 and section 4.3 (rate, distortion and RMSE). Image i of the stream is
/// sample i of `key`, and sums run in order of the images, so the size of the batches does not matter. The authors
/// clip the predicted `x0` here: pass `ClipX0(model)`. Their RMSE is of the finished sample of progressive decoding;
/// ours is of the belief at the last step, from the true image with that much noise.
///
/// # Shapes
///
/// `batches`: `[B, ..]` each, on the 256 grey levels `g / 127.5 - 1`; B may differ from batch to batch, and be 0.
///
/// # Errors
///
/// If there are no images, and as [`bits_per_dim`].
pub fn bound_of_data<const D: usize>(
    model: &dyn Denoiser<D>,
    variance: Variance,
    grid: &Grid,
    batches: impl IntoIterator<Item = Tensor<D>>,
    key: Key,
) -> Result<BoundOfData, MetricError> {
    let mut bound = DataBound::new(model, variance, grid, key);
    batches.into_iter().try_for_each(|batch| bound.add(batch))?;
    bound.mean()
}

/// The variational bound of images that are streamed in, as [`bound_of_data`] says.
pub struct DataBound<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    variance: Variance,
    grid: &'a Grid,
    key: Key,
    sums: Sums,
}

impl<'a, const D: usize> DataBound<'a, D> {
    /// No images yet.
    pub fn new(model: &'a dyn Denoiser<D>, variance: Variance, grid: &'a Grid, key: Key) -> Self {
        DataBound { model, variance, grid, key, sums: Sums::new(grid.steps()) }
    }

    /// The bound and what it is made of, as means over the images so far.
    ///
    /// # Errors
    /// [`MetricError::NoImages`].
    pub fn mean(&self) -> Result<BoundOfData, MetricError> {
        self.sums.mean()
    }
}

impl<const D: usize> Metric<D> for DataBound<'_, D> {
    fn add(&mut self, images: Tensor<D>) -> Result<(), MetricError> {
        let count = images.dims()[0];
        if count > 0 {
            let mut noise = SampleNoise::new(self.key, self.sums.images as u64, count);
            self.sums.add(&bits_per_dim(self.model, self.variance, self.grid, images, &mut noise)?);
        }
        Ok(())
    }

    fn scores(&self) -> Result<Vec<Score>, MetricError> {
        let value = self.mean()?.total;
        let name = "variational bound".to_owned();
        Ok(vec![Score { name, value, spread: None, better: Better::Lower, unit: "bits/dim" }])
    }
}

struct Sums {
    images: usize,
    total: f64,
    rate: f64,
    prior: f64,
    per_t: Vec<f64>,
    x0_mse: f64,
}

impl Sums {
    fn new(steps: usize) -> Self {
        Sums { images: 0, total: 0.0, rate: 0.0, prior: 0.0, per_t: vec![0.0; steps], x0_mse: 0.0 }
    }

    fn add(&mut self, batch: &BoundOfBatch) {
        self.images += batch.total.len();
        accumulate(&mut self.total, &batch.total);
        accumulate(&mut self.rate, &batch.rate());
        accumulate(&mut self.prior, &batch.prior);
        accumulate(&mut self.x0_mse, &batch.x0_mse[0]);
        self.per_t.iter_mut().zip(&batch.terms).for_each(|(sum, terms)| accumulate(sum, terms));
    }

    fn mean(&self) -> Result<BoundOfData, MetricError> {
        if self.images == 0 {
            return Err(MetricError::NoImages);
        }
        let n = self.images as f64;
        let per_t: Vec<f64> = self.per_t.iter().map(|sum| sum / n).collect();
        Ok(BoundOfData {
            images: self.images,
            total: self.total / n,
            rate: self.rate / n,
            distortion: per_t[0],
            prior: self.prior / n,
            per_t,
            rmse: (self.x0_mse / n).sqrt() * 127.5,
        })
    }
}

/// Adds one after the other: a sum of sums would depend on where batches end.
fn accumulate(sum: &mut f64, values: &[f64]) {
    values.iter().for_each(|value| *sum += value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, TensorData};
    use undrift_denoisers::{ClipX0, Gaussian};
    use undrift_noise::{Noise, Purpose};
    use undrift_schedules::Chain;

    const KEY: fn() -> Key = || Key::new(5, Purpose::Evaluation);
    const MODEL: ClipX0<Gaussian> = ClipX0(Gaussian { mean: 0.0, std: 0.5 });

    fn images(count: usize) -> Tensor<2> {
        let greys = (0..count * 4).map(|i| f64::from((i * 37 % 256) as u8) / 127.5 - 1.0).collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(greys, [count, 4]), (&Device::flex(), DType::F64))
    }

    fn of(batches: Vec<Tensor<2>>, steps: usize) -> BoundOfData {
        let grid = Chain::linear_scaled(steps).unwrap().grid();
        bound_of_data(&MODEL, Variance::FixedLarge, &grid, batches, KEY()).unwrap()
    }

    #[test]
    fn batches_do_not_matter() {
        let data = images(7);
        let parts = vec![data.clone().narrow(0, 0, 3), data.clone().narrow(0, 3, 1), data.clone().narrow(0, 4, 3)];
        assert_eq!(of(vec![data], 30), of(parts, 30));
    }

    #[test]
    fn parts_add_up() {
        let bound = of(vec![images(5)], 30);
        assert_eq!((bound.images, bound.per_t.len()), (5, 30));
        assert!((bound.rate + bound.distortion - bound.total).abs() < 1e-12);
        assert!((bound.per_t[1..].iter().sum::<f64>() + bound.prior - bound.rate).abs() < 1e-12);
        assert_eq!(bound.per_t[0], bound.distortion);
        assert!(bound.prior > 0.0 && bound.prior < bound.per_t[29] + 0.1);
    }

    /// The mean over images of the bound of a batch, and the error of the belief at `t = 1` done by hand.
    #[test]
    fn agrees_with_the_bound_of_a_batch() {
        let (data, grid) = (images(5), Chain::linear_scaled(30).unwrap().grid());
        let mut noise = SampleNoise::new(KEY(), 0, 5);
        let batch = bits_per_dim(&MODEL, Variance::FixedLarge, &grid, data.clone(), &mut noise).unwrap();
        let bound = of(vec![data.clone()], 30);
        assert!((bound.total - batch.total.iter().sum::<f64>() / 5.0).abs() < 1e-12);

        let last = grid.spans()[29].from();
        let eps: Tensor<2> = SampleNoise::new(KEY(), 0, 5).at_draw(29).normal(&data);
        let x = data.clone().mul_scalar(last.signal()) + eps.mul_scalar(last.noise());
        let belief = x.mul_scalar(0.25 * last.signal() / (0.25 * last.alpha_bar() + 1.0 - last.alpha_bar()));
        let error = (belief.clamp(-1.0, 1.0) - data).square().mean().into_scalar::<f64>();
        assert!((bound.rmse - error.sqrt() * 255.0 / 2.0).abs() < 1e-9, "{}", bound.rmse);
    }

    #[test]
    fn no_images_are_an_error() {
        let grid = Chain::linear_scaled(30).unwrap().grid();
        let none: [Tensor<2>; 0] = [];
        let error = bound_of_data(&MODEL, Variance::FixedLarge, &grid, none, KEY()).unwrap_err();
        assert!(matches!(error, MetricError::NoImages), "{error}");
    }

    #[test]
    fn batches_of_no_images_add_nothing() {
        let (data, empty) = (images(3), Tensor::zeros([0, 4], (&Device::flex(), DType::F64)));
        let apart = vec![empty.clone(), data.clone().narrow(0, 0, 2), empty.clone(), data.clone().narrow(0, 2, 1)];
        assert_eq!(of(apart, 30), of(vec![data], 30));
        let grid = Chain::linear_scaled(30).unwrap().grid();
        let nothing = bound_of_data(&MODEL, Variance::FixedLarge, &grid, vec![empty], KEY());
        assert!(matches!(nothing, Err(MetricError::NoImages)), "{nothing:?}");
    }
}
