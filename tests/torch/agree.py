#!/usr/bin/env python3
"""agree.py -- random layers, forward and backward, against PyTorch in float64 on the same inputs.

usage: agree.py LIBRARY [--cases N] [--seed N|today] [--first N] [--device DEV]

Every ten cases are of one kind, since kernels take longer to build than to run: what draws.py deals and draws, but for
the shape and the numbers. All follows from the seed, which may be today's date, and the case's number: `--seed S
--first K --cases 1` repeats one. Errors are measured as in SEMANTICS section 4: |got - want| <= bound * max(1, |want|,
S), f16 and bf16 also within one unit in the last place. S is, of y, the sum of the |terms| before the activation, times
the steepest slope of that; of a gradient of x, the largest of its set; of one of a weight, 1e-2 of the sum of its
|terms|. Exit 1 where a case fails, 77 without torch. The last line is always "N passed, N failed"; that before it
counts the cases of each op, type, layout and option.
"""
import argparse
import random
import sys
from collections import Counter, namedtuple
from datetime import date

try:
    import numpy as np
    import torch
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from draws import AFTER, BEFORE, FORMS, GRADIENTS, LAYOUTS, draw_attrs, draw_cards, draw_common, draw_shape, f32
from layers import ACTS, axes_of, channel, largest, layer, magnitude, moved
from library import Error, Library
from storage import filled, nearest, put, type_of, ulp, values

FORWARD, BACKWARD = 0, 1
BOUNDS = {'y': 5e-7, 'sum': 5e-7, 'mean': 5e-7, 'rstd': 1e-6, 'running_mean': 1e-6, 'running_var': 1e-6, 'dx': 2e-6,
          'dresidual': 2e-6, 'dgamma': 5e-6, 'dbeta': 5e-6}
SHAPES = 10 # of a kind of case
Graph = namedtuple('Graph', 'leaf total made z s')


# ---- a case ----------------------------------------------------------------------------------------------------

def dense64(array):
    """Dense, since PyTorch 2.15 is wrong in places where the layouts of y and its gradient differ."""
    return torch.tensor(np.ascontiguousarray(values(array)))


class Case:
    """One drawn case: attributes, a shape, and arrays as they lie in memory."""

    def __init__(self, library, seed, number):
        kind, r = random.Random('%d %d' % (seed, number // SHAPES)), random.Random('%d of %d' % (number, seed))
        self.library, self.numbers = library, np.random.default_rng((seed, number))
        forms = [form for form in FORMS if library.has(form.split()[0])]
        self.form, self.cards = draw_cards(seed, number // SHAPES, forms)
        self.op = self.form.split()[0]
        self.shape = draw_shape(kind, r, self.op)
        self.attrs = {**draw_attrs(kind, self.op, self.shape), **FORMS[self.form],
                      **draw_common(kind, self.op, self.cards)}
        self.layouts = kind.choice(LAYOUTS), kind.choice(LAYOUTS)
        self.inputs = {'x': self.draw('x', 0.7)}
        if self.attrs['residual']:
            self.inputs['residual'] = self.draw('x' if self.attrs['residual'] == BEFORE else 'y')
        self.draw_weights(kind)
        self.draw_statistics()
        self.gradients = [slot for slot in GRADIENTS if self.size(BACKWARD, slot)]

    def draw_weights(self, kind):
        for slot in ('gamma', 'beta'):
            size = self.size(FORWARD, slot)
            if size and kind.random() < 0.9:
                self.inputs[slot] = filled(size, self.cards['params'], self.numbers.normal(0.5, 1.0, size))

    def draw_statistics(self):
        """Running ones and frozen ones are any. Where a gradient goes through them they are nearly those of x: far from
        these, dx is a small difference of large terms."""
        if self.op == 'batchnorm':
            c = self.shape[channel(len(self.shape))]
            mean, other = ('mean', 'rstd') if self.form == 'batchnorm frozen' else ('running_mean', 'running_var')
            self.give(mean, self.numbers.normal(0.5, 1.0, c))
            self.give(other, self.numbers.uniform(0.5, 2.0, c))
        if self.cards.get('statistics') == 'given':
            made = self.graph(self.inputs).made
            self.give('rstd', 0.9 * made.rstd.detach().numpy())
            if made.mean is not None:
                self.give('mean', (made.mean + 0.1 / made.rstd).detach().numpy())

    def give(self, slot, numbers):
        """An input, if this case has it."""
        size = self.size(FORWARD, slot)
        if size:
            self.inputs[slot] = filled(size, 'f32', numbers.reshape(size))

    def features(self):
        """What the case is counted as."""
        cards, attrs = self.cards, self.attrs
        has = {'ddof': attrs.get('ddof'), cards.get('params', '') + ' weights': attrs.get('affine', 3) != 3,
               cards.get('statistics', '') + ' statistics': 'statistics' in cards,
               ACTS[attrs['act']].name: attrs['act'], 'residual before': attrs['residual'] == BEFORE,
               'residual after': attrs['residual'] == AFTER,
               **{slot + ' added': slot in cards['accumulate'] for slot in self.gradients}}
        return [self.form, *map(' '.join, zip('xyxy', cards['types'] + self.layouts)), *(k for k in has if has[k])]

    def __str__(self):
        attrs = ('%s %g' % pair for pair in self.attrs.items())
        return '%s of %s: %s; %s' % (self.shape, ' '.join(self.inputs), ', '.join(self.features()), ', '.join(attrs))

    # ---- memory -------------------------------------------------------------------------------------------------

    def array(self, like):
        """Memory in the type and layout of x or y, filled with NaN."""
        k, shape, ndim = 'xy'.index(like), list(self.shape), len(self.shape)
        if self.layouts[k] == 'cropped':
            shape[-1] += 3
        order = [0, *range(2, ndim), 1] if self.layouts[k] == 'channels last' and ndim >= 4 else list(range(ndim))
        whole = filled([shape[axis] for axis in order], self.cards['types'][k]).transpose(np.argsort(order))
        return whole[..., :self.shape[-1]]

    def draw(self, like, centre=0.0):
        return put(self.array(like), self.numbers.normal(centre, 1.3, self.shape))

    def size(self, direction, slot):
        """The shape of a tensor; None where this case has none such."""
        return self.library.slot_shape(self.op, self.attrs, self.inputs['x'], direction, slot)

    def gradient(self, slot):
        """What is there before: something to add to, or NaN."""
        like = {'dx': 'x', 'dresidual': 'y'}.get(slot)
        array = self.array(like) if like else filled(self.size(BACKWARD, slot), self.cards['params'])
        return put(array, self.numbers.normal(0, 1.3, array.shape)) if slot in self.cards['accumulate'] else array

    # ---- the library --------------------------------------------------------------------------------------------

    def forward(self):
        """What it makes of the inputs."""
        out = {'y': self.array('y'), **{k: v.copy() for k, v in self.inputs.items() if k.startswith('running')}}
        if self.attrs['residual'] == BEFORE:
            out['sum'] = self.array('x')
        for slot in ('mean', 'rstd') if self.cards.get('statistics') == 'saved' else ():
            if self.size(FORWARD, slot):
                out[slot] = filled(self.size(FORWARD, slot), 'f32')
        self.library.run(self.op, self.attrs, FORWARD, {**self.inputs, **out}, 'y')
        return out

    def backward(self, known, dy, out):
        inputs = {k: v for k, v in known.items() if k not in ('y', 'sum') and self.size(BACKWARD, k)}
        self.library.run(self.op, self.attrs, BACKWARD, {**inputs, 'dy': dy, **out}, 'dy')

    # ---- PyTorch -------------------------------------------------------------------------------------------------

    def leaves(self, known):
        """An absent weight has a gradient too."""
        leaf = {k: dense64(known[k]).requires_grad_() for k in ('x', 'residual', 'gamma', 'beta') if k in known}
        for slot in ('gamma', 'beta'):
            size = self.size(FORWARD, slot)
            if size and slot not in leaf:
                one = slot == 'gamma' and not self.attrs.get('zero_centred') and self.op != 'grn'
                leaf[slot] = torch.full(size, float(one), dtype=torch.float64, requires_grad=True)
        return leaf

    def given(self, known):
        """mean and rstd, where they are not made."""
        if self.form == 'batchnorm eval':
            return dense64(known['running_mean']), torch.rsqrt(dense64(known['running_var']) + self.attrs['eps'])
        return [dense64(known[k]) if k in known else None for k in ('mean', 'rstd')] if 'rstd' in known else None

    def graph(self, known):
        """From the inputs to the pre-activation. The sum that is normalized is f32."""
        leaf = self.leaves(known)
        total = leaf['x']
        if self.attrs['residual'] == BEFORE and 'sum' not in known:
            total = (total + leaf['residual']).float().double()
        made = layer(self.op, total, self.attrs, leaf.get('gamma'), leaf.get('beta'), self.given(known))
        z, s = made.z, made.s
        if self.attrs['residual'] == AFTER:
            z, s = z + leaf['residual'], s + leaf['residual'].detach().abs()
        z.retain_grad()
        return Graph(leaf, total, made, z, s)

    def act(self, z):
        return ACTS[self.attrs['act']].of(z, self.attrs['slope'])

    def want_forward(self):
        """Everything that forward may write, and S of each."""
        graph = self.graph(self.inputs)
        want = {'y': self.act(graph.z), 'sum': graph.total, 'mean': graph.made.mean, 'rstd': graph.made.rstd}
        running = [k for k in ('running_mean', 'running_var') if k in self.inputs]
        past = [dense64(self.inputs[k]) for k in running]
        if running:
            want.update(zip(running, moved(graph.total, self.attrs, past) if self.form == 'batchnorm' else past))
        s = {'y': graph.s * ACTS[self.attrs['act']].steepest}
        return {k: (v.detach().numpy(), s[k].numpy() if k in s else 0.0) for k, v in want.items() if v is not None}

    def draw_dy(self, graph):
        """0 where the argument of the activation is too near to its kink to say on which side it is."""
        dy = self.draw('y', 0.3)
        near = abs(graph.z.detach()) <= 2 * BOUNDS['y'] * torch.clamp(graph.s, min=1)
        return put(dy, np.where(near, 0.0, values(dy))) if ACTS[self.attrs['act']].kinked else dy

    def want_backward(self, graph, dy):
        self.act(graph.z).backward(dense64(dy))
        dz, axes, want = graph.z.grad, axes_of(self.op, self.attrs, len(self.shape)), {}
        terms = {'dgamma': dz * graph.made.xhat, 'dbeta': dz}
        for slot in self.gradients:
            grad = graph.leaf[slot[1:]].grad
            s = (1e-2 * magnitude(terms[slot], grad, self.attrs, axes) if slot in terms
                 else largest(self.op, grad, self.attrs))
            want[slot] = grad.numpy(), s.numpy()
        return want


# ---- the verdict -------------------------------------------------------------------------------------------------

def error(slot, got, want, s=0.0):
    """The largest distance as a multiple of the bound, and where."""
    kind, mine = type_of(got), values(got)
    room = BOUNDS[slot] * np.maximum(np.maximum(1, abs(want)), s)
    if kind.digits < 24:
        room = np.maximum(room, ulp(kind, want))
    off = abs(mine - want) / room
    off = np.where(np.isnan(off), np.inf, np.where(np.isinf(mine) & (mine == nearest(kind, want)), 0.0, off))
    place = np.unravel_index(int(off.argmax()), off.shape)
    return float(off[place]), place, mine[place], want[place]


def judge(got, want):
    """The worst of each output; raises Error where one is beyond its bound."""
    worst = {}
    for slot, array in got.items():
        numbers, s = want[slot]
        worst[slot], place, mine, theirs = error(slot, array, numbers.reshape(array.shape), s)
        if worst[slot] > 1:
            raise Error('%s%s is %.9g, torch says %.9g, %.3g times the bound'
                        % (slot, list(map(int, place)), mine, theirs, worst[slot]))
    return worst


def run(case):
    """Forward, and backward from what forward has left."""
    past = case.forward()
    worst = judge(past, case.want_forward())
    known = {**case.inputs, **past, 'x': past.get('sum', case.inputs['x'])}
    graph = case.graph(known)
    dy, gradients = case.draw_dy(graph), {slot: case.gradient(slot) for slot in case.gradients}
    there = {slot: values(gradients[slot]) if slot in case.cards['accumulate'] else 0.0 for slot in gradients}
    case.backward(known, dy, gradients)
    want = case.want_backward(graph, dy)
    return {**worst, **judge(gradients, {slot: (v + there[slot], s) for slot, (v, s) in want.items()})}


def seed_of(word):
    return int(date.today().strftime('%Y%m%d')) if word == 'today' else int(word)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('library')
    parser.add_argument('--cases', type=int, default=200)
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--seed', type=seed_of, default=1)
    parser.add_argument('--device')
    options = parser.parse_args()
    torch.manual_seed(0)
    library, failed, worst, had = Library(options.library, options.device), 0, {}, Counter()
    print('seed %d, torch %s' % (options.seed, torch.__version__))
    for number in range(options.first, options.first + options.cases):
        case = Case(library, options.seed, number)
        print(case, flush=True) if options.cases == 1 else None
        had.update(case.features())
        try:
            for slot, off in run(case).items():
                worst[case.form, slot] = max(off, worst.get((case.form, slot), 0))
        except Error as why:
            failed += 1
            print('%s: %s; again: --seed %d --first %d --cases 1' % (case, why, options.seed, number), flush=True)
    library.close()
    for (form, slot), off in sorted(worst.items()):
        print('%-16s %-12s %.2f of the bound' % (form, slot, off))
    print(', '.join('%s %d' % pair for pair in sorted(had.items())))
    print('%d passed, %d failed' % (options.cases - failed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
