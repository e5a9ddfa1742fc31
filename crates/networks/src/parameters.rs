//! A module's parameters by dotted name, out and in.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::error::{Mismatch, NetworkError, Reshaped};

/// Every float parameter of a module with its dotted name, in the module's own order.
///
/// The order is that of the fields, the same for every instance of one configuration, so that two lists
/// can be walked side by side (averages of weights, moments of an optimiser).
pub fn collect_parameters<M: Module>(module: &M) -> Vec<(String, TensorData)> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.found
}

/// Name and shape of every float parameter of a module, in the same order, without making any of them.
pub fn parameter_shapes<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Shapes::default();
    module.visit(&mut shapes);
    shapes.found
}

/// The module with all its float parameters replaced, found by name; the order does not matter.
///
/// Device and gradient setting of each parameter stay; the element type becomes that of the data, so f64
/// data makes an f64 network.
///
/// # Errors
///
/// [`NetworkError::Mismatch`] with every missing, unexpected and differently shaped name, and
/// [`NetworkError::Name`] for a name given twice; nothing is replaced then.
pub fn apply_parameters<M: Module>(
    module: M,
    parameters: impl IntoIterator<Item = (String, TensorData)>,
) -> Result<M, NetworkError> {
    let parameters: Vec<_> = parameters.into_iter().collect();
    let mismatch = compare(&parameter_shapes(&module), &parameters);
    if !mismatch.is_empty() {
        return Err(NetworkError::Mismatch(mismatch));
    }
    let mut data = HashMap::with_capacity(parameters.len());
    for (name, values) in parameters {
        if data.insert(name.clone(), values).is_some() {
            return Err(NetworkError::Name { name });
        }
    }
    fill_parameters(module, |name, _| data.remove(name).ok_or_else(|| NetworkError::Name { name: name.to_owned() }))
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

fn compare(wanted: &[(String, Vec<usize>)], given: &[(String, TensorData)]) -> Mismatch {
    let shapes: HashMap<&str, &[usize]> =
        given.iter().map(|(name, data)| (name.as_str(), data.shape().as_slice())).collect();
    let names: HashMap<&str, ()> = wanted.iter().map(|(name, _)| (name.as_str(), ())).collect();
    let mut mismatch = Mismatch::default();
    for (name, expected) in wanted {
        match shapes.get(name.as_str()) {
            None => mismatch.missing.push(name.clone()),
            Some(found) if *found != expected.as_slice() => mismatch.reshaped.push(Reshaped {
                name: name.clone(),
                expected: expected.clone(),
                found: found.to_vec(),
            }),
            Some(_) => {}
        }
    }
    let unexpected = given.iter().filter(|(name, _)| !names.contains_key(name.as_str()));
    mismatch.unexpected = unexpected.map(|(name, _)| name.clone()).collect();
    mismatch
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FashionClassifier;
    use burn::tensor::Device;
    use undrift_noise::{Key, Purpose};

    fn classifier(seed: u64) -> FashionClassifier {
        FashionClassifier::init(&Device::flex(), Key::new(seed, Purpose::Initialisation))
    }

    #[test]
    fn names_are_dotted_paths_in_the_order_of_the_fields() {
        let names: Vec<_> = parameter_shapes(&classifier(0)).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names[0], "layers.0.conv.weight");
        assert_eq!(names[3], "layers.0.norm.beta");
        assert_eq!(names[names.len() - 1], "head.bias");
        let collected: Vec<_> = collect_parameters(&classifier(0)).into_iter().map(|p| p.0).collect();
        assert_eq!(collected, names);
    }

    #[test]
    fn parameters_move_from_one_network_to_another_in_any_order() {
        let mut parameters = collect_parameters(&classifier(1));
        parameters.reverse();
        let copy = apply_parameters(classifier(2), parameters.clone()).unwrap();
        parameters.reverse();
        assert_eq!(collect_parameters(&copy), parameters);
        assert_ne!(collect_parameters(&classifier(2)), parameters);
    }

    #[test]
    fn a_loaded_network_on_an_autodiff_device_can_be_trained() {
        let device = Device::flex().autodiff();
        let net = FashionClassifier::init(&device, Key::new(0, Purpose::Initialisation));
        let net = apply_parameters(net, collect_parameters(&classifier(1))).unwrap();
        struct Trainable(bool);
        impl ModuleVisitor for Trainable {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0 &= param.val().is_require_grad();
            }
        }
        let mut trainable = Trainable(true);
        net.visit(&mut trainable);
        assert!(trainable.0);
    }

    #[test]
    fn every_difference_is_listed() {
        let mut parameters = collect_parameters(&classifier(1));
        parameters[0].0 = "layers.0.conv.wieght".into();
        parameters[1].1 = TensorData::new(vec![0f32; 31], [31]);
        let Err(NetworkError::Mismatch(found)) = apply_parameters(classifier(2), parameters) else {
            panic!("must be refused");
        };
        assert_eq!(found.missing, ["layers.0.conv.weight"]);
        assert_eq!(found.unexpected, ["layers.0.conv.wieght"]);
        let reshaped = &found.reshaped[0];
        assert_eq!((reshaped.expected.as_slice(), reshaped.found.as_slice()), (&[32][..], &[31][..]));
        assert!(found.to_string().contains("layers.0.conv.bias: the network has [32], the weights [31]"));
    }

    #[test]
    fn the_first_error_ends_filling_and_a_wrong_shape_is_one() {
        let mut asked = Vec::new();
        let failed = fill_parameters(classifier(0), |name, _| {
            asked.push(name.to_string());
            Err::<TensorData, _>(NetworkError::Name { name: name.into() })
        });
        assert!(matches!(failed, Err(NetworkError::Name { .. })));
        assert_eq!(asked, ["layers.0.conv.weight"]);
        let short = fill_parameters(classifier(0), |_, _| Ok::<_, NetworkError>(TensorData::new(vec![1f32], [1])));
        assert!(short.unwrap_err().to_string().contains("[1]"));
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let mut parameters = collect_parameters(&classifier(1));
        parameters.push(parameters[3].clone());
        let error = apply_parameters(classifier(2), parameters).expect_err("must be refused");
        assert!(error.to_string().contains("`layers.0.norm.beta` is used twice"));
    }
}
