//! Archives with pickles made by hand: groups, names, and what is refused.

use std::fs::File;
use std::io::Write;

use undrift_checkpoints::file::{Checkpoint, Fault, FileError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A pickled text.
fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// A pickled tuple of small numbers.
fn tuple(items: &[u8]) -> Vec<u8> {
    [b"(".to_vec(), items.iter().flat_map(|item| [b'K', *item]).collect(), b"t".to_vec()].concat()
}

/// A pickled f32 view of a storage of six elements.
fn view(offset: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let storage =
        [&b"("[..], &text("storage"), b"ctorch\nFloatStorage\n", &text("0"), &text("cpu"), b"K\x06tQ"].concat();
    let hooks = b"\x89ccollections\nOrderedDict\n)RtR".to_vec();
    let head = b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec();
    [head, storage, vec![b'K', offset], tuple(shape), tuple(strides), hooks].concat()
}

fn vector() -> Vec<u8> {
    view(1, &[2], &[1])
}

fn dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pairs = items.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(".to_vec(), pairs, b"u".to_vec()].concat()
}

/// The file with this root and these members beside it.
fn opened(root: &[u8], members: &[(&str, &[u8])]) -> Result<Checkpoint, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.pt");
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let pickle = [b"\x80\x02", root, b"."].concat();
    let storage: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
    for (name, bytes) in [("data.pkl", &pickle[..]), ("data/0", &storage)].iter().chain(members) {
        zip.start_file(format!("made/{name}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    Checkpoint::open(&path)
}

fn fault(root: &[u8]) -> Fault {
    opened(root, &[]).unwrap_err().fault
}

/// The elements of `a` in the group of the empty name.
fn elements(view: Vec<u8>) -> Vec<f32> {
    let file = opened(&dict(&[("a", view)]), &[]).unwrap();
    file.read("", "a").unwrap().try_to_vec().unwrap()
}

#[test]
fn a_list_of_states_has_groups_by_number() {
    let weights = || dict(&[("module.w", vector()), ("module.b", vector())]);
    let optimiser = dict(&[("state", dict(&[("step", vector())])), ("param_groups", b"]".to_vec())]);
    let root = [b"](".to_vec(), weights(), optimiser, b"K\x03K\x07".to_vec(), weights(), b"e".to_vec()].concat();
    let file = opened(&root, &[("byteorder", b"little")]).unwrap();
    assert_eq!((file.groups(), file.is_training_list()), (vec!["0", "4"], true));
    let names: Vec<_> = file.tensors("4").iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["w", "b"]);
    assert_eq!(file.read("4", "b").unwrap().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn only_the_list_of_ddims_code_is_one() {
    let weights = || dict(&[("w", vector())]);
    let optimiser = || dict(&[("state", dict(&[])), ("param_groups", b"]".to_vec())]);
    let numbers = || b"K\x03K\x07".to_vec();
    let list = |items: &[Vec<u8>]| opened(&[b"](".to_vec(), items.concat(), b"e".to_vec()].concat(), &[]).unwrap();
    for (items, expected) in [
        (vec![weights(), optimiser(), numbers()], true),
        (vec![weights(), weights(), numbers(), weights()], false),
        (vec![weights(), optimiser(), numbers(), b"K\x01".to_vec()], false),
        (vec![weights(), weights()], false),
    ] {
        assert_eq!(list(&items).is_training_list(), expected);
    }
}

#[test]
fn dictionaries_within_dictionaries_are_groups_by_their_keys() {
    let weights = || dict(&[("w", vector())]);
    let optimiser = dict(&[("exp_avg", weights()), ("buffers", weights())]);
    let shadow = dict(&[("decay", b"K\x01".to_vec()), ("shadow", weights())]);
    let list = [b"(".to_vec(), vector(), vector(), b"t".to_vec()].concat();
    let root = dict(&[("rng", vector()), ("optimizer", optimiser), ("ema", shadow), ("params", list)]);
    let file = opened(&root, &[]).unwrap();
    assert_eq!(file.groups(), ["", "ema.shadow", "params"]);
    assert!(file.is_named("ema.shadow") && !file.is_named("params"));
    assert_eq!(file.read("params", "1").unwrap().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!(file.words().get("decay").map(String::as_str), Some("1"));
}

#[test]
fn tensors_of_the_first_versions_get_their_storage_as_an_attribute() {
    let storage =
        [&b"("[..], &text("storage"), b"ctorch\nFloatStorage\n", &text("0"), &text("cpu"), b"K\x06tQ"].concat();
    let state = [b"(".to_vec(), storage, b"K\x02".to_vec(), tuple(&[3]), tuple(&[1]), b"t".to_vec()].concat();
    let made = [b"ctorch\nFloatTensor\n)\x81".to_vec(), state, b"b".to_vec()].concat();
    assert_eq!(elements(made), [2., 3., 4.]);
    let pairs = [b"((".to_vec(), text("a"), vector(), b"ll".to_vec()].concat();
    let of_python_2 = [b"ccollections\nOrderedDict\n".to_vec(), pairs, b"\x85R".to_vec()].concat();
    assert_eq!(opened(&of_python_2, &[]).unwrap().tensors("")[0].name, "a");
}

#[test]
fn a_program_is_refused() {
    let script = opened(&dict(&[("a", vector())]), &[("constants.pkl", b"")]).unwrap_err();
    assert!(matches!(script.fault, Fault::Script));
}

#[test]
fn a_prefix_that_is_not_common_stays() {
    let file = opened(&dict(&[("module.w", vector()), ("b", vector())]), &[]).unwrap();
    assert_eq!(file.tensors("")[0].name, "module.w");
}

#[test]
fn settings_beside_the_weights_are_no_weights() {
    let args = [b"cargparse\nNamespace\n)\x81".to_vec(), dict(&[("lr", b"K\x01".to_vec())]), b"b".to_vec()].concat();
    let file = opened(&dict(&[("ema", dict(&[("w", vector())])), ("args", args)]), &[]).unwrap();
    assert_eq!(file.groups(), ["ema"]);
}

#[test]
fn views_are_gathered() {
    assert_eq!(elements(view(0, &[2, 3], &[3, 1])), [0., 1., 2., 3., 4., 5.]);
    assert_eq!(elements(view(0, &[3, 2], &[1, 3])), [0., 3., 1., 4., 2., 5.]);
    assert_eq!(elements(view(1, &[2, 2], &[3, 1])), [1., 2., 4., 5.]);
    assert_eq!(elements(view(2, &[1, 3], &[9, 1])), [2., 3., 4.]);
    assert_eq!(elements(view(0, &[2, 2], &[0, 1])), [0., 1., 0., 1.]);
    assert!(elements(view(200, &[0, 3], &[3, 1])).is_empty());
    assert_eq!(elements(view(3, &[7], &[0])), [3.; 7]);
}

#[test]
fn repeated_elements_are_no_more_than_the_file_has_bytes() {
    assert_eq!(elements(view(3, &[9, 9], &[0, 0])).len(), 81);
    assert!(matches!(fault(&dict(&[("a", view(0, &[200, 200], &[0, 0]))])), Fault::View { .. }));
    let many: Vec<(String, Vec<u8>)> = (0..20).map(|at| (at.to_string(), view(0, &[80], &[0]))).collect();
    let many: Vec<(&str, Vec<u8>)> = many.iter().map(|(name, view)| (name.as_str(), view.clone())).collect();
    assert!(matches!(fault(&dict(&many)), Fault::View { .. }), "all together");
    assert!(opened(&dict(&many[..1]), &[]).is_ok());
}

#[test]
fn views_outside_of_their_storage_are_refused() {
    for bad in [
        view(5, &[2], &[1]),
        view(0, &[2, 2], &[5, 1]),
        view(0, &[7], &[1]),
        view(6, &[], &[]),
        view(0, &[7, 200, 200], &[1, 0, 0]),
    ] {
        assert!(matches!(fault(&dict(&[("a", bad)])), Fault::View { tensor, count: 6, .. } if tensor == "a"));
    }
}

#[test]
fn everything_else_is_refused_by_name() {
    let call = |name: &str| [&b"c"[..], name.as_bytes(), b"\n", &text("true"), b"\x85R"].concat();
    let hidden = dict(&[("w", vector()), ("x", call("os\nsystem"))]);
    let instance = [b"(".to_vec(), text("true"), b"iposix\nsystem\n".to_vec()].concat();
    let bad = [(hidden, "os.system"), (instance, "posix.system"), (call("builtins\nexec"), "builtins.exec")];
    for (root, refused) in bad {
        assert!(matches!(fault(&root), Fault::Refused { name, .. } if name == refused));
    }
    assert!(matches!(fault(b"cos\n"), Fault::Pickle { .. }));
    assert!(matches!(fault(b"}\x82\x01"), Fault::Opcode { opcode: 0x82, .. }));
}

#[test]
fn a_value_within_itself_is_no_trouble() {
    assert!(matches!(fault(b"]q\x00h\x00a"), Fault::NoWeights));
    let nested = [vec![b']'; 200_000], vec![b'a'; 199_999]].concat();
    assert!(matches!(fault(&nested), Fault::NoWeights));
}

#[test]
fn names_and_storages_are_checked() {
    let twice = dict(&[("a", vector()), ("a", vector())]);
    assert!(matches!(fault(&twice), Fault::Duplicate { name } if name == "a"));
    assert!(matches!(fault(&dict(&[(&"a".repeat(2000), vector())])), Fault::NameLength { length: 2000, .. }));
    let absent = vector().into_iter().map(|byte| if byte == b'0' { b'9' } else { byte }).collect();
    assert!(matches!(fault(&dict(&[("a", absent)])), Fault::Storage { key, found: 0, .. } if key == "9"));
    let big = opened(&dict(&[("a", vector())]), &[("byteorder", b"big")]).unwrap_err();
    assert!(matches!(big.fault, Fault::ByteOrder { found } if found == "big"));
}
