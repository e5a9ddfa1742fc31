//! A network of which only is known that it can be trained and asked.

use burn::module::Module;
use burn::tensor::{Gradients, Tensor, TensorData};

use crate::{Backbone, Condition, ConditionKind, Mode, NetworkError, ParameterValues, Trainable};

/// Any network: what a study trains without knowing which one it is.
///
/// It is trained, averaged and stored as the module inside it would be, with the same names, bytes and bits.
#[derive(Debug)]
pub struct AnyNetwork<const D: usize>(Box<dyn Object<D>>);

impl<const D: usize> AnyNetwork<D> {
    /// This network, whichever it is.
    pub fn new(network: impl Backbone<D> + Module + 'static) -> Self {
        AnyNetwork(Box::new(network))
    }
}

impl<const D: usize> Clone for AnyNetwork<D> {
    fn clone(&self) -> Self {
        AnyNetwork(self.0.boxed())
    }
}

impl<const D: usize> Backbone<D> for AnyNetwork<D> {
    fn forward(
        &self,
        x: Tensor<D>,
        time: Tensor<1>,
        condition: &Condition,
        mode: Mode<'_>,
    ) -> Result<Tensor<D>, NetworkError> {
        self.0.answer(x, time, condition, mode)
    }

    fn knows(&self) -> ConditionKind {
        self.0.known()
    }
}

impl<const D: usize> Trainable for AnyNetwork<D> {
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        self.0.named_shapes()
    }

    fn collected(&self) -> Vec<(String, TensorData)> {
        self.0.named_values()
    }

    fn filled(self, values: &mut ParameterValues<'_>) -> Result<Self, NetworkError> {
        self.0.with_named_values(values).map(AnyNetwork)
    }

    fn values(&self) -> Vec<Tensor<1>> {
        self.0.flat_values()
    }

    fn gradients(&self, gradients: Gradients) -> Vec<Option<Tensor<1>>> {
        self.0.flat_gradients(gradients)
    }

    fn replaced(self, values: Vec<Tensor<1>>) -> Self {
        AnyNetwork(self.0.with_flat_values(values))
    }

    fn with_autodiff(self) -> Self {
        AnyNetwork(self.0.tracked())
    }

    fn without_autodiff(&self) -> Self {
        AnyNetwork(self.0.untracked())
    }
}

/// [`Backbone`] and [`Trainable`] without `Self`, so that it can stand behind a pointer.
trait Object<const D: usize>: std::fmt::Debug + Send {
    fn answer(&self, x: Tensor<D>, time: Tensor<1>, by: &Condition, mode: Mode<'_>) -> Result<Tensor<D>, NetworkError>;
    fn known(&self) -> ConditionKind;
    fn named_shapes(&self) -> Vec<(String, Vec<usize>)>;
    fn named_values(&self) -> Vec<(String, TensorData)>;
    fn with_named_values(self: Box<Self>, values: &mut ParameterValues<'_>)
    -> Result<Box<dyn Object<D>>, NetworkError>;
    fn flat_values(&self) -> Vec<Tensor<1>>;
    fn flat_gradients(&self, gradients: Gradients) -> Vec<Option<Tensor<1>>>;
    fn with_flat_values(self: Box<Self>, values: Vec<Tensor<1>>) -> Box<dyn Object<D>>;
    fn tracked(self: Box<Self>) -> Box<dyn Object<D>>;
    fn untracked(&self) -> Box<dyn Object<D>>;
    fn boxed(&self) -> Box<dyn Object<D>>;
}

impl<const D: usize, B: Backbone<D> + Module + 'static> Object<D> for B {
    fn answer(&self, x: Tensor<D>, time: Tensor<1>, by: &Condition, mode: Mode<'_>) -> Result<Tensor<D>, NetworkError> {
        self.forward(x, time, by, mode)
    }

    fn known(&self) -> ConditionKind {
        self.knows()
    }

    fn named_shapes(&self) -> Vec<(String, Vec<usize>)> {
        self.shapes()
    }

    fn named_values(&self) -> Vec<(String, TensorData)> {
        self.collected()
    }

    fn with_named_values(
        self: Box<Self>,
        values: &mut ParameterValues<'_>,
    ) -> Result<Box<dyn Object<D>>, NetworkError> {
        Ok(Box::new((*self).filled(values)?))
    }

    fn flat_values(&self) -> Vec<Tensor<1>> {
        self.values()
    }

    fn flat_gradients(&self, gradients: Gradients) -> Vec<Option<Tensor<1>>> {
        self.gradients(gradients)
    }

    fn with_flat_values(self: Box<Self>, values: Vec<Tensor<1>>) -> Box<dyn Object<D>> {
        Box::new((*self).replaced(values))
    }

    fn tracked(self: Box<Self>) -> Box<dyn Object<D>> {
        Box::new((*self).with_autodiff())
    }

    fn untracked(&self) -> Box<dyn Object<D>> {
        Box::new(self.without_autodiff())
    }

    fn boxed(&self) -> Box<dyn Object<D>> {
        Box::new(self.clone())
    }
}
