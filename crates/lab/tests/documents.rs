//! That documents show the code as it is.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_block_of_adding_a_method_is_the_source() {
    let document = read("docs/adding-a-method.md");
    let blocks: Vec<&str> = document.split("```rust\n// ").skip(1).collect();
    assert_eq!(blocks.len(), 24);
    for slot in undrift_lab::methods::Methods::standard().slots() {
        let heading = format!("\n## {}\n", slot.name);
        let (document, extractor) = (document.to_lowercase(), "\n## feature extractor\n");
        assert!(document.contains(&heading) || slot.name == "extractor" && document.contains(extractor), "{heading}");
    }
    for block in blocks {
        let (path, rest) = block.split_once('\n').unwrap();
        let code = rest.split_once("```").unwrap().0;
        assert!(read(path).contains(code), "{path} no longer says\n{code}");
    }
}

#[test]
fn the_page_of_recipes_is_what_the_program_prints() {
    let printed = undrift_lab::recipe::reference(&undrift_lab::methods::Methods::standard());
    assert!(read("docs/recipes.md") == printed, "write it with `undrift methods --markdown > docs/recipes.md`");
    assert!(read("README.md").contains("(docs/recipes.md)"));
}

#[test]
fn every_method_by_name_in_the_documents_exists() {
    let known: Vec<&str> = undrift_lab::methods::slots::SOLVERS
        .iter()
        .map(|row| row.name)
        .chain(undrift_lab::methods::slots::WRAPPERS.iter().map(|row| row.name))
        .collect();
    for path in ["README.md", "docs/exposure-bias.md"] {
        let text = read(path);
        for option in ["--sampler ", "--wrapper "] {
            for use_ in text.split(option).skip(1) {
                let name: String = use_.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                assert!(known.contains(&name.as_str()) || name == "none", "{path}: {option}{name}");
            }
        }
    }
}

/// All Rust code below a folder.
fn sources(folder: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let text = entries.map(|path| match path.is_dir() {
        true => sources(&format!("{folder}/{}", path.file_name().unwrap().to_string_lossy())),
        false => fs::read_to_string(&path).unwrap(),
    });
    text.collect()
}

/// What the crate of samplers exports, and the variants that are methods of their own.
fn exported() -> Vec<String> {
    let library = read("crates/samplers/src/lib.rs");
    let lists = library.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()?.rsplit("::").next());
    let names = lists.flat_map(|list| list.trim_matches(['{', '}']).split(',').map(|name| name.trim().to_owned()));
    // Functions are what methods are made of, and `Reminded` is a part of the loop.
    let types = names.filter(|name| name.starts_with(char::is_uppercase));
    let types = types.filter(|name| !["Pndm", "Pnm", "Reminded", "UniPcVariant"].contains(&name.as_str()));
    let variants =
        ["Pndm::F", "Pndm::S", "Pndm::Plms", "Pnm::Ddpm", "Pnm::Euler", "UniPcVariant::B1", "UniPcVariant::B2"];
    types.chain(variants.map(str::to_owned)).collect()
}

/// The names of `of` that do not occur in a text as words.
fn absent(of: &[String], text: &str) -> Vec<String> {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let occurs = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
            !before.is_some_and(letter) && !after.is_some_and(letter)
        })
    };
    of.iter().filter(|name| !occurs(name)).cloned().collect()
}

#[test]
fn methods_without_a_name_are_those_that_the_documents_list() {
    let tables =
        ["solvers", "wrappers"].map(|table| read(&format!("crates/lab/src/methods/slots/{table}.rs"))).concat();
    let unnamed = absent(&exported(), &tables);
    let parts_of_the_loop = ["Ramp", "Step", "Steps"];
    let methods: Vec<&String> = unnamed.iter().filter(|name| !parts_of_the_loop.contains(&name.as_str())).collect();
    let of_folders = ["DiffusersDdpm", "DiffusersPndm", "FirstOrderEnd"];
    let expected = [&["DdimInversion"], &of_folders[..], &["GuidedAncestral", "SeparateFirst", "Pnm::Euler"]].concat();
    assert_eq!(methods, expected);
    let words = [
        "schedulers of diffusers",
        "inversion",
        "uidance",
        "separate first step",
        "pseudo numerical method with Euler's step",
    ];
    for document in ["README.md", "docs/architecture.md"] {
        words.iter().for_each(|word| assert!(read(document).contains(word), "{document}: {word}"));
    }
}

#[test]
fn solvers_without_golden_vectors_are_those_that_the_documents_list() {
    let methods: Vec<String> = exported();
    // Whole folders of the group `pipelines` hold diffusers' own steps.
    let parts = [
        "DiffusersDdpm",
        "DiffusersPndm",
        "FirstOrderEnd",
        "BandWeights",
        "Labelling",
        "Ramp",
        "SampleError",
        "Step",
        "Steps",
    ];
    let unheld = absent(&methods, &sources("crates/conformance/src"));
    let unheld: Vec<&String> = unheld.iter().filter(|name| !parts.contains(&name.as_str())).collect();
    let expected = ["MovingAverage", "SeparateFirst", "WithoutNoise", "Pndm::F", "Pndm::S"];
    assert_eq!(unheld, expected);
    let words = ["F-PNDM and S-PNDM", "moving average", "steps without their noise", "separate first step"];
    words.iter().for_each(|word| assert!(read("docs/trust.md").contains(word), "{word}"));
    assert!(read("fixtures/README.md").contains("no vectors of F-PNDM and S-PNDM"));
}
