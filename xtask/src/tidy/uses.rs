//! What one source file declares, imports and names, as far as `use` statements and paths tell.

use super::tokens::{Token, tokens};
use std::collections::{HashMap, HashSet};

/// A path as it is written, from `crate`, `self`, `super` or a name in scope.
pub(super) type Path = Vec<String>;

/// What one file says.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Child modules in files of their own: `mod name;`.
    pub(super) children: Vec<String>,
    /// Names of its own items.
    pub(super) defined: HashSet<String>,
    /// Names that `use` brings into scope.
    pub(super) imports: HashMap<String, Import>,
    /// What `use ..::*` brings into scope.
    pub(super) globs: Vec<Import>,
    /// Paths of two and more words in code.
    pub(super) paths: Vec<Path>,
    /// Every word outside of `use` statements.
    pub(super) words: HashSet<String>,
}

/// A name that `use` brings into scope.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Path,
    /// Whether others see it: `pub use`.
    pub(super) public: bool,
}

/// Words before the name of an item.
const ITEMS: &[&str] = &["struct", "enum", "union", "trait", "fn", "const", "static", "type", "mod"];

impl Uses {
    /// Reads a file's text.
    pub(super) fn of(text: &str) -> Uses {
        let mut reader = Reader { tokens: tokens(text), at: 0, braces: 0, inline: Vec::new(), uses: Uses::default() };
        while reader.at < reader.tokens.len() {
            reader.next();
        }
        reader.uses
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    braces: usize,
    /// Depth in braces of the modules written inside of this file that enclose `at`.
    inline: Vec<usize>,
    uses: Uses,
}

impl Reader {
    fn next(&mut self) {
        match self.tokens[self.at].clone() {
            Token::Sign('{') => self.braces += 1,
            Token::Sign('}') => {
                self.braces = self.braces.saturating_sub(1);
                self.inline.pop_if(|depth| *depth == self.braces);
            }
            Token::Word(word) if word == "use" && self.sign(1) != Some('<') => return self.import(),
            Token::Word(word) => return self.word(word),
            _ => {}
        }
        self.at += 1;
    }

    fn sign(&self, ahead: usize) -> Option<char> {
        if let Some(Token::Sign(sign)) = self.tokens.get(self.at + ahead) { Some(*sign) } else { None }
    }

    fn following(&self, ahead: usize) -> Option<&String> {
        if let Some(Token::Word(word)) = self.tokens.get(self.at + ahead) { Some(word) } else { None }
    }

    fn word(&mut self, word: String) {
        let begins = self.at == 0 || self.tokens[self.at - 1] != Token::PathSep;
        let is_item = |word: &str| ITEMS.contains(&word);
        // The second word of `const fn` is the one before a name.
        if let Some(name) = self.following(1).filter(|name| is_item(&word) && !is_item(name)).cloned() {
            self.item(&word, name);
            // The name itself names nothing else.
            self.at += 1;
        }
        let mut path = vec![word];
        self.at += 1;
        while self.tokens.get(self.at) == Some(&Token::PathSep)
            && let Some(word) = self.following(1).cloned()
        {
            path.push(word);
            self.at += 2;
        }
        self.uses.words.extend(path.iter().cloned());
        if begins && path.len() > 1 {
            let path = self.in_the_file(path);
            self.uses.paths.push(path);
        }
    }

    fn item(&mut self, keyword: &str, name: String) {
        match (keyword, self.sign(2)) {
            ("mod", Some(';')) => self.uses.children.push(name),
            ("mod", _) => self.inline.push(self.braces),
            _ if self.braces == 0 => {
                self.uses.defined.insert(name);
            }
            _ => {}
        }
    }

    /// `super` in a module that is written inside of this file leads to the file itself.
    fn in_the_file(&self, path: Path) -> Path {
        let up = path.iter().take_while(|word| *word == "super").count().min(self.inline.len());
        if up == 0 { path } else { [vec!["self".to_owned()], path[up..].to_vec()].concat() }
    }

    fn import(&mut self) {
        let public = self.at > 0 && (self.tokens[self.at - 1].is("pub") || self.is_restricted());
        self.at += 1;
        self.tree(Vec::new(), public);
    }

    /// Whether the tokens before are `pub(..)`.
    fn is_restricted(&self) -> bool {
        let before = &self.tokens[..self.at];
        let open = before.iter().rposition(|token| *token == Token::Sign('('));
        before.last() == Some(&Token::Sign(')')) && open.is_some_and(|open| open > 0 && before[open - 1].is("pub"))
    }

    /// One tree of a `use` statement, up to the `,`, `}` or `;` behind it.
    fn tree(&mut self, mut path: Path, public: bool) {
        if path.is_empty() && self.tokens.get(self.at) == Some(&Token::PathSep) {
            // `::name` is another crate.
            path.push(String::new());
        }
        let (mut name, begin) = (None, self.at);
        loop {
            match self.tokens.get(self.at).cloned() {
                Some(Token::Word(word)) if word == "as" => {
                    name = self.following(1).cloned();
                    self.at += 1;
                }
                Some(Token::Word(word)) if word == "self" && !path.is_empty() => {}
                Some(Token::Word(word)) => path.push(word),
                Some(Token::PathSep) => {}
                Some(Token::Sign('*')) => {
                    let path = self.in_the_file(std::mem::take(&mut path));
                    self.uses.globs.push(Import { path, public });
                }
                Some(Token::Sign('{')) => {
                    self.group(&path, public);
                    path.clear();
                }
                _ => break,
            }
            self.at += 1;
        }
        if let (true, Some(name)) = (self.at > begin, name.or_else(|| path.last().cloned())) {
            let path = self.in_the_file(path);
            self.uses.imports.insert(name, Import { path, public });
        }
    }

    /// The trees between `{` and `}`; ends at `}`.
    fn group(&mut self, path: &Path, public: bool) {
        while !matches!(self.sign(0), Some('}') | None) {
            self.at += 1;
            self.tree(path.clone(), public);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<String> {
        let uses = Uses::of(text);
        let line = |(name, import): (&String, &Import)| {
            format!("{name}={}{}", import.path.join("::"), if import.public { " pub" } else { "" })
        };
        let mut found: Vec<String> = uses.imports.iter().map(line).collect();
        found.sort();
        found
    }

    #[test]
    fn use_statements_in_all_their_forms() {
        assert_eq!(imports("use crate::a::B; pub use c::D as E;"), ["B=crate::a::B", "E=c::D pub"]);
        assert_eq!(
            imports("pub(crate) use super::{a, b::{self, C}};"),
            ["C=super::b::C pub", "a=super::a pub", "b=super::b pub"]
        );
        assert_eq!(
            imports("use {x::A, crate::{B, c::{D, E},},}; fn f() {}"),
            ["A=x::A", "B=crate::B", "D=crate::c::D", "E=crate::c::E"]
        );
        assert_eq!(imports("fn f(crate_: u8) {} use ::serde::Serialize;"), ["Serialize=::serde::Serialize"]);
        assert_eq!(imports("fn f<'a>() -> impl A + use<'a> { use self::B; }"), ["B=self::B"]);
    }

    #[test]
    fn globs_and_what_follows_a_statement() {
        let uses = Uses::of("use super::*; pub use a::{*, b::C}; mod d; struct E;");
        let globs: Vec<_> = uses.globs.iter().map(|glob| (glob.path.join("::"), glob.public)).collect();
        assert_eq!(globs, [("super".to_owned(), false), ("a".to_owned(), true)]);
        assert_eq!(uses.imports["C"].path, ["a", "b", "C"]);
        assert_eq!(uses.children, ["d"]);
        assert!(uses.defined.contains("E") && !uses.words.contains("C"));
    }

    #[test]
    fn paths_in_code() {
        let uses =
            Uses::of("fn f() { crate::a::b(1); Vec::<c::D>::new::<e>(); ::x::y(); <T as super::F>::g(); h.i() }");
        let found: Vec<String> = uses.paths.iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["crate::a::b", "c::D", "super::F"]);
        assert_eq!(uses.defined.into_iter().collect::<Vec<_>>(), ["f"]);
        assert!(Uses::of("pub const fn a() {}").defined.contains("a"));
    }

    #[test]
    fn a_module_inside_the_file_belongs_to_it() {
        let uses = Uses::of("mod a { use super::B; fn f() { super::super::c::d(); } } fn g() { super::e::h(); }");
        let found: Vec<String> = uses.paths.iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["self::super::c::d", "super::e::h"]);
        assert_eq!(uses.imports["B"].path, ["self", "B"]);
        assert!(uses.children.is_empty());
    }
}
