//! Whole folders and files as users have them: what the command line makes of them, against the published samples.

mod prepared;
mod words;

use std::error::Error;
use std::path::Path;

use burn::tensor::Tensor;
use serde_json::Value;
use undrift_noise::Replay;

use self::prepared::Prepared;
use self::words::Words;
use super::case::{Arithmetic, Cases, Outcome};
use super::compare::{Comparison, Tolerance, compare};
use super::error::FixtureError;
use super::fixture::read_json;
use super::tensors::{Tensors, device, images, precision, values};

/// One case.
struct Pipeline<'a> {
    folder: &'a Path,
    about: Value,
}

/// Runs the case of a folder: `case.json` says what is done to `files`, `case.safetensors` what comes of it.
pub(super) fn run(folder: &Path, cases: &mut Cases) -> Result<(), FixtureError> {
    let case = Pipeline { folder, about: read_json(&folder.join("case.json"))? };
    match case.text("expect")? {
        "refused" => cases.add("", Arithmetic::F32, case.refused(&case.words("args"), &case.names(&["error_names"]))),
        "samples" => case.samples(cases)?,
        _ => return Err(FixtureError::WrongField { field: "expect".to_owned(), expected: "samples or refused" }),
    }
    Ok(())
}

impl Pipeline<'_> {
    fn samples(&self, cases: &mut Cases) -> Result<(), FixtureError> {
        let words = self.words("args");
        let later = self.about["later"].as_bool().unwrap_or(false);
        let refusal = self.prepared(&words).err();
        if let (true, Some(refusal)) = (later, &refusal) {
            match self.lacking(refusal, &self.names(&["until_then", "names"])) {
                None => cases.error("", FixtureError::Absent(format!("later; until then it is refused: {refusal}"))),
                Some(reason) => cases.add("", Arithmetic::F32, Ok(Outcome::Failed { reason })),
            }
            return Ok(());
        }
        let tensors = Tensors::read(&self.folder.join("case.safetensors"))?;
        for run in Arithmetic::BOTH {
            let x = if run == Arithmetic::F64 { "x_f64" } else { "x" };
            cases.add("", run, self.drawn(&words, run, &tensors, x));
        }
        let also = self.words("also_args");
        if !also.is_empty() {
            cases.add("also_args", Arithmetic::F32, self.drawn(&also, Arithmetic::F32, &tensors, "x"));
        }
        for further in self.about["further"].as_array().into_iter().flatten() {
            let more = [words.clone(), strings(&further["args"])].concat();
            let x = further["x"].as_str().ok_or_else(|| no_field("further.x"))?;
            cases.add(&more[words.len()..].join(" "), Arithmetic::F32, self.drawn(&more, Arithmetic::F32, &tensors, x));
        }
        self.outputs(&words, cases);
        Ok(())
    }

    /// Where a picture is refused, and where arrays are not.
    fn outputs(&self, words: &[String], cases: &mut Cases) {
        if let Some(out) = self.about["picture"]["out"].as_str() {
            let words = [words, &["--out".to_owned(), out.to_owned()]].concat();
            cases.add("picture", Arithmetic::F32, self.refused(&words, &self.names(&["picture", "error_names"])));
        }
        if let Some(out) = self.about["arrays"]["out"].as_str() {
            let words = [words, &["--out".to_owned(), out.to_owned()]].concat();
            let found = match self.prepared(&words) {
                Ok(prepared) if prepared.makes_latents() => Outcome::Compared(Comparison::AGREES),
                Ok(_) => Outcome::Failed { reason: "the arrays would hold bytes, not numbers".to_owned() },
                Err(reason) => Outcome::Failed { reason },
            };
            cases.add("arrays", Arithmetic::F32, Ok(found));
        }
    }

    fn drawn(&self, words: &[String], run: Arithmetic, tensors: &Tensors, x: &str) -> Result<Outcome, FixtureError> {
        let prepared = match self.prepared(words) {
            Ok(prepared) => prepared,
            Err(reason) => return Ok(Outcome::Failed { reason }),
        };
        let network = prepared.load(&device(), precision(run))?;
        let draws: Vec<Tensor<4>> = match tensors.find("noise") {
            Some(noise) => noise.rows().iter().map(|row| images("noise", row, run)).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let found = prepared.walk(&network, tensors.images("x_T", run)?, &mut Replay::new(draws))?;
        let tolerance = &self.about["tolerance"][run.name()];
        let tolerance = tolerance.as_f64().ok_or_else(|| no_field("tolerance"))?;
        Ok(compare(&values(found), &tensors.get(x)?.values, Tolerance::absolute(tolerance)))
    }

    fn prepared(&self, words: &[String]) -> Result<Prepared, String> {
        let path = self.folder.join(self.about["path"].as_str().unwrap_or("files"));
        let words = Words::read(words, self.folder).map_err(|error| error.to_string())?;
        Prepared::new(&path, &words, &device()).map_err(|error| message(&*error))
    }

    /// Whether the words are refused, by an error that names all of `names`.
    fn refused(&self, words: &[String], names: &[String]) -> Result<Outcome, FixtureError> {
        Ok(match self.prepared(words) {
            Ok(_) => Outcome::Failed { reason: "it is accepted, and must be refused".to_owned() },
            Err(refusal) => match self.lacking(&refusal, names) {
                None => Outcome::Compared(Comparison::AGREES),
                Some(reason) => Outcome::Failed { reason },
            },
        })
    }

    /// Which of the names a refusal does not have; the file's own path does not count.
    fn lacking(&self, refusal: &str, names: &[String]) -> Option<String> {
        let said = refusal.replace(&self.folder.display().to_string(), "").to_lowercase();
        let lacking: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !said.contains(&name.to_lowercase())).collect();
        (!lacking.is_empty()).then(|| format!("the refusal does not name {}: {refusal}", lacking.join(", ")))
    }

    fn text(&self, key: &str) -> Result<&str, FixtureError> {
        self.about[key].as_str().ok_or_else(|| no_field(key))
    }

    fn names(&self, path: &[&str]) -> Vec<String> {
        strings(path.iter().fold(&self.about, |value, key| &value[*key]))
    }

    /// Words of the command line.
    fn words(&self, key: &str) -> Vec<String> {
        strings(&self.about[key])
    }
}

/// The error and its causes; a cause that is part of the text before it is not repeated.
fn message(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        if !text.contains(&cause.to_string()) {
            text.push_str(&format!(" because {cause}"));
        }
        next = cause.source();
    }
    text
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn no_field(field: &str) -> FixtureError {
    FixtureError::NoField { field: field.to_owned() }
}
