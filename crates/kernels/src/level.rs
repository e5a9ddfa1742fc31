//! Which vector instructions the operations use, chosen once per process.

use std::fmt;
use std::sync::OnceLock;

use pulp::{Scalar128b, Simd, WithSimd};

/// The environment variable that overrides the choice: `avx512`, `avx2` or `portable`.
pub const VARIABLE: &str = "UNDRIFT_SIMD";

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// 16 lanes: AVX-512 F, VL, BW, CD and DQ of x86-64.
    Avx512,
    /// 8 lanes: AVX2 and FMA of x86-64.
    Avx2,
    /// 4 lanes in plain Rust, which compilers turn into SSE2 or NEON.
    Portable,
}

/// Why the environment variable is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelError {
    /// The value is no name of a level.
    Unknown(String),
    /// The machine lacks the instructions.
    Unsupported(Level),
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        })
    }
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LevelError::Unknown(value) => {
                write!(f, "{VARIABLE} is `{value}`; it must be avx512, avx2 or portable, or not set")
            }
            LevelError::Unsupported(level) => {
                write!(f, "{VARIABLE} asks for {level}, which this processor does not have; unset it or choose ")?;
                write!(f, "{}", Level::best())
            }
        }
    }
}

impl std::error::Error for LevelError {}

impl Level {
    /// Every level, fastest first.
    pub const ALL: [Level; 3] = [Level::Avx512, Level::Avx2, Level::Portable];

    /// The level of this process: the fastest that the processor has, or what [`VARIABLE`] names.
    ///
    /// # Errors
    /// [`LevelError`] if the variable names no level or one that the processor does not have.
    pub fn chosen() -> Result<Level, LevelError> {
        static CHOSEN: OnceLock<Result<Level, LevelError>> = OnceLock::new();
        CHOSEN.get_or_init(|| from_name(std::env::var_os(VARIABLE).map(|v| v.to_string_lossy().into_owned()))).clone()
    }

    /// The fastest level that this processor has.
    pub fn best() -> Level {
        Level::ALL.into_iter().find(|level| level.is_supported()).unwrap_or(Level::Portable)
    }

    /// Whether this processor has the instructions.
    pub fn is_supported(self) -> bool {
        self.run(Nothing).is_some()
    }

    /// The level of this process.
    ///
    /// # Panics
    /// If [`chosen`](Self::chosen) is an error; programs check it at their start.
    #[cfg(feature = "flex")]
    pub(crate) fn current() -> Level {
        Level::chosen().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs an operation with these instructions; `None`, and nothing done, without them.
    #[cfg(target_arch = "x86_64")]
    fn run<Op: WithSimd>(self, op: Op) -> Option<Op::Output> {
        use pulp::x86::{V3, V4};
        match self {
            Level::Avx512 => V4::try_new().map(|simd| Simd::vectorize(simd, op)),
            Level::Avx2 => V3::try_new().map(|simd| Simd::vectorize(simd, op)),
            Level::Portable => Some(Simd::vectorize(Scalar128b, op)),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn run<Op: WithSimd>(self, op: Op) -> Option<Op::Output> {
        match self {
            Level::Avx512 | Level::Avx2 => None,
            Level::Portable => Some(Simd::vectorize(Scalar128b, op)),
        }
    }

    /// Runs an operation with these instructions.
    ///
    /// # Panics
    /// If the processor does not have them.
    #[cfg(any(feature = "flex", test))]
    pub(crate) fn vectorize<Op: WithSimd>(self, op: Op) -> Op::Output {
        self.run(op).unwrap_or_else(|| panic!("this processor does not have {self}"))
    }
}

struct Nothing;

impl WithSimd for Nothing {
    type Output = ();

    fn with_simd<S: Simd>(self, _: S) {}
}

fn from_name(name: Option<String>) -> Result<Level, LevelError> {
    let Some(name) = name else { return Ok(Level::best()) };
    let level = Level::ALL.into_iter().find(|level| level.to_string() == name);
    let level = level.ok_or(LevelError::Unknown(name))?;
    if level.is_supported() { Ok(level) } else { Err(LevelError::Unsupported(level)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_by_its_name() {
        assert_eq!(from_name(Some("portable".into())), Ok(Level::Portable));
        assert_eq!(from_name(None), Ok(Level::best()));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = from_name(Some("AVX".into())).unwrap_err().to_string();
        assert_eq!(error, "UNDRIFT_SIMD is `AVX`; it must be avx512, avx2 or portable, or not set");
    }

    #[test]
    fn the_portable_level_is_everywhere() {
        assert!(Level::Portable.is_supported());
    }
}
