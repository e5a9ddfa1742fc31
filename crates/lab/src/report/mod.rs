//! Reports: tables, plots and sample grids of a finished experiment.
