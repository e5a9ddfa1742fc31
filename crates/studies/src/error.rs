//! What can go wrong while an experiment runs.

use std::path::PathBuf;

/// An error of a run; the text names the file or value and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file operation failed.
    #[error("cannot {doing} {path}: {source}; check the path, its permissions and the space on the disk")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The run directory was made from another recipe.
    #[error("{path} belongs to another run: {what}; choose another directory with --out, or delete this one")]
    DifferentRecipe {
        /// The run directory.
        path: PathBuf,
        /// The difference.
        what: String,
    },
    /// The directory holds files, but no run.
    #[error("{path} is not empty and holds no run; choose another directory with --out")]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// Another process writes into the run directory.
    #[error("{path} is in use: {by}; wait until that ends or stop it, or choose another directory")]
    Held {
        /// The run directory.
        path: PathBuf,
        /// Process, host, time and command.
        by: String,
    },
    /// The run directory was deleted or replaced, or it was opened for reading only.
    #[error("this process may not write into {path}, which was moved, deleted or begun anew meanwhile; start again")]
    NotHeld {
        /// The run directory.
        path: PathBuf,
    },
    /// Something that the run reads is not what it was begun with.
    #[error(
        "the run was begun with other {what}: their hash was {begun_with}, but {path} has {found}; give back the old \
         ones, or choose another directory with --out"
    )]
    OtherInput {
        /// What is another one.
        what: &'static str,
        /// Where it is read from.
        path: PathBuf,
        /// The hash that the run was begun with.
        begun_with: String,
        /// The hash of what is there now.
        found: String,
    },
    /// More than memory can hold.
    #[error("{what} would need {needed} of memory, and this machine has {total}; ask for fewer")]
    TooLarge {
        /// What, with its number.
        what: String,
        /// Bytes in words.
        needed: String,
        /// Bytes of memory in words.
        total: String,
    },
    /// A line of a file of records is damaged.
    #[error(
        "{path} is damaged at line {line}: {why}; restore the file, or delete the folder it is in to compute this row \
         and seed again"
    )]
    DamagedLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is no run to read.
    #[error("{path} holds no run: {why}; start one with `undrift run`")]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A row and seed has no trained weights yet.
    #[error("{path} has no finished row `{row}` with seed {seed}: {why}")]
    NotTrained {
        /// The run directory.
        path: PathBuf,
        /// The row.
        row: String,
        /// The seed.
        seed: u64,
        /// What is missing.
        why: String,
    },
    /// A file of the run directory is damaged.
    #[error("{path} is damaged: {why}; delete it to compute it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The user asked to stop.
    #[error("stopped; the same command goes on from here")]
    Interrupted,
    /// Some rows came to no end; the results of the others are kept.
    #[error(
        "{} did not come to an end; the others are kept, and the same command, with the recipe corrected, tries these \
         again:\n  {}",
        if failed.len() == 1 { "one row and seed".to_owned() } else { format!("{} rows and seeds", failed.len()) },
        failed.join("\n  ")
    )]
    Rows {
        /// Row, seed, and why.
        failed: Vec<String>,
    },
    /// The images have another size than those of the data set.
    #[error(
        "`data.path` holds images of {found:?} (channels, height, width), but `data.set` has images of {expected:?}; \
         give the folder of that set"
    )]
    ImageSize {
        /// Channels, height and width in the files.
        found: [usize; 3],
        /// Those of the data set.
        expected: [usize; 3],
    },
    /// There are fewer test images than the recipe measures.
    #[error("`metrics.bits_per_dim_images` is {wanted}, but there are {found} test images; ask for at most as many")]
    TooFewImages {
        /// Images that the recipe asks for.
        wanted: usize,
        /// Images that there are.
        found: usize,
    },
    /// Reading images.
    #[error(transparent)]
    Data(#[from] undrift_data::DataError),
    /// Building the network.
    #[error(transparent)]
    Network(#[from] undrift_networks::NetworkError),
    /// Building the chain.
    #[error(transparent)]
    Chain(#[from] undrift_schedules::ChainError),
    /// Training.
    #[error(transparent)]
    Train(#[from] undrift_training::TrainError),
    /// The training loss.
    #[error(transparent)]
    Loss(#[from] undrift_losses::LossError),
    /// Choosing the steps.
    #[error(transparent)]
    Grid(#[from] undrift_schedules::GridError),
    /// Sampling.
    #[error(transparent)]
    Sample(#[from] undrift_samplers::SampleError),
    /// A search needs scores.
    #[error("`metrics.extractor` is \"none\", so nothing can be scored; searching needs an extractor")]
    NoScores,
    /// Building a sampler, which is the business of who made the plan.
    #[error(transparent)]
    Sampler(Box<dyn std::error::Error + Send + Sync>),
    /// Scoring.
    #[error(transparent)]
    Metric(#[from] undrift_metrics::MetricError),
    /// Making a picture of samples, which is the business of who made the plan.
    #[error(transparent)]
    Picture(Box<dyn std::error::Error + Send + Sync>),
}
