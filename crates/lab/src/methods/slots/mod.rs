//! The slots of an experiment, each with its table; a method is a row of one of them.

mod chains;
mod conditions;
mod corruptions;
mod data_sets;
mod extractors;
mod networks;
mod objectives;
mod predictions;
mod scores;
mod solvers;
mod spacings;
mod variances;
mod weightings;
mod wrappers;

pub use chains::{CHAINS, Chains};
pub use conditions::{CONDITIONS, Conditions};
pub use corruptions::{CORRUPTIONS, Corruptions};
pub use data_sets::{DATA_SETS, DataSets, Source};
pub use extractors::{EXTRACTORS, Extractors, ScoredWith};
pub use networks::{NETWORKS, NetworkFor, Networks};
pub use objectives::{OBJECTIVES, ObjectiveParts, Objectives, Penalty};
pub use predictions::{PREDICTIONS, Predictions};
pub use scores::{SCORES, Scores};
pub use solvers::{SOLVERS, Solvers};
pub use spacings::{SPACINGS, Spacings};
pub use variances::{VARIANCES, Variances, VariancesOf};
pub use weightings::{WEIGHTINGS, Weightings};
pub(crate) use wrappers::Wrapped;
pub use wrappers::{Belief, Steps, WRAPPERS, Wrap, Wrappers};
