//! What has parameters that can be trained: every Burn module, and networks of which only that is known.

use burn::module::Module;
use burn::tensor::{Gradients, Tensor, TensorData};

use crate::{NetworkError, flat_parameters, named_parameters};

/// Gives the data of a parameter by its name and shape.
pub type ParameterValues<'a> = dyn FnMut(&str, &[usize]) -> Result<TensorData, NetworkError> + 'a;

/// Something with parameters by name, in an order that is the same for every instance of one configuration.
///
/// Every [`Module`] is one.
pub trait Trainable: Clone {
    /// Name and shape of every float parameter, without making any of them.
    fn shapes(&self) -> Vec<(String, Vec<usize>)>;

    /// Every float parameter with its name.
    fn collected(&self) -> Vec<(String, TensorData)>;

    /// The same with every float parameter replaced by what `values` gives for its name and shape, one after another;
    /// the element type becomes that of the data.
    ///
    /// # Errors
    ///
    /// The first of `values`, and [`NetworkError::Mismatch`] for data of another shape.
    fn filled(self, values: &mut ParameterValues<'_>) -> Result<Self, NetworkError>;

    /// The values of all float parameters, flat, without autodiff.
    fn values(&self) -> Vec<Tensor<1>>;

    /// The gradients of all float parameters, flat; `None` where the loss does not depend on the parameter or the
    /// parameter is frozen.
    fn gradients(&self, gradients: Gradients) -> Vec<Option<Tensor<1>>>;

    /// The same with other values, given flat; shapes, devices and gradient settings stay.
    ///
    /// # Panics
    ///
    /// If there are fewer values than parameters, or one has another number of elements.
    #[must_use]
    fn replaced(self, values: Vec<Tensor<1>>) -> Self;

    /// The same on an autodiff device.
    #[must_use]
    fn with_autodiff(self) -> Self;

    /// The same without autodiff.
    #[must_use]
    fn without_autodiff(&self) -> Self;
}

impl<M: Module> Trainable for M {
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        named_parameters::shapes(self)
    }

    fn collected(&self) -> Vec<(String, TensorData)> {
        named_parameters::collect(self)
    }

    fn filled(self, values: &mut ParameterValues<'_>) -> Result<Self, NetworkError> {
        named_parameters::fill_parameters(self, values)
    }

    fn values(&self) -> Vec<Tensor<1>> {
        flat_parameters::values(self)
    }

    fn gradients(&self, gradients: Gradients) -> Vec<Option<Tensor<1>>> {
        flat_parameters::gradients(self, gradients)
    }

    fn replaced(self, values: Vec<Tensor<1>>) -> Self {
        flat_parameters::replace(self, values)
    }

    fn with_autodiff(self) -> Self {
        self.train()
    }

    fn without_autodiff(&self) -> Self {
        self.valid()
    }
}
