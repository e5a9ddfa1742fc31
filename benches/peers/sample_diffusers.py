#!/usr/bin/env python3
"""Seconds per image of DDIM with diffusers on the CPU, alone or in turn with `undrift sample`.

The folder is a pipeline's, as `undrift export .. --layout diffusers` or diffusers write it.
Reading the weights is not timed on either side.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import diffusers
    import torch
except ImportError as error:
    sys.exit(f"error: {error}; install with `python -m pip install torch diffusers safetensors`")


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def sample_diffusers(network, scheduler, options, steps):
    """Seconds per image."""
    size, channels = network.config.sample_size, network.config.in_channels
    generator = torch.Generator().manual_seed(0)
    start = time.perf_counter()
    with torch.inference_mode():
        x = torch.randn(options.batch, channels, size, size, generator=generator)
        scheduler.set_timesteps(steps)
        for t in scheduler.timesteps:
            x = scheduler.step(network(x, t).sample, t, x, eta=0.0).prev_sample
    return (time.perf_counter() - start) / options.batch


def sample_undrift(options, out):
    """Seconds per image, as the program prints them."""
    command = [options.undrift, "sample", "--checkpoint", options.folder, "--sampler", "ddim", "--wrapper", "clip"]
    command += ["--steps", options.steps, "--spacing", "trailing"]
    command += ["--count", options.batch, "--batch", options.batch, "--out", out]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(options.threads)}
    try:
        done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"error: {options.undrift} cannot be started: {error}")
    seconds = re.findall(r"([0-9.]+) s per sample", done.stdout + done.stderr)
    if done.returncode or not seconds:
        sys.exit(f"error: `{' '.join(map(str, command))}` failed:\n{done.stderr}")
    return float(seconds[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="a pipeline's folder, with unet in it")
    parser.add_argument("--undrift", metavar="PATH", help="program to be timed in turn with diffusers")
    parser.add_argument("--threads", type=positive, default=os.cpu_count(), help="of each side (default: all cores)")
    parser.add_argument("--batch", type=positive, default=1, help="images at a time (default: 1)")
    parser.add_argument("--steps", type=positive, default=20, help="steps of DDIM (default: 20)")
    parser.add_argument("--repeats", type=positive, default=5, help="of each side (default: 5)")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other order in memory")
    options = parser.parse_args()
    if not (options.folder / "unet" / "config.json").is_file():
        sys.exit(f"error: no file {options.folder / 'unet' / 'config.json'}; write the folder with `undrift export --layout diffusers`")

    torch.set_num_threads(options.threads)
    network = diffusers.UNet2DModel.from_pretrained(options.folder, subfolder="unet", low_cpu_mem_usage=False).eval()
    if options.channels_last:
        network = network.to(memory_format=torch.channels_last)
    # DDPM's chain, and undrift's clipping and spacing.
    scheduler = diffusers.DDIMScheduler(
        num_train_timesteps=1000, beta_schedule="linear", clip_sample=True, timestep_spacing="trailing"
    )
    sample_diffusers(network, scheduler, options, steps=2)

    seconds = {"diffusers": [], "undrift": []}
    with tempfile.TemporaryDirectory() as directory:
        for repeat in range(options.repeats):
            seconds["diffusers"].append(sample_diffusers(network, scheduler, options, options.steps))
            if options.undrift:
                seconds["undrift"].append(sample_undrift(options, pathlib.Path(directory) / "samples.npz"))
            latest = ", ".join(f"{side} {times[-1]:.3f} s" for side, times in seconds.items() if times)
            print(f"repeat {repeat + 1} of {options.repeats}: {latest}", file=sys.stderr, flush=True)

    print(
        f"DDIM, {options.steps} steps, batch {options.batch}, {options.threads} threads, {options.repeats} repeats; "
        f"diffusers {diffusers.__version__}, torch {torch.__version__}{', channels_last' if options.channels_last else ''}"
    )
    for side, times in seconds.items():
        if times:
            print(f"{side}: {statistics.median(times):.3f} s per image ({min(times):.3f} to {max(times):.3f})")
    if options.undrift:
        ratios = [ours / theirs for ours, theirs in zip(seconds["undrift"], seconds["diffusers"])]
        print(f"undrift / diffusers: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), median of the pairs")


if __name__ == "__main__":
    main()
