//! The variance of a reverse step: fixed small, fixed large, or learned.

use burn::tensor::Tensor;
use undrift_schedules::Span;

use crate::{DenoiseError, LearnedVariance, Prediction, column};

/// The variance of a step of the reverse process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variance {
    /// beta_tilde, clipped where it is 0 (Ho et al. 2020, arXiv:2006.11239, section 3.2).
    FixedSmall,
    /// beta; on a span to the data the clipped beta_tilde, as in the authors' code (not in the paper).
    ///
    /// Over jumps this is sigma-hat, the "larger variance" of Song, Meng, Ermon 2020, arXiv:2010.02502, section 5.
    FixedLarge,
    /// What the network says: a log-variance, or a position between the two above
    /// (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 15).
    Learned,
}

impl Variance {
    /// The logarithm of the variance (natural, in the coordinates of where each span ends).
    ///
    /// # Shapes
    /// Broadcasts against `x` of the prediction: `[spans, 1, ..]` if fixed, the shape of `x` if learned.
    ///
    /// # Errors
    /// [`DenoiseError::SpanCount`] or [`DenoiseError::SpanElsewhere`] for spans that do not fit the prediction,
    /// [`DenoiseError::NoLearnedVariance`] if the network gave none,
    /// [`DenoiseError::OutputShape`] if it gave one of another shape than `x`,
    /// [`DenoiseError::VarianceOfAnotherSpan`] for a learned log-variance over jumps and
    /// [`DenoiseError::VarianceOfAnotherLevel`] for one that a network gave under a shifted label.
    pub fn log_variance<const D: usize>(
        self,
        prediction: &Prediction<D>,
        spans: &[Span],
    ) -> Result<Tensor<D>, DenoiseError> {
        prediction.check_spans(spans)?;
        let x = prediction.x();
        match self {
            Variance::FixedSmall => Ok(column(&per_span(spans, fixed_small), &x)),
            Variance::FixedLarge => Ok(column(&per_span(spans, fixed_large), &x)),
            Variance::Learned => learned(prediction, &x, spans),
        }
    }

    /// The standard deviation of the step, the square root of the same variance.
    ///
    /// # Shapes
    /// As [`log_variance`](Self::log_variance).
    ///
    /// # Errors
    /// As [`log_variance`](Self::log_variance).
    pub fn std<const D: usize>(self, prediction: &Prediction<D>, spans: &[Span]) -> Result<Tensor<D>, DenoiseError> {
        prediction.check_spans(spans)?;
        let x = prediction.x();
        let root = |log_variance: f64| (0.5 * log_variance).exp();
        match self {
            Variance::FixedSmall => Ok(column(&per_span(spans, |span| root(fixed_small(span))), &x)),
            Variance::FixedLarge => Ok(column(&per_span(spans, |span| root(fixed_large(span))), &x)),
            Variance::Learned => Ok((learned(prediction, &x, spans)? * column(&[0.5], &x)).exp()),
        }
    }

    /// The variance of the step; the fixed small one is 0 on a span to the data, where only its logarithm is
    /// clipped.
    ///
    /// # Shapes
    /// As [`log_variance`](Self::log_variance).
    ///
    /// # Errors
    /// As [`log_variance`](Self::log_variance).
    pub fn variance<const D: usize>(
        self,
        prediction: &Prediction<D>,
        spans: &[Span],
    ) -> Result<Tensor<D>, DenoiseError> {
        match self {
            Variance::FixedSmall => {
                prediction.check_spans(spans)?;
                let small = |span: &Span| span.beta_tilde() * span.to_scale().powi(2);
                Ok(column(&per_span(spans, small), &prediction.x()))
            }
            Variance::FixedLarge | Variance::Learned => Ok(self.log_variance(prediction, spans)?.exp()),
        }
    }
}

fn per_span(spans: &[Span], f: impl Fn(&Span) -> f64) -> Vec<f64> {
    spans.iter().map(f).collect()
}

fn fixed_small(span: &Span) -> f64 {
    span.log_beta_tilde_clipped() + log_scale(span)
}

fn fixed_large(span: &Span) -> f64 {
    let vp = if span.to().is_some() { span.log_beta() } else { span.log_beta_tilde_clipped() };
    vp + log_scale(span)
}

/// What the logarithm of a variance gains on the way from variance-preserving to the span's coordinates.
fn log_scale(span: &Span) -> f64 {
    2.0 * span.to_scale().ln()
}

fn learned<const D: usize>(
    prediction: &Prediction<D>,
    x: &Tensor<D>,
    spans: &[Span],
) -> Result<Tensor<D>, DenoiseError> {
    match prediction.learned().ok_or(DenoiseError::NoLearnedVariance)? {
        LearnedVariance::LogVariance(log_variance) => {
            same_shape(log_variance, x)?;
            prediction.check_own_steps(spans)?;
            Ok(log_variance.clone() + column(&per_span(spans, log_scale), x))
        }
        LearnedVariance::Range(position) => {
            same_shape(position, x)?;
            let half_width = |span: &Span| 0.5 * (span.log_beta() - span.log_beta_tilde_clipped());
            let middle = |span: &Span| 0.5 * (span.log_beta() + span.log_beta_tilde_clipped()) + log_scale(span);
            Ok(position.clone() * column(&per_span(spans, half_width), x) + column(&per_span(spans, middle), x))
        }
    }
}

fn same_shape<const D: usize>(found: &Tensor<D>, x: &Tensor<D>) -> Result<(), DenoiseError> {
    if found.dims() == x.dims() {
        return Ok(());
    }
    Err(DenoiseError::OutputShape { expected: x.dims().to_vec(), found: found.dims().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{gap, rows, values};
    use undrift_schedules::{Chain, Grid, Spacing};

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn spans() -> [Span; 2] {
        [1, 500].map(|t| chain().span(t).expect("in range"))
    }

    fn belief(learned: Option<LearnedVariance<2>>) -> Prediction<2> {
        let x = rows([[0.1, 0.2], [0.3, 0.4]]);
        let at = Levels::from(spans().map(|span| span.from()).to_vec());
        let prediction = Prediction::from_x0(x.clone(), x, at).expect("fits");
        match learned {
            Some(learned) => prediction.with_log_variance(learned),
            None => prediction,
        }
    }

    fn log_variance(variance: Variance, learned: Option<LearnedVariance<2>>) -> Vec<f64> {
        values(&variance.log_variance(&belief(learned), &spans()).expect("fits"))
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-11, "{found:?} is not {expected:?}");
        }
    }

    /// ln beta_tilde_2 = -9.81672513529567 of the linear chain stands in for both at t = 1.
    #[test]
    fn the_first_slot_of_both_fixed_variances_is_the_published_one() {
        let (beta, levels) = (chain().betas()[499], chain());
        let (above, below) = (levels.levels()[499].alpha_bar(), levels.levels()[498].alpha_bar());
        let beta_tilde = beta * (1.0 - below) / (1.0 - above);
        close(&log_variance(Variance::FixedSmall, None), &[-9.81672513529567, beta_tilde.ln()]);
        close(&log_variance(Variance::FixedLarge, None), &[-9.81672513529567, beta.ln()]);
    }

    #[test]
    fn a_learned_range_ends_at_beta_even_on_the_last_step() {
        let ends = LearnedVariance::Range(rows([[-1.0, 1.0], [-1.0, 1.0]]));
        let (small, large) = (spans()[1].beta_tilde().ln(), spans()[1].beta().ln());
        let expected = [-9.81672513529567, 1e-4f64.ln(), small, large];
        close(&log_variance(Variance::Learned, Some(ends)), &expected);
        let middle = LearnedVariance::Range(rows([[0.0, 0.5], [0.0, 0.5]]));
        let found = log_variance(Variance::Learned, Some(middle));
        close(&found[2..], &[0.5 * (small + large), 0.25 * small + 0.75 * large]);
    }

    #[test]
    fn a_learned_log_variance_is_taken_as_it_is() {
        let given = rows([[-9.0, -4.0], [0.5, -1.0]]);
        let found = log_variance(Variance::Learned, Some(LearnedVariance::LogVariance(given)));
        assert_eq!(found, [-9.0, -4.0, 0.5, -1.0]);
    }

    #[test]
    fn the_standard_deviation_is_the_root() {
        let range = || Some(LearnedVariance::Range(rows([[-0.3, 0.9], [0.1, 1.2]])));
        for variance in [Variance::FixedSmall, Variance::FixedLarge, Variance::Learned] {
            let belief = belief(range());
            let std = variance.std(&belief, &spans()).expect("fits");
            let log = variance.log_variance(&belief, &spans()).expect("fits");
            assert!(gap(&(std.clone() * std).log(), &log) < 1e-12);
        }
    }

    #[test]
    fn other_coordinates_scale_every_variance() {
        let grid = chain().grid_at(&[500, 499]).expect("in range").unscaled().expect("has signal");
        let span = grid.spans()[0];
        let x = rows([[0.1]]);
        let at = Levels::from(span.from());
        for learned in [LearnedVariance::LogVariance(rows([[-3.0]])), LearnedVariance::Range(rows([[0.2]]))] {
            let edm = Prediction::from_x0(x.clone(), x.clone(), at.clone()).expect("fits");
            let edm = edm.with_log_variance(learned.clone());
            let vp = Prediction::from_x0(x.clone(), x.clone(), Levels::from(spans()[1].from())).expect("fits");
            let vp = vp.with_log_variance(learned);
            for variance in [Variance::FixedSmall, Variance::FixedLarge, Variance::Learned] {
                let scaled = variance.log_variance(&edm, &[span]).expect("fits");
                let plain = variance.log_variance(&vp, &[spans()[1]]).expect("fits");
                assert!(gap(&scaled, &(plain + 2.0 * span.to_scale().ln())) < 1e-9, "{variance:?}");
            }
        }
    }

    /// Nichol and Dhariwal's range moves between the two ends of whatever span it is asked for; a log-variance was
    /// learned for one step.
    #[test]
    fn a_learned_log_variance_is_refused_over_jumps_and_a_learned_range_is_not() {
        let x = rows([[0.1, 0.2]]);
        let jumps = chain().respace(Spacing::Trailing, 10).expect("valid");
        for span in [jumps.spans()[0], jumps.spans()[9], Grid::new(jumps.levels()).expect("valid").spans()[3]] {
            let at = Levels::from(span.from());
            let belief = |learned| {
                let plain = Prediction::from_x0(x.clone(), x.clone(), at.clone()).expect("fits");
                plain.with_log_variance(learned)
            };
            let log_variance = belief(LearnedVariance::LogVariance(x.clone()));
            let expected =
                DenoiseError::VarianceOfAnotherSpan { from: span.from().time(), to: span.to().map(|to| to.time()) };
            let learned = Variance::Learned;
            assert_eq!(learned.std(&log_variance, &[span]).unwrap_err(), expected);
            assert_eq!(learned.log_variance(&log_variance, &[span]).unwrap_err(), expected);
            assert_eq!(learned.variance(&log_variance, &[span]).unwrap_err(), expected);
            assert!(expected.to_string().contains("log-variance") && expected.to_string().contains("fixed variance"));
            assert!(Variance::FixedSmall.std(&log_variance, &[span]).is_ok());
            let range = belief(LearnedVariance::Range(x.zeros_like() + 1.0));
            let found = values(&learned.log_variance(&range, &[span]).expect("any span"));
            close(&found, &[span.log_beta(), span.log_beta()]);
        }
    }

    #[test]
    fn a_learned_log_variance_under_another_label_is_refused() {
        let (span, x) = (spans()[1], rows([[0.1, 0.2]]));
        let asked = Levels::from(span.from().with_time(480.0).expect("finite"));
        for (learned, fits) in
            [(LearnedVariance::LogVariance(x.clone()), false), (LearnedVariance::Range(x.clone()), true)]
        {
            let told = Prediction::from_x0(x.clone(), x.clone(), asked.clone()).expect("fits");
            let belief = told.with_log_variance(learned).relabelled(Levels::from(span.from())).expect("same noise");
            let clipped = belief.clone().clip_x0(-0.1, 0.1);
            let changed = clipped.clone().map_x0(|x0| x0 * 0.5).expect("same shape");
            for belief in [belief, clipped, changed] {
                let std = Variance::Learned.std(&belief, &[span]);
                let expected = DenoiseError::VarianceOfAnotherLevel { time: span.from().time(), told: 480.0 };
                assert_eq!(std.as_ref().err(), (!fits).then_some(&expected));
                assert!(Variance::FixedLarge.std(&belief, &[span]).is_ok());
            }
        }
    }

    #[test]
    fn what_is_missing_is_an_error() {
        let learned = |belief: Prediction<2>| Variance::Learned.log_variance(&belief, &spans()).unwrap_err();
        assert_eq!(learned(belief(None)), DenoiseError::NoLearnedVariance);
        let narrow = LearnedVariance::Range(rows([[1.0], [1.0]]));
        assert!(matches!(learned(belief(Some(narrow))), DenoiseError::OutputShape { .. }));
        let swapped = [spans()[1], spans()[0]];
        let refused = Variance::FixedSmall.std(&belief(None), &swapped).unwrap_err();
        assert!(matches!(refused, DenoiseError::SpanElsewhere { .. }));
    }
}
