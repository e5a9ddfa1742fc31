//! Ticks of a logarithmic axis.

use std::ops::Range;

/// At most about so many round numbers within a range of positive numbers: powers of ten, with 2
/// and 5 times them, or 1.5 to 8 times, where there is room, or every second, third … power.
pub(super) fn within(range: &Range<f64>, most: usize) -> Vec<f64> {
    const FINE: [f64; 9] = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    let choices = [&FINE[..], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]].map(|digits| of(range, digits, 1));
    let fits = |ticks: &Vec<f64>| ticks.len() <= most;
    let sparse = (2..).map(|stride| of(range, &[1.0], stride));
    choices.into_iter().chain(sparse).find(fits).unwrap_or_default()
}

/// The given digits times every `stride`-th power of ten.
fn of(range: &Range<f64>, digits: &[f64], stride: usize) -> Vec<f64> {
    let (first, last) = (range.start.log10().floor() as i32, range.end.log10().ceil() as i32);
    let powers = (first..=last).filter(|power| power.rem_euclid(stride as i32) == 0);
    let ticks = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
    ticks.filter(|tick| range.contains(tick)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_ticks_that_fit_are_taken() {
        assert_eq!(
            within(&(0.9..250.0), 7),
            [1.0, 10.0, 100.0].map(|power| [1.0, 3.0].map(|digit| digit * power)).concat()[..5]
        );
        assert_eq!(within(&(0.9..30.0), 5), [1.0, 2.0, 5.0, 10.0, 20.0]);
        assert_eq!(within(&(1.1..2.6), 5), [1.5, 2.0, 2.5]);
    }

    #[test]
    fn many_decades_are_thinned() {
        let ticks = within(&(1e-9..1e3), 5);
        assert!(ticks.len() <= 5 && ticks.len() >= 3, "{ticks:?}");
        assert!(within(&(1e-300..1e300), 6).len() <= 6);
    }
}
