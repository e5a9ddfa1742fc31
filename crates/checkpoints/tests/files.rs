//! Files of weights, good and bad.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, TensorData};
use serde_json::Value;
use undrift_checkpoints::file::{Checkpoint, Fault, FileFormat, first_non_finite, write_torch_zip};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(name: &str) -> String {
    let error = Checkpoint::open(&fixture("data/malformed").join(name)).unwrap_err().to_string();
    assert!(error.contains(name), "{error}");
    error
}

/// What a checkpoint has, sorted by name.
fn contents(checkpoint: &Checkpoint, group: &str) -> Vec<(String, TensorData)> {
    let read = |name: &String| checkpoint.read(group, name).unwrap();
    let mut all: Vec<_> = checkpoint.tensors(group).iter().map(|t| (t.name.clone(), read(&t.name))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn numbers(data: &TensorData) -> Vec<f64> {
    data.clone().convert::<f64>().try_to_vec().unwrap()
}

#[test]
fn every_element_type_is_read() {
    let sidecar: Value = serde_json::from_slice(&fs::read(fixture("data/tensors.json")).unwrap()).unwrap();
    for (file, format) in
        [("data/mixed_dtypes.pt", FileFormat::TorchZip), ("data/mixed_dtypes.safetensors", FileFormat::Safetensors)]
    {
        let checkpoint = open(file);
        assert_eq!((checkpoint.format(), checkpoint.groups()), (format, vec![""]));
        let expected = sidecar["mixed_dtypes"].as_object().unwrap();
        assert_eq!(checkpoint.tensors("").len(), expected.len());
        for (name, tensor) in expected {
            let data = checkpoint.read("", name).unwrap();
            let info = checkpoint.tensors("").iter().find(|info| info.name == *name).unwrap();
            assert_eq!(serde_json::to_value(&info.shape).unwrap(), tensor["shape"], "{name}");
            assert_eq!(data.shape().to_vec(), info.shape);
            assert_eq!(info.dtype, dtype(tensor["dtype"].as_str().unwrap()), "{name}");
            let values: Vec<f64> = serde_json::from_value(tensor["values"].clone()).unwrap();
            assert_eq!(numbers(&data), values, "{file} {name}");
        }
        assert_eq!(checkpoint.read("", "h").unwrap().dtype(), DType::F32);
        assert_eq!(checkpoint.read("", "bf").unwrap().dtype(), DType::F32);
        assert_eq!(checkpoint.read("", "b").unwrap().dtype(), DType::I64);
    }
    assert_eq!(open("data/mixed_dtypes.safetensors").metadata()["format"], "pt");
}

fn dtype(torch: &str) -> DType {
    match torch {
        "torch.float64" => DType::F64,
        "torch.float32" => DType::F32,
        "torch.float16" => DType::F16,
        "torch.bfloat16" => DType::BF16,
        "torch.int64" => DType::I64,
        "torch.uint8" => DType::U8,
        other => panic!("{other}"),
    }
}

#[test]
fn views_are_read_in_the_order_of_their_indices() {
    let views = open("data/strided_views.pt");
    let counted = |values: [f32; 12]| values.map(f64::from).to_vec();
    let shared = views.read("", "shared").unwrap();
    assert_eq!(numbers(&shared), counted(std::array::from_fn(|i| i as f32)));
    let strided = views.read("", "strided").unwrap();
    assert_eq!(strided.shape().to_vec(), [4, 3]);
    assert_eq!(numbers(&strided), counted([0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]));
    assert_eq!(numbers(&views.read("", "view").unwrap()), [4., 5., 6., 7., 8., 9., 10., 11.]);
}

/// Files of PyTorch 2.15 with every kind of value that its safe loading takes, and plain data that people keep beside
/// weights: bytes, sets, counters, flags, NumPy's arrays, random states, complex, sparse and quantised tensors.
#[test]
fn weights_are_read_whatever_lies_beside_them() {
    for file in ["containers_zip.pt", "containers_protocol4.pt", "containers_legacy.pt"] {
        let opened = open(&format!("data/{file}"));
        let read = |name: &str| numbers(&opened.read("model", name).unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(read("parameter"), [0., 1., 2., 3., 4., 5.], "{file}");
        assert_eq!([read("with_attribute"), read("buffer")], [[1., 2.], [3., 4.]]);
        assert_eq!([read("tensor_with_attribute"), read("bf16")], [[5., 6.], [1.5, -2.]]);
        assert_eq!([read("u16"), read("u32")], [[1., 65535.], [1., 4294967295.]]);
        assert_eq!(read("u64"), [1., 9223372036854775808.]);
        assert_eq!([read("expanded"), read("transposed")], [vec![7.; 3], vec![0., 3., 1., 4., 2., 5.]]);
        let unread: Vec<(&str, &str)> =
            opened.unread("model").iter().map(|unread| (unread.name.as_str(), unread.why)).collect();
        for kind in [
            ("c64", "complex64"),
            ("c128", "complex128"),
            ("f8", "float8_e4m3fn"),
            ("f8b", "float8_e5m2"),
            ("sparse", "a sparse tensor"),
            ("csr", "a sparse tensor"),
        ] {
            assert!(unread.contains(&kind), "{file} {unread:?}");
        }
        let why = opened.read("model", "f8").unwrap_err().to_string();
        assert!(why.contains("`f8`") && why.contains("float8_e4m3fn"), "{why}");
        let word = |key: &str| opened.words().get(key).map(String::as_str);
        assert_eq!([word("name"), word("depth"), word("flag")], [Some("run"), Some("2"), Some("true")], "{file}");
    }
}

#[test]
fn the_old_format_is_read() {
    let old = open("data/legacy_format.pt");
    assert_eq!((old.format(), old.groups()), (FileFormat::TorchLegacy, vec![""]));
    assert_eq!(numbers(&old.read("", "a").unwrap()), [1.0, 2.0]);
}

#[test]
fn torch_files_have_the_bits_of_their_twins() {
    for (torch, twin) in [
        ("dit_micro.pt", "dit_micro_weights.safetensors"),
        ("guided_unet_plain.pt", "guided_unet_plain_weights.safetensors"),
        ("diffusers_unet2d_micro_diffusion_pytorch_model.pt", "diffusers_unet2d_micro_weights.safetensors"),
    ] {
        let [torch, twin] = [torch, twin].map(|name| open(&format!("networks/{name}")));
        assert_eq!(contents(&torch, ""), contents(&twin, ""));
    }
}

#[test]
fn a_training_checkpoint_has_groups_and_its_optimiser_is_none() {
    let training = open("networks/dit_micro_train_checkpoint.pt");
    assert_eq!(training.groups(), ["model", "ema"]);
    let weights = contents(&open("networks/dit_micro_weights.safetensors"), "");
    let same = ["model", "ema"].map(|group| contents(&training, group) == weights);
    assert!(same.contains(&true), "neither group is the published weights");
    assert_eq!(contents(&training, "ema").len(), weights.len());
    let error = training.read("opt", "x").unwrap_err().to_string();
    assert!(error.contains("`opt`") && error.contains("ema"), "{error}");
    assert!(training.read("ema", "x").unwrap_err().to_string().contains("`x`"));
}

#[test]
fn every_malformed_file_has_its_own_error() {
    for (file, says) in [
        ("st_header_len_huge.safetensors", "9223372036854775808"),
        ("st_header_not_json.safetensors", "header is not"),
        ("st_offsets_out_of_range.safetensors", "describes 16 bytes of data and the file has 8"),
        ("st_shape_mismatch.safetensors", "`a` of shape [5] needs 20 bytes, its data_offsets span 16"),
        ("st_overlap.safetensors", "`b` starts at byte 4"),
        ("st_shape_overflow.safetensors", "[4294967296, 4294967296, 4]"),
        ("st_unknown_dtype.safetensors", "Q7"),
        ("st_truncated.safetensors", "488 bytes"),
        ("st_duplicate_keys.safetensors", "`a` occurs twice"),
        ("evil_zip.pt", "`posix.system`"),
        ("evil_legacy.pt", "`posix.system`"),
        ("zip_path_traversal.pt", "`../../escape.txt`"),
        ("npy_object_pickle.npy", "NumPy array"),
    ] {
        let error = refusal(file);
        assert!(error.contains(says), "{error}");
    }
    assert!(!Path::new("/tmp/FIXTURE_PICKLE_WAS_EXECUTED").exists());
}

#[test]
fn every_malformed_checkpoint_is_in_a_test() {
    let tests = include_str!("files.rs");
    for entry in fs::read_dir(fixture("data/malformed")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ours = [".pt", ".safetensors", ".npy"].iter().any(|end| name.ends_with(end));
        assert!(!ours || name.starts_with("dit_micro") || tests.contains(&name), "{name}");
    }
}

#[test]
fn weights_that_are_not_numbers_are_found() {
    let broken = open("data/malformed/dit_micro_nan_weights.safetensors");
    let bad = broken.tensors("").iter().filter(|info| {
        let data = broken.read("", &info.name).unwrap();
        first_non_finite(&data).is_some()
    });
    assert_eq!(bad.map(|info| info.name.as_str()).collect::<Vec<_>>(), ["blocks.0.attn.proj.weight"]);
}

#[test]
fn what_is_written_is_read_again_and_has_the_same_bytes() {
    let weights = vec![
        ("b.weight".to_owned(), TensorData::new(vec![1f32, -2.5, f32::MIN_POSITIVE, 0.0, 5.0, 6.0], [3, 2])),
        ("a.bias".to_owned(), TensorData::new(vec![0.1f32], [1])),
        ("empty".to_owned(), TensorData::new(Vec::<f32>::new(), [0, 4])),
        ("scalar".to_owned(), TensorData::new(vec![7f32], [0usize; 0])),
        ("large".to_owned(), TensorData::new((0..100_000).map(|i| i as f32).collect(), [100, 1000])),
    ];
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.pt", "second.pt"].map(|name| folder.path().join(name));
    write_torch_zip(&first, &weights).unwrap();
    write_torch_zip(&second, &weights).unwrap();
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    let read = Checkpoint::open(&first).unwrap();
    let names: Vec<_> = read.tensors("").iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["b.weight", "a.bias", "empty", "scalar", "large"]);
    for (name, data) in &weights {
        assert_eq!(read.read("", name).unwrap(), *data);
    }
}

#[test]
fn shards_are_one_file_and_each_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, tensor: &str, value: f32| {
        let tensors = [(tensor.to_owned(), TensorData::new(vec![value], [1]))];
        write_torch_zip(&folder.path().join(name), &tensors).unwrap();
    };
    write("model-00001-of-00002.bin", "a", 1.0);
    write("model-00002-of-00002.bin", "b", 2.0);
    let index = folder.path().join("model.bin.index.json");
    let open = |map: Value| {
        fs::write(&index, serde_json::json!({"metadata": {}, "weight_map": map}).to_string()).unwrap();
        Checkpoint::open(&index)
    };
    let (one, two) = ("model-00001-of-00002.bin", "model-00002-of-00002.bin");
    let both = open(serde_json::json!({"a": one, "b": two})).unwrap();
    assert_eq!([both.read("", "a").unwrap(), both.read("", "b").unwrap()].map(|data| numbers(&data)), [[1.], [2.]]);
    assert!(both.read("", "c").is_err());
    for (map, says) in [
        (serde_json::json!({"a": one, "b": "model-00003.bin"}), "model-00003.bin"),
        (serde_json::json!({"a": one, "c": two}), "`c`"),
        (serde_json::json!({"a": format!("../{one}")}), "leaves the folder"),
        (serde_json::json!({"a": format!("{}", folder.path().join(one).display())}), "leaves the folder"),
        (serde_json::json!({"a": "model.bin.index.json"}), "other things"),
        (serde_json::json!({}), "no dictionary"),
        (serde_json::json!(["a"]), "not the index"),
    ] {
        let error = open(map).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("model.bin.index.json"), "{error}");
    }
}

#[test]
fn what_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pt");
    let data = || TensorData::new(vec![1f32], [1]);
    let twice = [("a".to_owned(), data()), ("a".to_owned(), data())];
    assert!(matches!(write_torch_zip(&path, &twice).unwrap_err().fault, Fault::Duplicate { name } if name == "a"));
    let double = [("d".to_owned(), TensorData::new(vec![1f64], [1]))];
    assert!(
        matches!(write_torch_zip(&path, &double).unwrap_err().fault, Fault::ElementType { tensor, .. } if tensor == "d")
    );
}

#[test]
fn a_folder_and_a_missing_file_are_errors() {
    assert!(matches!(Checkpoint::open(&fixture("data")).unwrap_err().fault, Fault::Io(_)));
    assert!(matches!(Checkpoint::open(&fixture("nothing.pt")).unwrap_err().fault, Fault::Io(_)));
    #[cfg(unix)]
    assert!(matches!(Checkpoint::open(Path::new("/dev/null")).unwrap_err().fault, Fault::Unrecognised { .. }));
}
