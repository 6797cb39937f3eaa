#!/usr/bin/env python3
"""chapter.py -- the chapter's own listings, as they stand in PyTorch, beside the library with ddof 1: forward and, by
autograd, backward.

usage: chapter.py LIBRARY [--device DEV]

The listings of BatchNorm and LayerNorm call x.var(..) as it is, which divides by M - 1, against the chapter's formula.
So does `ddof`; without it the same comparison must fail, or the test would show nothing. Errors are measured as in
agree.py. Exit 1 where one is beyond its bound, 77 without torch. The last line is always "N passed, N failed".
"""
import argparse
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from agree import BACKWARD, FORWARD, dense64, error
from library import Library

SHAPE = (4, 6, 5, 7)


# ---- the listings ------------------------------------------------------------------------------------------------

def batch_norm(x, gamma, beta, eps):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    var = x.var(dim=(0, 2, 3), keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return gamma.view(1, -1, 1, 1) * x_hat + beta.view(1, -1, 1, 1)


def layer_norm(x, gamma, beta, eps):
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    var = x.var(dim=(1, 2, 3), keepdim=True)
    x_hat = (x - mean) / torch.sqrt(var + eps)
    return gamma.view(1, -1, 1, 1) * x_hat + beta.view(1, -1, 1, 1)


LISTINGS = {'batchnorm': (batch_norm, {'mode': 1, 'eps': 1e-5}), 'layernorm': (layer_norm, {'eps': 1e-6})}


# ---- beside the library ------------------------------------------------------------------------------------------

def by_library(library, op, attrs, x, gamma, beta, dy):
    y, dx, weights = np.empty_like(x), np.empty_like(x), {k: np.empty_like(gamma) for k in ('dgamma', 'dbeta')}
    library.run(op, attrs, FORWARD, {'x': x, 'y': y, 'gamma': gamma, 'beta': beta}, 'y')
    library.run(op, attrs, BACKWARD, {'x': x, 'dy': dy, 'gamma': gamma, 'beta': beta, 'dx': dx, **weights}, 'dy')
    return {'y': y, 'dx': dx, **weights}


def by_listing(listing, eps, x, gamma, beta, dy):
    """Results, and S of each."""
    leaf = [dense64(v).requires_grad_() for v in (x, gamma, beta)]
    y = listing(*leaf, float(np.float32(eps)))
    y.backward(dense64(dy))
    terms = 1e-2 * float(np.abs(dy).sum()) / len(gamma)
    want = {'y': (y.detach(), 0), **{k: (v.grad, terms) for k, v in zip(('dx', 'dgamma', 'dbeta'), leaf)}}
    return {k: (v.numpy(), float(v.abs().max()) if k == 'dx' else s) for k, (v, s) in want.items()}


def worst(library, op, ddof, numbers):
    listing, attrs = LISTINGS[op]
    x, dy = (numbers.normal(m, 1.3, SHAPE).astype('float32') for m in (0.7, 0.3))
    gamma, beta = (numbers.normal(0.5, 1, SHAPE[1]).astype('float32') for _ in range(2))
    got = by_library(library, op, {**attrs, 'ddof': ddof}, x, gamma, beta, dy)
    want = by_listing(listing, attrs['eps'], x, gamma, beta, dy)
    return {k: error(k, got[k], *want[k])[0] for k in got}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('library')
    parser.add_argument('--device')
    options = parser.parse_args()
    library, numbers, failed, count = Library(options.library, options.device), np.random.default_rng(3), 0, 0
    for op in LISTINGS:
        for ddof in (1, 0):
            off = worst(library, op, ddof, numbers)
            as_listed = max(off.values()) <= 1
            failed += as_listed != (ddof == 1)
            count += 1
            print('%-10s ddof %d: %s of the bound' % (op, ddof, ', '.join('%s %.2f' % pair for pair in off.items())))
    library.close()
    print('%d passed, %d failed' % (count - failed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
