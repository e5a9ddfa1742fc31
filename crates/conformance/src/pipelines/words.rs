//! The words of a command line that a case is run with.

use std::path::Path;

use undrift_pipelines::{AskedWrapper, Choice, Placing, PublishedSolver, Said};
use undrift_schedules::Spacing;

/// Why words cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum WordError {
    /// Nothing here has this name.
    #[error("no option of a case is called `{word}`")]
    Unknown { word: String },
    /// A value that is none.
    #[error("`{value}` is no value of `{word}`")]
    Value { word: String, value: String },
}

/// What the words of a case say.
#[derive(Default)]
pub(super) struct Words {
    pub(super) said: Said,
    pub(super) choice: Choice,
    pub(super) classes: Vec<usize>,
    pub(super) cfg_scale: Option<f64>,
    /// Where samples would go.
    pub(super) out: Option<String>,
}

impl Words {
    /// Options and their values by turns; files are named relative to the folder of the case.
    pub(super) fn read(words: &[String], folder: &Path) -> Result<Self, WordError> {
        let mut read = Words::default();
        for pair in words.chunks(2) {
            let (word, value) = (pair[0].as_str(), pair.get(1).map_or("", String::as_str));
            read.add(word, value, folder)?;
        }
        Ok(read)
    }

    fn add(&mut self, word: &str, value: &str, folder: &Path) -> Result<(), WordError> {
        let wrong = || WordError::Value { word: word.to_owned(), value: value.to_owned() };
        let number = || value.parse().map_err(|_| wrong());
        match word {
            "--set" => self.said.set.push(value.parse().map_err(|_| wrong())?),
            "--config" => self.said.config = Some(folder.join(value)),
            "--flags" => self.said.flags.push(value.parse().map_err(|_| wrong())?),
            "--group" => self.said.group = Some(value.to_owned()),
            "--sampler" => self.choice.solver = Some(solver(value).ok_or_else(wrong)?.into()),
            "--steps" => self.choice.steps = Some(value.parse().map_err(|_| wrong())?),
            "--spacing" => self.choice.placing = Some(placing(value).ok_or_else(wrong)?),
            "--wrapper" => self.choice.wrappers = Some(wrappers(value).ok_or_else(wrong)?),
            "--classes" => {
                let classes = value.split(',').map(|class| class.parse().map_err(|_| wrong()));
                self.classes = classes.collect::<Result<_, _>>()?;
            }
            "--cfg-scale" => self.cfg_scale = Some(number()?),
            "--out" => self.out = Some(value.to_owned()),
            _ => return Err(WordError::Unknown { word: word.to_owned() }),
        }
        Ok(())
    }
}

/// `ddim` or `ddim:eta=0.5`.
fn solver(text: &str) -> Option<PublishedSolver> {
    let (name, eta) = text.split_once(":eta=").unwrap_or((text, "0"));
    PublishedSolver::named(name, eta.parse().ok()?)
}

fn placing(text: &str) -> Option<Placing> {
    use Spacing::{Leading, Linspace, Quadratic, Trailing, Uniform};
    let spaced = [Uniform, Quadratic, Leading, Trailing, Linspace].map(Placing::Spaced);
    spaced.into_iter().chain([Placing::Karras]).find(|placing| placing.to_string() == text)
}

fn wrappers(text: &str) -> Option<Vec<AskedWrapper>> {
    match text {
        "none" => Some(Vec::new()),
        "clip" => Some(vec![AskedWrapper::Clip]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Words, WordError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Words::read(&words, Path::new("case"))
    }

    #[test]
    fn options_are_read_by_turns() {
        let words = read(&["--sampler", "ddim:eta=0.5", "--steps", "7", "--spacing", "karras", "--config", "c.json"]);
        let words = words.unwrap();
        let solver = words.choice.solver.unwrap();
        assert_eq!((solver.text.as_str(), words.choice.steps), ("ddim:eta=0.5", Some(7)));
        assert_eq!(words.choice.placing, Some(Placing::Karras));
        assert_eq!(words.said.config.as_deref(), Some(Path::new("case/c.json")));
    }

    #[test]
    fn what_is_not_known_is_named() {
        let message = |words: &[&str]| read(words).err().unwrap().to_string();
        assert!(message(&["--smapler", "ddim"]).contains("--smapler"));
        for words in [["--sampler", "dimm"], ["--steps", "x"], ["--spacing", "wide"], ["--wrapper", "clop"]] {
            let said = message(&words);
            assert!(said.contains(words[0]) && said.contains(words[1]), "{said}");
        }
    }
}
