//! The slots of an experiment, each with its table; a method is a row of one of them.

mod chains;
mod corruptions;
mod predictions;
mod solvers;
mod spacings;
mod variances;
mod weightings;
mod wrappers;

pub use chains::{CHAINS, Chains};
pub use corruptions::{CORRUPTIONS, Corruptions};
pub use predictions::{PREDICTIONS, Predictions};
pub use solvers::{SOLVERS, Solvers};
pub use spacings::{SPACINGS, Spacings};
pub use variances::{VARIANCES, Variances, VariancesOf};
pub use weightings::{WEIGHTINGS, Weightings};
pub(crate) use wrappers::Wrapped;
pub use wrappers::{Belief, Steps, WRAPPERS, Wrap, Wrappers};
pub(crate) use chains::LONGEST;
