//! Numbers in Markdown: what is prose, and which numbers stand in it.

/// A number as it is written: its sign where there is one, and its digits without commas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number {
    pub(crate) sign: Option<char>,
    pub(crate) digits: String,
    /// The characters around it, for messages.
    pub(crate) context: String,
}

impl Number {
    /// Whether this may stand for `source`: the same digits, and the same sign where one is given.
    pub(crate) fn quotes(&self, source: &Number) -> bool {
        let fits = match self.sign {
            None => true,
            Some('-') => source.sign == Some('-'),
            Some(_) => source.sign != Some('-'),
        };
        fits && self.digits == source.digits
    }

    /// A year, or a whole number below ten, of which there are too many to mean a result.
    pub(crate) fn says_little(&self) -> bool {
        self.digits.parse::<u32>().is_ok_and(|number| number < 10 || (1900..2100).contains(&number))
    }
}

/// The text without code, formulas, targets of links and numbers of papers.
pub(crate) fn prose(markdown: &str) -> String {
    let fenced = markdown.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    let display = fenced.split("$$").step_by(2).collect::<Vec<_>>().join(" ");
    let lines = display.lines().map(|line| {
        let coded = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
        let plain = coded.split('$').step_by(2).collect::<Vec<_>>().join(" ");
        without_targets(&plain)
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let kept =
        text.split_inclusive(char::is_whitespace).filter(|word| !word.contains("arXiv:") && !word.contains("doi:"));
    kept.collect::<String>().replace('\\', "")
}

fn without_targets(line: &str) -> String {
    let mut parts = line.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| text.push_str(part.split_once(')').map_or("", |(_, rest)| rest)));
    text
}

/// The numbers of a text, but for those that are part of a word (`16x16`, `CIFAR-10`, `x0`, `35.7M`).
pub(crate) fn numbers(text: &str) -> Vec<Number> {
    let letters: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        if !letters[at].is_alphanumeric() {
            at += 1;
            continue;
        }
        let end = end_of_word(&letters, at);
        let word: String = letters[at..end].iter().filter(|letter| **letter != ',').collect();
        let before = |back: usize| at.checked_sub(back).map_or(' ', |at| letters[at]);
        let hangs = matches!(before(1), '_' | '^') || before(1) == '-' && before(2).is_alphanumeric();
        if !hangs && word.parse::<f64>().is_ok() && word.starts_with(|letter: char| letter.is_ascii_digit()) {
            let sign = Some(before(1)).filter(|sign| "+-".contains(*sign));
            let context = letters[at.saturating_sub(30)..(end + 30).min(letters.len())].iter().collect();
            found.push(Number { sign, digits: word, context });
        }
        at = end;
    }
    found
}

/// Letters and digits, with a point, a comma or the sign of a power of ten between digits.
fn end_of_word(letters: &[char], from: usize) -> usize {
    let digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut at = from;
    while at < letters.len() {
        let inside = match letters[at] {
            '.' | ',' => digit(at.wrapping_sub(1)) && digit(at + 1),
            '-' => letters[at - 1] == 'e' && digit(at.wrapping_sub(2)) && digit(at + 1),
            letter => letter.is_alphanumeric() || letter == '_',
        };
        if !inside {
            break;
        }
        at += 1;
    }
    at.max(from + 1)
}

/// Every `a ± b`.
pub(crate) fn pairs(text: &str) -> Vec<[Number; 2]> {
    let parts: Vec<&str> = text.split('±').collect();
    let last = |text: &str| {
        let text = text.trim_end();
        numbers(text).pop().filter(|number| text.replace(',', "").ends_with(&number.digits))
    };
    let first = |text: &str| {
        let text = text.trim_start();
        numbers(text).into_iter().next().filter(|number| text.starts_with(&number.digits))
    };
    parts.windows(2).filter_map(|two| Some([last(two[0])?, first(two[1])?])).collect()
}

/// Every `n of m`, as it is written.
pub(crate) fn shares(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '.').filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let whole = |word: &str| word.parse::<u32>().is_ok();
    let share = |three: &[&str]| (three[1] == "of" && whole(three[0]) && whole(three[2])).then(|| three.join(" "));
    words.windows(3).filter_map(share).collect()
}

/// Headings of the second level with the text below them; the text above the first has an empty heading.
pub(crate) fn sections(markdown: &str) -> Vec<(String, String)> {
    let mut parts = markdown.split("\n## ");
    let first = (String::new(), parts.next().unwrap_or_default().to_owned());
    let others = parts.map(|part| {
        let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
        (heading.to_owned(), text.to_owned())
    });
    std::iter::once(first).chain(others).collect()
}

/// The cells of the table that follows a text, without its head, line by line.
pub(crate) fn table(markdown: &str, after: &str) -> Vec<Vec<String>> {
    let (_, below) = markdown.split_once(after).unwrap_or_else(|| panic!("nothing is called {after}"));
    let lines = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let line = line.trim_matches('|').replace('\\', "");
        line.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    lines.skip(2).map(cells).collect()
}
