#!/usr/bin/env python3
"""matrix.py -- spectralnorm beside torch.nn.utils.parametrizations.spectral_norm, iternorm beside IterNorm written by hand, in
float64: forward, what they keep, and by autograd backward.

usage: matrix.py LIBRARY [--device DEV]

Errors are relative to the largest of a result; 1e-4 is allowed. Exit 1 where one is beyond it, 77 without torch or without the
ops. The last line is always "N passed, N failed".
"""
import argparse
import sys

try:
    import numpy as np
    import torch
    from torch.nn.utils.parametrizations import spectral_norm
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from library import Library

FORWARD, BACKWARD, TRAIN, EVAL = 0, 1, 1, 2
BOUND = 1e-4


def f32(numbers, *shape):
    return numbers.normal(0.3, 1, shape).astype('float32')


def off(got, want):
    want = want.detach().numpy() if torch.is_tensor(want) else want
    return float(np.abs(got.reshape(want.shape) - want).max() / max(1, np.abs(want).max()))


# ---- spectralnorm ------------------------------------------------------------------------------------------------

def parametrized(shape, dim, iterations, weight):
    """A module whose weight is normalized; its vectors are drawn by PyTorch."""
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64))
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weight).double())
    return spectral_norm(module, dim=dim, n_power_iterations=iterations)


def spectral(library, numbers, shape, dim, iterations, train):
    weight, dy = f32(numbers, *shape), f32(numbers, *shape)
    module = parametrized(shape, dim, iterations, weight)
    norm = module.parametrizations.weight[0]
    module.train(train)
    u, v = (t.numpy().astype('float32') for t in (norm._u, norm._v))
    attrs = {'mode': TRAIN if train else EVAL, 'dim': dim, 'iterations': iterations}
    y, sigma, dx = np.empty_like(weight), np.empty(1, 'float32'), np.empty_like(weight)
    library.run('spectralnorm', attrs, FORWARD, {'x': weight, 'y': y, 'u': u, 'v': v, 'sigma': sigma}, 'y')
    library.run('spectralnorm', attrs, BACKWARD, {'x': weight, 'dy': dy, 'u': u, 'v': v, 'sigma': sigma, 'dx': dx}, 'dy')
    out = module.weight
    out.backward(torch.from_numpy(dy).double())
    want = {'y': out, 'u': norm._u, 'v': norm._v, 'dx': module.parametrizations.weight.original.grad}
    got = {'y': y, 'u': u, 'v': v, 'dx': dx}
    return {k: off(got[k], want[k]) for k in got}


# ---- iternorm ----------------------------------------------------------------------------------------------------

def iter_norm(x, gamma, beta, groups, iterations, eps):
    """Algorithm 1 of the paper."""
    n, c = x.shape[:2]
    rows = x.transpose(0, 1).reshape(groups, c // groups, -1)
    mean = rows.mean(-1, keepdim=True)
    centred = rows - mean
    eye = torch.eye(c // groups, dtype=x.dtype).expand(groups, -1, -1)
    sigma = centred @ centred.transpose(1, 2) / rows.shape[-1] + eps * eye
    trace = sigma.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
    p = eye
    for _ in range(iterations):
        p = 1.5 * p - 0.5 * p @ p @ p @ (sigma / trace)
    whitener = p / trace.sqrt()
    y = (whitener @ centred).reshape(c, n, *x.shape[2:]).transpose(0, 1)
    one = (1, -1) + (1,) * (x.dim() - 2)
    return y * gamma.view(one) + beta.view(one), mean.reshape(c), whitener


def iterated(library, numbers, shape, groups, iterations):
    x, dy = f32(numbers, *shape), f32(numbers, *shape)
    gamma, beta = f32(numbers, shape[1]), f32(numbers, shape[1])
    width = shape[1] // groups
    attrs = {'groups': groups, 'iterations': iterations}
    got = {'y': np.empty_like(x), 'mean': np.empty(shape[1], 'float32'), 'whitener': np.empty((groups, width, width), 'float32')}
    back = {'dx': np.empty_like(x), 'dgamma': np.empty_like(gamma), 'dbeta': np.empty_like(beta)}
    library.run('iternorm', attrs, FORWARD, {'x': x, 'gamma': gamma, 'beta': beta, **got}, 'y')
    library.run('iternorm', attrs, BACKWARD, {'x': x, 'gamma': gamma, 'dy': dy, **back}, 'dy')
    leaf = [torch.from_numpy(a).double().requires_grad_() for a in (x, gamma, beta)]
    want = iter_norm(*leaf, groups, iterations, float(np.float32(1e-5)))
    want[0].backward(torch.from_numpy(dy).double())
    wanted = dict(zip(('y', 'mean', 'whitener'), want)) | {k: a.grad for k, a in zip(back, leaf)}
    return {k: off(a, wanted[k]) for k, a in (got | back).items()}


def cases():
    for shape in ((20, 30), (16, 8, 3, 3), (8, 16, 4, 4), (6, 5, 4, 3, 2)):
        for dim in (0, 1):
            for iterations, train in ((1, True), (4, True), (1, False)):
                yield 'spectralnorm', (shape, dim, iterations, train), spectral
    for shape, groups in (((40, 6), 1), ((4, 8, 9, 9), 2), ((3, 32, 12, 12), 1), ((2, 6, 3, 5, 4), 3)):
        for iterations in (1, 5):
            yield 'iternorm', (shape, groups, iterations), iterated


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('library')
    parser.add_argument('--device')
    options = parser.parse_args()
    torch.manual_seed(5)
    library, numbers, failed, count = Library(options.library, options.device), np.random.default_rng(5), 0, 0
    if not library.has('spectralnorm'):
        print('skipped: this build has no matrix ops')
        sys.exit(77)
    for op, words, compare in cases():
        errors = compare(library, numbers, *words)
        wrong = not max(errors.values()) <= BOUND
        failed += wrong
        count += 1
        print('%-12s %s: %s%s' % (op, words, ', '.join('%s %.1e' % e for e in errors.items()), ' FAILED' if wrong else ''))
    library.close()
    print('%d passed, %d failed' % (count - failed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
