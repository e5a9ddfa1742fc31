//! Numbers of a curve, read from the plot that shows it.

/// The values of each curve of a plot with a linear axis, in the order of its legend, and the value of a pixel.
pub(crate) fn curves(svg: &str) -> (Vec<Vec<f64>>, f64) {
    let ticks: Vec<(f64, f64)> = svg.split("<text x=\"140\" y=\"").skip(1).filter_map(tick).collect();
    let ((y0, v0), (y1, v1)) = (ticks[0], ticks[ticks.len() - 1]);
    let pixel = (v1 - v0) / (y1 - y0);
    let lines = svg.split("<polyline").skip(1).filter(|line| !line.contains("#808894"));
    let points = lines.filter_map(|line| line.split_once("points=\"")?.1.split_once('"')).map(|(points, _)| points);
    let heights = points.map(|points| points.split_whitespace().filter_map(height).collect::<Vec<f64>>());
    // Lines of two points belong to the legend.
    let curves = heights
        .filter(|heights| heights.len() > 2)
        .map(|heights| heights.into_iter().map(|y| v0 + (y - y0) * pixel).collect());
    (curves.collect(), pixel.abs())
}

fn tick(text: &str) -> Option<(f64, f64)> {
    let (y, rest) = text.split_once('"')?;
    let (_, label) = rest.split_once('>')?;
    Some((y.parse().ok()?, label.split_once('<')?.0.trim().parse().ok()?))
}

fn height(point: &str) -> Option<f64> {
    point.split_once(',')?.1.parse().ok()
}
