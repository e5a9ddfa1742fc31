#!/usr/bin/env python3
"""Does diffusers compute what undrift computed?

Opens a folder that `undrift export .. --layout diffusers --out FOLDER --probe PROBE` wrote as a pipeline, feeds its
network the probe's `x` and `time`, and compares with its `output`; then takes the probe's steps of DDIM with the
folder's scheduler settings, and compares with what undrift made of `x`. Prints the largest differences; exits 1 if one
is too large.
"""

import argparse
import pathlib
import sys

try:
    import diffusers
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    sys.exit(f"error: {error}; install with `python -m pip install torch diffusers safetensors`")


def draw(network, scheduler, x, steps):
    """DDIM whose eps follows from the clipped x0, as undrift's does."""
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        output = network(x, t).sample
        x = scheduler.step(output, t, x, eta=0.0, use_clipped_model_output=True).prev_sample
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="what `--out` named")
    parser.add_argument("probe", type=pathlib.Path, help="what `--probe` named")
    parser.add_argument(
        "--sample-tolerance", type=float, default=1e-3, help="largest difference of a sample allowed (default: 1e-3)"
    )
    parser.add_argument("--tolerance", type=float, default=2e-5, help="largest difference allowed (default: 2e-5)")
    options = parser.parse_args()

    for path in (options.folder / "model_index.json", options.folder / "unet" / "config.json", options.probe):
        if not path.is_file():
            sys.exit(f"error: no file {path}; write it with `undrift export .. --layout diffusers --out {options.folder} --probe {options.probe}`")
    probe = load_file(options.probe)
    missing = {"x", "time", "output", "ddim", "ddim_steps"} - probe.keys()
    if missing:
        sys.exit(f"error: {options.probe} has no {', '.join(sorted(missing))}: not a file that `--probe` wrote")

    network, loading = diffusers.UNet2DModel.from_pretrained(
        options.folder, subfolder="unet", low_cpu_mem_usage=False, output_loading_info=True
    )
    wrong = [f"{kind}: {names}" for kind, names in loading.items() if names]
    if wrong:
        sys.exit(f"error: diffusers did not take all of {options.folder}: {'; '.join(wrong)}")
    pipeline = diffusers.DiffusionPipeline.from_pretrained(options.folder, unet=network.eval())
    scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config)
    with torch.inference_mode():
        output = network(probe["x"], probe["time"]).sample
        drawn = draw(network, scheduler, probe["x"], int(probe["ddim_steps"]))
    if output.shape != probe["output"].shape:
        sys.exit(f"error: diffusers gives {tuple(output.shape)}, the probe has {tuple(probe['output'].shape)}")

    difference = (output - probe["output"]).abs().max().item()
    parameters = sum(p.numel() for p in network.parameters())
    print(
        f"{parameters} parameters, largest output {probe['output'].abs().max().item():.3f}, "
        f"largest difference {difference:.2e} (allowed {options.tolerance:.0e}); "
        f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    )
    apart = (drawn - probe["ddim"]).abs().max().item()
    print(
        f"{type(pipeline).__name__} with {type(pipeline.scheduler).__name__}: DDIM in {int(probe['ddim_steps'])} steps, "
        f"largest x {probe['ddim'].abs().max().item():.3f}, largest difference {apart:.2e} "
        f"(allowed {options.sample_tolerance:.0e})"
    )
    # Not a number is no agreement either.
    sys.exit(0 if difference <= options.tolerance and apart <= options.sample_tolerance else 1)


if __name__ == "__main__":
    main()
