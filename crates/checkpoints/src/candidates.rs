//! The networks of known layouts in a file.

use std::collections::{BTreeSet, HashMap, HashSet};

use burn::tensor::DType;

use crate::file::Checkpoint;
use crate::layouts::dit::POSITIONS;
use crate::{Layout, Shapes, WeightKind};

/// A network in a file: some of the tensors of a group, without what their names begin with there.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// What it is called: its group, and where there are several in it, what the names of its tensors begin with.
    pub(crate) name: String,
    pub(crate) layout: Layout,
    pub(crate) kind: WeightKind,
    /// In the file's order.
    pub(crate) tensors: Vec<Tensor>,
}

/// A tensor of a network, and where it is in the file.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    /// Its name within the network.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// Its element type; none where it cannot be read, and has no shape here.
    pub(crate) dtype: Option<DType>,
    /// Its group in the file.
    pub(crate) group: String,
    /// Its name there.
    pub(crate) stored: String,
}

/// How the name of a network's first tensors ends, in every layout.
const ANCHORS: [&str; 3] = ["conv_in.weight", "time_embed.0.weight", "x_embedder.proj.weight"];

/// All networks in a file: those with names, then lists of tensors in the order of one of these.
pub(crate) fn candidates(file: &Checkpoint) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let (named, lists): (Vec<&str>, Vec<&str>) = file.groups().into_iter().partition(|group| file.is_named(group));
    for group in named {
        found.extend(in_group(file, group));
    }
    for list in lists {
        found.extend(found.iter().find_map(|like| ordered(file, list, like)));
    }
    say_what_averages_tell(&mut found);
    found
}

/// The tensors of a group.
pub(crate) fn tensors(file: &Checkpoint, group: &str) -> Vec<Tensor> {
    let tensor = |name: &String, shape: Vec<usize>, dtype: Option<DType>| Tensor {
        name: name.clone(),
        shape,
        dtype,
        group: group.to_owned(),
        stored: name.clone(),
    };
    let read = file.tensors(group).iter().map(|info| tensor(&info.name, info.shape.clone(), Some(info.dtype)));
    read.chain(file.unread(group).iter().map(|unread| tensor(&unread.name, Vec::new(), None))).collect()
}

/// Names and shapes.
pub(crate) fn shapes(tensors: &[Tensor]) -> Shapes {
    tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
}

fn in_group(file: &Checkpoint, group: &str) -> Vec<Candidate> {
    let mut rest = tensors(file, group);
    let mut found = Vec::new();
    for prefix in prefixes(&rest) {
        let (inner, outer): (Vec<Tensor>, Vec<Tensor>) =
            rest.into_iter().partition(|tensor| tensor.name.starts_with(&prefix));
        let inner: Vec<Tensor> = inner.into_iter().map(|tensor| without(tensor, &prefix)).collect();
        rest = outer;
        match Layout::of(&shapes(&inner)) {
            Some(layout) => found.push((prefix, layout, inner)),
            None => rest.extend(inner.into_iter().map(|tensor| Tensor { name: tensor.stored.clone(), ..tensor })),
        }
    }
    let copies: Vec<_> = found.iter().filter_map(|(_, layout, like)| dotless(&rest, *layout, like)).collect();
    found.extend(copies);
    let alone = found.len() == 1;
    let candidate = |(prefix, layout, tensors): (String, Layout, Vec<Tensor>)| {
        let path = join(group, prefix.trim_end_matches('.'));
        let kind = of_group(file, group, &path);
        Candidate { name: if alone { group.to_owned() } else { path }, layout, kind, tensors }
    };
    found.into_iter().map(candidate).collect()
}

/// Networks that are looked for in one group.
const MOST_NETWORKS: usize = 64;

/// What the names of networks begin with, the longest first.
fn prefixes(tensors: &[Tensor]) -> Vec<String> {
    let of = |name: &str| {
        let prefix = ANCHORS.iter().find_map(|anchor| name.strip_suffix(anchor))?;
        (prefix.is_empty() || prefix.ends_with('.')).then(|| prefix.to_owned())
    };
    let all: BTreeSet<String> = tensors.iter().filter_map(|tensor| of(&tensor.name)).collect();
    let mut all: Vec<String> = all.into_iter().collect();
    all.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
    all.truncate(MOST_NETWORKS);
    all
}

fn without(mut tensor: Tensor, prefix: &str) -> Tensor {
    tensor.name.drain(..prefix.len());
    tensor
}

/// The copy that latent-diffusion's code keeps of a network, whose names have lost their points: `model_ema.` before
/// `diffusion_modelinput_blocks00weight`.
fn dotless(rest: &[Tensor], layout: Layout, like: &[Tensor]) -> Option<(String, Layout, Vec<Tensor>)> {
    let by_name: HashMap<&str, &Tensor> = rest.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let bare = |name: &str| name.replace('.', "");
    let first = bare(&like.first()?.name);
    let prefix = by_name.keys().filter_map(|name| name.strip_suffix(first.as_str())).min()?.to_owned();
    let copy = |tensor: &Tensor| {
        let stored = by_name.get(format!("{prefix}{}", bare(&tensor.name)).as_str())?;
        Some(Tensor { name: tensor.name.clone(), ..(*stored).clone() })
    };
    let tensors = like.iter().map(copy).collect::<Option<Vec<Tensor>>>()?;
    Some((prefix, layout, tensors))
}

/// A list of tensors as the parameters of a network that is there, if they have their shapes in their order.
///
/// The table of positions is no trained parameter, and some codes leave it out; it is then that of the network.
fn ordered(file: &Checkpoint, list: &str, like: &Candidate) -> Option<Candidate> {
    let stored = tensors(file, list);
    let fixed = |tensor: &Tensor| stored.len() < like.tensors.len() && tensor.name == POSITIONS;
    let (fixed, trained): (Vec<Tensor>, Vec<Tensor>) = like.tensors.iter().cloned().partition(fixed);
    let order: Vec<(String, Vec<usize>)> = trained.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect();
    let mut tensors = named(stored, &order)?;
    tensors.extend(fixed);
    let kind = WeightKind::of_path(list);
    Some(Candidate { name: list.to_owned(), layout: like.layout, kind, tensors })
}

/// Tensors of a list with the names of an order, if they have its shapes.
pub(crate) fn named(stored: Vec<Tensor>, order: &[(String, Vec<usize>)]) -> Option<Vec<Tensor>> {
    let fits =
        stored.len() == order.len() && stored.iter().zip(order).all(|(tensor, (_, shape))| tensor.shape == *shape);
    let names = order.iter().map(|(name, _)| name.clone());
    fits.then(|| stored.into_iter().zip(names).map(|(tensor, name)| Tensor { name, ..tensor }).collect())
}

fn join(group: &str, prefix: &str) -> String {
    [group, prefix].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// What the keys say; two codes say it by their places. Lightning's averaging puts the average where the weights were
/// and these aside; the training list of DDIM's code ends with the average.
fn of_group(file: &Checkpoint, group: &str, path: &str) -> WeightKind {
    let aside = group == "state_dict" && file.groups().contains(&"current_model_state");
    match group {
        _ if aside => WeightKind::Ema,
        "0" if file.is_training_list() => WeightKind::Raw,
        "4" if file.is_training_list() => WeightKind::Ema,
        _ => WeightKind::of_path(path),
    }
}

/// Weights beside an average of the same network, of which nothing is said, are the raw ones.
fn say_what_averages_tell(found: &mut [Candidate]) {
    let names = |candidate: &Candidate| -> HashSet<String> {
        candidate.tensors.iter().map(|tensor| tensor.name.clone()).collect()
    };
    let averages: Vec<HashSet<String>> = found.iter().filter(|one| one.kind == WeightKind::Ema).map(names).collect();
    for candidate in found.iter_mut().filter(|one| one.kind == WeightKind::Unsaid) {
        if averages.contains(&names(candidate)) {
            candidate.kind = WeightKind::Raw;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_must_have_every_shape_in_its_place() {
        let tensor = |name: &str, shape: &[usize]| Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            dtype: Some(DType::F32),
            group: "shadow_params".into(),
            stored: name.into(),
        };
        let list = || vec![tensor("0", &[2, 3]), tensor("1", &[2])];
        let order = [("w".to_owned(), vec![2, 3]), ("b".to_owned(), vec![2])];
        let names: Vec<String> = named(list(), &order).unwrap().into_iter().map(|tensor| tensor.name).collect();
        assert_eq!(names, ["w", "b"]);
        for other in [vec![("w".to_owned(), vec![3, 2]), ("b".to_owned(), vec![2])], order[..1].to_vec()] {
            assert!(named(list(), &other).is_none());
        }
    }
}
