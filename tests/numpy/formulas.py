"""formulas.py -- storage types, layouts, sets, and the formulas of SEMANTICS section 1 in float64."""
import collections
import fractions

import numpy as np

STORED = {'u8': np.uint8, 'u16': np.uint16, 'f32': np.float32, 'f16': np.float16, 'bf16': np.uint16, 's8': np.int8}
LETTERS = {1: 'w', 2: 'hw', 3: 'chw', 4: 'nchw', 5: 'ncdhw'}
SCOPES = {'image': 'cdhw', 'channel': 'dhw', 'batch': 'ncdhw', 'batch-channel': 'ndhw'}
PRESETS = {'imagenet': ([.485, .456, .406], [.229, .224, .225]), 'half': ([.5], [.5]),
           'clip': ([.48145466, .4578275, .40821073], [.26862954, .26130258, .27577711]),
           'cifar10': ([.4914, .4822, .4465], [.2470, .2435, .2616])}
SCALES = {'u8': 255.0, 'u16': 65535.0, 's8': None, 'f32': 1.0, 'f16': 1.0, 'bf16': 1.0}
Near = collections.namedtuple('Near', 'want scale')
Exact = collections.namedtuple('Exact', 'want')


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
