//! The DDPM U-Net and small classifiers as plain Burn modules.
