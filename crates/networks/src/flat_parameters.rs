//! A module's parameters and gradients as flat tensors in a fixed order, for those who change them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

/// The values of all float parameters, flat, without autodiff, in the order of
/// [`parameter_shapes`](crate::parameter_shapes).
pub(crate) fn values<M: Module>(module: &M) -> Vec<Tensor<1>> {
    let mut values = Values(Vec::new());
    module.visit(&mut values);
    values.0
}

/// The gradients of all float parameters in the same order, flat; `None` where the loss does not depend
/// on the parameter or the parameter is frozen.
pub(crate) fn gradients<M: Module>(module: &M, mut gradients: Gradients) -> Vec<Option<Tensor<1>>> {
    let mut found = Found { gradients: &mut gradients, found: Vec::new() };
    module.visit(&mut found);
    found.found
}

/// The module with other values, given in the same order; shapes, devices and gradient settings stay.
///
/// # Panics
///
/// If there are fewer values than parameters, or one has another number of elements.
pub(crate) fn replace<M: Module>(module: M, values: Vec<Tensor<1>>) -> M {
    module.map(&mut Replace(values.into_iter()))
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let elements = tensor.shape().num_elements();
    tensor.reshape([elements])
}

struct Values(Vec<Tensor<1>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(flat(param.val().inner()));
    }
}

struct Found<'a> {
    gradients: &'a mut Gradients,
    found: Vec<Option<Tensor<1>>>,
}

impl ModuleVisitor for Found<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let gradient = value.is_require_grad().then(|| value.grad_remove(self.gradients)).flatten();
        self.found.push(gradient.map(flat));
    }
}

struct Replace(std::vec::IntoIter<Tensor<1>>);

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = self.0.next().expect("there is a value for every parameter");
        param.map(|old| like(&old, value.reshape(old.dims())))
    }
}

/// A new leaf with the autodiff settings of `old`.
fn like<const D: usize>(old: &Tensor<D>, value: Tensor<D>) -> Tensor<D> {
    match old.gradient_checkpointing_strategy() {
        None => value,
        Some(strategy) => Tensor::from_inner(value)
            .with_gradient_checkpointing_strategy(strategy)
            .set_require_grad(old.is_require_grad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FashionClassifier, collect_parameters, parameter_shapes};
    use burn::tensor::Device;
    use undrift_noise::{Key, Purpose};

    fn classifier(seed: u64, device: &Device) -> FashionClassifier {
        FashionClassifier::init(device, Key::new(seed, Purpose::Initialisation))
    }

    #[test]
    fn values_move_from_one_network_to_another_in_the_order_of_the_names() {
        let (one, two) = (classifier(1, &Device::flex()), classifier(2, &Device::flex()));
        let moved = values(&one);
        let sizes: Vec<usize> = parameter_shapes(&one).iter().map(|(_, shape)| shape.iter().product()).collect();
        assert_eq!(moved.iter().map(|value| value.dims()[0]).collect::<Vec<_>>(), sizes);
        assert_eq!(collect_parameters(&replace(two, moved)), collect_parameters(&one));
    }

    #[test]
    fn what_the_loss_does_not_see_has_no_gradient_and_new_values_still_have_one() {
        let device = Device::flex().autodiff();
        let net = classifier(1, &device);
        let net = replace(net.clone(), values(&net));
        let loss = net.features(Tensor::ones([1, 1, 8, 8], &device)).sum();
        let found = gradients(&net, loss.backward());
        let names: Vec<_> = parameter_shapes(&net).into_iter().map(|(name, _)| name).collect();
        for (name, gradient) in names.iter().zip(found) {
            assert_eq!(gradient.is_some(), !name.starts_with("head."), "{name}");
        }
    }
}
