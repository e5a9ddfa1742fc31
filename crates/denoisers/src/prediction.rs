//! One belief with many views: x0, eps, v, the mean of a step.

use burn::tensor::Tensor;
use undrift_schedules::{Level, Span};

use crate::affine::{Affine, affine, term};
use crate::{DenoiseError, Eps, LearnedVariance, Levels, Parameterisation, X0};

/// What a model believes about `x` at its levels: one belief with many views.
///
/// Each view is `a * x + b * output` with `a` and `b` computed in f64 on the host, so that none of them routes
/// through another (eps through x0 at small noise, or x0 through eps at no signal, would lose every digit).
#[derive(Clone, Debug)]
pub struct Prediction<const D: usize> {
    x: Tensor<D>,
    output: Tensor<D>,
    at: Levels,
    x0: Vec<Affine>,
    eps: Vec<Affine>,
    own_eps: Option<OwnEps<D>>,
    own_mean: Option<OwnMean<D>>,
    learned: Option<LearnedVariance<D>>,
    /// A label that the network was told in place of its level's own.
    told: Option<f64>,
}

/// The eps that was believed in before x0 was brought into range, as a view of `x` and the output of then.
#[derive(Clone, Debug)]
struct OwnEps<const D: usize> {
    output: Tensor<D>,
    eps: Vec<Affine>,
}

/// The posterior mean that a mu_tilde network gave, and the spans that it is right for.
#[derive(Clone, Debug)]
struct OwnMean<const D: usize> {
    mean: Tensor<D>,
    spans: Vec<Span>,
}

impl<const D: usize> Prediction<D> {
    /// The belief that a network's `output` expresses.
    ///
    /// # Shapes
    /// `output` has the shape of `x`; `at` holds one level, or one for each sample.
    ///
    /// # Errors
    /// [`DenoiseError::LevelCount`] or [`DenoiseError::OutputShape`] for shapes that do not fit, and what the
    /// parameterisation finds wrong with a level.
    pub fn from_output(
        x: Tensor<D>,
        output: Tensor<D>,
        at: impl Into<Levels>,
        parameterisation: &dyn Parameterisation,
    ) -> Result<Self, DenoiseError> {
        let at = at.into();
        at.check(&x)?;
        if output.dims() != x.dims() {
            return Err(DenoiseError::OutputShape { expected: x.dims().to_vec(), found: output.dims().to_vec() });
        }
        let x0 = at.iter().map(|level| parameterisation.x0_of(level)).collect::<Result<_, _>>()?;
        let eps = at.iter().map(|level| parameterisation.eps_of(level)).collect::<Result<_, _>>()?;
        let spans: Option<Vec<Span>> = at.iter().map(|level| parameterisation.own_span(level)).collect();
        let own_mean = spans.map(|spans| OwnMean { mean: output.clone(), spans });
        Ok(Prediction { x, output, at, x0, eps, own_eps: None, own_mean, learned: None, told: None })
    }

    /// The belief that the clean data are `x0`.
    ///
    /// # Shapes
    /// As [`from_output`](Self::from_output).
    ///
    /// # Errors
    /// [`DenoiseError::LevelCount`] or [`DenoiseError::OutputShape`] for shapes that do not fit.
    pub fn from_x0(x: Tensor<D>, x0: Tensor<D>, at: impl Into<Levels>) -> Result<Self, DenoiseError> {
        Prediction::from_output(x, x0, at, &X0)
    }

    /// The belief that the noise in `x` is `eps`.
    ///
    /// # Shapes
    /// As [`from_output`](Self::from_output).
    ///
    /// # Errors
    /// [`DenoiseError::NoSignal`] at a level without signal, and those of [`from_x0`](Self::from_x0).
    pub fn from_eps(x: Tensor<D>, eps: Tensor<D>, at: impl Into<Levels>) -> Result<Self, DenoiseError> {
        Prediction::from_output(x, eps, at, &Eps)
    }

    /// The same belief with a variance of the network beside it.
    pub fn with_log_variance(self, learned: LearnedVariance<D>) -> Self {
        Prediction { learned: Some(learned), ..self }
    }

    /// The noisy input.
    pub fn x(&self) -> Tensor<D> {
        self.x.clone()
    }

    /// The levels of the samples of `x`.
    pub fn at(&self) -> &Levels {
        &self.at
    }

    /// The tensor that the belief is expressed in: the network's output, or after a change of the belief the
    /// changed x0 or eps.
    pub fn output(&self) -> Tensor<D> {
        self.output.clone()
    }

    /// The variance that the network gave, if it gave one.
    pub fn learned(&self) -> Option<&LearnedVariance<D>> {
        self.learned.as_ref()
    }

    /// The clean data believed in.
    pub fn x0(&self) -> Tensor<D> {
        self.view(&self.x0)
    }

    /// The noise believed in, `(x - signal * x0) / noise`.
    pub fn eps(&self) -> Tensor<D> {
        self.view(&self.eps)
    }

    /// The eps that the model gave beside an x0 that was brought into range ([`bound_x0`](Self::bound_x0)); none
    /// where nothing was.
    ///
    /// [`eps`](Self::eps) follows from the x0 in range; this one does not. Steps that keep it are
    /// diffusers' DDIM by default.
    pub fn own_eps(&self) -> Option<Tensor<D>> {
        self.own_eps.as_ref().map(|own| affine(&own.eps, &self.x, &own.output))
    }

    /// The same belief with another eps of the model's own beside its x0 in range.
    ///
    /// # Errors
    /// [`DenoiseError::OutputShape`] if `eps` does not have the shape of `x`.
    pub fn with_own_eps(self, eps: Tensor<D>) -> Result<Self, DenoiseError> {
        if eps.dims() != self.x.dims() {
            return Err(DenoiseError::OutputShape { expected: self.x.dims().to_vec(), found: eps.dims().to_vec() });
        }
        let own = OwnEps { output: eps, eps: vec![(0.0, 1.0); self.at.len()] };
        Ok(Prediction { own_eps: Some(own), ..self })
    }

    /// `(signal * eps - noise * x0) / scale` (Salimans and Ho 2022, arXiv:2202.00512, section 4).
    pub fn v(&self) -> Tensor<D> {
        let mix = |at: Level, x0: f64, eps: f64| (at.signal() * eps - at.noise() * x0) / at.scale();
        let beliefs = self.x0.iter().zip(&self.eps);
        let v: Vec<Affine> =
            self.at.iter().zip(beliefs).map(|(at, (x0, eps))| (mix(at, x0.0, eps.0), mix(at, x0.1, eps.1))).collect();
        self.view(&v)
    }

    /// The mean of the step across each span, given this belief (Ho et al. 2020, arXiv:2006.11239, eq. 7).
    ///
    /// For mu_tilde on the chain's own spans it is the network's output as it is, clipped or not, as in the
    /// authors' code.
    ///
    /// # Shapes
    /// `spans` holds one span, or one for each sample; the result has the shape of `x` and the coordinates of
    /// where the span ends.
    ///
    /// # Errors
    /// [`DenoiseError::SpanCount`], [`DenoiseError::SpanElsewhere`] for a span that starts at another level,
    /// [`DenoiseError::ForeignSpan`] for mu_tilde on a span that is not a step of its chain.
    pub fn posterior_mean(&self, spans: &[Span]) -> Result<Tensor<D>, DenoiseError> {
        self.check_spans(spans)?;
        if let Some(own) = &self.own_mean {
            return own.across(spans);
        }
        let pairs = paired(&self.x0, spans);
        let mean: Vec<Affine> = pairs
            .map(|(&(a, b), span)| {
                let posterior = span.posterior();
                (posterior.x0 * a + posterior.x, posterior.x0 * b)
            })
            .collect();
        Ok(self.view(&mean))
    }

    /// The belief with another x0; everything else follows from the new one.
    ///
    /// # Errors
    /// [`DenoiseError::OutputShape`] if `change` changes the shape.
    pub fn map_x0(self, change: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Result<Self, DenoiseError> {
        let x0 = change(self.x0());
        Ok(Prediction { learned: self.learned, told: self.told, ..Prediction::from_x0(self.x, x0, self.at)? })
    }

    /// The belief with another eps; everything else follows from the new one.
    ///
    /// # Errors
    /// [`DenoiseError::ChangedEps`] at a level without signal, where a new eps would say nothing about x0, and
    /// [`DenoiseError::OutputShape`] if `change` changes the shape.
    pub fn map_eps(self, change: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Result<Self, DenoiseError> {
        self.check_signal("guidance")?;
        let eps = change(self.eps());
        Ok(Prediction { learned: self.learned, told: self.told, ..Prediction::from_eps(self.x, eps, self.at)? })
    }

    /// The belief with the eps of each level divided by a scale; everything else follows from the new one. `method` is
    /// what an error names.
    ///
    /// A scale of exactly 1 leaves its samples as they are, bit for bit, also where there is no signal. The
    /// posterior mean that a mu_tilde network gave follows too, as the mean is all that such a network says.
    ///
    /// # Errors
    /// [`DenoiseError::ChangedEps`] for another scale at a level without signal.
    pub fn over_scales(self, method: &'static str, scale: impl Fn(Level) -> f64) -> Result<Self, DenoiseError> {
        let kept: Vec<f64> = self.at.iter().map(|at| 1.0 / scale(at)).collect();
        if kept.iter().all(|&kept| kept == 1.0) {
            return Ok(self);
        }
        let levels = self.at.iter().zip(&kept);
        let x0 = levels.zip(&self.x0).map(|((at, &kept), &(a, b))| match kept == 1.0 {
            true => Ok((a, b)),
            false if at.is_pure_noise() => Err(DenoiseError::ChangedEps { method, time: at.time() }),
            false => Ok(((1.0 - kept) / at.signal() + kept * a, kept * b)),
        });
        let x0 = x0.collect::<Result<_, _>>()?;
        let eps = kept_share(&self.eps, &kept);
        let own_eps = self.own_eps.map(|own| OwnEps { eps: kept_share(&own.eps, &kept), ..own });
        let own_mean = self.own_mean.map(|own| own.with_kept_eps(&kept, &self.x, &self.at));
        Ok(Prediction { x0, eps, own_eps, own_mean, ..self })
    }

    /// The same x0, believed about another `x` at the same levels: what a corrector leaves behind when it moves
    /// the state without asking the model again.
    ///
    /// # Errors
    /// [`DenoiseError::OutputShape`] if `x` has another shape.
    pub fn rebased(self, x: Tensor<D>) -> Result<Self, DenoiseError> {
        let x0 = self.x0();
        Ok(Prediction { learned: self.learned, told: self.told, ..Prediction::from_x0(x, x0, self.at)? })
    }

    /// The same belief under other labels: what is left of a question that was asked under a false time.
    ///
    /// # Errors
    /// [`DenoiseError::OtherLevel`] if `at` differs in more than labels.
    pub fn relabelled(self, at: impl Into<Levels>) -> Result<Self, DenoiseError> {
        let at = at.into();
        at.check(&self.x)?;
        let (old, new): (Vec<Level>, Vec<Level>) = (self.at.iter().collect(), at.iter().collect());
        let differs = |(old, new): &(&Level, &Level)| old.alpha_bar() != new.alpha_bar() || old.scale() != new.scale();
        if let Some((old, new)) = paired(&old, &new).find(differs) {
            return Err(DenoiseError::OtherLevel { prediction: old.sigma(), asked: new.sigma() });
        }
        let told = paired(&old, &new).find(|(old, new)| old.time() != new.time()).map(|(old, _)| old.time());
        let of_each = |affine: &[Affine]| paired(affine, &new).map(|(affine, _)| *affine).collect();
        let (x0, eps) = (of_each(&self.x0), of_each(&self.eps));
        let own_eps = self.own_eps.map(|own| OwnEps { eps: of_each(&own.eps), ..own });
        let levels: Vec<Level> = paired(&new, &old).map(|(new, _)| *new).collect();
        Ok(Prediction { x0, eps, own_eps, at: Levels::from(levels), told: self.told.or(told), ..self })
    }

    /// The belief with its x0 clipped to `[lo, hi]`, as [`bound_x0`](Self::bound_x0).
    pub fn clip_x0(self, lo: f64, hi: f64) -> Self {
        let x0 = self.x0().clamp(lo, hi);
        self.with_x0_in_range(x0)
    }

    /// The belief with its x0 brought into the range of the data, whatever way.
    ///
    /// x0, eps and v follow from the x0 in range, and the eps that was believed in before is kept beside them
    /// ([`own_eps`](Self::own_eps)). The posterior mean that a mu_tilde network gave stays as it is: in the
    /// authors' code clipping reaches the mean only where the mean is computed from x0.
    ///
    /// # Errors
    /// [`DenoiseError::OutputShape`] if `bound` changes the shape.
    pub fn bound_x0(self, bound: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Result<Self, DenoiseError> {
        let x0 = bound(self.x0());
        if x0.dims() != self.x.dims() {
            return Err(DenoiseError::OutputShape { expected: self.x.dims().to_vec(), found: x0.dims().to_vec() });
        }
        Ok(self.with_x0_in_range(x0))
    }

    /// Brought into range twice, the first eps is the model's own.
    fn with_x0_in_range(self, output: Tensor<D>) -> Self {
        let own_eps = self.own_eps.or(Some(OwnEps { output: self.output, eps: self.eps }));
        let eps = self.at.iter().map(|at| (1.0 / at.noise(), -at.signal() / at.noise())).collect();
        let x0 = vec![(0.0, 1.0); self.at.len()];
        Prediction { output, x0, eps, own_eps, ..self }
    }

    /// Refuses levels at which eps says nothing about x0; `method` is what was to change eps.
    fn check_signal(&self, method: &'static str) -> Result<(), DenoiseError> {
        match self.at.iter().find(|at| at.is_pure_noise()) {
            Some(at) => Err(DenoiseError::ChangedEps { method, time: at.time() }),
            None => Ok(()),
        }
    }

    /// `a * x + b * output`.
    fn view(&self, coefficients: &[Affine]) -> Tensor<D> {
        affine(coefficients, &self.x, &self.output)
    }

    /// Checks that what the network says about its chain's own steps is right on these spans.
    ///
    /// # Errors
    /// [`DenoiseError::VarianceOfAnotherSpan`] and [`DenoiseError::VarianceOfAnotherLevel`].
    pub fn check_own_steps(&self, spans: &[Span]) -> Result<(), DenoiseError> {
        if let Some(told) = self.told {
            let time = self.at.iter().next().map_or(told, Level::time);
            return Err(DenoiseError::VarianceOfAnotherLevel { time, told });
        }
        match spans.iter().find(|span| !span.is_chain_step()) {
            Some(jump) => {
                Err(DenoiseError::VarianceOfAnotherSpan { from: jump.from().time(), to: jump.to().map(Level::time) })
            }
            None => Ok(()),
        }
    }

    /// Checks that spans start at the levels of this belief.
    ///
    /// # Errors
    /// [`DenoiseError::SpanCount`] unless there is one span, or one for each sample, [`DenoiseError::SpanElsewhere`] for
    /// one that starts at another level.
    pub fn check_spans(&self, spans: &[Span]) -> Result<(), DenoiseError> {
        let batch = self.x.dims()[0];
        if spans.len() != 1 && spans.len() != batch || spans.is_empty() {
            return Err(DenoiseError::SpanCount { spans: spans.len(), batch });
        }
        let levels: Vec<Level> = self.at.iter().collect();
        match paired(&levels, spans).find(|(level, span)| span.from() != **level) {
            Some((level, span)) => {
                Err(DenoiseError::SpanElsewhere { span: span.from().time(), prediction: level.time() })
            }
            None => Ok(()),
        }
    }
}

impl<const D: usize> OwnMean<D> {
    /// The mean `c1 x0 + c2 x` when only a share of eps is kept, so that
    /// `x0 = (1 - kept) x / signal + kept x0_before` with `x` in the chain's coordinates.
    fn with_kept_eps(self, kept: &[f64], x: &Tensor<D>, at: &Levels) -> Self {
        let each = self.spans.iter().zip(at.iter()).zip(kept);
        let mix: Vec<Affine> = each
            .map(|((own, at), &kept)| {
                let c = own.posterior();
                ((1.0 - kept) * (c.x0 / own.from().signal() + c.x) / at.scale(), kept)
            })
            .collect();
        OwnMean { mean: affine(&mix, x, &self.mean), spans: self.spans }
    }

    fn across(&self, spans: &[Span]) -> Result<Tensor<D>, DenoiseError> {
        match paired(&self.spans, spans).find(|(own, span)| !same_ends(own, span)) {
            Some((_, span)) => {
                Err(DenoiseError::ForeignSpan { from: span.from().time(), to: span.to().map(|to| to.time()) })
            }
            None => {
                let scales: Vec<f64> = spans.iter().map(|span| span.to_scale()).collect();
                Ok(term(&self.mean, &scales).unwrap_or_else(|| self.mean.zeros_like()))
            }
        }
    }
}

/// `kept * view`, level by level.
fn kept_share(view: &[Affine], kept: &[f64]) -> Vec<Affine> {
    view.iter().zip(kept).map(|(&(a, b), &kept)| (kept * a, kept * b)).collect()
}

/// Whether two spans join the same levels, whatever the coordinates.
fn same_ends(own: &Span, span: &Span) -> bool {
    let same = |a: Level, b: Level| a.time() == b.time() && a.alpha_bar() == b.alpha_bar();
    let ends = match (own.to(), span.to()) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    ends && same(own.from(), span.from())
}

/// Both lists side by side; a list of one goes with every entry of the other.
fn paired<'a, A, B>(a: &'a [A], b: &'a [B]) -> impl Iterator<Item = (&'a A, &'a B)> {
    let entry = |index: usize, len: usize| if len == 1 { 0 } else { index };
    (0..a.len().max(b.len())).map(move |i| (&a[entry(i, a.len())], &b[entry(i, b.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, rows, values};
    use crate::{MuTilde, V};
    use burn::tensor::DType;
    use undrift_schedules::{Chain, Grid, Spacing};

    fn x0() -> Tensor<2> {
        rows([[0.7, -0.2, 0.1], [-0.9, 0.4, 0.3]])
    }

    fn eps() -> Tensor<2> {
        rows([[1.1, -0.6, 0.2], [-0.3, 1.7, -2.1]])
    }

    fn mixed(at: &Levels) -> Tensor<2> {
        let (x0, eps) = (x0(), eps());
        x0.clone() * at.column(&x0, Level::signal) + eps.clone() * at.column(&eps, Level::noise)
    }

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn level(t: usize) -> Level {
        chain().level(t).expect("in range")
    }

    /// The belief that a perfect network of this parameterisation expresses.
    fn truth(parameterisation: &dyn Parameterisation, at: &Levels) -> Prediction<2> {
        let target: Vec<Affine> = at.iter().map(|level| parameterisation.target_of(level).expect("has one")).collect();
        let output = affine(&target, &x0(), &eps());
        Prediction::from_output(mixed(at), output, at.clone(), parameterisation).expect("fits")
    }

    #[test]
    fn every_parameterisation_expresses_the_same_belief_in_both_coordinates() {
        let all: [&dyn Parameterisation; 4] = [&Eps, &X0, &V, &MuTilde { chain: chain() }];
        let vp = Levels::from(vec![level(2), level(730)]);
        let edm = Levels::from(vp.iter().filter_map(Level::unscaled).collect::<Vec<_>>());
        for (parameterisation, at) in all.into_iter().flat_map(|p| [(p, &vp), (p, &edm)]) {
            let belief = truth(parameterisation, at);
            let v = eps() * vp.column(&x0(), Level::signal) - x0() * vp.column(&x0(), Level::noise);
            assert!(gap(&belief.x0(), &x0()) < 1e-11);
            assert!(gap(&belief.eps(), &eps()) < 1e-11);
            assert!(gap(&belief.v(), &v) < 1e-11);
        }
    }

    #[test]
    fn a_network_is_heard_bit_for_bit() {
        let at = Levels::from(vec![level(1), level(1000)]);
        assert_eq!(bits(&truth(&Eps, &at).eps()), bits(&eps()));
        assert_eq!(bits(&truth(&X0, &at).x0()), bits(&x0()));
    }

    #[test]
    fn a_rebased_belief_keeps_its_x0_and_a_relabelled_one_all_its_views() {
        let at = Levels::from(level(500));
        let belief = truth(&Eps, &at);
        let moved = belief.clone().rebased(mixed(&at) * 1.5).expect("fits");
        assert_eq!(bits(&moved.x0()), bits(&belief.x0()));
        assert!(gap(&moved.x(), &(mixed(&at) * 1.5)) == 0.0 && gap(&moved.eps(), &belief.eps()) > 0.1);
        assert!(belief.clone().rebased(rows([[1.0]])).is_err());
        let asked = [498, 503].map(|t| level(500).with_time(t as f64).expect("finite"));
        let shifted = truth(&Eps, &Levels::from(asked.to_vec()));
        let back = shifted.relabelled(at.clone()).expect("same noise");
        assert_eq!((bits(&back.x0()), bits(&back.eps())), (bits(&belief.x0()), bits(&belief.eps())));
        assert!(back.posterior_mean(&[chain().span(500).expect("in range")]).is_ok());
        assert!(matches!(belief.relabelled(Levels::from(level(501))), Err(DenoiseError::OtherLevel { .. })));
    }

    #[test]
    fn without_signal_x0_and_v_models_keep_every_view() {
        let chain = Chain::jsd(10).expect("valid");
        let at = Levels::from(chain.last());
        assert!(chain.last().is_pure_noise());
        let span = chain.span(10).expect("in range");
        for parameterisation in [&X0 as &dyn Parameterisation, &V] {
            let belief = truth(parameterisation, &at);
            assert!(gap(&belief.x0(), &x0()) < 1e-15 && gap(&belief.eps(), &eps()) < 1e-15);
            assert!(gap(&belief.v(), &-x0()) < 1e-15);
            let clipped = belief.clip_x0(-0.5, 0.5);
            assert!(gap(&clipped.x0(), &x0().clamp(-0.5, 0.5)) < 1e-15 && gap(&clipped.eps(), &eps()) < 1e-15);
            let mean = clipped.posterior_mean(&[span]).expect("own span");
            assert!(gap(&mean, &(x0().clamp(-0.5, 0.5) * span.to_signal())) < 1e-15);
            let changed = DenoiseError::ChangedEps { method: "guidance", time: at_time(&at) };
            assert_eq!(clipped.map_eps(|eps| eps).unwrap_err(), changed);
        }
        let eps_model = Prediction::from_eps(mixed(&at), eps(), at.clone());
        assert_eq!(eps_model.unwrap_err(), DenoiseError::NoSignal { time: at_time(&at) });
    }

    fn at_time(at: &Levels) -> f64 {
        at.of(0).expect("one level").time()
    }

    /// Ho et al. 2020, algorithm 2, line 4 without the noise, in its own letters.
    #[test]
    fn the_posterior_mean_is_that_of_algorithm_2() {
        for t in [1, 2, 500, 1000] {
            let (span, at) = (chain().span(t).expect("in range"), Levels::from(level(t)));
            let (beta, alpha_bar) = (chain().betas()[t - 1], level(t).alpha_bar());
            let x = mixed(&at);
            let noise_free = (x.clone() - eps() * (beta / (1.0 - alpha_bar).sqrt())) * (1.0 / (1.0 - beta).sqrt());
            for parameterisation in [&Eps as &dyn Parameterisation, &X0, &V] {
                let mean = truth(parameterisation, &at).posterior_mean(&[span]).expect("own span");
                assert!(gap(&mean, &noise_free) < 1e-11, "t = {t}: {}", gap(&mean, &noise_free));
            }
        }
    }

    #[test]
    fn each_sample_crosses_its_own_span() {
        let spans = [chain().span(3).expect("in range"), chain().span(800).expect("in range")];
        let both = truth(&Eps, &Levels::from(vec![level(3), level(800)])).posterior_mean(&spans).expect("fits");
        for (row, (t, span)) in [3, 800].into_iter().zip(spans).enumerate() {
            let alone = truth(&Eps, &Levels::from(level(t))).posterior_mean(&[span]).expect("fits");
            assert_eq!(bits(&both.clone().narrow(0, row, 1)), bits(&alone.narrow(0, row, 1)));
        }
    }

    #[test]
    fn mu_tilde_is_the_mean_of_its_own_steps_whatever_is_clipped() {
        let (model, at) = (MuTilde { chain: chain() }, Levels::from(vec![level(1), level(400)]));
        let spans = [chain().span(1).expect("in range"), chain().span(400).expect("in range")];
        let belief = truth(&model, &at);
        let raw = belief.output();
        let clipped = belief.clip_x0(-0.5, 0.5);
        assert!(gap(&clipped.x0(), &x0().clamp(-0.5, 0.5)) < 1e-11);
        assert_eq!(bits(&clipped.posterior_mean(&spans).expect("own")), bits(&raw));
        // Another belief about x0 is another mean.
        let changed = clipped.map_x0(|x0| x0 * 0.5).expect("same shape");
        let halved = Prediction::from_x0(mixed(&at), changed.x0(), at).expect("fits");
        let mean = changed.posterior_mean(&spans).expect("any span");
        assert_eq!(bits(&mean), bits(&halved.posterior_mean(&spans).expect("any span")));
        assert!(gap(&mean, &raw) > 1e-3);
    }

    #[test]
    fn mu_tilde_refuses_jumps_and_other_chains() {
        let model = MuTilde { chain: chain() };
        let jump = chain().respace(Spacing::Trailing, 10).expect("valid").spans()[0];
        let belief = truth(&model, &Levels::from(level(1000)));
        let to = jump.to().map(Level::time);
        let refused = belief.clone().clip_x0(-1.0, 1.0).posterior_mean(&[jump]).unwrap_err();
        assert_eq!(refused, DenoiseError::ForeignSpan { from: level(1000).time(), to });
        let to_data = Grid::new(vec![level(1000)]).expect("valid").spans()[0];
        let refused = belief.posterior_mean(&[to_data]).unwrap_err();
        assert!(refused.to_string().contains("to the data"), "{refused}");
        let other = Levels::from(Chain::cosine(1000).expect("valid").last());
        let foreign = Prediction::from_output(mixed(&other), x0(), other, &model);
        assert!(matches!(foreign, Err(DenoiseError::ForeignLevel { .. })));
    }

    #[test]
    fn mu_tilde_follows_x_into_other_coordinates() {
        let (model, at) = (MuTilde { chain: chain() }, level(400).unscaled().expect("has signal"));
        let levels = vec![at, level(399).unscaled().expect("has signal")];
        let span = Grid::new(levels).expect("valid").spans()[0];
        let belief = truth(&model, &Levels::from(at));
        let vp = truth(&model, &Levels::from(level(400))).output();
        let mean = belief.posterior_mean(&[span]).expect("own span in other coordinates");
        assert!(gap(&mean, &(vp * span.to_scale())) < 1e-13);
        assert!(gap(&mean, &truth(&X0, &Levels::from(at)).posterior_mean(&[span]).expect("any")) < 1e-11);
    }

    #[test]
    fn a_changed_belief_changes_every_view_and_keeps_the_variance() {
        let at = Levels::from(vec![level(5), level(600)]);
        let variance = LearnedVariance::LogVariance(x0());
        let belief = truth(&V, &at).with_log_variance(variance);
        let scaled = belief.clone().map_eps(|eps| eps * 0.5).expect("has signal");
        assert!(gap(&scaled.eps(), &(eps() * 0.5)) < 1e-12 && scaled.learned().is_some());
        let rebuilt = scaled.x0() * at.column(&x0(), Level::signal) + scaled.eps() * at.column(&x0(), Level::noise);
        assert!(gap(&rebuilt, &mixed(&at)) < 1e-12);
        let moved = belief.clone().map_x0(|x0| x0 + 0.25).expect("same shape");
        assert!(gap(&moved.x0(), &(x0() + 0.25)) < 1e-12 && moved.learned().is_some());
        assert!(belief.clip_x0(-0.1, 0.1).learned().is_some());
    }

    #[test]
    fn the_models_own_eps_stays_beside_an_x0_in_range() {
        let at = Levels::from(vec![level(300), level(600)]);
        for parameterisation in [&Eps as &dyn Parameterisation, &X0, &V] {
            let belief = truth(parameterisation, &at);
            assert!(belief.own_eps().is_none(), "nothing was brought into range");
            let own = |belief: &Prediction<2>| belief.own_eps().expect("kept");
            let clipped = belief.clone().clip_x0(-0.5, 0.5);
            assert_eq!(bits(&own(&clipped)), bits(&belief.eps()));
            let derived =
                (mixed(&at) - clipped.x0() * at.column(&x0(), Level::signal)) / at.column(&x0(), Level::noise);
            assert!(gap(&clipped.eps(), &derived) < 1e-12 && gap(&clipped.eps(), &belief.eps()) > 0.05);
            let twice = clipped.clone().bound_x0(|x0| x0 * 0.5).expect("same shape");
            assert_eq!(bits(&own(&twice)), bits(&belief.eps()), "the first eps is the model's");
            assert!(gap(&twice.x0(), &(x0().clamp(-0.5, 0.5) * 0.5)) < 1e-12);
            let scaled = clipped.clone().over_scales("scaling", |_| 1.25).expect("has signal");
            assert!(gap(&own(&scaled), &(belief.eps() * 0.8)) < 1e-12);
            let asked = at.iter().map(|level| level.with_time(level.time() + 7.0).expect("finite"));
            let relabelled = clipped.clone().relabelled(Levels::from(asked.collect::<Vec<_>>())).expect("same noise");
            assert_eq!(bits(&own(&relabelled)), bits(&belief.eps()));
            assert!(clipped.clone().map_eps(|eps| eps).expect("has signal").own_eps().is_none(), "follows from eps");
            let given = clipped.clone().with_own_eps(eps() * 3.0).expect("same shape");
            assert_eq!((bits(&own(&given)), bits(&given.eps())), (bits(&(eps() * 3.0)), bits(&clipped.eps())));
            assert!(matches!(clipped.clone().with_own_eps(rows([[1.0]])), Err(DenoiseError::OutputShape { .. })));
            assert!(matches!(clipped.bound_x0(|_| rows([[1.0]])), Err(DenoiseError::OutputShape { .. })));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let at = Levels::from(level(5));
        let belief = truth(&Eps, &at);
        assert_eq!(belief.posterior_mean(&[]).unwrap_err(), DenoiseError::SpanCount { spans: 0, batch: 2 });
        let three = vec![chain().span(5).expect("in range"); 3];
        assert!(matches!(belief.posterior_mean(&three), Err(DenoiseError::SpanCount { spans: 3, batch: 2 })));
        let elsewhere = chain().span(6).expect("in range");
        let refused = belief.posterior_mean(&[elsewhere]).unwrap_err();
        assert_eq!(refused, DenoiseError::SpanElsewhere { span: level(6).time(), prediction: level(5).time() });
        let wide = Prediction::from_x0(x0(), rows([[1.0, 2.0], [3.0, 4.0]]), at);
        assert!(matches!(wide, Err(DenoiseError::OutputShape { .. })));
        let none = Prediction::from_x0(x0(), x0(), Levels::from(vec![]));
        assert_eq!(none.unwrap_err(), DenoiseError::LevelCount { levels: 0, batch: 2 });
    }

    #[test]
    fn single_precision_stays_single_and_close() {
        let at = Levels::from(vec![level(40), level(600)]);
        let double = truth(&V, &at);
        let (x, output) = (double.x().cast(DType::F32), double.output().cast(DType::F32));
        let single = Prediction::from_output(x, output, at, &V).expect("fits");
        assert_eq!(single.x0().dtype(), DType::F32);
        for (a, b) in values(&single.eps()).iter().zip(values(&double.eps())) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}
