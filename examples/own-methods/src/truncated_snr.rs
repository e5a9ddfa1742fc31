//! Truncated SNR: no level's error of x0 counts less than 1.

use undrift_denoisers::Parameterisation;
use undrift_lab::methods::Row;
use undrift_lab::methods::slots::Weightings;
use undrift_losses::{LossError, Weigh};
use undrift_schedules::Level;

/// `max(SNR, 1)` on the error of x0 (Salimans and Ho 2022, arXiv:2202.00512, eq. 10).
struct TruncatedSnr;

impl Weigh for TruncatedSnr {
    fn weight(&self, parameterisation: &dyn Parameterisation, at: Level) -> Result<f64, LossError> {
        // An error of the output by 1 is an error of x0 by b.
        let (_, b) = parameterisation.x0_of(at)?;
        Ok(at.snr().max(1.0) * b * b)
    }
}

pub(crate) const ROW: Row<Weightings> = Row {
    name: "truncated-snr",
    about: "max(SNR, 1) on the error of x0 (Salimans and Ho 2022, arXiv:2202.00512)",
    parameters: &[],
    build: |_| Ok(Box::new(TruncatedSnr)),
};
