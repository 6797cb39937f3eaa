#!/usr/bin/env python3
"""table.py -- the README's tables of speed and error, from what run.py measured.

    bench/peers/table.py README.md build/peers/*/peers.json [--check]

Writes between the two lines that mark them. Several files, of runs with --only, --data and --out, are one measurement:
they must be of one machine, device, library and set of peers. --check writes nothing and exits 1 where it would.
"""
import argparse
import json
import math
import sys
from pathlib import Path

FIRST, LAST = "<!-- numbers: written by bench/peers/table.py -->\n", "<!-- end of numbers -->\n"
# A column and the peers that it is the fastest of; torchvision is PyTorch.
PYTORCH = {"PyTorch": ("torch", "torchvision"), "`compile`": ("torch.compile",)}
OTHERS = {"oneDNN": ("oneDNN",), "OpenCV": ("OpenCV",), "ORT": ("ONNX Runtime",), "NumPy": ("NumPy",)}
SAME = ("machine", "device", "clnorm", "peers")  # facts in which all files agree
IMAGES = ("W1", "W2")


def grid(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def fastest(row: dict, libraries: tuple[str, ...]) -> str:
    found = [at["median"] for name, at in row["ms"].items() if name.split(":")[0] in libraries]
    return f"{min(found):.2f}" if found else "-"


def error_of(row: dict, name: str | None) -> str:
    return f"{row['error'][name]:.1e}" if name in row["error"] else "-"


def cells(row: dict, columns: dict[str, tuple[str, ...]]) -> list[str]:
    return [row["label"], row["title"], row["place"], f"{row['ms']['clnorm']['median']:.2f}",
            f"{row['ratio_to_copy']:.2f}", *(fastest(row, libraries) for libraries in columns.values()),
            f"{row['best_peer_over_ours']:.2f}" if row["best_peer"] else "-",
            f"{error_of(row, 'clnorm')} / {error_of(row, row['best_peer'])}"]


def of_columns(rows: list[dict], columns: dict[str, tuple[str, ...]]) -> list[str]:
    head = ["", "op", "shape", "ms", "x copy", *columns, "best / ours", "error, ours / best"]
    return [grid(head, [cells(row, columns) for row in rows]), ""] if rows else []


def mean(values: list[float]) -> float:
    """Geometric."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def text(files: list[Path]) -> str:
    """All that stands between the marks."""
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    facts = runs[0]["facts"]
    for file, run in zip(files, runs):
        for fact in SAME:
            if run["facts"][fact] != facts[fact]:
                sys.exit(f"{file}: {fact} is {run['facts'][fact]}; that of {files[0]} is {facts[fact]}")
    rows = sorted((row for run in runs for row in run["results"]), key=lambda row: row["label"])
    plain = [row for row in rows if row["data"] == "ordinary"]
    hard = [row for row in rows if row["data"] == "hard"]
    images, layers = ([row for row in plain if (row["label"] in IMAGES) == first] for first in (True, False))
    lines = of_columns(images, PYTORCH | OTHERS)
    if layers:
        lines += ["Layers, f32; PyTorch is the faster of contiguous and channels last, given the same statistics:", "",
                  *of_columns(layers, PYTORCH)]
    if raced := [row["best_peer_over_ours"] for row in plain if row["best_peer"]]:
        copy = mean([row["ratio_to_copy"] for row in plain])
        lines += [f"Over all {len(raced)} the best peer takes {mean(raced):.2f} times our time (geometric mean), and we "
                  f"take {copy:.2f} times that of the copy.", ""]
    if hard:
        lines += ["With x = 1e4 ± 1e-2, ten steps of f32 there:", "", *of_columns(hard, PYTORCH)]
    dates = sorted(run["facts"]["date"] for run in runs)
    return "\n".join([*lines, f"Measured {dates[0][:10]} on {facts['machine']}; {facts['device']}; clnorm "
                      f"{facts['clnorm']}; {facts['peers']}.", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", type=Path)
    parser.add_argument("json", type=Path, nargs="+")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    old = args.readme.read_text(encoding="utf-8")
    if old.count(FIRST) != 1 or old.count(LAST) != 1:
        sys.exit(f"{args.readme}: not one line each of {FIRST.strip()} and {LAST.strip()}")
    before, after = old.split(FIRST)[0], old.split(LAST)[1]
    new = f"{before}{FIRST}\n{text(args.json)}\n{LAST}{after}"
    if not args.check:
        args.readme.write_text(new, encoding="utf-8")
    return args.check and new != old


if __name__ == "__main__":
    sys.exit(main())
