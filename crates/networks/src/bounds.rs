//! Bounds of the numbers of a configuration, so that no network is begun that no machine can hold.

use crate::NetworkError;

/// Most blocks of a level, or layers of a transformer.
pub(crate) const BLOCKS: usize = 1000;

/// Most channels, pixels or patches along one side.
pub(crate) const SIDE: usize = 1 << 16;

/// Most classes.
pub(crate) const CLASSES: usize = 1 << 24;

/// Refuses a number below `least`.
pub(crate) fn at_least(field: &'static str, value: usize, least: usize) -> Result<(), NetworkError> {
    if value < least {
        return Err(NetworkError::TooSmall { field, value, least });
    }
    Ok(())
}

/// Refuses zero, and a number above `most`.
pub(crate) fn within(field: &'static str, value: usize, most: usize) -> Result<(), NetworkError> {
    at_least(field, value, 1)?;
    if value > most {
        return Err(NetworkError::TooLarge { field, value, most });
    }
    Ok(())
}
