#!/usr/bin/env python3
"""run.py -- clnorm beside its peers in one process: verified, interleaved, by the median.

    bench/peers/install.sh
    ~/.cache/clnorm-peers/bin/python bench/peers/run.py [--only W1] [--rounds 40] [--library libclnorm.so]

Two threads for everybody, on two CPUs, each thread on one. The allocator is one that favours the peers: fresh outputs cost no page
faults. clnorm runs on CL_MEM_USE_HOST_PTR buffers with one clFinish an op. Each round runs every competitor
once, in random order, 30 rounds at least; medians and ratios are over rounds in which others used less than 15 % of a
CPU. The errors of all, on the arrays that are timed, are against float64 (reference.py). table.py makes the README's
tables of peers.json.
"""
import argparse
import datetime
import importlib
import math
import os
import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cpus import CPUS

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    # Pinned: two threads of one library now and then share a core else, and take twice as long.
    "POCL_AFFINITY": "1", "OMP_PROC_BIND": "true", "OMP_PLACES": "threads",
    "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "POCL_MAX_PTHREAD_COUNT": "2",
    "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 37), "MALLOC_TOP_PAD_": str(1 << 28),
    "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": "",
}
PACKAGES = ("torch", "torchvision", "onednn-cpu-gomp", "opencv-python-headless", "onnxruntime", "numpy")
# PyTorch first: oneDNN takes its libgomp.
MODULES = ("peers_torch", "peers_onednn", "peers_opencv", "peers_onnx", "peers_numpy")


def parser_of(doc: str, only: str, each: str, rounds: int, seconds: float) -> argparse.ArgumentParser:
    """What every program here is told that runs rounds: of what, how many, and of which library where."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help=only)
    parser.add_argument("--rounds", type=int, default=rounds, help="clean rounds to reach")
    parser.add_argument("--seconds", type=float, default=seconds, help=f"{each}, to reach them")
    parser.add_argument("--library", type=Path, default=ROOT / "build/release/src/libclnorm.so")
    parser.add_argument("--device", default="cpu", help="as clnorm --device")
    return parser


def arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, "workloads whose name matches this: W1, or W[3-5]", "a workload", 40, 90)
    parser.add_argument("--data", choices=("ordinary", "hard"), default="ordinary",
                        help="hard: 1e4 +- 1e-2, for what takes statistics; peers may then be as far off as they are")
    parser.add_argument("--effort", choices=("estimate", "measure"), default="estimate")
    parser.add_argument("--out", type=Path, default=ROOT / "build/peers", help="for peers.json and peers.png")
    args = parser.parse_args()
    args.rounds = max(args.rounds, 30)
    return args


def settle() -> None:
    """Starts anew under ENVIRONMENT, which is read at start only, on two CPUs."""
    os.sched_setaffinity(0, CPUS)
    if any(os.environ.get(k) != v for k, v in ENVIRONMENT.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})


def machine() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return f"{models[0]}, {len(models)} CPUs, Linux {platform.release()}"


def installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def command() -> str:
    return shlex.join([str(Path(sys.argv[0]).resolve().relative_to(ROOT)), *sys.argv[1:]])


def facts(library) -> dict[str, str]:
    import opencl
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True,
                            text=True, check=False).stdout.strip()
    device = library.device
    return {"machine": machine(),
            "device": f"{device.text(opencl.DEVICE_NAME)}, {device.text(opencl.DEVICE_VERSION)}",
            "clnorm": f"{library.version()}, {commit}",
            "peers": ", ".join(map(installed, PACKAGES)) + f", Python {platform.python_version()}",
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "command": command()}


def load_peers() -> tuple[dict, dict[str, str]]:
    """Family to name to builder, and the modules that cannot be imported with the reason."""
    families: dict[str, dict] = {}
    missing = {}
    for module in MODULES:
        try:
            tables = importlib.import_module(module).PEERS
        except (ImportError, OSError) as error:
            missing[module] = str(error)
            continue
        for family, builders in tables.items():
            families.setdefault(family, {}).update(builders)
    return families, missing


def type_name(output) -> str:
    """Of an array, a tensor, or a memory of an array."""
    return str(getattr(output, "array", output).dtype).removeprefix("torch.")


def verified(case, builders: dict, hard: bool) -> tuple[dict, dict[str, str], dict[str, float]]:
    """Peers that give the result, why the others are left out, and the errors of those and of ours."""
    import reference
    import report
    ours = case.run()
    truth = reference.truth_of(case)
    errors = {report.OURS: reference.worst(truth, ours)} if truth else {}
    if truth and not errors[report.OURS] <= case.row.tolerance:
        raise SystemExit(f"{case.row.name}: our error is {errors[report.OURS]:.1e}")
    want = truth or [reference.Truth(y) for y in ours]
    allowed = [math.inf if hard else case.row.tolerance * (case.row.loose if slot in ("dgamma", "dbeta") else 1)
               for slot in case.row.outputs]
    good, skipped = {}, {}
    for name, build in builders.items():
        try:
            run = build(case)
            got = run()
            found = reference.each(want, got)
        except Exception as failure:  # a peer may fail in any way; that is a result
            skipped[name] = f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"
            continue
        of_type = type_name(reference.outputs(got)[0])
        wrong = [f"{slot} differs by {error:.1e}, allowed {most:.0e}"
                 for slot, error, most in zip(case.row.outputs, found, allowed) if not error <= most]
        if of_type != ours[0].dtype.name:
            wrong = [f"gives {of_type}"]
        if wrong:
            skipped[name] = "; ".join(wrong)
            continue
        good[name] = run
        errors |= {name: reference.largest(found)} if truth else {}
    return good, skipped, errors


def main() -> int:
    args = arguments()
    settle()
    import clnorm
    import harness
    import report
    import table
    import workloads
    library = clnorm.Library(args.library, args.device)
    families, missing = load_peers()
    known = facts(library)
    args.out.mkdir(parents=True, exist_ok=True)
    results, hard = [], args.data == "hard"
    for row in workloads.WORKLOADS:
        if not re.search(args.only, row.name) or (hard and (row.more or not row.measures)):
            continue
        print(row.name, file=sys.stderr, flush=True)
        case = workloads.Case(library, row, args.effort, args.data)
        peers, skipped, errors = verified(case, families.get(row.family, {}), hard)
        rounds = harness.measure({report.OURS: case.op, report.COPY: case.copy, **peers}, args.rounds, args.seconds)
        results.append(report.Result(row, args.data, case.op.describe(), rounds, {**skipped, **missing}, errors))
        print(report.details(results[-1]), file=sys.stderr, flush=True)
        case.release()
    if not results:
        print(f"no workload's name matches {args.only!r}", file=sys.stderr)
        return 2
    report.write_json(args.out / "peers.json", known, results)
    print(f"{table.text([args.out / 'peers.json'], True)}`{known['command']}`")
    report.plot(args.out / "peers.png", known, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
