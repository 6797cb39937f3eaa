"""harness.py -- interleaved rounds: every competitor once a round, in random order, beside all the others."""
import gc
import os
import random
import time
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from cpus import CPUS

STEP_S = 0.006  # longer than a tick: only then is a thread that spins on another CPU counted
MAX_STEPS = 10
BLOCK_S = 0.15
DIRTY = 0.15    # CPU seconds of others in a second of a round
WARM_UP = 3


@dataclass(frozen=True)
class Rounds:
    """Times in ms, one a round and competitor, of the rounds that count."""
    times: dict[str, np.ndarray]
    total: int    # rounds run
    dropped: int  # left out because others used the CPU
    dirty: int    # kept although others used the CPU, as too few were clean
    load: float   # median of the others' CPU use in the kept rounds, in CPUs

    def median(self, name: str) -> float:
        return float(np.median(self.times[name]))

    def spread(self, name: str) -> tuple[float, float]:
        low, high = np.quantile(self.times[name], (0.1, 0.9))
        return float(low), float(high)

    def ratio(self, name: str, to: str) -> float:
        """Median of the ratio in each round."""
        return float(np.median(self.times[name] / self.times[to]))


def busy_s() -> float:
    """CPU seconds that anybody has used of our CPUs since boot, steal included."""
    ours, total = {f"cpu{n}" for n in CPUS}, 0
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *ticks = line.split()
            if name in ours:
                user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
                total += user + nice + system + irq + softirq + steal
    return total / os.sysconf("SC_CLK_TCK")


def settle() -> None:
    """Waits until no thread of the last competitor spins any more (OpenMP's do for 4 ms, ONNX Runtime's for 30)."""
    for _ in range(MAX_STEPS):
        before = time.process_time()
        time.sleep(STEP_S)
        if time.process_time() - before < STEP_S / 10:
            return


def one_round(competitors: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Each one's ms: one call to warm up, one that counts."""
    names = list(competitors)
    random.shuffle(names)
    row = {}
    for name in names:
        run = competitors[name]
        settle()
        run()
        begin = time.perf_counter_ns()
        run()
        row[name] = (time.perf_counter_ns() - begin) / 1e6
    return row


def block(competitors: dict[str, Callable[[], Any]]) -> list[tuple[float, dict[str, float]]]:
    """Rounds for BLOCK_S, as the kernel counts CPU time in steps of 10 ms; each with the others' CPU use."""
    start, busy, own = time.perf_counter(), busy_s(), time.process_time()
    rows = [one_round(competitors)]
    while time.perf_counter() - start < BLOCK_S:
        rows.append(one_round(competitors))
    used = busy_s() - busy - (time.process_time() - own)
    load = used / (time.perf_counter() - start)
    return [(load, row) for row in rows]


def measure(competitors: dict[str, Callable[[], Any]], rounds: int, seconds: float) -> Rounds:
    """Goes on until `rounds` rounds were clean; after `seconds` the cleanest `rounds` of all count."""
    rows: list[tuple[float, dict[str, float]]] = []
    clean = 0
    for _ in range(WARM_UP):
        one_round(competitors)
    gc.disable()
    end = time.monotonic() + seconds
    while clean < rounds and (len(rows) < rounds or time.monotonic() < end):
        rows += block(competitors)
        clean = sum(load < DIRTY for load, _ in rows)
    gc.enable()
    kept = sorted(rows, key=lambda r: r[0])[:max(rounds, clean)]
    times = {name: np.array([row[name] for _, row in kept]) for name in competitors}
    return Rounds(times, len(rows), len(rows) - len(kept), sum(load >= DIRTY for load, _ in kept),
                  float(np.median([load for load, _ in kept])))
