#!/usr/bin/env python3
"""whiten.py -- fit-whiten and run whiten against NumPy in float64, through files, as their users see them.

usage: whiten.py CLNORM

Fits to arrays over samples, forms, layouts and types, and compares what np.load reads of the .npz, what comes out and what
comes back with np.cov and np.linalg.eigh of the same numbers. Needs numpy. Exit 1 where one case fails; the last line is always
"N passed, N failed".
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

RNG = np.random.default_rng(7)
BOUND, WHITE = 1e-4, 1e-3


def data(shape, mean, std, dtype):
    """Neighbours are correlated, and channels mixed."""
    x = RNG.standard_normal(shape)
    for axis in range(1, x.ndim):
        x = x + 0.5 * np.roll(x, 1, axis)
    x = x * std + mean
    return (np.clip(np.rint(x), 0, 255) if dtype == 'u1' else x).astype(dtype)


def windows(x, samples, patch, stride):
    """(N,C,H,W) as rows, in the order of C, rows, columns."""
    if samples == 'images':
        return x.reshape(len(x), -1)
    p, s = (patch, stride or patch) if samples == 'patches' else (1, 1)
    w = np.lib.stride_tricks.sliding_window_view(x, (p, p), (2, 3))[:, :, ::s, ::s]
    return w.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * p * p)


def fit(rows, form, components, eps):
    mean = rows.mean(0)
    values, u = np.linalg.eigh(np.cov((rows - mean).T).reshape(rows.shape[1], -1))
    values, u = values[::-1], u[:, ::-1]
    u = u * np.sign(u[abs(u).argmax(0), range(len(values))])
    k = components or len(values)
    root = np.sqrt(values[:k] + eps)
    w, back = (u[:, :k] / root).T, u[:, :k] * root
    return (mean, values, w, back) if form == 'pca' else (mean, values, u[:, :k] @ w, back @ u[:, :k].T)


class Suite:
    def __init__(self, command):
        self.command, self.passed, self.failed = command, 0, 0
        self.folder = tempfile.mkdtemp(prefix='clnorm-whiten-')

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        done = subprocess.run([self.command, *words], capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError('exit %d: %s' % (done.returncode, done.stderr.strip()))

    def close(self, what, got, want, bound=BOUND):
        if got.shape != want.shape:
            raise RuntimeError('%s is %s, not %s' % (what, got.shape, want.shape))
        off = abs(got - want).max() / abs(want).max()
        if not off <= bound:
            raise RuntimeError('%s is off by %.3g' % (what, off))

    def try_case(self, shape, dtype, mean, std, samples, form, patch=0, stride=0, components=0, eps=0.0, last=False):
        x = data(shape, mean, std, dtype)
        four = x if x.ndim == 4 else x.reshape(x.shape + (1, 1))
        rows = windows(four.astype(np.float64), samples, patch, stride)
        words = ['--samples', samples, '--form', form, '--eps', str(eps)]
        words += ['--patch', str(patch)] if patch else []
        words += ['--stride', str(stride)] if stride else []
        words += ['--components', str(components)] if components else []
        layout = ['--layout', 'nhwc'] if last else []
        np.save(self.path('x.npy'), np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if last else x)
        self.run('fit-whiten', *words, *layout, self.path('x.npy'), '-o', self.path('w.npz'))
        z = np.load(self.path('w.npz'))
        mean, values, w, back = fit(rows, form, components, eps)
        if z['count'][0] != len(rows):
            raise RuntimeError('count is %d, not %d' % (z['count'][0], len(rows)))
        self.close('mean', z['mean'].astype(np.float64) + z['mean_rest'], mean, 1e-6)
        self.close('eigenvalues', z['eigenvalues'], values, 1e-5)
        self.close('whitener', z['whitener'], w)
        self.close('inverse', z['inverse'], back)
        self.run('run', 'whiten', '--whitener', self.path('w.npz'), '--out-dtype', 'f32', *layout,
                 self.path('x.npy'), self.path('y.npy'))
        y = np.load(self.path('y.npy'))
        y = y.transpose(0, 3, 1, 2) if last and y.ndim == 4 else y
        whole = y.ndim == 4 and y.shape == four.shape and samples != 'pixels'
        y = y if y.ndim == 4 else y.reshape(y.shape + (1, 1))
        got = windows(y, samples, patch, stride) if whole else windows(y, 'pixels', 0, 0)
        self.close('y', got, (rows - mean) @ w.T)
        if not eps:
            k = got.shape[1] if form == 'pca' or not components else components
            off = abs(np.cov(got.astype(np.float64).T) - np.eye(got.shape[1])).max() if k == got.shape[1] else 0
            if not off <= WHITE:
                raise RuntimeError('the covariance of y is off by %.3g' % off)
        if components or (samples == 'patches' and (stride not in (0, patch) or shape[2] % patch or shape[3] % patch)):
            return
        self.run('run', 'whiten', '--inverse', '--whitener', self.path('w.npz'), *layout, self.path('y.npy'),
                 self.path('back.npy'))
        again = np.load(self.path('back.npy'))
        again = again.transpose(0, 3, 1, 2) if last else again
        self.close('what comes back', again.reshape(four.shape), four.astype(np.float64))

    def case(self, *args, **words):
        try:
            self.try_case(*args, **words)
            self.passed += 1
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            self.failed += 1
            print('not ok %s %s: %s' % (args, words, error))


def main():
    s = Suite(sys.argv[1])
    for form in ('zca', 'pca'):
        for dtype, mean, std in (('f4', 2, 1), ('u1', 120, 30), ('f2', 1, .5), ('f4', 1e5, 10)):
            s.case((8, 3, 12, 10), dtype, mean, std, 'pixels', form)
            s.case((8, 3, 12, 10), dtype, mean, std, 'patches', form, patch=2)
            s.case((400, 2, 3, 4), dtype, mean, std, 'images', form)
        for last in (False, True):
            s.case((8, 5, 12, 10), 'f4', 0, 1, 'pixels', form, last=last)
            s.case((8, 3, 12, 10), 'f4', 0, 1, 'patches', form, patch=3, stride=2, last=last)
            s.case((40, 3, 13, 10), 'u1', 120, 30, 'patches', form, patch=2, eps=2.5, last=last)
            s.case((400, 2, 4, 4), 'f4', 0, 1, 'images', form, components=7, last=last)
        s.case((500, 40), 'f4', -3, 2, 'pixels', form)
        s.case((30, 40), 'f4', -3, 2, 'pixels', form, components=12)
    s.case((30, 40), 'f4', -3, 2, 'pixels', 'zca', eps=0.5)  # of PCA the vectors of eigenvalues 0 are anybody's
    print('%d passed, %d failed' % (s.passed, s.failed))
    sys.exit(s.failed > 0)


if __name__ == '__main__':
    main()
