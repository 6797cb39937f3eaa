#!/usr/bin/env python3
"""small.py -- small tensors: a team on PoCL's basic device beside PyTorch, in us a call.

    cmake --build build/release --target team
    ~/.cache/clnorm-peers/bin/python bench/peers/small.py build/release/bench/team [--rounds 8] [--plain]

The two take turns in processes of their own, since threads of one that wait for work take the cores of the other.
Medians over rounds of the median of each process. Two threads for both, outputs from an allocator that costs no page
faults; PyTorch channels first and last, the faster counts.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

from run import ENVIRONMENT

# Freed memory that a thread keeps for itself: two that enqueue at once wait for each other less.
TUNABLES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=127"}
CASES = [(op, n) for op in ("batchnorm", "layernorm", "groupnorm") for n in (1, 4, 16)]


def torch_us() -> None:
    import torch
    import torch.nn.functional as F
    torch.set_num_threads(2)
    c = torch.rand(64) + 0.5
    w = torch.rand(256) + 0.5

    def calls(op, n):
        if op == "layernorm":
            x = torch.rand(196 * n, 256)
            return [lambda: F.layer_norm(x, (256,), w, w)]
        x = torch.rand(n, 64, 28, 28)
        both = (x, x.to(memory_format=torch.channels_last))
        if op == "groupnorm":
            return [lambda v=v: F.group_norm(v, 32, c, c) for v in both]
        return [lambda v=v: F.batch_norm(v, c, c, c, c, False) for v in both]

    def median(call):
        times = []
        for r in range(210):
            start = time.perf_counter()
            for _ in range(20):
                call()
            times.append((time.perf_counter() - start) / 20)
        return statistics.median(times[10:]) * 1e6

    with torch.no_grad():
        for op, n in CASES:
            print(min(median(call) for call in calls(op, n)), flush=True)


def read(command, environment) -> list[list[float]]:
    out = subprocess.run(command, env={**os.environ, **ENVIRONMENT, **environment}, check=True, capture_output=True,
                         text=True).stdout
    return [[float(word) for word in line.split() if word.replace(".", "").isdigit()] for line in out.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("team", help="the program, or --torch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--plain", action="store_true", help="malloc as it comes, for both")
    args = parser.parse_args()
    ours, peer, tunables = [], [], {} if args.plain else TUNABLES
    for _ in range(args.rounds):
        ours.append(read([args.team, "2"], {"POCL_DEVICES": "basic pthread", **tunables})[1:])
        peer.append(read([sys.executable, __file__, "--torch"], tunables))
    print("| op | KiB | team | basic alone | PoCL's threads | PyTorch | PyTorch / team |\n|---|---|---|---|---|---|---|")
    for k, (op, _) in enumerate(CASES):
        kib, team, basic, queue = (statistics.median(r[k][i] for r in ours) for i in (-4, -3, -2, -1))
        torch = statistics.median(r[k][0] for r in peer)
        print(f"| {op} | {kib:.0f} | {team:.1f} | {basic:.1f} | {queue:.1f} | {torch:.1f} | {torch / team:.2f} |")


if __name__ == "__main__":
    torch_us() if sys.argv[1:] == ["--torch"] else main()
