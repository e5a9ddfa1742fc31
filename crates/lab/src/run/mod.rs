//! Recipes as studies: rows become plans, results become reports.

mod build;
mod collect;
mod estimate;
mod kept;
mod protocol;
mod setup;
mod table;

pub use build::build;
pub use collect::{collect_report, report_of};
pub use estimate::estimate;
pub use protocol::protocol;
pub(crate) use setup::outputs;
pub use setup::{NETWORK, SETTINGS, Setup};
pub use table::{plans, table};
pub use undrift_studies::{
    Build, Cell, Data, Draw, Drawn, Inputs, Plan, Record, Reference, RowInputs, RunDirectory, RunError, Study, Table,
    TableResults, Timings, Trained, Watch, WeightSet, bits_per_dim, check_images, draw, draw_all, draw_to_file, losses,
    read_json, train, trained_network, write_atomically, write_json,
};
