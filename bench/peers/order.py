#!/usr/bin/env python3
"""order.py -- what one set of bits costs: clnorm beside itself with the order of sums given up.

    ~/.cache/clnorm-peers/bin/python bench/peers/order.py [--only W4] [--rounds 30] [--doc docs/order.md]
    bench/peers/order.py --check       needs nothing installed

Three contexts of one library: as it is; with kernels that are cl/ with the definitions of any_order.clh in the place of
those of the same name; and with those of careless.clh, too. All run the same plans on the same arrays, in random order, as
in run.py, and each has two of its plan, since a plan's workspace may lie well or badly: "one / one" is what two plans of
the same kernels differ by, and differences below that say nothing. Ratios are medians over rounds. Errors are against
float64.
"""
import argparse
import re
import shutil
import sys
from pathlib import Path

import run

FIRST, LAST = "<!-- order: written by bench/peers/order.py -->\n", "<!-- end of order -->\n"
HEAD = ("", "op", "shape", "ms", "one / any order", "one / careless", "one / one", "error", "any order", "careless")
LESS = {"any": ("any_order.clh",), "careless": ("any_order.clh", "careless.clh")}
PLANS = 2  # of each
WITHOUT = {"affine", "denormalize", "minmax", "batchnorm eval"}  # families that sum nothing
ALLOWED = 1e-3  # of both: they compute the same, less exactly


def arguments() -> argparse.Namespace:
    parser = run.parser_of(__doc__, "workloads whose name matches this", "a workload", 30, 5)
    parser.add_argument("--take", default="", help="only definitions whose first line matches this: hat, or pause|REST")
    parser.add_argument("--doc", type=Path, help="writes the table there, between its marks; others' rows stay")
    parser.add_argument("--check", action="store_true", help="only makes the changed kernels: 1 where cl/ has other definitions")
    parser.add_argument("--scratch", type=Path, default=run.ROOT / "build/any_order", help="for changed kernels")
    return parser.parse_args()


def definition(block: str) -> re.Pattern:
    """Where cl/ defines what the first line of a block does."""
    head = block.splitlines()[0]
    if head.startswith("#pragma"):
        return re.compile(rf"^{re.escape(head.rsplit(' ', 1)[0])} .*\n", re.MULTILINE)
    if head.startswith("#define"):
        return re.compile(rf"^#define {re.escape(head.split()[1])} (.*\\\n)*.*\n", re.MULTILINE)
    start = re.match(r"INLINE \S+ (OP\(\w+\)|\w+)\(", head).group(0)
    return re.compile(rf"^{re.escape(start)}(?:[^\n]*\}}\n|.*?^\}}\n)", re.MULTILINE | re.DOTALL)


def changed(scratch: Path, name: str, take: str) -> Path:
    """cl/ with those definitions of LESS[name] whose first line matches."""
    here, cl = Path(__file__).parent, scratch / name / "cl"
    shutil.rmtree(cl, ignore_errors=True)
    shutil.copytree(run.ROOT / "cl", cl)
    text = {path: path.read_text(encoding="utf-8") for path in (cl / "common").glob("*.clh")}
    blocks = "\n".join((here / file).read_text(encoding="utf-8") for file in LESS[name]).split("\n\n")
    for block in (b.strip() + "\n" for b in blocks):
        first = block.splitlines()[0]
        if first.startswith("/*") or not re.search(take, first):
            continue
        found = [path for path in text if definition(block).search(text[path])]
        if len(found) != 1:
            sys.exit(f"{first!r} is defined in {len(found)} files of cl/common; 1 is right")
        text[found[0]] = definition(block).sub(lambda _: block, text[found[0]], count=1)
    for path, now in text.items():
        path.write_text(now, encoding="utf-8")
    return cl


def measured(makers: dict, row, args: argparse.Namespace) -> list[str]:
    """A row of the table."""
    import numpy as np
    import clnorm
    import harness
    import reference
    import workloads
    case = workloads.Case(makers["one"], row, "estimate")
    ops = {name: [clnorm.Op(maker, case.desc, case.arrays, "estimate") for _ in range(PLANS)]
           for name, maker in makers.items()}
    truth, errors = reference.truth_of(case), {}
    for name, (op, *_) in ops.items():
        for slot in row.outputs:
            case[slot][...] = 0
        op()
        errors[name] = reference.worst(truth, [case[slot] for slot in row.outputs])
        if not errors[name] <= ALLOWED:
            sys.exit(f"{row.name}: the error of {name} is {errors[name]:.1e}, which is no result")
    del truth
    plans = {f"{name} {k}": op for name, several in ops.items() for k, op in enumerate(several)}
    rounds = harness.measure(plans, args.rounds, args.seconds)
    times = {name: np.mean([rounds.times[f"{name} {k}"] for k in range(PLANS)], axis=0) for name in ops}
    ratios = [*(float(np.median(times["one"] / times[name])) for name in LESS), rounds.ratio("one 0", "one 1")]
    cells = [f"{np.median(times['one']):.2f}", *(f"{r:.2f}" for r in ratios), *(f"{e:.1e}" for e in errors.values())]
    print(f"{row.name}: {case.op.describe()}\n    {' '.join(cells)}; {len(times['one'])} rounds of {rounds.total}, "
          f"foreign load {rounds.load:.0%}", file=sys.stderr, flush=True)
    for op in (case, *plans.values()):
        op.release()
    return [*key(row), *cells]


def key(row) -> tuple[str, ...]:
    return row.label, row.title, row.place


def rows_of(text: str) -> dict[tuple[str, ...], list[str]]:
    """Those of a table that was written before."""
    lines = [line for line in text.splitlines() if line.startswith("| W")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {tuple(row[:3]): row for row in cells if len(row) == len(HEAD)}


def main() -> int:
    args = arguments()
    if args.check:
        for name in LESS:
            changed(args.scratch, name, args.take)
        return 0
    run.settle()
    import clnorm
    import reference
    import table
    import workloads
    library = clnorm.Library(args.library, args.device)
    makers = {"one": library}
    for name in LESS:
        makers[name] = clnorm.Library(args.library, args.device, changed(args.scratch, name, args.take))
    summing = [row for row in workloads.WORKLOADS if not row.more and row.family in reference.FAMILIES.keys() - WITHOUT]
    before, rest = args.doc.read_text(encoding="utf-8").split(FIRST) if args.doc else ("", LAST)
    inside, after = rest.split(LAST)
    rows = rows_of(inside)
    rows |= {key(row): measured(makers, row, args) for row in summing if re.search(args.only, row.name)}
    lines = table.grid(list(HEAD), [rows[key(row)] for row in summing if key(row) in rows])
    known = run.facts(library)
    note = (f"Measured {known['date'][:10]} on {known['machine']}; {known['device']}; clnorm {known['clnorm']}; "
            f"`bench/peers/order.py --rounds {args.rounds} --seconds {args.seconds:g}`.")
    print(f"{lines}\n\n{note}")
    if args.doc:
        args.doc.write_text(f"{before}{FIRST}\n{lines}\n\n{note}\n\n{LAST}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
