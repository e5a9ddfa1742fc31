//! `timestep_respacing`, which improved-diffusion, guided-diffusion and DiT share.

use crate::{Betas, Visits};
use undrift_checkpoints::CheckpointError;
use undrift_schedules::Chain;
use undrift_schedules::peers::ddim_stride;

/// The levels that `timestep_respacing` chooses: a number of steps for each equal section of the chain, with commas
/// between them, or `ddimN` for the integer stride that gives N steps.
///
/// # Errors
/// [`CheckpointError::Setting`] for anything else, for more steps than levels, and for a `ddimN` without a stride.
pub(super) fn visits(key: &str, text: &str, chain: &Betas) -> Result<Visits, CheckpointError> {
    let refused = |expected: String| CheckpointError::Setting { key: key.to_owned(), value: text.to_owned(), expected };
    let of_chain = |chain: &Betas| chain.chain().map_err(|error| refused(error.to_string()));
    let ts = match text.trim().strip_prefix("ddim") {
        _ if text.trim().is_empty() => return Ok(Visits::All),
        Some(steps) => {
            let steps = steps.trim().parse().map_err(|_| refused(FORMS.to_owned()))?;
            strided(of_chain(chain)?.len(), steps).map_err(refused)?
        }
        None => {
            let counts: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
            let counts = counts.ok_or_else(|| refused(FORMS.to_owned()))?;
            in_sections(&of_chain(chain)?, &counts).map_err(refused)?
        }
    };
    Ok(Visits::Chosen(ts))
}

const FORMS: &str = "give steps as 250, steps of each section as 10,15,20, or an integer stride as ddim25";

fn strided(len: usize, steps: usize) -> Result<Vec<usize>, String> {
    let indices = ddim_stride(len, steps).map_err(|_| {
        let has = |steps: &usize| ddim_stride(len, *steps).is_ok();
        let nearest = [(1..steps.min(len)).rev().find(has), (steps.saturating_add(1)..=len).find(has)];
        let nearest: Vec<String> = nearest.into_iter().flatten().map(|steps| format!("ddim{steps}")).collect();
        let nearest = nearest.join(" and ");
        format!("no integer stride through {len} steps gives {steps}; the nearest that exist are {nearest}")
    })?;
    Ok(indices.into_iter().rev().map(|index| index + 1).collect())
}

fn in_sections(chain: &Chain, counts: &[usize]) -> Result<Vec<usize>, String> {
    let grid = chain.respace_sections(counts).map_err(|error| error.to_string())?;
    Ok(grid.levels().map(|level| level.time() as usize + 1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, length: usize) -> Result<Vec<usize>, String> {
        match visits("timestep_respacing", text, &Betas::Cosine { length }) {
            Ok(Visits::Chosen(ts)) => Ok(ts),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn levels_are_those_of_the_published_code() {
        assert_eq!(chosen("10", 1000).unwrap(), [1000, 889, 778, 667, 556, 445, 334, 223, 112, 1]);
        assert_eq!(chosen("3,3", 2000).unwrap(), [2000, 1501, 1001, 1000, 501, 1]);
        assert_eq!(chosen(" 2, 1 ,3", 10).unwrap(), [10, 9, 8, 5, 4, 1]);
        assert_eq!(chosen("ddim5", 1000).unwrap(), [801, 601, 401, 201, 1]);
        assert_eq!(chosen("ddim1000", 1000).unwrap().len(), 1000);
        assert_eq!(visits("k", "", &Betas::Linear { length: 10 }).unwrap(), Visits::All);
    }

    #[test]
    fn what_the_published_code_cannot_do_is_refused_by_name() {
        let stride = chosen("ddim60", 1000).unwrap_err();
        assert!(stride.contains("`timestep_respacing` is ddim60"), "{stride}");
        assert!(stride.contains("ddim59 and ddim63"), "{stride}");
        for text in ["fast27", "ddim", "ddimx", "10,,10", "-3", "2.5", "ddim10,10", "10 10"] {
            assert!(chosen(text, 1000).unwrap_err().contains("integer stride as ddim25"), "{text}");
        }
        for text in ["0", "1001", "600,600", "ddim0", "ddim1001", "ddim99999999999"] {
            assert!(chosen(text, 1000).unwrap_err().contains("`timestep_respacing`"), "{text}");
        }
    }
}
