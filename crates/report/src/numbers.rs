//! How numbers look in a report: the one place where they become text.

use super::mean::Mean;

/// A number with so many decimals; scientific where these would hide it or it is very large; what
/// is no finite number becomes a word.
pub fn fixed(value: f64, decimals: usize) -> String {
    match value {
        _ if value.is_nan() => "not a number".into(),
        _ if value.is_infinite() => if value > 0.0 { "infinite" } else { "minus infinite" }.into(),
        _ if hidden(value, decimals) || value.abs() >= 1e5 => format!("{value:.1e}"),
        _ => format!("{value:.decimals$}"),
    }
}

/// Whether rounding to so many decimals would leave nothing of the number.
fn hidden(value: f64, decimals: usize) -> bool {
    value != 0.0 && value.abs() < 0.5 * 0.1_f64.powi(decimals as i32)
}

/// A mean with its standard error where there is one, and how many seeds it stands on where that
/// is not all of them.
pub fn mean(mean: &Mean, decimals: usize) -> String {
    with_spread(mean.value, mean.error, decimals) + &shortfall(mean)
}

/// A mean without its error, and how many seeds it stands on where that is not all of them.
pub fn mean_duration(mean: &Mean) -> String {
    duration(mean.value) + &shortfall(mean)
}

/// `value ± spread`, or the value alone.
pub fn with_spread(value: f64, spread: Option<f64>, decimals: usize) -> String {
    match spread {
        Some(spread) => format!("{} ± {}", fixed(value, decimals), fixed(spread, decimals)),
        None => fixed(value, decimals),
    }
}

fn shortfall(mean: &Mean) -> String {
    if mean.used == mean.of { String::new() } else { format!(" [{} of {}]", mean.used, mean.of) }
}

/// Seconds as people say them: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return fixed(seconds, 0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Three significant digits.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 2);
    }
    match value.abs().log10().floor() as i32 {
        magnitude @ -3..=4 => fixed(value, (2 - magnitude).max(0) as usize),
        _ => format!("{value:.2e}"),
    }
}

/// All digits of a number that someone chose, as they would write it: `0.001`, `1e-5`.
pub fn chosen(value: f64) -> String {
    let plain = value == 0.0 || !value.is_finite() || (1e-4..1e16).contains(&value.abs());
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// A tick on a logarithmic axis.
pub fn tick(value: f64) -> String {
    if value == 0.0 || (0.001..1e5).contains(&value.abs()) {
        let text = format!("{value:.4}");
        return text.trim_end_matches('0').trim_end_matches('.').into();
    }
    format!("{value:.0e}")
}

/// `1 seed`, `3 seeds`.
pub fn count(number: usize, of: &str) -> String {
    if number == 1 { format!("1 {of}") } else { format!("{number} {of}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals_or_become_scientific() {
        assert_eq!(fixed(13.216, 2), "13.22");
        assert_eq!(fixed(0.0, 3), "0.000");
        assert_eq!(fixed(0.000012, 3), "1.2e-5");
        assert_eq!(fixed(123456.0, 2), "1.2e5");
        assert_eq!(fixed(-2.5, 1), "-2.5");
    }

    #[test]
    fn what_is_no_number_is_said_in_words() {
        assert_eq!(fixed(f64::NAN, 2), "not a number");
        assert_eq!(fixed(f64::INFINITY, 2), "infinite");
        assert_eq!(duration(f64::NAN), "not a number");
    }

    #[test]
    fn durations_read_naturally() {
        let said = [0.84, 42.4, 185.0, 59.6, 7800.0].map(duration);
        assert_eq!(said, ["0.8 s", "42 s", "3 min 05 s", "1 min 00 s", "2 h 10 min"]);
    }

    #[test]
    fn a_mean_says_what_it_stands_on() {
        let two_of_three = Mean { value: 1.0, error: Some(0.25), used: 2, of: 3 };
        assert_eq!(mean(&two_of_three, 2), "1.00 ± 0.25 [2 of 3]");
        let one = Mean { value: 1.0, error: None, used: 1, of: 1 };
        assert_eq!(mean(&one, 2), "1.00");
    }

    #[test]
    fn three_digits_are_significant_at_any_magnitude() {
        let said = [0.012345, 1.2345, 1234.5, 1.5e-7, f64::NAN].map(significant);
        assert_eq!(said, ["0.0123", "1.23", "1234", "1.50e-7", "not a number"]);
    }

    #[test]
    fn chosen_numbers_keep_their_digits_and_have_no_row_of_zeros() {
        let said = [1.0, 0.001, 2e-4, 1.25e-5, 1e-300, 1e300, 0.0, f64::INFINITY].map(chosen);
        assert_eq!(said, ["1", "0.001", "0.0002", "1.25e-5", "1e-300", "1e300", "0", "inf"]);
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.001, 0.5, 20.0, 1e-7].map(tick), ["0.001", "0.5", "20", "1e-7"]);
    }
}
