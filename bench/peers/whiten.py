#!/usr/bin/env python3
"""whiten.py -- whitening and its statistics beside PyTorch in one process, interleaved, by the median.

    ~/.cache/clnorm-peers/bin/python bench/peers/whiten.py [--only ZCA] [--rounds 9] [--library libclnorm.so]

Two threads for both, on two CPUs, with the allocator and the rounds of run.py. PyTorch is the fastest of several
expressions; the first of them writes what it makes to memory that is there, as clnorm does. Both are verified against
float64 first.
"""
import sys
from pathlib import Path

import run


def prepare(library, attrs, x, y, **given):
    """The op on arrays of its own; slots that are not given are zeros."""
    import clnorm
    desc = library.descriptor("whiten", attrs, x, y, "forward")
    slots = ["count", "mean", "m2"] if attrs.get("task") == 2 else ["mean", "whitener"]
    arrays = {"x": x, **{s: library.slot_array(desc, s) for s in slots}}
    if attrs.get("task") != 2:
        arrays["y"] = y
    for slot, value in given.items():
        arrays[slot].reshape(-1)[:value.size] = value.reshape(-1)
    return clnorm.Op(library, desc, arrays, "estimate")


def covariance(library, n, d):
    """count, mean and M2 of a batch; PyTorch: its covariance."""
    import numpy as np
    import torch
    import clnorm
    x = clnorm.aligned((n, d), "float32")
    x[:] = np.random.default_rng(1).standard_normal((n, d), np.float32) + 3
    op, t, out = prepare(library, {"task": 2}, x, x), torch.from_numpy(x), torch.empty(d, d)

    def ours():
        op.arrays["count"][:] = 0
        op()

    def product():
        c = t - t.mean(0)
        return torch.mm(c.T, c, out=out)
    ours()
    want = np.cov(x[:, :8].astype(np.float64).T) * (n - 1)
    for got in (op.arrays["m2"].reshape(2, d, d).sum(0)[:8, :8], product().numpy()[:8, :8]):
        assert abs(got - want).max() < 1e-4 * want.max(), "a covariance is wrong"
    return ours, [product, lambda: torch.cov(t.T)], op


def rows(library, n, d):
    """ZCA of rows: y = W (x - mean)."""
    import numpy as np
    import torch
    import clnorm
    draw = np.random.default_rng(2)
    x, y = clnorm.aligned((n, d), "float32"), clnorm.aligned((n, d), "float32")
    x[:] = draw.standard_normal((n, d), np.float32)
    w, mean = draw.standard_normal((d, d), np.float32) / d, draw.standard_normal(d, np.float32)
    op = prepare(library, {}, x, y, mean=mean, whitener=w)
    t, m, tw, out = torch.from_numpy(x), torch.from_numpy(mean), torch.from_numpy(w), torch.empty(n, d)
    op()
    want = (x[:8].astype(np.float64) - mean) @ w.T.astype(np.float64)
    for got in (y[:8], torch.mm(t - m, tw.T, out=out).numpy()[:8]):
        assert abs(got - want).max() < 1e-4 * abs(want).max(), "a product is wrong"
    folded = -(tw @ m)
    return op, [lambda: torch.mm(t - m, tw.T, out=out), lambda: torch.nn.functional.linear(t - m, tw),
                lambda: torch.addmm(folded, t, tw.T, out=out)], op


def pixels(library, n, c, h, w):
    """Whitening of pixels, channels first; PyTorch: a convolution by 1x1."""
    import numpy as np
    import torch
    import clnorm
    draw = np.random.default_rng(3)
    x, y = clnorm.aligned((n, c, h, w), "float32"), clnorm.aligned((n, c, h, w), "float32")
    x[:] = draw.standard_normal(x.shape, np.float32)
    matrix, mean = draw.standard_normal((c, c), np.float32) / c, draw.standard_normal(c, np.float32)
    op = prepare(library, {}, x, y, mean=mean, whitener=matrix)
    t, k = torch.from_numpy(x), torch.from_numpy(matrix)[:, :, None, None]
    bias = -(torch.from_numpy(matrix) @ torch.from_numpy(mean))
    last = t.to(memory_format=torch.channels_last)
    op()
    want = np.einsum("kc,nchw->nkhw", matrix.astype(np.float64), x[:1].astype(np.float64) - mean[:, None, None])
    assert abs(y[:1] - want).max() < 1e-4 * abs(want).max(), "a product is wrong"
    conv = torch.nn.functional.conv2d
    return op, [lambda: conv(t, k, bias), lambda: conv(last, k, bias)], op


CASES = [("covariance", covariance, (50000, 768)), ("ZCA of rows", rows, (10000, 3072)),
         ("ZCA of pixels", pixels, (32, 64, 56, 56))]


def main() -> None:
    args = run.parser_of(__doc__, "cases whose name contains this", "a case", 9, 60).parse_args()
    run.settle()
    sys.path.insert(0, str(Path(__file__).parent))
    import torch
    torch.set_num_threads(2)
    import clnorm
    import harness
    library = clnorm.Library(args.library, args.device)
    for name, text in run.facts(library).items():
        print(f"- {name}: {text}")
    print("\n| case | shape | ms | PyTorch ms | PyTorch / ours | plan |\n|---|---|---|---|---|---|")
    for name, make, shape in CASES:
        if args.only not in name:
            continue
        ours, peers, op = make(library, *shape)
        rounds = harness.measure({"ours": ours, **{f"peer {k}": peer for k, peer in enumerate(peers)}}, args.rounds,
                                 args.seconds)
        best = min((peer for peer in rounds.times if peer != "ours"), key=rounds.median)
        print(f"| {name} | {'x'.join(map(str, shape))} | {rounds.median('ours'):.1f} | {rounds.median(best):.1f} | "
              f"{rounds.ratio(best, 'ours'):.2f} | {op.describe()[:60]} |", flush=True)


if __name__ == "__main__":
    main()
