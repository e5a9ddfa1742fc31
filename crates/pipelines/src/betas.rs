//! The noise schedules that published codes have names for.

use serde::Serialize;
use undrift_schedules::{Chain, ChainError};

/// The betas of a published model, as a rule or as a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Betas {
    /// 1e-4 to 0.02 in `length` equal steps (Ho et al. 2020).
    Linear {
        /// T.
        length: usize,
    },
    /// A straight line between two betas.
    LinearBetween {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// The linear chain with both ends multiplied by 1000/T.
    LinearScaled {
        /// T.
        length: usize,
    },
    /// Nichol and Dhariwal 2021, equation 17.
    Cosine {
        /// T.
        length: usize,
    },
    /// Squares of equally spaced square roots of beta.
    Quadratic {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// The same under Stable Diffusion's name.
    ScaledLinear {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// A logistic curve between two betas.
    Sigmoid {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
    },
    /// One beta.
    Constant {
        /// T.
        length: usize,
        /// The beta of every step.
        beta: f64,
    },
    /// 1/T, 1/(T-1), .., 1.
    Jsd {
        /// T.
        length: usize,
    },
    /// A linear rise over the first fraction of the steps, then `end`.
    WarmUp {
        /// T.
        length: usize,
        /// beta_1.
        start: f64,
        /// beta_T.
        end: f64,
        /// Share of the steps that rise, in (0, 1]: 0.1 or 0.5 in DDPM's code.
        fraction: f64,
    },
    /// A list, t = 1 first.
    #[serde(rename = "betas")]
    Listed {
        /// One for each step, in (0, 1); the last may be 1.
        betas: Vec<f64>,
    },
    /// Others, rescaled to end in pure noise (Lin et al. 2023, arXiv:2305.08891).
    ZeroTerminalSnr {
        /// The others.
        of: Box<Betas>,
    },
}

impl Betas {
    /// A straight line between two betas, under DDPM's own name where it is DDPM's.
    pub fn linear(length: usize, start: f64, end: f64) -> Self {
        if (start, end) == (1e-4, 0.02) {
            return Betas::Linear { length };
        }
        Betas::LinearBetween { length, start, end }
    }

    /// The forward process.
    ///
    /// # Errors
    /// Those of the chain: no levels, or a beta outside (0, 1).
    pub fn chain(&self) -> Result<Chain, ChainError> {
        match *self {
            Betas::Linear { length } => Chain::linear(length),
            Betas::LinearBetween { length, start, end } => Chain::linear_between(length, start, end),
            Betas::LinearScaled { length } => Chain::linear_scaled(length),
            Betas::Cosine { length } => Chain::cosine(length),
            Betas::Quadratic { length, start, end } => Chain::quadratic(length, start, end),
            Betas::ScaledLinear { length, start, end } => Chain::scaled_linear(length, start, end),
            Betas::Sigmoid { length, start, end } => Chain::sigmoid(length, start, end),
            Betas::Constant { length, beta } => Chain::constant(length, beta),
            Betas::Jsd { length } => Chain::jsd(length),
            Betas::WarmUp { length, start, end, fraction } => Chain::warm_up(length, start, end, fraction),
            Betas::Listed { ref betas } => Chain::from_betas(betas.iter().copied()),
            Betas::ZeroTerminalSnr { ref of } => of.chain()?.zero_terminal_snr(),
        }
    }

    /// T, the number of levels.
    pub fn length(&self) -> usize {
        match self {
            Betas::Listed { betas } => betas.len(),
            Betas::ZeroTerminalSnr { of } => of.length(),
            Betas::Linear { length }
            | Betas::LinearScaled { length }
            | Betas::Cosine { length }
            | Betas::Jsd { length }
            | Betas::Constant { length, .. }
            | Betas::LinearBetween { length, .. }
            | Betas::Quadratic { length, .. }
            | Betas::ScaledLinear { length, .. }
            | Betas::Sigmoid { length, .. }
            | Betas::WarmUp { length, .. } => *length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_ddpms_ends_is_ddpms() {
        assert_eq!(Betas::linear(10, 1e-4, 0.02), Betas::Linear { length: 10 });
        let other = Betas::linear(10, 1e-4, 0.03);
        assert_eq!((other.length(), other.chain().unwrap().betas()[9]), (10, 0.03));
    }

    #[test]
    fn the_name_of_a_rule_is_written_with_its_numbers() {
        let rescaled = Betas::ZeroTerminalSnr { of: Box::new(Betas::Listed { betas: vec![0.1, 0.2] }) };
        let text = serde_json::to_string(&rescaled).unwrap();
        assert_eq!(text, r#"{"kind":"zero-terminal-snr","of":{"kind":"betas","betas":[0.1,0.2]}}"#);
        assert_eq!(rescaled.length(), 2);
    }
}
