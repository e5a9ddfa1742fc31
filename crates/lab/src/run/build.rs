//! What computes results: this program on a device.

use undrift_studies::Build;

/// Burn's version, which the workspace pins.
const BURN: &str = "0.22.1";

/// This program on this device.
pub fn build(device: &str) -> Build {
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        burn: BURN.to_owned(),
        commit: env!("UNDRIFT_COMMIT").to_owned(),
        device: device.to_owned(),
    }
}
