#!/usr/bin/env python3
"""scaling.py -- an op's time against bytes, threads and awkward shapes.

    ~/.cache/clnorm-peers/bin/python bench/peers/scaling.py --library build/src/libclnorm.so --out docs

From a KiB to 2 GiB that are read and written, forward and, of layers, backward, with one thread and with all; then
shapes where a schedule could fall off a cliff. Writes scaling.png, a panel an op, and scaling.md. Medians; a copy of
the same bytes is timed beside every point. Each thread count is a process of its own: PoCL reads it at start.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import clnorm
import opencl
from run import ROOT, command, facts

LAYERS = {"batchnorm": {"mode": 1}, "layernorm": {}, "groupnorm": {"groups": 8}, "instancenorm": {}, "mvn": {},
          "rmsnorm": {}, "l2norm": {}, "lpnorm": {"p": 3}, "grn": {}, "lrn": {}}
INPUTS = {"minmax": {}, "symmetric": {}, "zscore": {}, "totensor": {}, "normalize": {}, "denormalize": {},
          "moments": {}}
SMALLEST, LARGEST = 8, 28  # powers of two of elements of x: 1 KiB to 1 GiB
AWKWARD = {  # of about 16 MiB: channels first unless said
    "7x7 planes": ((32, 2048, 7, 7), "first", 0), "prime sizes": ((13, 61, 73, 71), "first", 0),
    "C = 3": ((32, 3, 209, 209), "first", 0), "C = 2048": ((2, 2048, 32, 32), "first", 0),
    "channels last": ((32, 128, 32, 32), "last", 0), "last, C = 3": ((32, 3, 209, 209), "last", 0),
    "last, C = 24": ((32, 24, 74, 74), "last", 0),
    "last, C = 2048": ((2, 2048, 32, 32), "last", 0), "4 bytes off": ((32, 128, 32, 32), "first", 1)}
AWKWARD_BASE = ((32, 128, 32, 32), "first", 0)


def image(k: int) -> tuple[int, int, int, int]:
    """N, C, H, W of 2^k elements: planes grow to 64 x 64, channels to 256, then the batch."""
    side = min(6, (k - 2) // 3)
    channels = min(8, k - 2 * side)
    return 1 << (k - 2 * side - channels), 1 << channels, 1 << side, 1 << side


def photograph(k: int) -> tuple[int, int, int, int]:
    """N, 3, H, W of about 2^k elements: to 512 x 512, then the batch."""
    side = 1 << min(9, (k - 1) // 2)
    return max(1, round(2**k / 3 / side**2)), 3, side, side


def filled(shape: tuple, dtype: str, layout: str, off: int) -> np.ndarray:
    """Normal numbers (bytes: any), `off` elements behind a page."""
    n = math.prod(shape)
    flat = clnorm.aligned((n + off,), dtype)[off:]
    random = np.random.default_rng(1)
    block = (random.integers(0, 256, 1 << 20) if dtype == "uint8" else random.standard_normal(1 << 20)).astype(dtype)
    for at in range(0, n, block.size):
        flat[at:at + block.size] = block[:n - at]
    if layout == "last":
        n, c, h, w = shape
        return flat.reshape(n, h, w, c).transpose(0, 3, 1, 2)
    return flat.reshape(shape)


def median_s(call, seconds: float) -> float:
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 1000):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


class Bench:
    def __init__(self, path: Path, device: str, seconds: float) -> None:
        self.library, self.seconds = clnorm.Library(path, device), seconds

    def op(self, name: str, direction: str, shape: tuple, layout: str, off: int) -> dict:
        """Times the op, and a copy of the bytes of its streams, in turn."""
        layer = name in LAYERS
        x_type = "uint8" if name in ("symmetric", "totensor", "normalize") else "float32"
        x = filled(shape, x_type, layout, off)
        slots = {"x": x}
        if direction == "backward":
            slots |= {"dy": filled(shape, "float32", layout, off), "dx": filled(shape, "float32", layout, off)}
            desc = self.library.descriptor(name, LAYERS[name], x, x, direction)
        else:
            attrs = (LAYERS | INPUTS)[name]
            y = filled((shape[0], 1, 1, 1) if name == "moments" else shape, "float32", layout, off)
            slots["y"] = y
            desc = self.library.descriptor(name, attrs, x, y, direction)
        streams = [a for a in slots.values() if a.size == x.size]
        if layer:
            for slot in ("gamma", "beta", *(("mean", "rstd", "dgamma", "dbeta") if direction == "backward" else ())):
                try:
                    slots[slot] = self.library.slot_array(desc, slot)
                    slots[slot][...] = 1
                except clnorm.Error:
                    pass
        run = clnorm.Op(self.library, desc, slots, "estimate")
        same = all(a.dtype == x.dtype for a in streams) and len(streams) > 1
        copy = opencl.Copy(self.library.device, streams[:-1], streams[-1]) if same and not off else None
        try:
            return {"bytes": sum(a.nbytes for a in streams), "s": median_s(run, self.seconds),
                    "copy_s": median_s(copy, self.seconds) if copy else None, "plan": run.describe()}
        finally:
            run.release()
            if copy:
                copy.release()


def measure(args: argparse.Namespace) -> dict:
    bench = Bench(args.library, args.device, args.seconds)
    found = {"facts": facts(bench.library), "size": [], "awkward": []}
    ways = [(n, "forward") for n in (*INPUTS, *LAYERS)] + [(n, "backward") for n in LAYERS]
    for name, direction in ways:
        if args.only and args.only != name:
            continue
        shape_of = image if name in LAYERS else photograph
        powers = range(SMALLEST, LARGEST - (direction == "backward") + 1, 4 if args.sparse else 1)
        for shape in dict.fromkeys(map(shape_of, powers)):
            at = bench.op(name, direction, shape, "first", 0)
            found["size"].append({"op": name, "direction": direction, "shape": shape} | at)
        if name in LAYERS and not args.sparse:
            for case, how in {"base": AWKWARD_BASE, **AWKWARD}.items():
                attrs = LAYERS[name]
                if how[0][1] % int(attrs.get("groups", 1)):
                    continue
                found["awkward"].append({"op": name, "direction": direction, "case": case} |
                                        bench.op(name, direction, *how))
        print(f"{name} {direction}", file=sys.stderr, flush=True)
    return found


def plot(path: Path, runs: dict[int, dict]) -> None:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    ops, most = [*INPUTS, *LAYERS], max(runs)
    figure, panels = pyplot.subplots(6, 3, figsize=(12, 17), sharex=True, layout="constrained")
    for name, panel in zip(ops, panels.flat):
        for threads, run in runs.items():
            for direction, colour in (("forward", "tab:blue"), ("backward", "tab:red")):
                rows = [r for r in run["size"] if r["op"] == name and r["direction"] == direction]
                if rows:
                    panel.loglog([r["bytes"] for r in rows], [1e6 * r["s"] for r in rows], color=colour,
                                 linewidth=2 if threads == most else 1, linestyle="-" if threads == most else ":",
                                 label=f"{direction}, {threads} thread{'s' * (threads > 1)}")
        rows = [r for r in runs[most]["size"] if r["op"] == name and r["direction"] == "forward" and r["copy_s"]]
        if rows:
            panel.loglog([r["bytes"] for r in rows], [1e6 * r["copy_s"] for r in rows], color="gray", linewidth=1,
                         label="copy of as many bytes")
        panel.set_title(name, fontsize=10)
        panel.grid(True, which="major", alpha=0.3)
        if panel.lines:
            panel.legend(fontsize=6)
    for panel in list(panels.flat)[len(ops):]:
        panel.axis("off")
    for panel in panels[-1]:
        panel.set_xlabel("bytes read and written")
    for panel in panels[:, 0]:
        panel.set_ylabel("us")
    f = runs[most]["facts"]
    figure.suptitle(f"time against bytes, threads: {f['device']}, {f['date']}", fontsize=9)
    figure.savefig(path, dpi=80)


def rate(row: dict) -> float:
    return row["bytes"] / row["s"] / 1e9


def of_way(rows: list[dict], way: tuple[str, str]) -> list[dict]:
    return [r for r in rows if (r["op"], r["direction"]) == way]


def near(rows: list[dict], size: int) -> dict:
    return min(rows, key=lambda r: abs(math.log(r["bytes"] / size)))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def markdown(runs: dict[int, dict]) -> str:
    all_threads, one = runs[max(runs)], runs[min(runs)]
    ways = list(dict.fromkeys((r["op"], r["direction"]) for r in all_threads["size"]))
    sizes, awkward = [], []
    for way in ways:
        name = f"`{way[0]}`{'' if way[1] == 'forward' else ' ' + way[1]}"
        rows = of_way(all_threads["size"], way)
        large = [1 / rate(r) for r in rows if r["bytes"] >= 1 << 20]
        gains = []
        for alone in (near(of_way(one["size"], way), size) for size in (1 << 23, 1 << 27)):
            gains.append(alone["s"] / next(r["s"] for r in rows if r["shape"] == alone["shape"]))
        sizes.append([name, *(f"{rate(near(rows, s)):.1f}" for s in (1 << 16, 1 << 20, 1 << 24, 1 << 28, 1 << 31)),
                      f"{max(b / a for a, b in zip(large, large[1:])):.2f}", *(f"{g:.2f}" for g in gains)])
        cases = {r["case"]: rate(r) for r in of_way(all_threads["awkward"], way)}
        if cases:
            awkward.append([name, *(f"{cases['base'] / cases[c]:.2f}" if c in cases else "-" for c in AWKWARD)])
    return "\n".join(table(["GB/s of bytes read and written", "64 KiB", "1 MiB", "16 MiB", "256 MiB", "2 GiB",
                            "steepest step of ns per byte", "1 thread / all, 8 MiB", "128 MiB"], sizes) + [""] +
                     table(["time per byte, 32x128x32x32 channels first = 1", *AWKWARD], awkward))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=ROOT / "build/dev/src/libclnorm.so")
    parser.add_argument("--device", default="cpu", help="as clnorm --device")
    parser.add_argument("--only", default="", help="one op")
    parser.add_argument("--seconds", type=float, default=0.1, help="a point, at least")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sparse", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "build/scaling", help="for scaling.json, .png and .md")
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args)))
        return
    runs = {}
    for threads in (os.cpu_count() or 1, 1):
        child = [sys.executable, "-B", __file__, "--child", "--library", str(args.library), "--device", args.device,
                 "--only", args.only, "--seconds", str(args.seconds), *(["--sparse"] if threads == 1 else [])]
        done = subprocess.run(child, env={**os.environ, "POCL_MAX_PTHREAD_COUNT": str(threads)}, check=True,
                              stdout=subprocess.PIPE, text=True)
        runs[threads] = json.loads(done.stdout.splitlines()[-1])
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "scaling.json").write_text(json.dumps(runs) + "\n", encoding="utf-8")
    plot(args.out / "scaling.png", runs)
    print(markdown(runs))
    runs[max(runs)]["facts"]["command"] = command()
    for key, value in runs[max(runs)]["facts"].items():
        print(f"- {key}: {value}")


if __name__ == "__main__":
    main()
