//! One noisy point of the forward process.

use thiserror::Error;

/// A point of the forward process with noise on it: `x = signal * x0 + noise * eps`.
///
/// Clean data is not a level: no network is ever asked about it.
/// A level is made by a [`Chain`](crate::Chain), by a [`Grid`](crate::Grid), or by the checked
/// constructors below; its fields cannot be set one by one:
///
/// ```compile_fail,E0451
/// # use undrift_schedules::Level;
/// let level = Level::vp(0.5, 10.0)?;
/// let quieter = Level { noise: 0.1, ..level }; // a signal that does not belong to this noise
/// # Ok::<(), undrift_schedules::LevelError>(())
/// ```
///
/// Three coordinates are in use. In variance-preserving (VP) coordinates `signal^2 + noise^2 = 1`
/// (Ho, Jain, Abbeel 2020, arXiv:2006.11239, eq. 4); in EDM coordinates `signal = 1` and
/// `noise = sigma` (Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, section 2); in those of rectified flow
/// `signal + noise = 1` (Liu, Gong, Liu 2022, arXiv:2209.03003). In every one of them `alpha_bar` is the share of signal
/// in the variance, `signal^2 / (signal^2 + noise^2)`, which a change of scale leaves as it is.
/// `alpha_bar` and `1 - alpha_bar` are stored as minted, since recomputing them from `sigma` loses digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    signal: f64,
    noise: f64,
    alpha_bar: f64,
    one_minus_alpha_bar: f64,
    scale: f64,
    time: f64,
}

/// Why a level cannot exist.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub enum LevelError {
    /// `alpha_bar` leaves no noise (1 or more), is negative, or is no number.
    #[error("alpha_bar is {alpha_bar:?}, but a noisy level needs 0 <= alpha_bar < 1; clean data is not a level")]
    AlphaBar {
        /// The value that was given.
        alpha_bar: f64,
    },
    /// `sigma` is not a usable noise-to-signal ratio.
    #[error("sigma is {sigma:?}, but a level needs a sigma between 1e-150 and 1e150")]
    Sigma {
        /// The value that was given.
        sigma: f64,
    },
    /// `t` is no time of a noisy level of rectified flow.
    #[error("t is {t:?}, but a noisy level of rectified flow needs a t from 1e-150 to 1; clean data is not a level")]
    Flow {
        /// The value that was given.
        t: f64,
    },
    /// The label that a network would see is infinite or no number.
    #[error("the time label is {time}, but a network needs a finite one")]
    Time {
        /// The value that was given.
        time: f64,
    },
}

impl Level {
    /// A variance-preserving level: `signal = sqrt(alpha_bar)`, `noise = sqrt(1 - alpha_bar)`.
    ///
    /// `alpha_bar` lies in `[0, 1)`, 0 being pure noise; `time` is the label that the network sees.
    /// Ho, Jain, Abbeel 2020, arXiv:2006.11239, eq. 4.
    ///
    /// # Errors
    /// [`LevelError::AlphaBar`] outside `[0, 1)`, [`LevelError::Time`] if the label is not finite.
    pub fn vp(alpha_bar: f64, time: f64) -> Result<Self, LevelError> {
        if !(0.0..1.0).contains(&alpha_bar) {
            return Err(LevelError::AlphaBar { alpha_bar });
        }
        finite(time)?;
        Ok(Level::minted(alpha_bar, time))
    }

    /// A level in EDM coordinates: `signal = 1`, `noise = sigma`.
    ///
    /// `sigma` is the noise-to-signal ratio; `time` is the label that the network sees.
    /// Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, table 1.
    ///
    /// # Errors
    /// [`LevelError::Sigma`] if `sigma` is not within `1e-150..=1e150`, [`LevelError::Time`] if the
    /// label is not finite.
    pub fn edm(sigma: f64, time: f64) -> Result<Self, LevelError> {
        check_sigma(sigma)?;
        finite(time)?;
        let (alpha_bar, one_minus_alpha_bar) = shares(sigma);
        Ok(Level { signal: 1.0, noise: sigma, alpha_bar, one_minus_alpha_bar, scale: sigma.hypot(1.0), time })
    }

    /// A level of rectified flow, on the straight line from data to noise: `signal = 1 - t`, `noise = t`, labelled `t`.
    ///
    /// `t` lies in `(0, 1]`, 1 being pure noise. alpha_bar, snr and sigma `t / (1 - t)` are those of the same mixture
    /// in any coordinates, and [`scale`](Self::scale) is `sqrt((1 - t)^2 + t^2)`. Networks with other labels, as
    /// `1000 t`, get them by [`with_time`](Self::with_time).
    /// Liu, Gong, Liu 2022, arXiv:2209.03003, whose time runs the other way; Lipman, Chen, Ben-Hamu, Nickel, Le 2022,
    /// arXiv:2210.02747, likewise.
    ///
    /// # Errors
    /// [`LevelError::Flow`] if `t` is not within `1e-150..=1`.
    pub fn flow(t: f64) -> Result<Self, LevelError> {
        if !(1e-150..=1.0).contains(&t) {
            return Err(LevelError::Flow { t });
        }
        let (signal, noise) = (1.0 - t, t);
        let variance = signal * signal + noise * noise;
        let (alpha_bar, one_minus_alpha_bar) = (signal * signal / variance, noise * noise / variance);
        Ok(Level { signal, noise, alpha_bar, one_minus_alpha_bar, scale: signal.hypot(noise), time: t })
    }

    /// A variance-preserving level of a given noise-to-signal ratio, accurate for small `sigma`.
    ///
    /// # Errors
    /// As [`Level::edm`].
    pub fn vp_of_sigma(sigma: f64, time: f64) -> Result<Self, LevelError> {
        check_sigma(sigma)?;
        finite(time)?;
        let (alpha_bar, one_minus_alpha_bar) = shares(sigma);
        Ok(Level { one_minus_alpha_bar, noise: one_minus_alpha_bar.sqrt(), ..Level::minted(alpha_bar, time) })
    }

    /// Coefficient of `x0`: DDPM's `sqrt(alpha_bar)`, EDM's `s(t)`, `1 - t` of rectified flow; 0 only at pure noise.
    pub fn signal(self) -> f64 {
        self.signal
    }

    /// Coefficient of `eps`: DDPM's `sqrt(1 - alpha_bar)`, EDM's `s(t) sigma(t)`, `t` of rectified flow; always positive.
    pub fn noise(self) -> f64 {
        self.noise
    }

    /// The share of signal in the variance, in `[0, 1)` (1 after rounding where `sigma < 1e-8`).
    pub fn alpha_bar(self) -> f64 {
        self.alpha_bar
    }

    /// The share of noise in the variance, `1 - alpha_bar`, in `(0, 1]`, without cancellation.
    pub fn one_minus_alpha_bar(self) -> f64 {
        self.one_minus_alpha_bar
    }

    /// The label that the network was trained with at this level.
    pub fn time(self) -> f64 {
        self.time
    }

    /// Noise-to-signal ratio, EDM's sigma; infinite at pure noise.
    pub fn sigma(self) -> f64 {
        self.noise / self.signal
    }

    /// Signal-to-noise ratio `alpha_bar / (1 - alpha_bar)`, a ratio of variances.
    pub fn snr(self) -> f64 {
        self.alpha_bar / self.one_minus_alpha_bar
    }

    /// `sqrt(signal^2 + noise^2)`: exactly 1 in VP coordinates, `sqrt(1 + sigma^2)` in EDM coordinates,
    /// `sqrt((1 - t)^2 + t^2)` in those of rectified flow.
    pub fn scale(self) -> f64 {
        self.scale
    }

    /// Whether nothing of `x0` is left, so that `x0` cannot be had from `eps`.
    pub fn is_pure_noise(self) -> bool {
        self.signal == 0.0
    }

    /// The same point in EDM coordinates (`signal = 1`, `noise = sigma`); `None` at pure noise.
    ///
    /// `alpha_bar` and the label are kept digit for digit.
    pub fn unscaled(self) -> Option<Level> {
        let sigma = self.sigma();
        (!self.is_pure_noise()).then(|| Level { signal: 1.0, noise: sigma, scale: sigma.hypot(1.0), ..self })
    }

    /// The same point under another label (for networks trained with other times).
    ///
    /// # Errors
    /// [`LevelError::Time`] if the label is not finite.
    pub fn with_time(self, time: f64) -> Result<Level, LevelError> {
        finite(time)?;
        Ok(self.relabelled(time))
    }

    pub(crate) fn relabelled(self, time: f64) -> Level {
        Level { time, ..self }
    }

    /// A VP level of an `alpha_bar` already known to lie in `[0, 1)`.
    pub(crate) fn minted(alpha_bar: f64, time: f64) -> Level {
        let one_minus_alpha_bar = 1.0 - alpha_bar;
        let (signal, noise) = (alpha_bar.sqrt(), one_minus_alpha_bar.sqrt());
        Level { signal, noise, alpha_bar, one_minus_alpha_bar, scale: 1.0, time }
    }

    /// Whether `self` has strictly more noise than `other`.
    ///
    /// Near the data the digits are in `1 - alpha_bar`, near pure noise in `alpha_bar`; either decides.
    pub(crate) fn is_noisier_than(self, other: Level) -> bool {
        self.alpha_bar < other.alpha_bar || self.one_minus_alpha_bar > other.one_minus_alpha_bar
    }
}

/// `alpha_bar` and `1 - alpha_bar` of a noise-to-signal ratio, each without cancellation.
fn shares(sigma: f64) -> (f64, f64) {
    let variance = 1.0 + sigma * sigma;
    (1.0 / variance, sigma * sigma / variance)
}

fn finite(time: f64) -> Result<(), LevelError> {
    if time.is_finite() { Ok(()) } else { Err(LevelError::Time { time }) }
}

fn check_sigma(sigma: f64) -> Result<(), LevelError> {
    if (1e-150..=1e150).contains(&sigma) { Ok(()) } else { Err(LevelError::Sigma { sigma }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_coordinates_have_one_noise_to_signal_ratio() {
        let vp = Level::vp(0.2, 3.0).unwrap();
        let edm = vp.unscaled().unwrap();
        assert!((vp.signal().powi(2) - 0.2).abs() < 1e-15 && (vp.noise().powi(2) - 0.8).abs() < 1e-15);
        assert!((vp.sigma() - 2.0).abs() < 1e-15 && edm.sigma() == vp.sigma());
        assert_eq!((edm.alpha_bar(), edm.time(), edm.signal()), (0.2, 3.0, 1.0));
        assert!((edm.scale() - 1.0 / vp.signal()).abs() < 1e-15 && vp.scale() == 1.0);
        assert!((vp.snr() - 0.25).abs() < 1e-15);
        let same = Level::vp_of_sigma(2.0, 3.0).unwrap();
        assert!((same.alpha_bar() - 0.2).abs() < 1e-15 && same.scale() == 1.0);
    }

    #[test]
    fn a_level_of_rectified_flow_is_the_same_mixture_as_in_the_other_coordinates() {
        let flow = Level::flow(0.8).unwrap();
        assert_eq!((flow.signal(), flow.noise(), flow.time()), (1.0 - 0.8, 0.8, 0.8));
        assert!((flow.sigma() - 4.0).abs() < 1e-14 && (flow.snr() - 1.0 / 16.0).abs() < 1e-15);
        let vp = Level::vp_of_sigma(flow.sigma(), 0.8).unwrap();
        assert!((flow.alpha_bar() - vp.alpha_bar()).abs() < 1e-15);
        assert!((flow.signal() / flow.scale() - vp.signal()).abs() < 1e-15);
        assert!((flow.noise() / flow.scale() - vp.noise()).abs() < 1e-15);
        let edm = flow.unscaled().unwrap();
        assert_eq!((edm.signal(), edm.noise(), edm.alpha_bar()), (1.0, flow.sigma(), flow.alpha_bar()));
        let pure = Level::flow(1.0).unwrap();
        assert!(pure.is_pure_noise() && pure.unscaled().is_none());
        assert_eq!((pure.alpha_bar(), pure.one_minus_alpha_bar(), pure.scale(), pure.snr()), (0.0, 1.0, 1.0, 0.0));
        let small = Level::flow(1e-9).unwrap();
        assert!((small.one_minus_alpha_bar() / 1e-18 - 1.0).abs() < 1e-8);
        for t in [0.0, -0.1, 1.0 + f64::EPSILON, f64::NAN] {
            assert!(matches!(Level::flow(t), Err(LevelError::Flow { .. })));
        }
    }

    #[test]
    fn a_small_sigma_keeps_its_digits() {
        for level in [Level::edm(1e-9, 0.0).unwrap(), Level::vp_of_sigma(1e-9, 0.0).unwrap()] {
            assert!((level.one_minus_alpha_bar() / 1e-18 - 1.0).abs() < 1e-15);
            assert!((level.sigma() / 1e-9 - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn pure_noise_has_no_signal_and_no_edm_coordinates() {
        let level = Level::vp(0.0, 999.0).unwrap();
        assert!(level.is_pure_noise() && level.unscaled().is_none());
        assert_eq!((level.sigma(), level.snr(), level.noise()), (f64::INFINITY, 0.0, 1.0));
    }

    #[test]
    fn clean_data_and_impossible_values_are_refused() {
        for alpha_bar in [1.0, 1.5, -1e-9, f64::NAN] {
            assert!(matches!(Level::vp(alpha_bar, 0.0), Err(LevelError::AlphaBar { .. })));
        }
        for sigma in [0.0, -1.0, f64::INFINITY, f64::NAN, 1e-200, 1e200] {
            assert!(matches!(Level::edm(sigma, 0.0), Err(LevelError::Sigma { .. })));
        }
        assert!(matches!(Level::edm(1.0, f64::NAN), Err(LevelError::Time { .. })));
        assert_eq!(Level::vp(0.5, f64::INFINITY), Err(LevelError::Time { time: f64::INFINITY }));
        assert!(Level::vp(0.5, 1.0).unwrap().with_time(f64::NAN).is_err());
    }
}
