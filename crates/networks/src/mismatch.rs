//! How a set of weights differs from what a network needs.

use std::collections::HashMap;
use std::fmt;

use burn::tensor::TensorData;

/// How a set of weights differs from what a network needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Parameters of the network that the weights lack, in the network's order.
    pub missing: Vec<String>,
    /// Tensors that the network has no parameter for, in the order given.
    pub unexpected: Vec<String>,
    /// Tensors whose shape is not the parameter's, in the network's order.
    pub reshaped: Vec<Reshaped>,
}

/// A tensor whose shape is not that of the parameter of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshaped {
    /// The parameter's dotted name.
    pub name: String,
    /// The shape that the network has.
    pub expected: Vec<usize>,
    /// The shape that the weights have.
    pub found: Vec<usize>,
}

impl Mismatch {
    /// How `given` differs from what a network wants.
    pub fn between(wanted: &[(String, Vec<usize>)], given: &[(String, TensorData)]) -> Self {
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

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.reshaped.is_empty()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing.iter().map(|name| format!("missing    {name}"));
        let unexpected = self.unexpected.iter().map(|name| format!("unexpected {name}"));
        let reshaped = self
            .reshaped
            .iter()
            .map(|r| format!("shape      {}: the network has {:?}, the weights {:?}", r.name, r.expected, r.found));
        let rows: Vec<String> = missing.chain(unexpected).chain(reshaped).collect();
        f.write_str(&rows.join("\n"))
    }
}
