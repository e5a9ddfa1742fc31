//! The devices by name.

use burn::tensor::Device;

/// Names of the devices that this program was compiled with.
pub const DEVICES: &[&str] = &[
    #[cfg(feature = "flex")]
    "flex",
    #[cfg(feature = "ndarray")]
    "ndarray",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// The device with this name.
///
/// # Errors
/// [`UnknownDevice`] if it does not exist or was not compiled in.
pub fn device(name: &str) -> Result<Device, UnknownDevice> {
    match name {
        #[cfg(feature = "flex")]
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "ndarray")]
        "ndarray" => Ok(Device::ndarray()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(Default::default())),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0_usize)),
        _ => Err(UnknownDevice { name: name.to_owned() }),
    }
}

/// The device of work that no device was chosen for: the first of [`DEVICES`], which is the CPU where it is compiled in.
///
/// Burn's own default is the most capable device of the build, so a GPU, whatever was asked for.
///
/// # Panics
/// In a build without any device, which cannot run a network at all.
pub fn host() -> Device {
    device(DEVICES[0]).expect("every name of the list is a device")
}

/// A device that this program does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "no device is called `{name}` in this build, which has: {}; others need a build with `--features ndarray`, `wgpu` or `cuda`",
    DEVICES.join(", ")
)]
pub struct UnknownDevice {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_lists_those_that_exist() {
        let error = device("tpu").unwrap_err().to_string();
        assert!(error.contains("tpu") && error.contains("flex"), "{error}");
    }
}
