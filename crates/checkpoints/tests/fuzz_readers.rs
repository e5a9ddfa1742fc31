//! Damaged files of weights: no panic, no hang, no memory that the file does not pay for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use undrift_checkpoints::file::Checkpoint;

/// The system's allocator, which remembers the most memory that was held.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one hands everything on")]
// SAFETY: every call goes to the system's allocator with the arguments that came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Memory that a damaged file may cost: some times the largest good file, 1.2 MB.
const MOST_MEMORY: usize = 32 << 20;

/// Time that a damaged file may cost.
const LONGEST: Duration = Duration::from_secs(5);

/// Only one file at a time, as memory is counted for the process.
static ONE: Mutex<()> = Mutex::new(());

/// Opens these bytes as a file and reads all of it.
fn survives(folder: &Path, bytes: &[u8]) {
    let path = folder.join("damaged");
    fs::write(&path, bytes).unwrap();
    let (before, began) = (HELD.load(Relaxed), Instant::now());
    PEAK.store(before, Relaxed);
    if let Ok(file) = Checkpoint::open(&path) {
        for group in file.groups() {
            for info in file.tensors(group) {
                drop(file.read(group, &info.name));
            }
        }
    }
    assert!(PEAK.load(Relaxed) - before < MOST_MEMORY, "{} bytes held", PEAK.load(Relaxed) - before);
    assert!(began.elapsed() < LONGEST, "{:?}", began.elapsed());
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// Good files of every format, the small ones first.
const FILES: [&str; 10] = [
    "data/mixed_dtypes.pt",
    "data/mixed_dtypes.safetensors",
    "data/strided_views.pt",
    "data/legacy_format.pt",
    "data/containers_zip.pt",
    "data/containers_legacy.pt",
    "networks/dit_micro.pt",
    "networks/dit_micro_weights.safetensors",
    "networks/dit_micro_train_checkpoint.pt",
    "networks/diffusers_unet2d_micro_diffusion_pytorch_model.pt",
];

fn files() -> Vec<Vec<u8>> {
    FILES.iter().map(|name| fs::read(fixtures().join(name)).unwrap()).collect()
}

/// One damage; see [`spot`] for its places.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Truncate(usize),
    Insert(usize, Vec<u8>),
    Splice(usize, usize, usize),
    Length(usize, u64, usize),
}

impl Damage {
    /// Damages these bytes.
    fn apply(&self, bytes: &mut Vec<u8>) {
        let size = bytes.len().max(1);
        match self {
            _ if bytes.is_empty() => {}
            Damage::Flip(at, bits) => bytes[spot(*at, size)] ^= bits,
            Damage::Truncate(at) => bytes.truncate(spot(*at, size)),
            Damage::Insert(at, more) => drop(bytes.splice(spot(*at, size)..spot(*at, size), more.iter().copied())),
            Damage::Splice(from, to, count) => {
                let from = spot(*from, size);
                let piece = bytes[from..(from + count).min(size)].to_vec();
                let to = spot(*to, size);
                let end = (to + piece.len()).min(size);
                bytes[to..end].copy_from_slice(&piece[..end - to]);
            }
            Damage::Length(at, value, width) => {
                let at = spot(*at, size);
                let end = (at + width).min(size);
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
        }
    }
}

/// The byte of a place: the largest numbers count from the tail, all others from the head and around.
fn spot(place: usize, size: usize) -> usize {
    let back = usize::MAX - place;
    if back < TAIL { size - 1 - back % size } else { place % size }
}

/// Bytes at the tail that are damaged more often than others.
const TAIL: usize = 2048;

/// A place near the head, near the tail or anywhere.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![0..2048usize, (0..TAIL).prop_map(|back| usize::MAX - back), any::<usize>()]
}

fn damage() -> impl Strategy<Value = Damage> {
    let width = prop_oneof![Just(1usize), Just(2), Just(4), Just(8)];
    let value = prop_oneof![Just(u64::MAX), Just(1 << 63), Just(0), Just(0x7fff_ffff), any::<u64>()];
    prop_oneof![
        4 => (place(), 1..=255u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        1 => place().prop_map(Damage::Truncate),
        2 => (place(), prop::collection::vec(any::<u8>(), 1..16)).prop_map(|(at, more)| Damage::Insert(at, more)),
        2 => (place(), place(), 1..64usize).prop_map(|(from, to, count)| Damage::Splice(from, to, count)),
        2 => (place(), value, width).prop_map(|(at, value, width)| Damage::Length(at, value, width)),
    ]
}

/// A zip archive whose pickle has these damages and a checksum that is right again.
fn with_damaged_pickle(archive: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut good = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut damaged = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..good.len() {
        let mut member = good.by_index(number).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        if member.name().ends_with("data.pkl") {
            damages.iter().for_each(|damage| damage.apply(&mut bytes));
        }
        damaged.start_file(member.name(), stored).unwrap();
        damaged.write_all(&bytes).unwrap();
    }
    damaged.finish().unwrap().into_inner()
}

fn damaged(file: &[u8], damages: &[Damage], pickle: bool) -> Vec<u8> {
    if pickle && file.starts_with(b"PK") {
        return with_damaged_pickle(file, damages);
    }
    let mut bytes = file.to_vec();
    damages.iter().for_each(|damage| damage.apply(&mut bytes));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_survived(
        file in 0..FILES.len(),
        damages in prop::collection::vec(damage(), 1..4),
        pickle: bool,
    ) {
        let _one = ONE.lock().unwrap_or_else(|error| error.into_inner());
        let folder = tempfile::tempdir().unwrap();
        survives(folder.path(), &damaged(&files()[file], &damages, pickle));
    }
}

#[test]
fn every_short_length_is_survived() {
    let _one = ONE.lock().unwrap_or_else(|error| error.into_inner());
    let folder = tempfile::tempdir().unwrap();
    for bytes in &files()[..4] {
        for length in 0..bytes.len().min(700) {
            survives(folder.path(), &bytes[..length]);
        }
    }
}

/// Runs for `UNDRIFT_FUZZ_SECONDS` (default 10) from the seed `UNDRIFT_FUZZ_SEED` (default 1).
#[test]
#[ignore = "as long as UNDRIFT_FUZZ_SECONDS says"]
fn fuzz_readers() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let _one = ONE.lock().unwrap_or_else(|error| error.into_inner());
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, seed): (u64, u64) = (number("UNDRIFT_FUZZ_SECONDS", 10), number("UNDRIFT_FUZZ_SEED", 1));
    println!("seed {seed}, {seconds} s");
    let seeds: Vec<u8> = [seed; 4].iter().flat_map(|part| part.to_le_bytes()).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seeds);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let case = (0..FILES.len(), prop::collection::vec(damage(), 1..6), any::<bool>());
    let (files, folder, began) = (files(), tempfile::tempdir().unwrap(), Instant::now());
    let mut cases = 0;
    while began.elapsed() < Duration::from_secs(seconds) {
        let (file, damages, pickle) = case.new_tree(&mut runner).unwrap().current();
        let bytes = damaged(&files[file], &damages, pickle);
        let survived = std::panic::catch_unwind(|| survives(folder.path(), &bytes));
        assert!(survived.is_ok(), "seed {seed}, case {cases}: {} {pickle} {damages:?}", FILES[file]);
        cases += 1;
    }
    println!("{cases} cases");
}
