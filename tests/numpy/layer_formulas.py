"""layer_formulas.py -- the layers of SEMANTICS section 1 in float64, for layers.py."""
import math

import numpy as np

CENTRED = ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'mvn')


def erf(z):
    return np.vectorize(math.erf)(z)


def act(name, z):
    """y and dy/dz of an activation, as --act names it."""
    kind, _, slope = (name or 'none').partition(':')
    if kind == 'none':
        return z, np.ones_like(z)
    if kind == 'relu':
        return np.maximum(z, 0), (z > 0).astype(float)
    if kind == 'leaky':
        a = float(np.float32(slope or 0.01))
        return np.where(z > 0, z, a * z), np.where(z > 0, 1.0, a)
    if kind == 'silu':
        s = 1 / (1 + np.exp(-z))
        return z * s, s * (1 + z * (1 - s))
    if kind == 'gelu':
        p = (1 + erf(z / math.sqrt(2))) / 2
        return z * p, p + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    c, k = math.sqrt(2 / math.pi), 0.044715
    t = np.tanh(c * (z + k * z ** 3))
    return z / 2 * (1 + t), (1 + t) / 2 + z / 2 * (1 - t * t) * c * (1 + 3 * k * z * z)


class Layer:
    """Statistics of x, which is (N,C,..), (C,..) or whatever the axes say; axes are a tuple."""

    def __init__(self, op, x, axes, eps, groups=0, ddof=0, inside=True):
        self.op, self.shape, self.eps, self.ddof, self.inside = op, x.shape, eps, ddof, inside
        self.channel = 1 if x.ndim in (2, 4, 5) else 0
        if groups:
            c = self.channel
            x = x.reshape(x.shape[:c] + (groups, x.shape[c] // groups) + x.shape[c + 1:])
            axes = tuple(range(c + 1, x.ndim))
        self.split, self.axes = x.shape, axes
        self.m = int(np.prod([x.shape[a] for a in axes]))
        self.mean = x.mean(axes, keepdims=True) if op in CENTRED else np.zeros(1)
        self.d = x - self.mean
        self.var = (self.d ** 2).sum(axes, keepdims=True) / (self.m - ddof)
        self.rstd = 1 / np.sqrt(self.var + eps) if inside else 1 / (np.sqrt(self.var) + eps)

    def take(self, mean, rstd):
        self.mean, self.rstd = mean, rstd

    def xhat(self, x):
        return ((x.reshape(self.split) - self.mean) * self.rstd).reshape(self.shape)

    def gradient(self, g, x, frozen=False):
        g, d, n = g.reshape(self.split), x.reshape(self.split) - self.mean, self.m
        mean = g.mean(self.axes, keepdims=True)
        if frozen:
            dx = g * self.rstd
        elif self.op not in CENTRED:
            dx = self.rstd * g - d * self.rstd ** 3 * (g * d).mean(self.axes, keepdims=True)
        elif self.inside:
            xhat = d * self.rstd
            dx = self.rstd * (g - mean - xhat * (g * xhat).sum(self.axes, keepdims=True) / (n - self.ddof))
        else:
            s, total = np.sqrt(self.var), (g * d).sum(self.axes, keepdims=True)
            dx = (g - mean) * self.rstd - d * total * self.rstd ** 2 / ((n - self.ddof) * s)
        return dx.reshape(self.shape)
