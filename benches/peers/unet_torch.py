#!/usr/bin/env python3
"""The PyTorch side of `cargo xtask bench-vs-torch`: DDPM's U-Net, trained or sampled on command.

Prints one line of JSON when it is ready and one for each line that it reads: `train N` and `sample N` make N
steps, `gemm N` measures the machine's matrix product with N repetitions, `quit` ends it.
`benches/src/bin/unet_worker.rs` speaks the same way; `benches/src/peer.rs` defines weights and batch.
"""

import argparse
import contextlib
import datetime
import json
import math
import platform
import sys
import time

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.optim.swa_utils import get_ema_multi_avg_fn
except ImportError as error:
    sys.exit(
        f"error: {error}; this Python ({sys.executable}) needs torch and numpy: "
        "`python3 -m venv .venv && .venv/bin/pip install torch numpy`, then pass `--python .venv/bin/python`"
    )

GROUP_NORM_EPSILON = 1e-6
NOISY, TARGET, TIME = (1 << 20) + 0, (1 << 20) + 1, (1 << 20) + 2
TIMES = 1000
GEMM_SIZES = (512, 1024, 2048)


def hashed(count, stream):
    """The hash of `peer.rs`: 32 bits for each index."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(stream * 0x85EBCA77 & 0xFFFFFFFF)
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


def unit_variance(shape, stream):
    """Numbers uniform in ±sqrt(3)."""
    unit = (hashed(math.prod(shape), stream) >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)
    return torch.from_numpy(((2 * unit - 1) * np.sqrt(np.float32(3))).reshape(shape))


def read_safetensors(path):
    """The tensors of a file by name, and its metadata."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data, {"F32": "<f4", "F64": "<f8"}[entry["dtype"]], offset=start + begin,
                               count=math.prod(entry["shape"]))
        assert values.nbytes == end - begin, name
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors, metadata


def conv(width_in, width_out, kernel):
    return nn.Conv2d(width_in, width_out, kernel, padding=kernel // 2)


class TimeEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.expand = nn.Linear(width, 4 * width)
        self.mix = nn.Linear(4 * width, 4 * width)
        slope = -math.log(10_000) / (width // 2 - 1)
        frequencies = torch.tensor([math.exp(slope * i) for i in range(width // 2)])
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, time):
        angles = time[:, None] * self.frequencies
        features = torch.cat([angles.sin(), angles.cos()], 1)
        return F.silu(self.mix(F.silu(self.expand(features))))


class ResidualBlock(nn.Module):
    def __init__(self, width_in, width_out, time_width, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, width_in, GROUP_NORM_EPSILON)
        self.conv1 = conv(width_in, width_out, 3)
        self.time = nn.Linear(time_width, width_out)
        self.norm2 = nn.GroupNorm(groups, width_out, GROUP_NORM_EPSILON)
        self.conv2 = conv(width_out, width_out, 3)
        self.shortcut = conv(width_in, width_out, 1) if width_in != width_out else nn.Identity()

    def forward(self, x, time):
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(time)[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class SelfAttention(nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, GROUP_NORM_EPSILON)
        self.query, self.key, self.value, self.out = (conv(width, width, 1) for _ in range(4))

    def forward(self, x):
        h = self.norm(x)
        query, key, value = (layer(h).flatten(2).transpose(1, 2) for layer in (self.query, self.key, self.value))
        # scaled_dot_product_attention was measured here too: with one head on a CPU it is no faster.
        mixed = torch.softmax(query @ key.transpose(1, 2) * x.shape[1] ** -0.5, 2) @ value
        return x + self.out(mixed.transpose(1, 2).reshape(x.shape))


class Stage(nn.Module):
    def __init__(self, width_in, width_out, resolution, config):
        super().__init__()
        self.block = ResidualBlock(width_in, width_out, 4 * config["base"], config["groups"])
        attends = resolution in config["attention"]
        self.attention = SelfAttention(width_out, config["groups"]) if attends else nn.Identity()

    def forward(self, x, time):
        return self.attention(self.block(x, time))


class Level(nn.Module):
    def __init__(self, stages, resample):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.resample = resample


class Middle(nn.Module):
    def __init__(self, width, config):
        super().__init__()
        self.first = ResidualBlock(width, width, 4 * config["base"], config["groups"])
        self.attention = SelfAttention(width, config["groups"])
        self.last = ResidualBlock(width, width, 4 * config["base"], config["groups"])

    def forward(self, h, time):
        return self.last(self.attention(self.first(h, time)), time)


class Unet(nn.Module):
    """DDPM's U-Net; parameters are named as in the Rust program."""

    def __init__(self, config):
        super().__init__()
        base, blocks = config["base"], config["blocks"]
        widths = config["widths"]
        resolutions = [config["image_size"] >> level for level in range(len(widths))]
        last = len(widths) - 1
        self.time = TimeEmbedding(base)
        self.conv_in = conv(config["in_channels"], base, 3)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width, skips = base, [base]
        for level, to in enumerate(widths):
            stages = []
            for _ in range(blocks):
                stages.append(Stage(width, to, resolutions[level], config))
                skips.append(width := to)
            halve = nn.Conv2d(to, to, 3, stride=2) if level < last else None
            skips += [to] if halve else []
            self.down.append(Level(stages, halve))
        self.middle = Middle(width, config)
        for level, to in reversed(list(enumerate(widths))):
            stages = []
            for _ in range(blocks + 1):
                stages.append(Stage(width + skips.pop(), to, resolutions[level], config))
                width = to
            self.up.append(Level(stages, conv(to, to, 3) if level > 0 else None))
        self.norm_out = nn.GroupNorm(config["groups"], width, GROUP_NORM_EPSILON)
        self.conv_out = conv(width, config["out_channels"], 3)

    def forward(self, x, time):
        time = self.time(time)
        h = self.conv_in(x)
        skips = [h]
        for level in self.down:
            for stage in level.stages:
                h = stage(h, time)
                skips.append(h)
            if level.resample is not None:
                h = level.resample(F.pad(h, (0, 1, 0, 1)))
                skips.append(h)
        h = self.middle(h, time)
        for level in self.up:
            for stage in level.stages:
                h = stage(torch.cat([h, skips.pop()], 1), time)
            if level.resample is not None:
                h = level.resample(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(h)))


def load(path):
    """The network of a file of weights with those weights, and its configuration."""
    tensors, metadata = read_safetensors(path)
    config = json.loads(metadata["config"])
    network = Unet(config)
    linear = {f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    renamed = {}
    for name, tensor in tensors.items():
        renamed[name.replace(".gamma", ".weight").replace(".beta", ".bias")] = tensor.T if name in linear else tensor
    network.load_state_dict(renamed)
    return network, config


class Worker:
    def __init__(self, args):
        self.network, config = load(args.weights)
        size, batch = config["image_size"], args.batch
        self.noisy = unit_variance((batch, config["in_channels"], size, size), NOISY)
        self.target = unit_variance((batch, config["out_channels"], size, size), TARGET)
        self.time = torch.from_numpy((hashed(batch, TIME) % np.uint32(TIMES)).astype(np.float32))
        if args.mode == "channels_last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self.noisy, self.target = (x.to(memory_format=torch.channels_last) for x in (self.noisy, self.target))
        self.run = torch.compile(self.network, dynamic=False) if args.mode == "compile" else self.network
        self.parameters = list(self.network.parameters())
        self.averages = [p.detach().clone() for p in self.parameters]
        self.average = get_ema_multi_avg_fn(0.9999)
        self.adam = adam(self.parameters)

    def train(self, count):
        """Steps on L_simple with a fixed batch: forward, backward, clip, Adam, average."""
        seconds, losses = [], []
        for _ in range(count):
            start = time.perf_counter()
            self.adam.zero_grad(set_to_none=True)
            loss = F.mse_loss(self.run(self.noisy, self.time), self.target)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
            self.adam.step()
            self.average(self.averages, self.parameters, None)
            losses.append(loss.item())
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "losses": losses, "peak_rss_bytes": peak_memory()}

    def sample(self, count):
        """Forward passes with the last weights, all images at one time as a sampler has them."""
        seconds, norm = [], 0.0
        with torch.inference_mode():
            for _ in range(count):
                start = time.perf_counter()
                output = self.run(self.noisy, self.time[:1])
                seconds.append(time.perf_counter() - start)
                norm = output.double().square().sum().sqrt().item()
        return {"seconds": seconds, "norm": norm, "peak_rss_bytes": peak_memory()}


def adam(parameters):
    """The fused Adam where this PyTorch has it for CPUs."""
    settings = {"lr": 2e-4, "eps": 1e-8}
    with contextlib.suppress(RuntimeError, TypeError):
        return torch.optim.Adam(parameters, fused=True, **settings)
    return torch.optim.Adam(parameters, foreach=True, **settings)


def gemm(repetitions):
    """The fastest square matrix product in single precision, in GFLOP/s."""
    best = {"gflops": 0.0}
    for n in GEMM_SIZES:
        a, b, c = torch.rand(n, n), torch.rand(n, n), torch.empty(n, n)
        for _ in range(repetitions + 1):
            start = time.perf_counter()
            torch.mm(a, b, out=c)
            gflops = 2 * n**3 / (time.perf_counter() - start) / 1e9
            best = max(best, {"gflops": gflops, "size": n}, key=lambda found: found["gflops"])
    return best


def peak_memory():
    """Most memory that this process has held so far, in bytes; only Linux tells."""
    with contextlib.suppress(OSError):
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    return None


def describe():
    """Versions, and the date that Rust's standard library cannot tell."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
            "os": platform.platform(), "date": datetime.date.today().isoformat()}


def count(path):
    """Parameters of a network, and floating-point operations of one forward pass of one image."""
    from torch.utils.flop_counter import FlopCounterMode  # here, as it holds 75 MB that training does not need

    network, config = load(path)
    image = torch.zeros(1, config["in_channels"], config["image_size"], config["image_size"])
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(image, torch.zeros(1))
    return {"parameters": sum(p.numel() for p in network.parameters()), "flop_per_image": counter.get_total_flops()}


def say(reply):
    print(json.dumps(reply), flush=True)


def main():
    parser = argparse.ArgumentParser(description="The PyTorch side of `cargo xtask bench-vs-torch`.")
    parser.add_argument("--describe", action="store_true", help="print versions and end")
    parser.add_argument("--count", action="store_true", help="print the size of the network and end")
    parser.add_argument("--weights", help="the file of `unet_worker write-weights`")
    parser.add_argument("--batch", type=int, default=64, help="images per batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mode", choices=["eager", "channels_last", "compile"], default="eager")
    args = parser.parse_args()
    if args.describe:
        return say(describe())
    if args.weights is None:
        parser.error("--weights is missing; `cargo xtask bench-vs-torch` writes such a file and starts this program")
    if args.count:
        return say(count(args.weights))
    torch.set_num_threads(args.threads)
    worker = Worker(args)
    say({"peak_rss_bytes": peak_memory()})
    commands = {"train": worker.train, "sample": worker.sample, "gemm": gemm}
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        try:
            name, repetitions = words
            say(commands[name](int(repetitions)))
        except Exception as error:  # the other side is told, whatever went wrong
            say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
