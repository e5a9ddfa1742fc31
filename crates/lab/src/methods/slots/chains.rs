//! The chains by name: forward processes that networks are trained on.

use crate::methods::{MethodError, Methods, Parameter, Row, Slot, Values};
use std::path::Path;
use undrift_schedules::{Chain, ChainError};

/// Forward processes.
pub struct Chains;

impl Slot for Chains {
    const NAME: &'static str = "chain";
    const WRITTEN: &'static str = "`[chain]`, by `kind`";
    type Build = fn(&Values, &Methods) -> Result<Chain, MethodError>;
}

/// Longest chain: a hundred times DDPM's.
pub(crate) const LONGEST: usize = 100_000;

const LENGTH: Parameter = Parameter::count("length", None, "T, the number of levels, from 1 to 100000");
const START: Parameter = Parameter::number("start", None, "beta_1, in (0, 1)");
const END: Parameter = Parameter::number("end", None, "beta_T, in (0, 1)");

/// A row of a chain between two betas.
const fn between(name: &'static str, about: &'static str, build: <Chains as Slot>::Build) -> Row<Chains> {
    Row { name, about, parameters: &[LENGTH, START, END], build }
}

/// Every chain of `undrift-schedules`.
pub const CHAINS: &[Row<Chains>] = &[
    Row {
        name: "linear",
        about: "beta from 1e-4 to 0.02 in equal steps (Ho et al. 2020, arXiv:2006.11239)",
        parameters: &[LENGTH],
        build: |values, _| of(values, Chain::linear),
    },
    Row {
        name: "linear-scaled",
        about: "the linear chain with both ends multiplied by 1000/T (Nichol and Dhariwal 2021, arXiv:2102.09672, code)",
        parameters: &[LENGTH],
        build: |values, _| of(values, Chain::linear_scaled),
    },
    between("linear-between", "a straight line between two betas", |values, _| of_ends(values, Chain::linear_between)),
    between("quadratic", "squares of equally spaced square roots of beta (DDIM's code)", |values, _| {
        of_ends(values, Chain::quadratic)
    }),
    between("scaled-linear", "the quadratic chain under Stable Diffusion's name", |values, _| {
        of_ends(values, Chain::scaled_linear)
    }),
    between("sigmoid", "a logistic curve between two betas (DDIM's code)", |values, _| of_ends(values, Chain::sigmoid)),
    Row {
        name: "cosine",
        about: "alpha_bar by a squared cosine (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17)",
        parameters: &[
            LENGTH,
            Parameter::number("offset", Some(0.008), "s, which keeps the first betas from 0"),
            Parameter::number("cap", Some(0.999), "largest beta"),
        ],
        build: |values, _| {
            of(values, |length| Chain::cosine_with(length, values.number("offset"), values.number("cap")))
        },
    },
    Row {
        name: "sigmoid-alpha-bar",
        about: "alpha_bar by a logistic curve (Jabri et al. 2022, arXiv:2212.11972)",
        parameters: &[
            LENGTH,
            Parameter::number("start", Some(-3.0), "where the curve starts"),
            Parameter::number("end", Some(3.0), "where it ends"),
            Parameter::number("tau", Some(1.0), "its temperature, above 0"),
            Parameter::number("cap", Some(0.999), "largest beta"),
        ],
        build: |values, _| {
            let [start, end, tau, cap] = ["start", "end", "tau", "cap"].map(|name| values.number(name));
            of(values, |length| Chain::sigmoid_alpha_bar(length, start, end, tau, cap))
        },
    },
    Row {
        name: "constant",
        about: "one beta (DDIM's code)",
        parameters: &[LENGTH, Parameter::number("beta", None, "the beta of every step, in (0, 1)")],
        build: |values, _| of(values, |length| Chain::constant(length, values.number("beta"))),
    },
    Row {
        name: "jsd",
        about: "beta 1/T, 1/(T-1), .., 1: the last level is pure noise, so x0, v and mu-tilde models only (DDIM's code)",
        parameters: &[LENGTH],
        build: |values, _| of(values, Chain::jsd),
    },
    Row {
        name: "warm-up",
        about: "a linear rise over the first fraction of the steps, then the last beta (DDPM's code)",
        parameters: &[
            LENGTH,
            START,
            END,
            Parameter::number("fraction", None, "share of the steps that rise, in (0, 1]: 0.1 or 0.5 in DDPM's code"),
        ],
        build: |values, _| {
            of_ends(values, |length, start, end| Chain::warm_up(length, start, end, values.number("fraction")))
        },
    },
    Row {
        name: "betas",
        about: "any betas, t = 1 first",
        parameters: &[Parameter::numbers("betas", "one for each step, in (0, 1); the last may be 1")],
        build: |values, _| refused(values, Chain::from_betas(values.numbers("betas").iter().copied())),
    },
    Row {
        name: "betas-file",
        about: "the betas of a file: a JSON list, or numbers with white space or commas between them, t = 1 first",
        parameters: &[Parameter::text("path", None, "the file")],
        build: |values, _| {
            let betas =
                read(Path::new(values.text("path"))).map_err(|why| MethodError::refused(values.method(), why))?;
            refused(values, Chain::from_betas(betas))
        },
    },
    Row {
        name: "zero-terminal-snr",
        about: "another chain, rescaled to end in pure noise (Lin et al. 2023, arXiv:2305.08891): x0, v and mu-tilde \
                models only",
        parameters: &[Parameter::method("of", "chain", "the other chain, as { kind = \"linear\", length = 1000 }")],
        build: |values, methods| refused(values, methods.chain(values.inner("of"))?.zero_terminal_snr()),
    },
];

fn of(values: &Values, chain: impl FnOnce(usize) -> Result<Chain, ChainError>) -> Result<Chain, MethodError> {
    let length = values.count("length");
    if length > LONGEST {
        let why = format!("`length` is {length}, but a chain has at most {LONGEST} levels");
        return Err(MethodError::refused(values.method(), why));
    }
    refused(values, chain(length))
}

fn of_ends(
    values: &Values,
    chain: impl FnOnce(usize, f64, f64) -> Result<Chain, ChainError>,
) -> Result<Chain, MethodError> {
    of(values, |length| chain(length, values.number("start"), values.number("end")))
}

fn refused(values: &Values, chain: Result<Chain, ChainError>) -> Result<Chain, MethodError> {
    chain.map_err(|why| MethodError::refused(values.method(), why))
}

/// The numbers of a file.
fn read(path: &Path) -> Result<Vec<f64>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|why| format!("{shown}: {why}"))?;
    let words = text.trim().trim_start_matches('[').trim_end_matches(']');
    let words = words.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let numbers = words.map(|word| word.parse().map_err(|_| format!("{shown}: `{word}` is no number")));
    let numbers: Vec<f64> = numbers.collect::<Result<_, String>>()?;
    match numbers.len() {
        length if length > LONGEST => Err(format!("{shown}: {length} betas, but a chain has at most {LONGEST} levels")),
        _ => Ok(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::Method;

    /// A method with values for all parameters of a row.
    fn example(row: &Row<Chains>) -> Method {
        let method = Method::named(row.name);
        match row.name {
            "betas" => method.with("betas", "0.1+0.2+0.3"),
            "zero-terminal-snr" => method.with("of", "linear:length=20"),
            _ => {
                row.parameters.iter().filter(|p| p.default.is_none()).fold(method, |method, parameter| match parameter
                    .name
                {
                    "length" => method.with("length", 20),
                    "end" => method.with("end", 0.3),
                    name => method.with(name, 0.1),
                })
            }
        }
    }

    #[test]
    fn every_row_makes_a_chain_whose_signal_falls() {
        let methods = Methods::standard();
        for row in CHAINS.iter().filter(|row| row.name != "betas-file") {
            let chain = methods.chain(&example(row)).unwrap_or_else(|error| panic!("{}: {error}", row.name));
            assert!(chain.levels().windows(2).all(|pair| pair[1].alpha_bar() < pair[0].alpha_bar()), "{}", row.name);
        }
    }

    #[test]
    fn the_defaults_are_the_published_chains() {
        let chain = |text: &str| Methods::standard().chain(&text.parse().unwrap()).unwrap();
        assert_eq!(chain("cosine:length=50").betas(), Chain::cosine(50).unwrap().betas());
        assert_eq!(chain("linear:length=50").betas(), Chain::linear(50).unwrap().betas());
    }

    #[test]
    fn betas_come_from_a_file_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let with = |text: &str| {
            let path = folder.path().join("betas");
            std::fs::write(&path, text).unwrap();
            Methods::standard().chain(&Method::named("betas-file").with("path", path.display()))
        };
        assert_eq!(with("[0.1, 0.25,\n 0.5]").unwrap().betas(), [0.1, 0.25, 0.5]);
        assert_eq!(with("0.1\n0.25\n0.5\n").unwrap().betas(), [0.1, 0.25, 0.5]);
        assert!(with("0.1 a half").unwrap_err().to_string().contains("`a` is no number"));
        assert!(with("0.1 1.5").unwrap_err().to_string().contains("betas-file"));
        assert!(with("").is_err());
    }

    #[test]
    fn a_chain_that_cannot_be_is_refused_by_name() {
        let error = |text: &str| Methods::standard().chain(&text.parse().unwrap()).unwrap_err().to_string();
        assert!(error("linear:length=0").contains("`linear`"));
        assert!(error("linear:length=100001").contains("at most 100000"));
        assert!(error("liner:length=10").contains("linear-scaled"));
    }
}
