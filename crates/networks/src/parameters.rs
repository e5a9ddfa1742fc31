//! The parameters of anything that can be trained by dotted name, out and in.

use std::collections::HashMap;

use burn::tensor::TensorData;

use crate::{Mismatch, NetworkError, Trainable};

/// Every float parameter with its dotted name, in the network's own order.
///
/// The order is that of the fields, the same for every instance of one configuration, so that two lists
/// can be walked side by side (averages of weights, moments of an optimiser).
pub fn collect_parameters<M: Trainable>(module: &M) -> Vec<(String, TensorData)> {
    module.collected()
}

/// Name and shape of every float parameter, in the same order, without making any of them.
pub fn parameter_shapes<M: Trainable>(module: &M) -> Vec<(String, Vec<usize>)> {
    module.shapes()
}

/// The network with all its float parameters replaced, found by name; the order does not matter.
///
/// Device and gradient setting of each parameter stay; the element type becomes that of the data, so f64
/// data makes an f64 network.
///
/// # Errors
///
/// [`NetworkError::Mismatch`] with every missing, unexpected and differently shaped name, and
/// [`NetworkError::Name`] for a name given twice; nothing is replaced then.
pub fn apply_parameters<M: Trainable>(
    module: M,
    parameters: impl IntoIterator<Item = (String, TensorData)>,
) -> Result<M, NetworkError> {
    let parameters: Vec<_> = parameters.into_iter().collect();
    let mismatch = Mismatch::between(&module.shapes(), &parameters);
    if !mismatch.is_empty() {
        return Err(NetworkError::Mismatch(mismatch));
    }
    let mut data = HashMap::with_capacity(parameters.len());
    for (name, values) in parameters {
        if data.insert(name.clone(), values).is_some() {
            return Err(NetworkError::Name { name });
        }
    }
    let mut take =
        |name: &str, _: &[usize]| data.remove(name).ok_or_else(|| NetworkError::Name { name: name.to_owned() });
    module.filled(&mut take)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FashionClassifier, fill_parameters};
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::tensor::{Device, Tensor};
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
