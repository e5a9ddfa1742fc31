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
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let (path, rest) = block.split_once('\n').unwrap();
        let code = rest.split_once("```").unwrap().0;
        assert!(read(path).contains(code), "{path} no longer says\n{code}");
    }
}

#[test]
fn every_method_by_name_in_the_documents_exists() {
    let known: Vec<&str> = undrift_lab::methods::SOLVERS
        .iter()
        .map(|row| row.name)
        .chain(undrift_lab::methods::WRAPPERS.iter().map(|row| row.name))
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
