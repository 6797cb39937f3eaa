#!/usr/bin/env python3
"""table.py -- the README's tables of speed and error, and those of docs/peers.md, from what run.py measured.

    bench/peers/table.py README.md build/peers/peers.json build/peers/hard/peers.json [--check]
    bench/peers/table.py docs/peers.md build/peers/peers.json build/peers/hard/peers.json --whole [--check]

Writes between the two lines that mark them. Several files, of runs with --only, --data and --out, are one measurement:
they must be of one machine, device, library and set of peers. --whole: of all workloads, not of the main ones; what is
said of the whole is of all of them in both. --check writes nothing and exits 1 where it would.
"""
import argparse
import json
import math
import statistics
import sys
from pathlib import Path

FIRST, LAST = "<!-- numbers: written by bench/peers/table.py -->\n", "<!-- end of numbers -->\n"
# A column and the peers that it is the fastest of; torchvision is PyTorch.
LIBRARIES = {"PyTorch": ("torch", "torchvision"), "`compile`": ("torch.compile",), "oneDNN": ("oneDNN",),
             "its blocks": ("oneDNN blocks",), "OpenCV": ("OpenCV",), "ORT": ("ONNX Runtime",), "NumPy": ("NumPy",)}
SAME = ("machine", "device", "clnorm", "peers")  # facts in which all files agree
IMAGES = ("W1", "W2")


def grid(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def fastest(row: dict, libraries: tuple[str, ...]) -> str:
    found = [at["median"] for name, at in row["ms"].items() if name.split(":")[0] in libraries]
    return f"{min(found):.2f}" if found else "-"


def error_of(row: dict, name: str | None) -> str:
    return f"{row['error'][name]:.1e}" if name in row["error"] else "-"


def cells(row: dict, libraries: list[str]) -> list[str]:
    return [row["label"], row["title"], row["place"], f"{row['ms']['clnorm']['median']:.2f}",
            f"{row['ratio_to_copy']:.2f}", *(fastest(row, LIBRARIES[library]) for library in libraries),
            f"{row['best_peer_over_ours']:.2f}" if row["best_peer"] else "-",
            f"{error_of(row, 'clnorm')} / {error_of(row, row['best_peer'])}"]


def of_rows(rows: list[dict]) -> list[str]:
    """With a column for each library that has something for one of them."""
    columns = [library for library, names in LIBRARIES.items() if any(fastest(row, names) != "-" for row in rows)]
    head = ["", "op", "shape", "ms", "x copy", *columns, "best / ours", "error, ours / best"]
    return [grid(head, [cells(row, columns) for row in rows]), ""] if rows else []


def mean(values: list[float]) -> float:
    """Geometric."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def race(row: dict, without: tuple[str, ...] = ()) -> tuple[float, float] | None:
    """The best peer's time over ours and over the copy's; without these libraries."""
    ms = row["ms"]
    peers = [name for name in ms if name not in ("clnorm", "copy") and name.split(":")[0] not in without]
    if not peers:
        return None
    best = min(peers, key=lambda name: ms[name]["median"])
    to_copy = statistics.median(a / b for a, b in zip(ms[best]["rounds"], ms["copy"]["rounds"]))
    return ms[best]["over_ours"], to_copy


def whole(rows: list[dict]) -> list[str]:
    """Geometric means, of the main rows and of all."""
    lines = []
    for name, some in {"main rows": [row for row in rows if not row["more"]], "rows": rows}.items():
        raced = [(row, best, race(row, LIBRARIES["its blocks"])) for row in some if (best := race(row))]
        if not raced:
            continue
        ours, plain = mean([r[0] for _, r, _ in raced]), mean([p[0] for _, _, p in raced if p])
        copies, copy = mean([r[1] for _, r, _ in raced]), mean([row["ratio_to_copy"] for row, _, _ in raced])
        lines.append([f"{len(raced)} {name}", f"{ours:.2f}", f"{plain:.2f}", f"{copy:.2f}", f"{copies:.2f}"])
    head = ["geometric means over", "best / ours", "without oneDNN's blocks", "ours / copy", "best / copy"]
    return [grid(head, lines), ""] if lines else []


def text(files: list[Path], everything: bool = False) -> str:
    """All that stands between the marks."""
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    facts = runs[0]["facts"]
    for file, run in zip(files, runs):
        for fact in SAME:
            if run["facts"][fact] != facts[fact]:
                sys.exit(f"{file}: {fact} is {run['facts'][fact]}; that of {files[0]} is {facts[fact]}")
    rows = sorted((row for run in runs for row in run["results"]), key=lambda row: row["label"])
    plain = [row for row in rows if row["data"] == "ordinary"]
    shown = [row for row in plain if everything or not row["more"]]
    images = [row for row in shown if row["label"] in IMAGES]
    layers = [row for row in shown if row["label"] not in IMAGES and row["type"] == "float32"]
    halves = [row for row in shown if row["label"] not in IMAGES and row["type"] != "float32"]
    hard = [row for row in rows if row["data"] == "hard"]
    lines = of_rows(images)
    for title, some in (("Layers, f32; each peer in the fastest of its layouts, given the same statistics:", layers),
                        ("x, y and their gradients in 16 bits:", halves)):
        if some:
            lines += [title, "", *of_rows(some)]
    lines += whole(plain)
    if hard:
        lines += ["With x = 1e4 ± 1e-2, ten steps of f32 there:", "", *of_rows(hard)]
    dates = sorted(run["facts"]["date"] for run in runs)
    return "\n".join([*lines, f"Measured {dates[0][:10]} on {facts['machine']}; {facts['device']}; clnorm "
                      f"{facts['clnorm']}; {facts['peers']}.", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", type=Path)
    parser.add_argument("json", type=Path, nargs="+")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    old = args.readme.read_text(encoding="utf-8")
    if old.count(FIRST) != 1 or old.count(LAST) != 1:
        sys.exit(f"{args.readme}: not one line each of {FIRST.strip()} and {LAST.strip()}")
    before, after = old.split(FIRST)[0], old.split(LAST)[1]
    new = f"{before}{FIRST}\n{text(args.json, args.whole)}\n{LAST}{after}"
    if not args.check:
        args.readme.write_text(new, encoding="utf-8")
    return args.check and new != old


if __name__ == "__main__":
    sys.exit(main())
