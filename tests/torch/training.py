#!/usr/bin/env python3
"""training.py -- training steps in a row beside torch.nn.BatchNorm2d in float64: y, gradients, weights moved by them,
running statistics, and evaluation at the end.

usage: training.py LIBRARY [--steps N] [--device DEV]

momentum 0.1, another, and None: the average of all batches. Errors are measured as in agree.py; those of the running
statistics and of the weights may add up over the steps. Exit 1 where one is beyond its bound, 77 without torch. The
last line is always "N passed, N failed".
"""
import argparse
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from agree import BACKWARD, BOUNDS, FORWARD, dense64, error, f32
from library import Error, Library

CUMULATIVE, TRAIN, EVAL = 1, 1, 2
RATE = 0.125
SHAPES = ((4, 5, 6, 7), (2, 3, 1, 1), (8, 16, 7, 7), (3, 24, 20, 20))


class Training:
    """One module of torch and the same of the library, step by step."""

    def __init__(self, library, shape, last, momentum):
        self.library, self.shape, self.last = library, shape, last
        self.average = momentum is None
        momentum = momentum if self.average else f32(momentum)
        self.torch = torch.nn.BatchNorm2d(shape[1], momentum=momentum, eps=f32(1e-5), dtype=torch.float64)
        self.optimizer = torch.optim.SGD(self.torch.parameters(), lr=RATE)
        self.numbers = np.random.default_rng(shape)
        self.attrs = {'eps': 1e-5, 'momentum': momentum or 0.0}
        one, zero = (np.full(shape[1], v, 'float32') for v in (1, 0))
        self.weights = {'gamma': one.copy(), 'beta': zero.copy()}
        self.running = {'running_mean': zero.copy(), 'running_var': one.copy()}

    def array(self, values=None):
        n, c, h, w = self.shape
        array = np.full((n, h, w, c), np.nan, 'float32').transpose(0, 3, 1, 2) if self.last else np.full(
            self.shape, np.nan, 'float32')
        if values is not None:
            array[...] = values
        return array

    def draw(self, mean, spread):
        return self.array(self.numbers.normal(mean, spread, self.shape))

    def forward(self, x, mode, count):
        y = self.array()
        self.library.run('batchnorm', {**self.attrs, 'mode': mode}, FORWARD,
                         {'x': x, 'y': y, **self.weights, **self.running}, 'y',
                         flags=CUMULATIVE if self.average and mode == TRAIN else 0, count=count)
        return y

    def backward(self, x, dy):
        out = {'dx': self.array(), **{'d' + k: np.full_like(v, np.nan) for k, v in self.weights.items()}}
        self.library.run('batchnorm', {**self.attrs, 'mode': TRAIN}, BACKWARD, {'x': x, 'dy': dy, **self.weights, **out},
                         'dy')
        return out

    def compare(self, what, slot, got, want, s=0.0, times=1):
        off, place, mine, theirs = error(slot, got, want.detach().numpy(), s)
        if off > times:
            raise Error('%s%s is %.9g, torch says %.9g' % (what, list(map(int, place)), mine, theirs))

    def compare_state(self, steps):
        for slot, got in self.running.items():
            self.compare(slot, slot, got, getattr(self.torch, slot), times=steps)
        for slot, name in (('gamma', 'weight'), ('beta', 'bias')):
            want = getattr(self.torch, name)
            self.compare(slot, 'dgamma', self.weights[slot], want, 1e-2 * self.shape[0] * want.numel(), steps)

    def step(self, k):
        x, dy = self.draw(0.5 * k - 1, 1 + k), self.draw(0.3, 1.0 / self.shape[0])
        leaf = dense64(x).requires_grad_()
        want = self.torch(leaf)
        self.optimizer.zero_grad()
        want.backward(dense64(dy))
        scale = float(1 + sum(p.detach().abs().max() for p in self.torch.parameters()))
        past = leaf.detach()
        xhat = float(((past - past.mean((0, 2, 3), keepdim=True)).abs() / past.std((0, 2, 3), keepdim=True)).max())
        self.compare('y', 'y', self.forward(x, TRAIN, k), want, scale * (1 + xhat), k + 1)
        got = self.backward(x, dy)
        self.compare('dx', 'dx', got['dx'], leaf.grad, float(leaf.grad.abs().max()), k + 1)
        terms = 1e-2 * float(np.abs(dy).sum()) * (1 + xhat)
        for slot, name in (('gamma', 'weight'), ('beta', 'bias')):
            self.compare('d' + slot, 'dgamma', got['d' + slot], getattr(self.torch, name).grad, terms)
            self.weights[slot] -= f32(RATE) * got['d' + slot]
        self.optimizer.step()
        if int(self.torch.num_batches_tracked) != k + 1:
            raise Error('torch counts %d batches' % self.torch.num_batches_tracked)
        self.compare_state(k + 1)

    def evaluate(self, steps):
        self.torch.eval()
        x, before = self.draw(0.5, 2.0), {k: v.copy() for k, v in self.running.items()}
        want = self.torch(dense64(x))
        self.compare('y', 'y', self.forward(x, EVAL, steps), want, float(want.detach().abs().max()) + 1, steps)
        if any((before[k] != v).any() for k, v in self.running.items()):
            raise Error('evaluation moved the running statistics')


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('library')
    parser.add_argument('--steps', type=int, default=8)
    parser.add_argument('--device')
    options = parser.parse_args()
    library, passed, failed = Library(options.library, options.device), 0, 0
    print('torch %s' % torch.__version__)
    for shape in SHAPES:
        for last in (False, True):
            for momentum in (0.1, 0.3, None):
                training = Training(library, shape, last, momentum)
                try:
                    for k in range(options.steps):
                        training.step(k)
                    training.evaluate(options.steps)
                    passed += 1
                except Error as why:
                    failed += 1
                    print('%s channels %s, momentum %s: %s' % (shape, 'last' if last else 'first', momentum, why))
    library.close()
    print('%d passed, %d failed' % (passed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
