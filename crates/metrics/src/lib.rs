//! Frechet distance, inception score and bits per dimension.
