//! Gradients of a mean squared error, under the published names.

use std::collections::HashMap;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use undrift_checkpoints::{Entry, Network};

use super::recorded::Input;
use crate::case::Arithmetic;
use crate::tensors::{Array, values};

/// Gradients by published name, row-major in the published shape; `input_x` is that of the image.
pub(super) type ByName = HashMap<String, Vec<f64>>;

/// Loss and gradients of `mean((output - target)^2)`.
pub(super) fn gradients(
    network: &Network,
    input: &Input,
    target: &Array,
    entries: &[Entry],
    run: Arithmetic,
) -> (f64, ByName) {
    let input = input.tracked();
    let loss = input.squared_error(network, target, run);
    let mut gradients = loss.backward();
    let mut found = ByName::new();
    if let Some(of_x) = input.x.grad_remove(&mut gradients) {
        found.insert("input_x".to_owned(), values(of_x));
    }
    let mut named = Named { path: Vec::new(), gradients: &mut gradients, found: HashMap::new() };
    network.visit(&mut named);
    for entry in entries {
        if let Some(data) = named.found.remove(&entry.ours) {
            found.insert(entry.theirs.clone(), entry.to_theirs(data).iter::<f64>().collect());
        }
    }
    (values(loss.inner())[0], found)
}

/// Gradients by our dotted name.
struct Named<'a> {
    path: Vec<String>,
    gradients: &'a mut Gradients,
    found: HashMap<String, TensorData>,
}

impl ModuleVisitor for Named<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if value.is_require_grad()
            && let Some(gradient) = value.grad_remove(self.gradients)
        {
            self.found.insert(self.path.join("."), gradient.into_data());
        }
    }
}
