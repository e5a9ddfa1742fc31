//! Optimiser, moving average, training loop and its resumable state.
