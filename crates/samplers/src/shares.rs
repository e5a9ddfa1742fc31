//! The split of the noise where a step ends: what is kept of the believed eps, and what is fresh.
//!
//! One quantity, DDIM's sigma (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 16), in the three forms that solvers here
//! need; a fourth, [`Span::ancestry`](undrift_schedules::Span::ancestry), is k-diffusion's, digit for digit. They agree
//! but for their last digits and for what they do out of range:
//!
//! | form | of | in units of | an eta that asks for too much |
//! |---|---|---|---|
//! | [`of_span`] | a span, with its minted beta | the noise where it ends | is an error |
//! | [`of_landing`] | two levels, one of which need not end a span | `x` in variance-preserving units | NaN |
//! | [`of_sigmas`] | two sigmas, keeping digits in long steps | sigma | cannot be, as `eta` is 1 at most |
//! | `Span::ancestry` | a span, from its sigmas | sigma | adds all the noise there is |

use undrift_schedules::{Grid, Level, Span};

use crate::SampleError;

/// How much of the noise where the span ends is the believed eps, and how much is fresh: two numbers whose squares add
/// up to 1, for an `eta` of 0 (nothing fresh) to 1 (DDPM's fixed small variance) and beyond.
///
/// # Errors
/// [`SampleError::Eta`] unless `eta` is finite and not negative, [`SampleError::EtaTooLarge`] for one that asks for
/// more noise than there is where the span ends.
pub fn of_span(span: &Span, eta: f64) -> Result<(f64, f64), SampleError> {
    if !(eta >= 0.0 && eta.is_finite()) {
        return Err(SampleError::Eta { eta });
    }
    let of_ddpm = share_of_ddpm(span);
    let fresh = eta * eta * of_ddpm;
    if fresh > 1.0 && span.to().is_some() {
        return Err(SampleError::EtaTooLarge { eta, time: span.from().time(), largest: largest(of_ddpm) });
    }
    Ok(((1.0 - fresh).max(0.0).sqrt(), fresh.sqrt()))
}

/// The largest `eta` that no step of a grid refuses; infinite where there is one step, to the data.
pub fn largest_eta(grid: &Grid) -> f64 {
    let inside = grid.spans().iter().filter(|span| span.to().is_some());
    inside.map(|span| largest(share_of_ddpm(span))).fold(f64::INFINITY, f64::min)
}

/// Weights of x0, of eps and of fresh noise in variance-preserving units, for a sample that lands at `to` whatever the
/// end of its span; `None` is the data. `eta` is in 0..=1.
///
/// # Errors
/// [`SampleError::ShiftUp`] if `eta` is not 0 and `to` is noisier than `from`.
pub fn of_landing(from: Level, to: Option<Level>, eta: f64) -> Result<[f64; 3], SampleError> {
    let (alpha_bar, rest) = to.map_or((1.0, 0.0), |to| (to.alpha_bar(), to.one_minus_alpha_bar()));
    let kept = 1.0 - from.alpha_bar() / alpha_bar;
    let added = match (eta > 0.0, to) {
        (true, Some(to)) if kept < 0.0 => return Err(SampleError::ShiftUp { from: from.time(), to: to.time() }),
        (true, _) => eta * (kept * rest / from.one_minus_alpha_bar()).sqrt(),
        (false, _) => 0.0,
    };
    Ok([alpha_bar.sqrt(), (rest - added * added).sqrt(), added])
}

/// The sigma that a step goes down to and that of the noise added there, whose squares add up to that of its end, for
/// an `eta` in 0..=1 and a step from sigma `from` down to sigma `to`.
pub fn of_sigmas(from: f64, to: f64, eta: f64) -> (f64, f64) {
    let share = to / from;
    let down = to * ((1.0 - eta) * (1.0 + eta) + (eta * share).powi(2)).sqrt();
    (down, eta * to * ((1.0 - share) * (1.0 + share)).sqrt())
}

/// Checks a stochasticity that may go from nothing to DDPM's.
///
/// # Errors
/// [`SampleError::EtaShare`] for an `eta` outside of 0..=1.
pub fn checked_eta(eta: f64) -> Result<f64, SampleError> {
    if (0.0..=1.0).contains(&eta) { Ok(eta) } else { Err(SampleError::EtaShare { eta }) }
}

/// `beta_tilde / (1 - alpha_bar where the span ends)`, which the step to the data has too.
fn share_of_ddpm(span: &Span) -> f64 {
    (span.beta() / span.from().one_minus_alpha_bar()).min(1.0)
}

/// The largest eta that this share leaves room for, as far as f64 can tell.
fn largest(of_ddpm: f64) -> f64 {
    let mut eta = of_ddpm.sqrt().recip();
    while eta * eta * of_ddpm > 1.0 {
        eta = eta.next_down();
    }
    eta
}

#[cfg(test)]
mod tests {
    use super::*;
    use undrift_schedules::{Chain, Spacing};

    #[test]
    fn all_forms_are_one_split() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 20).expect("valid");
        let inside = grid.spans().iter().filter_map(|span| span.to().map(|to| (span, to)));
        for ((span, to), eta) in inside.flat_map(|pair| [0.0, 0.4, 1.0].map(|eta| (pair, eta))) {
            let (kept, fresh) = of_span(span, eta).expect("in range");
            let expected = [to.noise() * kept, to.noise() * fresh];
            let landed = of_landing(span.from(), Some(to), eta).expect("down");
            let (down, up) = of_sigmas(span.from().sigma(), to.sigma(), eta);
            let ancestry = span.ancestry(eta);
            let others = [[landed[1], landed[2]], [down, up].map(|sigma| sigma * to.signal())];
            for other in others.into_iter().chain([[ancestry.down, ancestry.up].map(|sigma| sigma * to.signal())]) {
                let gap = (other[0] - expected[0]).abs().max((other[1] - expected[1]).abs());
                assert!(gap < 1e-7, "eta {eta} from {}: {other:?} {expected:?}", span.from().time());
                assert!((other[0].hypot(other[1]) - to.noise()).abs() < 1e-12);
            }
            assert!((landed[0] - to.signal()).abs() < 1e-15);
        }
    }

    #[test]
    fn out_of_range_each_form_does_as_it_says() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 20).expect("valid");
        let (span, to) = (&grid.spans()[3], grid.spans()[3].to().expect("a level"));
        assert!(matches!(of_span(span, 9.0), Err(SampleError::EtaTooLarge { .. })));
        assert!(of_span(span, largest_eta(&grid)).is_ok());
        assert!(of_landing(span.from(), Some(to), 9.0).expect("down")[1].is_nan());
        assert!(matches!(of_landing(to, Some(span.from()), 0.5), Err(SampleError::ShiftUp { .. })));
        assert_eq!(checked_eta(1.5), Err(SampleError::EtaShare { eta: 1.5 }));
    }
}
