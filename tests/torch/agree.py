#!/usr/bin/env python3
"""agree.py -- random layers, forward and backward, against PyTorch in float64 on the same inputs.

usage: agree.py LIBRARY [--cases N] [--seed N] [--first N] [--device DEV]

Draws op, attributes, layout, type, weights, activation and residual of every ten cases, and the shape and numbers of each,
from the seed and the case's number, so that `--seed S --first K --cases 1` repeats one: kernels take longer to build than
to run. Errors are measured as in SEMANTICS section 4:
|got - want| <= bound * max(1, |want|, S), f16 also within one unit in the last place. S is, of y, what is added to
make it; of a gradient of x, the largest of the tensor; of one of a weight, 1e-2 of the sum of its |terms|. Exit 1
where a case fails, 77 without torch. The last line is always "N passed, N failed".
"""
import argparse
import random
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from layers import ACTS, INFINITY, LAYERS, WEIGHED, channel
from library import Error, Library

FORWARD, BACKWARD = 0, 1
BEFORE, AFTER = 1, 2
BOUNDS = {'y': 5e-7, 'sum': 5e-7, 'dx': 2e-6, 'dresidual': 2e-6, 'dgamma': 5e-6, 'dbeta': 5e-6, 'running_mean': 1e-6,
          'running_var': 1e-6}
SHAPES = 10 # of a kind of case
LAYOUTS = ('dense', 'channels last', 'cropped')


# ---- a case ----------------------------------------------------------------------------------------------------

def dense64(array):
    """Dense, since PyTorch 2.15 is wrong in places where the layouts of y and its gradient differ."""
    return torch.tensor(np.ascontiguousarray(array, 'float64'))


def f32(v):
    """Numbers of a descriptor are f32."""
    return float(np.float32(v))


def draw_shape(kind, r, op):
    """At least four elements in a set, so that a gradient is not all cancellation."""
    ndim = kind.choice((4, 4, 4, 5, 3, 2))
    if op in ('instancenorm', 'grn', 'mvn', 'lrn') and ndim == 2:
        ndim = 4
    n, c = r.choice((1, 2, 3, 5)), kind.choice((4, 6, 8, 12, 17, 32))
    space = [r.choice((2, 3, 5, 8, 16, 40)) for _ in range(3)]
    return {2: (n + 4, c), 3: (c, *space[:2]), 4: (n, c, *space[:2]), 5: (n, c, *space)}[ndim]


def draw_axes(r, shape):
    """0 is all of a sample; else the channel, the last axis if it has four elements, a sample's axes."""
    ndim, c = len(shape), channel(len(shape))
    last = 1 << ndim - 1 if shape[-1] >= 4 else 0
    return r.choice((0, 1 << c, last, (1 << ndim) - 1 - (1 if c else 0)))


def draw_attrs(r, op, shape):
    """The op's own attributes."""
    ndim, c = len(shape), shape[channel(len(shape))]
    eps = f32(r.choice((1e-6, 1e-5, 1e-3, 0.1)))
    attrs = {'eps': eps}
    if op == 'batchnorm':
        attrs.update(mode=r.choice((1, 2)), momentum=f32(r.choice((0.1, 0.25, 1.0))))
    if op in ('layernorm', 'rmsnorm', 'l2norm', 'lpnorm'):
        attrs.update(axes=draw_axes(r, shape))
    if op == 'rmsnorm':
        attrs.update(zero_centred=r.choice((0, 1)))
    if op == 'groupnorm':
        attrs.update(groups=r.choice([g for g in range(1, c + 1) if c % g == 0 and c // g >= (4 if ndim == 2 else 1)]))
    if op == 'lpnorm':
        attrs.update(p=r.choice((1.0, 2.0, 3.0, 2.5, INFINITY)))
    if op == 'mvn':
        attrs.update(eps_inside=r.choice((0, 1)))
    if op == 'lrn':
        window = r.choice((1, 3, 4, 5, 8))
        attrs = {'window': window, 'lean': 1 - window % 2, 'alpha': f32(r.choice((1e-4, 0.5))), 'beta': 0.75,
                 'k': r.choice((1.0, 2.0))}
    return attrs


def draw_common(r, op):
    """What clnorm_layer adds."""
    attrs = {'act': r.choice((0, 0, 0, 1, 2, 3, 4, 5)), 'slope': 0.125, 'residual': r.choice((0, 0, 0, BEFORE, AFTER))}
    if op in WEIGHED:
        kinds = {'batchnorm': (0, 0, 3), 'grn': (0, 2, 3)}.get(op, (0, 0, 1, 2, 3))
        attrs['affine'] = r.choice(kinds)
    return attrs


class Case:
    """One drawn case: attributes, a shape, and arrays in float32 or float16 as they lie in memory."""

    def __init__(self, library, seed, number):
        kind, r = random.Random('%d %d' % (seed, number // SHAPES)), random.Random('%d of %d' % (number, seed))
        self.library, self.numbers = library, np.random.default_rng((seed, number))
        self.op = kind.choice([op for op in LAYERS if library.has(op)])
        self.shape = draw_shape(kind, r, self.op)
        self.attrs = {**draw_attrs(kind, self.op, self.shape), **draw_common(kind, self.op)}
        self.dtype = kind.choice(('float32', 'float32', 'float32', 'float16'))
        self.layouts = kind.choice(LAYOUTS), kind.choice(LAYOUTS)
        self.x = self.draw('x', centre=0.7)
        self.inputs = {}
        for slot, chance in (('gamma', 0.9), ('beta', 0.9)):
            size = library.slot_shape(self.op, self.attrs, self.x, FORWARD, slot)
            if size and kind.random() < chance:
                self.inputs[slot] = self.numbers.normal(0.5, 1.0, size).astype('float32')
        if self.attrs['residual']:
            self.inputs['residual'] = self.draw('x' if self.attrs['residual'] == BEFORE else 'y')
        if self.op == 'batchnorm':
            c = self.shape[channel(len(self.shape))]
            self.running = [self.numbers.normal(0, 1, c).astype('float32'),
                            self.numbers.uniform(0.5, 2, c).astype('float32')]

    def __str__(self):
        attrs = ', '.join('%s %g' % pair for pair in self.attrs.items())
        return '%s %s %s, x %s, y %s, %s, %s' % (self.op, self.shape, self.dtype, *self.layouts, attrs,
                                                 ' '.join(self.inputs))

    def array(self, like):
        """Memory in the layout of x or y, filled with NaN."""
        layout, shape, ndim = self.layouts[like == 'y'], list(self.shape), len(self.shape)
        if layout == 'cropped':
            shape[-1] += 3
        order = [0, *range(2, ndim), 1] if layout == 'channels last' and ndim >= 4 else list(range(ndim))
        whole = np.full([shape[k] for k in order], np.nan, self.dtype).transpose(np.argsort(order))
        return whole[..., :self.shape[-1]]

    def draw(self, like, centre=0.0):
        array = self.array(like)
        array[...] = self.numbers.normal(centre, 1.3, self.shape)
        return array

    # ---- the library --------------------------------------------------------------------------------------------

    def forward(self):
        y = self.array('y')
        arrays = {'x': self.x, 'y': y, **self.inputs}
        if self.op == 'batchnorm':
            moved = [a.copy() for a in self.running]
            arrays.update(running_mean=moved[0], running_var=moved[1])
        self.library.run(self.op, self.attrs, FORWARD, arrays, 'y')
        return {k: arrays[k] for k in ('y', 'running_mean', 'running_var') if k in arrays}

    def backward(self, dy):
        """x is the sum where the residual comes before."""
        x, inputs = self.x, dict(self.inputs)
        if self.attrs['residual'] == BEFORE:
            x = self.array('x')
            x[...] = self.x + inputs.pop('residual')
        if not self.attrs['act']:
            inputs.pop('residual', None)
        outputs = {'dx': self.array('x')}
        for slot in ('dgamma', 'dbeta'):
            size = self.library.slot_shape(self.op, self.attrs, x, BACKWARD, slot)
            if size:
                outputs[slot] = np.full(size, np.nan, 'float32')
        if self.attrs['residual'] == AFTER:
            outputs['dresidual'] = self.array('y')
        arrays = {'x': x, 'dy': dy, **inputs, **outputs}
        if self.op == 'batchnorm' and self.attrs['mode'] == 2:
            arrays.update(running_mean=self.running[0], running_var=self.running[1])
        self.library.run(self.op, self.attrs, BACKWARD, arrays, 'dy')
        return x, outputs

    # ---- PyTorch -------------------------------------------------------------------------------------------------

    def by_torch(self, x, dy):
        """Everything that torch makes of x, and S of each; dy None: forward."""
        back, attrs = dy is not None, self.attrs
        leaf = {k: dense64(v).requires_grad_() for k, v in {'x': x, **self.inputs}.items()}
        takes = self.op in WEIGHED and attrs['affine'] != 3
        for slot in ('gamma', 'beta'): # an absent one has a gradient too
            size = self.library.slot_shape(self.op, attrs, self.x, FORWARD, slot) if takes else None
            if size and slot not in leaf:
                one = slot == 'gamma' and not attrs.get('zero_centred') and self.op != 'grn'
                leaf[slot] = torch.full(size, float(one), dtype=torch.float64, requires_grad=True)
        total = leaf['x']
        if attrs['residual'] == BEFORE and not back: # the sum that is normalized is f32
            total = (total + leaf['residual']).float().double()
        running = [dense64(a) for a in self.running] if self.op == 'batchnorm' else None
        more = {'running': running} if running else {}
        xhat, z = LAYERS[self.op](total, attrs, leaf.get('gamma'), leaf.get('beta'), **more)
        z.retain_grad()
        if attrs['residual'] == AFTER:
            z = z + leaf['residual']
            z.retain_grad()
        y = ACTS[attrs['act']](z, attrs['slope'])
        if not back:
            return self.results_forward(xhat, y, leaf, running)
        y.backward(dense64(dy))
        return self.results_backward(xhat, z, leaf)

    def results_forward(self, xhat, y, leaf, running):
        scale = 1 + sum(leaf[k].abs().max() for k in ('gamma', 'beta') if k in leaf)
        s = xhat.abs() * scale + scale + (leaf['residual'].abs() if 'residual' in leaf else 0) + leaf['x'].abs()
        out = {'y': (y, s)}
        if running:
            out.update(running_mean=(running[0], 0), running_var=(running[1], 0))
        return {k: (v.detach().numpy(), s.detach().numpy() if k == 'y' else s) for k, (v, s) in out.items()}

    def results_backward(self, xhat, z, leaf):
        dz, out = z.grad, {}
        for slot, terms in (('dgamma', dz * xhat), ('dbeta', dz)):
            if slot[1:] in leaf:
                g = leaf[slot[1:]].grad
                out[slot] = g.numpy(), 1e-2 * float(terms.detach().abs().sum()) / max(g.numel(), 1)
        out['dx'] = leaf['x'].grad.numpy(), float(leaf['x'].grad.abs().max())
        if self.attrs['residual'] == AFTER:
            out['dresidual'] = leaf['residual'].grad.numpy(), float(leaf['residual'].grad.abs().max())
        return out


# ---- the verdict -------------------------------------------------------------------------------------------------

def error(slot, got, want, s):
    """The largest distance as a multiple of the bound, and where."""
    got, room = np.asarray(got), BOUNDS[slot] * np.maximum(np.maximum(1, abs(want)), s)
    if got.dtype == np.float16:
        room = np.maximum(room, np.spacing(abs(want).astype('float16')).astype('float64'))
    off = abs(got.astype('float64') - want) / room
    off = np.where(np.isnan(off), np.inf, off)
    place = np.unravel_index(int(off.argmax()), off.shape)
    return float(off[place]), place, got[place], want[place]


def run(case):
    """The worst of each output; raises Error where one is beyond its bound."""
    worst = {}
    got = case.forward()
    want = case.by_torch(case.x, None)
    dy = case.draw('y', centre=0.3)
    x, gradients = case.backward(dy)
    wanted = case.by_torch(x, dy)
    for slot, array in {**got, **gradients}.items():
        if (slot[1:] in ('gamma', 'beta')) and slot not in wanted:
            continue
        off, place, mine, theirs = error(slot, array, *{**want, **wanted}[slot])
        worst[slot] = off
        if off > 1:
            raise Error('%s%s is %.9g, torch says %.9g, %.3g times the bound'
                        % (slot, list(map(int, place)), mine, theirs, off))
    return worst


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('library')
    parser.add_argument('--cases', type=int, default=200)
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--device')
    options = parser.parse_args()
    torch.manual_seed(0)
    library, failed, worst = Library(options.library, options.device), 0, {}
    print('seed %d, torch %s' % (options.seed, torch.__version__))
    for number in range(options.first, options.first + options.cases):
        case = Case(library, options.seed, number)
        print(case, flush=True) if options.cases == 1 else None
        try:
            for slot, off in run(case).items():
                worst[case.op, slot] = max(off, worst.get((case.op, slot), 0))
        except Error as why:
            failed += 1
            print('%s: %s; again: --seed %d --first %d --cases 1' % (case, why, options.seed, number), flush=True)
    library.close()
    for (op, slot), off in sorted(worst.items()):
        print('%-14s %-12s %.2f of the bound' % (op, slot, off))
    print('%d passed, %d failed' % (options.cases - failed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
