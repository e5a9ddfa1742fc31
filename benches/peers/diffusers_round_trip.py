#!/usr/bin/env python3
"""Does diffusers compute what undrift computed?

Loads a folder that `undrift export .. --layout diffusers --out FOLDER --probe PROBE` wrote, feeds the network the
probe's `x` and `time`, and compares with its `output`. Prints the largest difference; exits 1 if it is too large.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="what `--out` named")
    parser.add_argument("probe", type=pathlib.Path, help="what `--probe` named")
    parser.add_argument("--tolerance", type=float, default=2e-5, help="largest difference allowed (default: 2e-5)")
    options = parser.parse_args()

    for path in (options.folder / "config.json", options.folder / "diffusion_pytorch_model.safetensors", options.probe):
        if not path.is_file():
            sys.exit(f"error: no file {path}; write it with `undrift export .. --layout diffusers --out {options.folder} --probe {options.probe}`")
    probe = load_file(options.probe)
    missing = {"x", "time", "output"} - probe.keys()
    if missing:
        sys.exit(f"error: {options.probe} has no {', '.join(sorted(missing))}: not a file that `--probe` wrote")

    network, loading = diffusers.UNet2DModel.from_pretrained(
        options.folder, low_cpu_mem_usage=False, output_loading_info=True
    )
    wrong = [f"{kind}: {names}" for kind, names in loading.items() if names]
    if wrong:
        sys.exit(f"error: diffusers did not take all of {options.folder}: {'; '.join(wrong)}")
    with torch.inference_mode():
        output = network.eval()(probe["x"], probe["time"]).sample
    if output.shape != probe["output"].shape:
        sys.exit(f"error: diffusers gives {tuple(output.shape)}, the probe has {tuple(probe['output'].shape)}")

    difference = (output - probe["output"]).abs().max().item()
    parameters = sum(p.numel() for p in network.parameters())
    print(
        f"{parameters} parameters, largest output {probe['output'].abs().max().item():.3f}, "
        f"largest difference {difference:.2e} (allowed {options.tolerance:.0e}); "
        f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    )
    # Not a number is no agreement either.
    sys.exit(0 if difference <= options.tolerance else 1)


if __name__ == "__main__":
    main()
