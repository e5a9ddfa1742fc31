//! Walks through a module that read and fill its parameters by dotted name.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::{Mismatch, NetworkError, Reshaped};

/// Every float parameter of a module with its dotted name, in the order of the fields.
pub(crate) fn collect<M: Module>(module: &M) -> Vec<(String, TensorData)> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.found
}

/// Name and shape of every float parameter of a module, in the same order, without making any of them.
pub(crate) fn shapes<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Shapes::default();
    module.visit(&mut shapes);
    shapes.found
}

/// The module with all its float parameters replaced, one after another, by what `values` gives for a dotted
/// name and a shape; so that no more than the network and one parameter need to be in memory.
///
/// Device and gradient setting of each parameter stay; the element type becomes that of the data. The old
/// values are not made if they never were.
///
/// # Errors
///
/// The first of `values`, and [`NetworkError::Mismatch`] for data of another shape.
pub fn fill_parameters<M: Module, E: From<NetworkError>>(
    module: M,
    values: impl FnMut(&str, &[usize]) -> Result<TensorData, E>,
) -> Result<M, E> {
    let mut filler = Filler { path: Path::default(), values, failed: None };
    let module = module.map(&mut filler);
    filler.failed.map_or(Ok(module), Err)
}

/// The fields entered on the way to a parameter.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str) {
        self.0.push(name.to_string());
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Collector {
    path: Path,
    found: Vec<(String, TensorData)>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.name(), param.val().into_data()));
    }
}

#[derive(Default)]
struct Shapes {
    path: Path,
    found: Vec<(String, Vec<usize>)>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((self.path.name(), param.lazy_shape().to_vec()));
    }
}

struct Filler<F, E> {
    path: Path,
    values: F,
    failed: Option<E>,
}

impl<E: From<NetworkError>, F: FnMut(&str, &[usize]) -> Result<TensorData, E>> Filler<F, E> {
    fn value(&mut self, shape: &[usize]) -> Result<TensorData, E> {
        let name = self.path.name();
        let data = (self.values)(&name, shape)?;
        if data.shape().as_slice() == shape {
            return Ok(data);
        }
        let reshaped = vec![Reshaped { name, expected: shape.to_vec(), found: data.shape().to_vec() }];
        Err(NetworkError::Mismatch(Mismatch { reshaped, ..Mismatch::default() }).into())
    }
}

impl<E: From<NetworkError>, F: FnMut(&str, &[usize]) -> Result<TensorData, E>> ModuleMapper for Filler<F, E> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.failed.is_some() {
            return param;
        }
        match self.value(&param.lazy_shape()) {
            Ok(data) => {
                let (dtype, id) = (data.dtype(), param.id);
                let value = Tensor::from_data(data, (&param.lazy_device(), dtype));
                param.transform_for_load(value, id)
            }
            Err(error) => {
                self.failed = Some(error);
                param
            }
        }
    }
}
