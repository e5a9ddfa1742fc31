//! Arithmetic of a U-Net, counted from its configuration.

use undrift_networks::DdpmUnetConfig;

/// Floating-point operations of one forward pass of one image.
///
/// Counted are convolutions, dense layers and the two products of attention, a multiply-add as 2, and a
/// convolution at its borders as if the padding were data. Norms, activations and sums are not counted. A
/// training step is taken as three times as much: the forward pass and two gradients of every product.
pub fn forward_flop(config: &DdpmUnetConfig) -> u64 {
    let mut unet = Unet { config, flop: 0 };
    unet.count();
    unet.flop
}

struct Unet<'a> {
    config: &'a DdpmUnetConfig,
    flop: u64,
}

impl Unet<'_> {
    fn count(&mut self) {
        let DdpmUnetConfig { in_channels, out_channels, image_size, base, ref widths, .. } = *self.config;
        self.dense(base, self.time_width());
        self.dense(self.time_width(), self.time_width());
        self.conv([in_channels, base], 3, image_size);
        let mut skips = vec![base];
        self.down(&mut skips);
        let (deepest, resolution) = (widths[widths.len() - 1], image_size >> (widths.len() - 1));
        self.block([deepest, deepest], resolution);
        self.attention(deepest, resolution);
        self.block([deepest, deepest], resolution);
        self.up(deepest, skips);
        self.conv([widths[0], out_channels], 3, image_size);
    }

    /// The way down; appends the width of every skip.
    fn down(&mut self, skips: &mut Vec<usize>) {
        let (mut from, resolutions) = (self.config.base, self.config.resolutions());
        for (level, to) in self.config.widths.iter().copied().enumerate() {
            for _ in 0..self.config.blocks {
                self.stage([from, to], resolutions[level]);
                skips.push(to);
                from = to;
            }
            if let Some(half) = resolutions.get(level + 1) {
                self.conv([to, to], 3, *half);
                skips.push(to);
            }
        }
    }

    /// The way up, deepest level first; `skips` are taken from the end.
    fn up(&mut self, mut from: usize, mut skips: Vec<usize>) {
        let resolutions = self.config.resolutions();
        for (level, to) in self.config.widths.iter().copied().enumerate().rev() {
            for _ in 0..=self.config.blocks {
                self.stage([from + skips.pop().unwrap_or(0), to], resolutions[level]);
                from = to;
            }
            if level > 0 {
                self.conv([to, to], 3, resolutions[level - 1]);
            }
        }
    }

    fn stage(&mut self, widths: [usize; 2], resolution: usize) {
        self.block(widths, resolution);
        if self.config.attention.contains(&resolution) {
            self.attention(widths[1], resolution);
        }
    }

    fn block(&mut self, [from, to]: [usize; 2], resolution: usize) {
        self.conv([from, to], 3, resolution);
        self.dense(self.time_width(), to);
        self.conv([to, to], 3, resolution);
        if from != to {
            self.conv([from, to], 1, resolution);
        }
    }

    fn attention(&mut self, width: usize, resolution: usize) {
        for _ in 0..4 {
            self.conv([width, width], 1, resolution);
        }
        let positions = resolution * resolution;
        self.products(2 * positions * positions * width);
    }

    /// `resolution` is that of the output, height in pixels.
    fn conv(&mut self, [from, to]: [usize; 2], kernel: usize, resolution: usize) {
        self.products(kernel * kernel * from * to * resolution * resolution);
    }

    fn dense(&mut self, from: usize, to: usize) {
        self.products(from * to);
    }

    fn products(&mut self, count: usize) {
        self.flop += 2 * count as u64;
    }

    fn time_width(&self) -> usize {
        4 * self.config.base
    }
}
