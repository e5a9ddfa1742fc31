//! Where a patch is, as sines and cosines.

use burn::tensor::TensorData;

/// The fixed table of positions of `grid * grid` patches, row by row.
///
/// The first half of the width tells the column, the second the row; each half is sines, then cosines, of
/// `position / 10000^(i / (width/4))`.
///
/// Source: Peebles, Xie 2022, arXiv:2212.09748, code (`get_2d_sincos_pos_embed`, where the column comes first).
///
/// # Shapes
///
/// `[1, grid * grid, width]`, f64.
pub(super) fn position_table(width: usize, grid: usize) -> TensorData {
    let quarter = width / 4;
    let frequencies: Vec<f64> = (0..quarter).map(|i| 10_000f64.powf(-(i as f64) / quarter as f64)).collect();
    let mut table = Vec::with_capacity(grid * grid * width);
    for row in 0..grid {
        for column in 0..grid {
            for position in [column, row] {
                let angles = frequencies.iter().map(|frequency| position as f64 * frequency);
                table.extend(angles.clone().map(f64::sin));
                table.extend(angles.map(f64::cos));
            }
        }
    }
    TensorData::new(table, [1, grid * grid, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_comes_first_and_sines_before_cosines() {
        let table = position_table(8, 3);
        let row_1_column_2 = &table.as_slice::<f64>().unwrap()[5 * 8..6 * 8];
        let expected = [2.0f64.sin(), 0.02f64.sin(), 2.0f64.cos(), 0.02f64.cos(), 1.0f64.sin(), 0.01f64.sin()];
        for (ours, worked_out) in row_1_column_2.iter().zip(expected) {
            assert!((ours - worked_out).abs() < 1e-15, "{ours} for {worked_out}");
        }
    }
}
