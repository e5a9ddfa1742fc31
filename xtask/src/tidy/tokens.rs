//! The words and signs of a source file, without comments, literals and tests.

/// A word (a name, a keyword), or a sign: one character, or `::`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Sign(char),
    PathSep,
}

impl Token {
    /// Whether this is the given word.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(found) if found == word)
    }
}

/// The tokens of what is compiled without tests: an item behind `#[cfg(test)]` is left out.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    without_tests(&all(text))
}

fn all(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        at = match literal_or_comment(&chars, at) {
            Some(end) => end,
            None => token(&chars, at, &mut found),
        };
    }
    found
}

/// Adds the token at `at`, if one is there, and says where the next begins.
fn token(chars: &[char], at: usize, found: &mut Vec<Token>) -> usize {
    let first = chars[at];
    if is_word(first) {
        let begin = if starts(chars, at, "r#") { at + 2 } else { at };
        let end = skip(chars, begin, |c| is_word(*c));
        if !first.is_ascii_digit() {
            found.push(Token::Word(chars[begin..end].iter().collect()));
        }
        return end;
    }
    if starts(chars, at, "::") {
        found.push(Token::PathSep);
        return at + 2;
    }
    if !first.is_whitespace() {
        found.push(Token::Sign(first));
    }
    at + 1
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn starts(chars: &[char], at: usize, what: &str) -> bool {
    what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
}

fn skip(chars: &[char], at: usize, wanted: impl Fn(&char) -> bool) -> usize {
    at + chars[at..].iter().take_while(|c| wanted(c)).count()
}

/// Where the comment, string, character or lifetime that begins at `at` ends; `None` if nothing of that kind does.
fn literal_or_comment(chars: &[char], at: usize) -> Option<usize> {
    if starts(chars, at, "//") {
        return Some(skip(chars, at, |c| *c != '\n'));
    }
    if starts(chars, at, "/*") {
        return Some(block_comment(chars, at));
    }
    if chars[at] == '\'' {
        let lifetime = chars.get(at + 1).is_some_and(|c| is_word(*c)) && chars.get(at + 2) != Some(&'\'');
        return Some(if lifetime { skip(chars, at + 1, |c| is_word(*c)) } else { quoted(chars, at + 1, '\'') });
    }
    if chars[at] == '"' {
        return Some(quoted(chars, at + 1, '"'));
    }
    let prefixed = ["br", "cr", "r"].into_iter().find(|prefix| starts(chars, at, prefix));
    let hashes = at + prefixed?.len();
    let quote = skip(chars, hashes, |c| *c == '#');
    (chars.get(quote) == Some(&'"')).then(|| raw_string(chars, quote + 1, quote - hashes))
}

fn block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (starts(chars, at, "/*"), starts(chars, at, "*/")) {
            (true, _) => depth += 1,
            (_, true) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(chars: &[char], mut at: usize, end: char) -> usize {
    while at < chars.len() && chars[at] != end {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string(chars: &[char], mut at: usize, hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(hashes));
    while at < chars.len() && !starts(chars, at, &end) {
        at += 1;
    }
    at + end.len()
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let marks = all("#[cfg(test)]");
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at..].starts_with(&marks) {
            at = item_end(tokens, at + marks.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that begins at `at` ends: behind its `;`, or behind the block that is its last part.
fn item_end(tokens: &[Token], at: usize) -> usize {
    // `use`, `pub use` or `pub(..) use`: its braces are a group.
    let word = |ahead: usize, word| tokens.get(at + ahead).is_some_and(|token: &Token| token.is(word));
    let is_use = word(0, "use") || word(0, "pub") && (word(1, "use") || word(4, "use"));
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(close @ (')' | ']' | '}')) => {
                depth -= 1;
                if *close == '}' && depth == 0 && !is_use {
                    return i + 1;
                }
            }
            Token::Sign(';') if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let word = |token| if let Token::Word(word) = token { Some(word) } else { None };
        tokens(text).into_iter().filter_map(word).collect()
    }

    #[test]
    fn comments_and_literals_hold_no_words() {
        let text = concat!(
            "a // b\n/* c /* d */ e */ f \"g \\\" h\" r#\"i \" j\"# br\"k\" 'l' '\\'' m: &'n o 1e5 0x_ff p",
            " b'q' r#type /// use crate::s;\n"
        );
        assert_eq!(words(text), ["a", "f", "m", "o", "p", "b", "type"]);
    }

    #[test]
    fn a_path_separator_is_one_sign() {
        let found = tokens("a::b: c");
        assert_eq!(found[1], Token::PathSep);
        assert_eq!(found[3], Token::Sign(':'));
    }

    #[test]
    fn items_of_tests_are_left_out_and_what_follows_them_is_not() {
        let text = "
            #[cfg(test)] mod declared;
            #[cfg(test)] pub(crate) use crate::{one, two};
            #[cfg(test)] #[allow(x)] fn three(a: [u8; 3]) -> u8 { if a { b } }
            fn four() {}
            #[cfg(any(test, feature))] fn five() {}
            #[cfg(test)] mod tests { use super::*; }
            const SIX: u8 = 0;";
        assert_eq!(words(text), ["fn", "four", "cfg", "any", "test", "feature", "fn", "five", "const", "SIX", "u8"]);
    }
}
