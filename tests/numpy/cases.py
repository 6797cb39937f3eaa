"""cases.py -- every op, input and output type, layout and scope, on small arrays, ordinary and hostile."""
import itertools

import numpy as np

from formulas import FORMULAS, PRESETS, SCOPES, STORED, channel_axis, narrow, widen

IN_TYPES = ['u8', 'u16', 'f32', 'f16', 'bf16']
OUT_TYPES = ['f32', 'f16', 'bf16', 'u8', 's8']


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
        return self.out_type or (self.in_type if self.in_type not in ('u8', 'u16', 's8') and self.op != 'moments' else 'f32')

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


# ---- the cases -----------------------------------------------------------------------------------------------

def ordinary(rng, dtype, shape):
    if dtype in ('u8', 'u16'):
        return rng.integers(0, np.iinfo(STORED[dtype]).max, shape, endpoint=True)
    if dtype == 's8':
        return rng.integers(-128, 127, shape, endpoint=True)
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
    for op, options in (('totensor', {'scale': 127}), ('symmetric', {'scale': 64}), ('normalize', {'scale': 127}),
                        ('minmax', {'scope': 'channel'}), ('zscore', {'scope': 'batch'})):
        yield Case(op, ordinary(rng, 's8', (2, 3, 17, 19)), 's8', layout='nhwc', **options)


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
        if out == 's8' and of not in ('minmax', 'zscore'):
            options['scale'] = 127
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


def all_cases(rng):
    return itertools.chain(statistic_cases(rng), pointwise_cases(rng), inverse_cases(rng), special_cases(rng))
