//! Circles of files: two files of one crate that use each other, or more that do so in a ring.
//!
//! A file uses another where it names an item of it outside of its tests: in a `use` statement, or by a path in code.
//! A name that a file between re-exports or imports counts as a use of the file that the item lies in, so that
//! `use crate::Thing` is a use of the module that `lib.rs` has `Thing` from. A parent that only declares and re-exports
//! its children uses none of them; as soon as code of its own names what it re-exports or imports from a child, it
//! does, and is a file like any other. Modules themselves are no items: what is named through them counts.

use super::files::read;
use super::uses::{Import, Path as Written, Uses};
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates with circles still to be broken, and exactly how many files stand in them.
const STILL: &[(&str, usize)] = &[("crates/lab", 19)];

/// Steps from name to name that are followed before a chain of re-exports is given up.
const FAR: usize = 32;

/// Checks one crate, whose sources lie in `folder/src`.
pub(super) fn check(name: &str, folder: &Path, broken: &mut Vec<String>) -> Result<(), Failure> {
    let mut circles = Vec::new();
    for root in ["lib.rs", "main.rs"].map(|root| folder.join("src").join(root)).into_iter().filter(|r| r.exists()) {
        circles.extend(Modules::read(&root, &|file| read(file))?.circles());
    }
    let files: usize = circles.iter().map(BTreeMap::len).sum();
    let still = STILL.iter().find(|(known, _)| *known == name).map_or(0, |(_, files)| *files);
    if files != still {
        broken.push(format!("{name}: {files} files stand in circles, and {still} by the list `STILL`"));
    }
    if files > still {
        broken.extend(circles.iter().map(|circle| format!("{name}: files in a circle: {}", shown(circle, folder))));
    }
    Ok(())
}

/// Files of one circle, each with those of the circle that it uses.
type Circle = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

fn shown(circle: &Circle, folder: &Path) -> String {
    let short = |file: &PathBuf| file.strip_prefix(folder).unwrap_or(file).display().to_string();
    let line = |(file, used): (&PathBuf, &BTreeSet<PathBuf>)| {
        format!("{} uses {}", short(file), used.iter().map(short).collect::<Vec<_>>().join(", "))
    };
    circle.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// The modules of one crate that lie in files of their own; the first is the root.
struct Modules(Vec<Module>);

struct Module {
    file: PathBuf,
    parent: usize,
    children: BTreeMap<String, usize>,
    uses: Uses,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    ItemOf(usize),
}

impl Modules {
    /// Follows `mod name;` from the root.
    fn read(root: &Path, text: &dyn Fn(&Path) -> Result<String, Failure>) -> Result<Modules, Failure> {
        let mut modules = Modules(Vec::new());
        modules.add(root.to_owned(), root.parent().unwrap_or(root), 0, text)?;
        Ok(modules)
    }

    fn add(
        &mut self,
        file: PathBuf,
        folder: &Path,
        parent: usize,
        text: &dyn Fn(&Path) -> Result<String, Failure>,
    ) -> Result<usize, Failure> {
        let (uses, index) = (Uses::of(&text(&file)?), self.0.len());
        let declared = uses.children.clone();
        self.0.push(Module { file, parent, children: BTreeMap::new(), uses });
        for name in declared {
            let inside = folder.join(&name);
            let alone = folder.join(format!("{name}.rs"));
            let file = if text(&alone).is_ok() { alone } else { inside.join("mod.rs") };
            let child = self.add(file, &inside, index, text)?;
            self.0[index].children.insert(name, child);
        }
        Ok(index)
    }

    /// Where a path that is written in a module leads; `None` is another crate, or a name inside of an item.
    fn target(&self, module: usize, path: &Written, far: usize) -> Option<Target> {
        let first = path.first()?.as_str();
        let last = path.len() == 1;
        match first {
            "crate" => self.follow(0, &path[1..], far),
            "self" => self.follow(module, &path[1..], far),
            "super" => self.follow(self.0[module].parent, &path[1..], far),
            _ => match self.named(module, first, last, far)? {
                Target::Module(found) => self.follow(found, &path[1..], far),
                item => Some(item),
            },
        }
    }

    /// Follows names from a module on; the first that is not a module is an item.
    fn follow(&self, module: usize, path: &[String], far: usize) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else { return Some(Target::Module(module)) };
        if first == "super" || first == "self" {
            let next = if first == "super" { self.0[module].parent } else { module };
            return self.follow(next, rest, far);
        }
        let imported = self.0[module].uses.imports.contains_key(first);
        match self.named(module, first, rest.is_empty(), far) {
            Some(Target::Module(found)) => self.follow(found, rest, far),
            Some(item) => Some(item),
            None if imported => None,
            None => Some(Target::ItemOf(module)),
        }
    }

    /// What a name in the scope of a module is, if it is not defined by the module itself.
    ///
    /// A function may be called like the module that it lies in, so the last name of a path is an import before it is a
    /// module.
    fn named(&self, module: usize, name: &str, last: bool, far: usize) -> Option<Target> {
        let Module { children, uses, .. } = &self.0[module];
        let child = children.get(name).map(|child| Target::Module(*child));
        let far = far.checked_sub(1)?;
        let import = uses.imports.get(name).filter(|import| import.path.len() > 1 || import.path[0] != name);
        let imported = || import.and_then(|import| self.target(module, &import.path, far));
        let found = if last { imported().or(child) } else { child.or_else(imported) };
        if found.is_some() || import.is_some() || uses.defined.contains(name) {
            return found;
        }
        uses.globs.iter().find_map(|glob| match self.target(module, &glob.path, far)? {
            Target::Module(from) if from != module => self.exported(from, name, last, far),
            _ => None,
        })
    }

    /// What a name is that `use ..::*` brings from a module.
    fn exported(&self, module: usize, name: &str, last: bool, far: usize) -> Option<Target> {
        let uses = &self.0[module].uses;
        if uses.defined.contains(name) {
            return Some(Target::ItemOf(module));
        }
        let private = uses.imports.get(name).is_some_and(|import| !import.public);
        if private { None } else { self.named(module, name, last, far) }
    }

    /// The files whose items a module uses.
    fn used(&self, module: usize) -> BTreeSet<usize> {
        let uses = &self.0[module].uses;
        let imports = uses.imports.iter().filter(|(name, import)| self.counts(module, name, import));
        let paths = imports.map(|(_, import)| &import.path).chain(&uses.paths);
        let globs = uses.globs.iter().filter(|glob| !glob.public);
        let items = paths.filter_map(|path| match self.target(module, path, FAR)? {
            Target::ItemOf(file) => Some(file),
            Target::Module(_) => None,
        });
        let all = globs.filter_map(|glob| match self.target(module, &glob.path, FAR)? {
            Target::ItemOf(file) | Target::Module(file) => Some(file),
        });
        items.chain(all).filter(|file| *file != module).collect()
    }

    /// Whether an import is a use: a re-export of what lies below is one only where code names it.
    fn counts(&self, module: usize, name: &str, import: &Import) -> bool {
        let below = match self.target(module, &import.path, FAR) {
            Some(Target::ItemOf(file)) => self.is_below(file, module),
            _ => false,
        };
        !(import.public && below) || self.0[module].uses.words.contains(name)
    }

    fn is_below(&self, mut file: usize, module: usize) -> bool {
        while file != 0 {
            file = self.0[file].parent;
            if file == module {
                return true;
            }
        }
        false
    }

    /// Groups of files each of which leads to all others of its group.
    fn circles(&self) -> Vec<Circle> {
        let used: Vec<BTreeSet<usize>> = (0..self.0.len()).map(|module| self.used(module)).collect();
        let reached: Vec<BTreeSet<usize>> = (0..used.len()).map(|module| reached(module, &used)).collect();
        let mut circles = Vec::new();
        for first in (0..used.len()).filter(|module| reached[*module].contains(module)) {
            let group: Vec<usize> = reached[first].iter().copied().filter(|m| reached[*m].contains(&first)).collect();
            if group[0] == first {
                let file = |module: &usize| self.0[*module].file.clone();
                let inside = |module: usize| used[module].iter().filter(|m| group.contains(m)).map(file).collect();
                circles.push(group.iter().map(|module| (file(module), inside(*module))).collect());
            }
        }
        circles
    }
}

fn reached(from: usize, used: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let (mut found, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        next.extend(used[module].iter().filter(|m| found.insert(**m)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate whose files are given as `(path, text)`, each as the files in it.
    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let text = |file: &Path| match files.iter().find(|(path, _)| Path::new(path) == file) {
            Some((_, text)) => Ok((*text).to_owned()),
            None => Err(Failure::Exit(1)),
        };
        let Ok(modules) = Modules::read(Path::new(files[0].0), &text) else { panic!("a declared file is missing") };
        let names = |circle: Circle| circle.into_keys().map(|file| file.display().to_string()).collect();
        modules.circles().into_iter().map(names).collect()
    }

    #[test]
    fn two_files_that_use_each_other() {
        let root = ("lib.rs", "mod a; mod b; mod c;");
        let (a, c) = (("a.rs", "use crate::b::B; pub struct A;"), ("c.rs", "use crate::a::A; use crate::b::B;"));
        assert_eq!(circles(&[root, a, ("b.rs", "pub struct B(crate::a::A);"), c]), [["a.rs", "b.rs"]]);
        assert_eq!(circles(&[root, a, ("b.rs", "use super::{a::{A}}; pub struct B(A);"), c]), [["a.rs", "b.rs"]]);
        assert_eq!(circles(&[root, a, ("b.rs", "pub struct B;"), c]), [[""; 0]; 0]);
    }

    #[test]
    fn tests_comments_and_strings_use_nothing() {
        let root = ("lib.rs", "mod a; mod b; #[cfg(test)] mod testing;");
        let b = "// crate::a::A\n const S: &str = \"crate::a::A\"; #[cfg(test)] mod tests { use crate::a::A; }";
        assert_eq!(circles(&[root, ("a.rs", "use crate::b::S;"), ("b.rs", b)]), [[""; 0]; 0]);
    }

    #[test]
    fn re_exports_count_as_the_file_they_come_from() {
        let root = ("lib.rs", "mod a; mod b; pub use a::A; pub(crate) use b::inner::{B as Bee};");
        let a = ("a.rs", "use crate::Bee; pub struct A;");
        let b = ("b.rs", "pub mod inner;");
        assert_eq!(circles(&[root, a, b, ("b/inner.rs", "use crate::A; pub struct B(A);")]), [["a.rs", "b/inner.rs"]]);
        assert_eq!(circles(&[root, a, b, ("b/inner.rs", "pub struct B;")]), [[""; 0]; 0]);
        let globs = ("lib.rs", "mod a; mod b; pub use a::*; pub use b::*;");
        let (a, b) = (("a.rs", "use crate::B; pub struct A;"), ("b.rs", "use crate::A; pub struct B;"));
        assert_eq!(circles(&[globs, a, b]), [["a.rs", "b.rs"]]);
    }

    #[test]
    fn a_parent_is_in_a_circle_only_with_code_of_its_own() {
        let child = ("a/b.rs", "use super::Shared; pub fn run(_: Shared) {}");
        let of = |parent: &str| circles(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), child]);
        assert_eq!(of("mod b; pub use b::run; pub struct Shared;"), [[""; 0]; 0]);
        assert_eq!(of("mod b; pub struct Shared; pub fn go() { b::run(Shared) }"), [["a/b.rs", "a/mod.rs"]]);
        assert_eq!(of("mod b; pub use b::run; pub struct Shared; fn go() { run(Shared) }"), [["a/b.rs", "a/mod.rs"]]);
        assert_eq!(of("mod b; use b::run; pub struct Shared;"), [["a/b.rs", "a/mod.rs"]]);
        assert_eq!(of("mod b; pub use other::Shared; fn go() { b::run(Shared) }"), [[""; 0]; 0]);
        assert_eq!(of("mod b; pub use b::b; pub struct Shared;"), [[""; 0]; 0]);
    }

    #[test]
    fn what_is_named_through_an_imported_module_counts() {
        let root = ("lib.rs", "mod a; mod b;");
        let b = ("b.rs", "use crate::a; pub fn b() { a::a() } pub fn unused() {}");
        assert_eq!(circles(&[root, ("a.rs", "use crate::b; pub fn a() { b::b() }"), b]), [["a.rs", "b.rs"]]);
        assert_eq!(circles(&[root, ("a.rs", "use crate::b; pub fn a() {}"), b]), [[""; 0]; 0]);
    }

    #[test]
    fn a_function_may_be_called_like_its_module() {
        let root = ("lib.rs", "mod a; mod b; pub use a::a; pub use b::b;");
        assert_eq!(
            circles(&[root, ("a.rs", "use crate::b; pub fn a() {}"), ("b.rs", "use crate::a; pub fn b() {}")]),
            [["a.rs", "b.rs"]]
        );
    }

    #[test]
    fn a_ring_of_three_is_one_circle_and_says_who_uses_whom() {
        let files = [("lib.rs", "mod a; mod b; mod c;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use super::c::C;")];
        let files = [&files[..], &[("c.rs", "use crate::a::A;")]].concat();
        assert_eq!(circles(&files), [["a.rs", "b.rs", "c.rs"]]);
        let ring: Circle =
            [("x/a.rs", "x/b.rs"), ("x/b.rs", "x/a.rs")].map(|(a, b)| (a.into(), [b.into()].into())).into();
        assert_eq!(shown(&ring, Path::new("x")), "a.rs uses b.rs; b.rs uses a.rs");
    }
}
