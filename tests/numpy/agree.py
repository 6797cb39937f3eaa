#!/usr/bin/env python3
"""agree.py -- the command against NumPy in float64, through files, as its users see it.

usage: agree.py CLNORM [--seed N] [--photo FILE] [--device DEV]

Runs `CLNORM run OP [options] in.npy out.npy` for every op, input and output type, layout and scope, on small
arrays, ordinary and hostile, and compares with the formulas of SEMANTICS section 1 within the bounds of its
section 4: |got - want| <= bound * max(1, |want|, S), 5e-7 on ordinary and 1e-6 on hostile data; f16 and bf16
also pass within one unit in the last place, integers one step off where the unrounded want is within the bound
of a tie. Counts, minima, maxima and the moments of integers are exact. Numbers on the command line are f32
there, so here too.

Images go through Pillow, and through torchvision where there is one. Needs numpy. Stops at the first failure
with exit 1; the last line is always "N passed, N failed, N skipped".
"""
import argparse
import collections
import fractions
import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

PHOTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../examples/photo/astronaut.jpg')
ORDINARY, HOSTILE = 5e-7, 1e-6
STORED = {'u8': np.uint8, 'u16': np.uint16, 'f32': np.float32, 'f16': np.float16, 'bf16': np.uint16, 's8': np.int8}
IN_TYPES = ['u8', 'u16', 'f32', 'f16', 'bf16']
OUT_TYPES = ['f32', 'f16', 'bf16', 'u8', 's8']
LETTERS = {1: 'w', 2: 'hw', 3: 'chw', 4: 'nchw', 5: 'ncdhw'}
SCOPES = {'image': 'cdhw', 'channel': 'dhw', 'batch': 'ncdhw', 'batch-channel': 'ndhw'}
PRESETS = {'imagenet': ([.485, .456, .406], [.229, .224, .225]), 'half': ([.5], [.5]),
           'clip': ([.48145466, .4578275, .40821073], [.26862954, .26130258, .27577711]),
           'cifar10': ([.4914, .4822, .4465], [.2470, .2435, .2616])}
SCALES = {'u8': 255.0, 'u16': 65535.0, 's8': 127.0, 'f32': 1.0, 'f16': 1.0, 'bf16': 1.0}


class Failure(Exception):
    """What went wrong, in words."""


# ---- storage types, layouts, sets ---------------------------------------------------------------------------

def widen(a, dtype):
    if dtype == 'bf16':
        return (a.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return a.astype(np.float64)


def narrow(a, dtype):
    if dtype == 'bf16':
        bits = np.asarray(a, np.float32).view(np.uint32).astype(np.uint64)
        return ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    if dtype in ('u8', 'u16'):
        return np.clip(np.rint(a), 0, np.iinfo(STORED[dtype]).max).astype(STORED[dtype])
    return np.asarray(a).astype(STORED[dtype])


def channel_axis(ndim):
    return {3: 0, 4: 1, 5: 1}.get(ndim)


def to_file(a, layout):
    axis = channel_axis(a.ndim)
    return np.ascontiguousarray(np.moveaxis(a, axis, -1) if layout == 'nhwc' and axis is not None else a)


def from_file(a, layout):
    axis = channel_axis(a.ndim)
    return np.moveaxis(a, -1, axis) if layout == 'nhwc' and axis is not None else a


def reduced(case, ndim):
    """The axes of one set; one gray image, of one or two axes, is one set."""
    letters = case.options.get('over') or SCOPES[case.options.get('scope', 'image')]
    return tuple(k for k, c in enumerate(LETTERS[ndim]) if c in letters or (ndim < 3 and 'over' not in case.options))


def per_channel(values, ndim):
    axis = channel_axis(ndim)
    f32 = np.asarray(values, np.float32).astype(np.float64)
    return f32 if len(values) == 1 else f32.reshape([-1 if k == axis else 1 for k in range(ndim)])


def f32(value):
    return float(np.float32(value))


# ---- the formulas: x in float64 -> y, S, and what else is written ---------------------------------------------

def exact_moments(x, axes):
    """Mean and M2 of whole numbers as the doubles next to the exact values."""
    kept = [k for k in range(x.ndim) if k not in axes]
    rows = np.transpose(x, kept + list(axes)).astype(np.int64).reshape(int(np.prod([x.shape[k] for k in kept])), -1)
    mean, m2 = [], []
    for row in rows.tolist():
        n, s, q = len(row), sum(row), sum(v * v for v in row)
        mean.append(float(fractions.Fraction(s, n)))
        m2.append(float(fractions.Fraction(n * q - s * s, n)))
    shape = [1 if k in axes else x.shape[k] for k in range(x.ndim)]
    return np.reshape(mean, shape), np.reshape(m2, shape)


def moments_of(x, axes):
    """Mean, what rounding left of it, and M2. NaN or an infinity in a set makes all three NaN."""
    mean = x.mean(axes, keepdims=True)
    rest = (x - mean).mean(axes, keepdims=True)
    m2 = ((x - mean - rest) ** 2).sum(axes, keepdims=True)
    return np.where(np.isnan(m2), m2, mean), rest, m2


def minmax(x, case):
    lo, hi = (f32(v) for v in case.options.get('range', (0, 1)))
    axes, eps = reduced(case, x.ndim), f32(case.options.get('eps', 1e-8))
    if not x.size:
        return x, x, {}
    low, high = x.min(axes, keepdims=True), x.max(axes, keepdims=True)
    t = np.where(x == low, np.where(np.isinf(low), np.nan, 0.0), (x - low) / (high - low + eps))
    return lo + (hi - lo) * t, abs((hi - lo) * t) + abs(lo), {'min': Exact(low), 'max': Exact(high)}


def zscore(x, case):
    axes, eps, ddof = reduced(case, x.ndim), f32(case.options.get('eps', 1e-8)), case.options.get('ddof', 0)
    if not x.size:
        return x, x, {}
    mean, rest, m2 = moments_of(x, axes)
    n = np.prod([x.shape[k] for k in axes])
    std = np.sqrt(m2 / (n - ddof)) if n > ddof else m2
    rstd = np.where(std + eps == 0, 0.0, 1.0 / (std + eps))
    y = (x - mean - rest) * rstd
    extra = {'mean': Near(mean, abs(x).mean(axes, keepdims=True)), 'rstd': Near(rstd, 0 * rstd)}
    return y, abs(y), extra


def symmetric(x, case):
    t = 2 * (x / f32(case.options.get('scale', SCALES[case.in_type])))
    return t - 1, abs(t) + 1, {}


def totensor(x, case):
    y = x / f32(case.options.get('scale', SCALES[case.in_type]))
    return y, abs(y), {}


def lists(case, ndim):
    mean, std = PRESETS[case.options.get('preset', 'imagenet')]
    return (per_channel(case.options.get('mean', mean), ndim), per_channel(case.options.get('std', std), ndim))


def normalize(x, case):
    mean, std = lists(case, x.ndim)
    y = (x / f32(case.options.get('scale', SCALES[case.in_type])) - mean) / std
    return y, abs(y), {}


def denormalize(x, case):
    of = case.options.get('of', 'normalize')
    scale = f32(case.options.get('scale', SCALES[case.out_type or case.in_type]))
    given = {name: v.astype(np.float64) for name, v in case.given.items()}
    if of == 'minmax':
        lo, hi = (f32(v) for v in case.options.get('range', (0, 1)))
        a = (x - lo) / (hi - lo) * (given['max'] - given['min'] + f32(case.options.get('eps', 1e-8)))
        b = given['min']
    elif of == 'zscore':
        a, b = x / given['rstd'], given['mean']
    elif of == 'normalize':
        mean, std = lists(case, x.ndim)
        a, b = x * std * scale, mean * scale
    else:
        a, b = (x * scale / 2, scale / 2) if of == 'symmetric' else (x * scale, 0.0)
    return a + b, abs(a) + abs(b), {}


def moments(x, case):
    axes = reduced(case, x.ndim)
    if not x.size:
        return np.zeros([1 if k in axes else n for k, n in enumerate(x.shape)]), np.zeros(1), {}
    mean, rest, m2 = moments_of(x, axes)
    y, m2 = mean + rest, Near(m2, 0 * m2)
    if case.in_type in ('u8', 'u16'):
        exact = exact_moments(x, axes)
        y, m2 = exact[0], Exact(exact[1].astype(np.float32).astype(np.float64))
    count = np.full(mean.shape, np.prod([x.shape[k] for k in axes]))
    extra = {'count': Exact(count), 'm2': m2, 'min': Exact(x.min(axes, keepdims=True)),
             'max': Exact(x.max(axes, keepdims=True))}
    return y, abs(x).mean(axes, keepdims=True), extra


FORMULAS = {f.__name__: f for f in (minmax, symmetric, zscore, totensor, normalize, denormalize, moments)}


# ---- the error measure ---------------------------------------------------------------------------------------

Near = collections.namedtuple('Near', 'want scale')
Exact = collections.namedtuple('Exact', 'want')


def wrong(dtype, got, want, s, bound):
    """True where got is not want, by the measure of the first paragraph."""
    room = bound * np.maximum(np.maximum(1.0, abs(want)), np.where(np.isfinite(s), s, 0.0))
    if dtype in ('u8', 's8'):
        limits = np.iinfo(STORED[dtype])
        rounded = np.clip(np.rint(np.where(np.isnan(want), 0.0, want)), limits.min, limits.max)
        tie = (abs(got - rounded) == 1) & (abs(want - (got + rounded) / 2) <= room)
        return (got != rounded) & ~tie
    digits, least, most = {'f32': (24, -126, 127), 'f16': (11, -14, 15), 'bf16': (8, -126, 127)}[dtype]
    edge = (2 - 2.0 ** -digits) * 2.0 ** most  # from here on rounds to infinity
    last = np.maximum(np.frexp(want)[1] - 1, least) - (digits - 1)
    ulp = np.where(np.isfinite(want), np.ldexp(1.0, np.where(np.isfinite(want), last, 0)), 0.0)
    close = abs(got - want) <= (room if dtype == 'f32' else np.maximum(room, ulp))
    at_edge = (abs(abs(want) - edge) <= room) & np.isfinite(want)
    infinite = np.isinf(got) & (np.sign(got) == np.sign(want)) & ((abs(want) >= edge) | at_edge)
    finite = np.isfinite(got) & close & ((abs(want) < edge) | at_edge)
    return ~(infinite | finite | (np.isnan(got) & np.isnan(want)))


def first_wrong(got, bad, want):
    at = tuple(int(k) for k in np.argwhere(bad)[0])
    return 'index=%s got=%r want=%r' % (at, float(got[at]), float(np.broadcast_to(want, got.shape)[at]))


# ---- one run of the command ----------------------------------------------------------------------------------

class Case:
    """x is in the order of the axes; options are those of the command, as Python values."""

    def __init__(self, op, x, in_type, out_type=None, layout='nchw', out_layout=None, hostile=False, given=None,
                 **options):
        self.op, self.x, self.in_type, self.out_type = op, narrow(x, in_type), in_type, out_type
        self.layout, self.out_layout, self.hostile, self.given = layout, out_layout, hostile, given or {}
        self.options = options

    def words(self):
        words = []
        for name, value in self.options.items():
            text = ','.join(repr(v) if not isinstance(v, str) else v for v in value) \
                if isinstance(value, (tuple, list)) else str(value)
            name = '--' + name.replace('_', '-')
            words += [name] if value is True else [name + '=' + text] if len(text) % 2 else [name, text]
        if self.layout == 'nhwc' or channel_axis(self.x.ndim) is not None:
            words += ['--layout', self.layout]
        words += ['--out-layout', self.out_layout] if self.out_layout else []
        words += ['--out-dtype', self.out_type] if self.out_type else []
        words += ['--in-dtype', 'bf16'] if self.in_type == 'bf16' else []
        return words

    def y_layout(self):
        return self.out_layout or ('nchw' if self.op in ('totensor', 'normalize') else self.layout)

    def y_type(self):
        return self.out_type or (self.in_type if self.in_type not in ('u8', 'u16') and self.op != 'moments' else 'f32')

    def want(self):
        x = widen(self.x, self.in_type)
        if self.options.get('swap_rb'):
            axis = channel_axis(x.ndim)
            order = [2, 1, 0] + list(range(3, x.shape[axis]))
            x = np.take(x, order, axis)
        with np.errstate(all='ignore'):
            return FORMULAS[self.op](x, self)

    def __str__(self):
        return '%s %s x=%s%s' % (self.op, ' '.join(self.words()), self.in_type, list(self.x.shape))


class Runner:
    def __init__(self, command, device, folder):
        self.command, self.folder = command, folder
        self.device = ['--device', device] if device else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, op, words, source, target):
        line = [self.command, 'run', op] + words + self.device + [source, target]
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise Failure('exit %d: %s\n  %s' % (done.returncode, ' '.join(line), done.stderr.strip()))

    def check(self, case):
        y, s, extra = case.want()
        words = case.words()
        for name, value in case.given.items():
            np.save(self.path(name + '_in.npy'), to_file(value, case.layout))
            words += ['--in', '%s=%s' % (name, self.path(name + '_in.npy'))]
        for name in extra:
            words += ['--out', '%s=%s' % (name, self.path(name + '.npy'))]
        np.save(self.path('x.npy'), to_file(case.x, case.layout))
        self.run(case.op, words, self.path('x.npy'), self.path('y.npy'))
        got = np.load(self.path('y.npy'))
        if got.dtype != STORED[case.y_type()]:
            raise Failure('y is %s, not %s' % (got.dtype, case.y_type()))
        got = from_file(widen(got, case.y_type()), case.y_layout())
        bound = HOSTILE if case.hostile else ORDINARY
        values = self.compare('y', got, y, case.y_type(), s, bound)
        for name, value in extra.items():
            got = from_file(np.load(self.path(name + '.npy')).astype(np.float64), case.layout)
            scale = value.scale if isinstance(value, Near) else None
            values += self.compare(name, got, value.want, 'f32', scale, bound)
        return values

    @staticmethod
    def compare(name, got, want, dtype, s, bound):
        if got.shape != want.shape:
            raise Failure('%s has shape %s, not %s' % (name, got.shape, want.shape))
        with np.errstate(all='ignore'):
            bad = (got != want) & ~(np.isnan(got) & np.isnan(want)) if s is None else wrong(dtype, got, want, s, bound)
        if bad.any():
            raise Failure('%s: %d of %d wrong, %s' % (name, bad.sum(), bad.size, first_wrong(got, bad, want)))
        return got.size


# ---- the cases -----------------------------------------------------------------------------------------------

def ordinary(rng, dtype, shape):
    if dtype in ('u8', 'u16'):
        return rng.integers(0, np.iinfo(STORED[dtype]).max, shape, endpoint=True)
    return rng.normal(0.4, 1.5, shape)


def hostile(rng, dtype, n, rest):
    """n images, each of another kind that breaks careless arithmetic."""
    size = int(np.prod(rest))
    unit, zeros = rng.uniform(-1, 1, (12, size)), np.zeros(size)
    front = np.where(np.arange(size) < 64, 1.0, 0.0)
    kinds = {
        'u8': [zeros + 255, zeros, 254 + (unit[0] > 0), 255 * (1 - front), 255 * front],
        'u16': [zeros + 65535, 65534 + (unit[0] > 0), 65535 * front, 40000 + np.rint(unit[1]), zeros + 1],
        'f16': [zeros + 0.1, 1e4 + 8 * unit[0], 65504 * unit[1], 1e-7 * unit[2], front * 6e4 + unit[3]],
        'bf16': [zeros + 0.1, 1e4 + 64 * unit[0], 3e38 * unit[1], 1e-20 * unit[2], front * 1e6 + unit[3]],
        'f32': [1e4 + 1e-2 * unit[0], 1e6 + unit[1], 1e3 + 1e-3 * unit[2], unit[3] * (1 - front) + 1e4 * (1 - front),
                unit[4] + 1e6 * front, unit[5] + 1e6 * (np.arange(size) == size // 2), 3e38 * unit[6],
                1e-20 * unit[7], zeros + 0.1, 3e38 + 1e32 * unit[8]],
    }[dtype]
    return np.stack([kinds[k % len(kinds)] for k in range(n)]).reshape((n,) + tuple(rest))


def statistic_cases(rng):
    turn = itertools.count()
    for op, dtype, scope in itertools.product(('minmax', 'zscore', 'moments'), IN_TYPES, SCOPES):
        k = next(turn)
        out = OUT_TYPES[k % 5] if op != 'moments' else None
        options = {'scope': scope}
        if op == 'minmax' and out in ('u8', 's8'):
            options['range'] = (0, 255) if out == 'u8' else (-128, 127)
        if op == 'zscore' and k % 3 == 0:
            options['ddof'] = 1
        yield Case(op, ordinary(rng, dtype, (3, 4, 29, 37)), dtype, out, ('nchw', 'nhwc')[k // 2 % 2],
                   (None, 'nhwc', 'nchw')[k % 3] if op != 'moments' else None, **options)
    for op, dtype in itertools.product(('minmax', 'zscore', 'moments'), IN_TYPES):
        k = next(turn)
        kinds, scope = (10 if dtype == 'f32' else 5), ('image', 'channel')[k % 2]
        yield Case(op, hostile(rng, dtype, kinds, (3, 71, 67)), dtype, None if op == 'moments' else 'f32',
                   ('nchw', 'nhwc')[k // 2 % 2], hostile=True, scope=scope)
    for op, scope in itertools.product(('minmax', 'zscore'), ('batch', 'batch-channel')):
        x = rng.uniform(-1, 1, (4, 3, 31, 33))
        yield Case(op, 1e6 + x, 'f32', None, ('nchw', 'nhwc')[next(turn) % 2], hostile=True, scope=scope)


def pointwise_cases(rng):
    turn = itertools.count()
    for op, dtype, layout in itertools.product(('symmetric', 'totensor', 'normalize'), IN_TYPES, ('nchw', 'nhwc')):
        k = next(turn)
        options = {'scale': 2.5} if (op == 'symmetric' and dtype not in ('u8', 'u16')) or k % 7 == 3 else {}
        if k % 4 == 1:
            options['swap_rb'] = True
        yield Case(op, ordinary(rng, dtype, (2, 3, 23, 41)), dtype, OUT_TYPES[k // 2 % 5], layout,
                   (None, 'nhwc', 'nchw')[k % 3], **options)
    for k, preset in enumerate(PRESETS):
        yield Case('normalize', ordinary(rng, 'u8', (2, 3, 17, 19)), 'u8', None, 'nhwc', preset=preset)
    yield Case('normalize', ordinary(rng, 'u8', (2, 5, 17, 19)), 'u8', mean=[.1, .2, .3, .4, .5], std=[1, 2, -3, 4, 5])
    yield Case('normalize', ordinary(rng, 'u16', (3, 5, 7)), 'u16', 'f16', mean=[.25], std=[.125])


def inverse_cases(rng):
    turn = itertools.count()
    for of, dtype in itertools.product(('minmax', 'symmetric', 'zscore', 'totensor', 'normalize'),
                                       ('f32', 'f16', 'bf16')):
        k = next(turn)
        options, given, out = {'of': of}, {}, OUT_TYPES[k % 5]
        if of in ('minmax', 'zscore'):
            options['scope'] = list(SCOPES)[k % 4]
            shape = [1 if c in SCOPES[options['scope']] else n for c, n in zip('nchw', (3, 3, 19, 21))]
            a, b = rng.uniform(-50, 50, shape), rng.uniform(0.5, 90, shape)
            given = {'min': a, 'max': a + b} if of == 'minmax' else {'mean': a, 'rstd': 1 / b}
            given = {name: v.astype(np.float32) for name, v in given.items()}
        if of == 'minmax':
            options['range'] = (-1, 1)
        if of == 'normalize':
            options['preset'] = 'clip'
        yield Case('denormalize', rng.uniform(-1.2, 1.2, (3, 3, 19, 21)), dtype, out, ('nchw', 'nhwc')[k // 2 % 2],
                   (None, 'nchw')[k % 2], given=given, **options)


def special_cases(rng):
    shapes = (97,), (13, 17), (3, 11, 13), (2, 3, 3, 5, 7), (0, 3, 4, 5), (2, 1, 1, 1)
    for k, shape in enumerate(shapes * 2):
        op = ('minmax', 'zscore', 'moments')[(k + k // 6) % 3]
        options = {'ddof': 1} if op == 'zscore' else {'scope': 'channel'}
        yield Case(op, ordinary(rng, 'f32', shape), 'f32', layout='nhwc' if len(shape) == 5 else 'nchw', **options)
    nan = rng.normal(0, 1, (5, 1, 9, 11))
    nan[1, 0, 3, 4] = np.nan
    nan[3] = 0.25
    yield Case('moments', nan, 'f32')
    yield Case('totensor', nan, 'f32', 'u8', scale=0.01)
    nan[2, 0, 8, 10], nan[4, 0, 0, 0] = np.inf, -np.inf
    yield Case('minmax', nan, 'f32', range=(-3, 2))
    yield Case('minmax', nan, 'f32', 'u8', range=(0, 255), eps=0)
    yield Case('totensor', nan, 'f32', 'f16')
    nan_only = np.where(np.isinf(nan), 1.0, nan)
    yield Case('zscore', nan_only, 'f32', eps=0)
    yield Case('zscore', np.repeat(ordinary(rng, 'u8', (2, 3, 1, 1)), 200, 3), 'u8', scope='channel', eps=0)
    yield Case('zscore', ordinary(rng, 'u8', (2, 4, 15, 16)), 'u8', scope='channel', swap_rb=True, eps=0.5)
    yield Case('moments', ordinary(rng, 'u16', (2, 4, 15, 16)), 'u16', layout='nhwc', scope='channel', swap_rb=True)
    yield Case('moments', ordinary(rng, 'f32', (2, 3, 15, 16)), 'f32', over='n,w')
    yield Case('totensor', np.array([[70000.0, 65519.0, -65520.5, 1e-8]]), 'f32', 'f16')
    yield Case('totensor', np.arange(-8, 600)[None] / 2.0, 'f32', 'u8')
    yield Case('totensor', np.arange(-300, 300)[None] / 2.0, 'f32', 's8')


# ---- image files ---------------------------------------------------------------------------------------------

def picture(rng, folder):
    """A smooth scene with some noise, saved as a photo and losslessly."""
    from PIL import Image
    h, w = np.mgrid[0:120, 0:161]
    waves = [127 + 90 * np.sin(h / a + c) * np.cos(w / b) for a, b, c in ((17, 23, 0), (29, 13, 1), (11, 37, 2))]
    pixels = np.clip(np.stack(waves, -1) + rng.normal(0, 6, (120, 161, 3)), 0, 255).astype(np.uint8)
    names = [os.path.join(folder, name) for name in ('photo.jpg', 'photo.png')]
    for name in names:
        Image.fromarray(pixels).save(name)
    return names


def check_image(runner, name):
    """normalize of an image file against ToTensor and Normalize; in float32, so twice the bound."""
    from PIL import Image
    image = Image.open(name).convert('RGB')
    mean, std = PRESETS['imagenet']
    try:
        from torchvision import transforms
        want = transforms.Normalize(mean, std)(transforms.ToTensor()(image)).numpy()[None]
    except ImportError:
        x = np.asarray(image).transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        want = (x - np.float32(mean).reshape(1, 3, 1, 1)) / np.float32(std).reshape(1, 3, 1, 1)
    runner.run('normalize', [], name, runner.path('y.npy'))
    got = np.load(runner.path('y.npy'))
    return runner.compare('y', got.astype(np.float64), want.astype(np.float64), 'f32', np.zeros(1), 2 * ORDINARY)


def image_checks(runner, rng, photo, seed):
    """Passed and skipped."""
    try:
        names = picture(rng, runner.folder) + ([photo] if os.path.exists(photo) else [])
    except ImportError as why:
        print('skipped: image files, for want of Pillow (%s)' % why)
        return 0, 1
    try:
        import torchvision
        print('images: against torchvision', torchvision.__version__)
        skipped = 0
    except ImportError as why:
        print('skipped: torchvision itself (%s); its arithmetic in NumPy float32 stands in' % why)
        skipped = 1
    for name in names:
        try:
            check_image(runner, name)
        except Failure as why:
            raise Failure('op=normalize input=%s seed=%d %s' % (os.path.basename(name), seed, why)) from None
    print('%-12s %4d runs' % ('images', len(names)))
    return len(names), skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('command')
    parser.add_argument('--seed', type=int, default=20240229)
    parser.add_argument('--photo', default=PHOTO, help='an image file to check as well (%(default)s)')
    parser.add_argument('--device')
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    print('seed', args.seed)
    runs, values = collections.Counter(), collections.Counter()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix='clnorm-agree-') as folder:
        runner = Runner(args.command, args.device, folder)
        try:
            for case in itertools.chain(statistic_cases(rng), pointwise_cases(rng), inverse_cases(rng),
                                        special_cases(rng)):
                try:
                    values[case.op] += runner.check(case)
                except Failure as why:
                    raise Failure('op=%s options=%s seed=%d %s' % (case.op, case, args.seed, why)) from None
                runs[case.op] += 1
            passed, skipped = image_checks(runner, rng, args.photo, args.seed)
        except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as why:
            print('FAIL', why)
            failed = 1
    for op in FORMULAS:
        print('%-12s %4d runs %9d values' % (op, runs[op], values[op]))
    print('%d passed, %d failed, %d skipped' % (passed + sum(runs.values()), failed, skipped))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
