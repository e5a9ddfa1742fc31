//! Labels for the levels that a solver makes on its way.

use undrift_schedules::{Chain, Labels, Level, LevelError};

/// What a network is told about a level that is not on the grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Labelling {
    /// Sigma itself, on a grid that is labelled with sigma; on any other grid there is no label.
    #[default]
    BySigma,
    /// The label that the chain the network was trained on has at this sigma, by [`Chain::label_of`].
    ByChain(Chain, Labels),
    /// The time of rectified flow, `sigma / (1 + sigma)`, at a level of [`Level::flow`].
    ByFlow,
}

impl Labelling {
    /// The level of `sigma` in the coordinates of `like`, a level of the grid; `None` if it has no label. By flow it is
    /// in those of rectified flow, whatever `like` is.
    ///
    /// # Errors
    /// A [`LevelError`] for a sigma that no level can have.
    pub fn level(&self, sigma: f64, like: Level) -> Result<Option<Level>, LevelError> {
        let time = match self {
            Labelling::BySigma => (like.time() == like.sigma()).then_some(sigma),
            Labelling::ByChain(chain, labels) => chain.label_of(sigma, *labels),
            Labelling::ByFlow => return Level::flow(sigma / (1.0 + sigma)).map(Some),
        };
        let level = |time| if like.signal() == 1.0 { Level::edm(sigma, time) } else { Level::vp_of_sigma(sigma, time) };
        time.map(level).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigma_labels_only_grids_that_are_labelled_with_sigma() {
        let (edm, vp) = (Level::edm(3.0, 3.0).expect("valid"), Level::vp_of_sigma(3.0, 3.0).expect("valid"));
        let found = |like| Labelling::BySigma.level(2.0, like).expect("valid");
        assert_eq!(found(edm), Some(Level::edm(2.0, 2.0).expect("valid")));
        assert_eq!(found(vp), Some(Level::vp_of_sigma(2.0, 2.0).expect("valid")));
        assert_eq!(found(Level::edm(3.0, 700.0).expect("valid")), None);
    }

    #[test]
    fn a_chain_labels_what_lies_between_its_levels() {
        let chain = Chain::linear(1000).expect("valid");
        let (a, b) = (chain.level(500).expect("in range"), chain.level(501).expect("in range"));
        let labelling = Labelling::ByChain(chain.clone(), Labels::Interpolated);
        let level = labelling.level((a.sigma() * b.sigma()).sqrt(), a).expect("valid").expect("within the chain");
        assert!((level.time() - 499.5).abs() < 1e-9 && level.scale() == 1.0, "{level:?}");
        assert_eq!(labelling.level(chain.last().sigma() * 1.01, a), Ok(None));
    }
}
