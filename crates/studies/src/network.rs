//! The network of a row: the one place that says which type it is.

use undrift_networks::{DdpmUnet, DdpmUnetConfig};

/// The network that rows train.
pub type RowNetwork = DdpmUnet;

/// What it is made from.
pub type RowNetworkConfig = DdpmUnetConfig;
