//! What a program is told that runs on Burn's flex backend without the fused operations.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;

/// What it costs and what helps.
const NOTE: &str = "undrift: plain operations on Burn's flex backend, several times slower than the fused ones; enable \
                    the feature `flex` of `undrift` (or of `undrift-kernels`)";

/// Says once in a process, on standard error, that a tensor of this device meets no fused operation, if the device is
/// one of the flex backend.
pub(crate) fn note(device: &Device) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if is_first(device, &SAID) {
        eprintln!("{NOTE}");
    }
}

/// Whether this is the first flex device.
fn is_first(device: &Device, said: &AtomicBool) -> bool {
    !said.load(Ordering::Relaxed) && is_flex(device) && !said.swap(true, Ordering::Relaxed)
}

/// By the form for people: without the feature the backend has no name here.
fn is_flex(device: &Device) -> bool {
    format!("{device:?}").contains("Flex(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flex_device_is_met_once() {
        let said = AtomicBool::new(false);
        assert!(is_first(&Device::flex(), &said));
        assert!(!is_first(&Device::flex(), &said));
        assert!(is_first(&Device::flex().autodiff(), &AtomicBool::new(false)));
        assert!(NOTE.contains("feature `flex`"));
    }
}
