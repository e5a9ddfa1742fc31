//! What a network must do to be trained and asked.

use burn::tensor::Tensor;

use crate::{Condition, ConditionKind, Mode, NetworkError};

/// A network whose output has the meaning that its training gives it: whichever one a method brings, it is trained,
/// stored and asked alike.
///
/// `D` is the rank of its input. An implementation that is also a [`Module`](burn::module::Module) becomes an
/// [`AnyNetwork`](crate::AnyNetwork) with nothing more to write.
pub trait Backbone<const D: usize> {
    /// The network's output.
    ///
    /// Sample i depends on its own rows of `x`, `time`, `condition` and the mode's noise alone.
    ///
    /// # Shapes
    ///
    /// - `x`: `[B, ..]`
    /// - `time`: `[1]` for all samples or `[B]`, in the units of the schedule that it is trained with
    /// - `condition`: B samples, or none
    /// - result: `[B, ..]`
    ///
    /// # Errors
    ///
    /// A shape, a time, a condition or a number of samples that the network does not know is refused by name.
    fn forward(
        &self,
        x: Tensor<D>,
        time: Tensor<1>,
        condition: &Condition,
        mode: Mode<'_>,
    ) -> Result<Tensor<D>, NetworkError>;

    /// Which conditions it knows.
    fn knows(&self) -> ConditionKind;
}

/// Refuses images of other shapes than `[B, takes..]`, and times that are neither one nor one for each.
pub(crate) fn check_input(
    takes: [usize; 3],
    [batch, found @ ..]: [usize; 4],
    [times]: [usize; 1],
) -> Result<(), NetworkError> {
    if found != takes {
        return Err(NetworkError::Input { takes: takes.to_vec(), found: found.to_vec() });
    }
    if times != 1 && times != batch {
        return Err(NetworkError::Times { batch, found: times });
    }
    Ok(())
}
