#!/usr/bin/env python3
"""layers.py -- the layers of the command against NumPy in float64, through files, as their users see them.

usage: layers.py CLNORM

Runs `CLNORM run OP [options] x.npy out.npy` forward and backward over ranks, layouts, types, shapes of gamma and
beta, modes, residuals and activations, and compares every output with the formulas of SEMANTICS section 1, written
here a second time. Ops that this build of the command lacks are left out. Needs numpy. Exit 1 where one case fails;
the last line is always "N passed, N failed".
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

from layer_formulas import CENTRED, Layer, act

NUMBER = {'f4': '<f4', 'f2': '<f2', 'f8': '<f8'}


# ---- one run of the command ----------------------------------------------------------------------------------

class Suite:
    def __init__(self, command):
        self.command, self.passed, self.failed = command, 0, 0
        self.folder = tempfile.mkdtemp(prefix='clnorm-layers-')
        kernels = subprocess.run([command, 'kernels'], capture_output=True, text=True, check=True).stdout
        self.ops = [line.split()[0] for line in kernels.splitlines()]

    def path(self, name):
        return os.path.join(self.folder, name + '.npy')

    def run(self, op, words, inputs, outputs):
        """inputs: x and the --in by name; outputs: OUTPUT and the --out by name. Returns the arrays of outputs."""
        line = [self.command, 'run', op] + words
        for name, array in inputs.items():
            np.save(self.path(name), array)
            line += [] if name == 'x' else ['--in', '%s=%s' % (name, self.path(name))]
        for name in outputs[1:]:
            line += ['--out', '%s=%s' % (name, self.path('out_' + name))]
        line += [self.path('x'), self.path('out_' + outputs[0])]
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError('exit %d: %s' % (done.returncode, done.stderr.strip()))
        return {name: np.load(self.path('out_' + name)) for name in outputs}

    def case(self, op, words, inputs, want, bound=2e-6):
        """want: name -> array, the first of them OUTPUT; shapes and values are compared."""
        title = '%s %s %s' % (op, ' '.join(words), {k: v.shape for k, v in inputs.items()})
        if op not in self.ops:
            return
        try:
            got = self.run(op, words, inputs, list(want))
            why = next((w for w in (self.compare(n, got[n], want[n], bound) for n in want) if w), '')
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            why = str(error)
        self.passed += not why
        self.failed += bool(why)
        print('ok' if not why else 'not ok', title, why)

    @staticmethod
    def compare(name, got, want, bound):
        want = np.asarray(want)
        if got.shape != want.shape:
            return '%s has shape %s, not %s' % (name, got.shape, want.shape)
        scale = max(1.0, float(abs(want).max())) if want.size else 1.0
        ulp = {'<f2': 2.0 ** -10, '|u1': 0.0}.get(got.dtype.str, 0.0)
        worst = abs(got.astype(float) - want.astype(float)).max() / scale if want.size else 0
        return '' if worst <= max(bound, ulp) else '%s is off by %.3g' % (name, worst)


# ---- cases ---------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(1)


def normal(*shape, kind='f4'):
    return (RNG.standard_normal(shape) * 1.5 + 0.7).astype(NUMBER[kind])


def along(v, x, channel):
    """(C) broadcast over x."""
    return v.reshape([-1 if k == channel else 1 for k in range(x.ndim)])


def spread(v, x, channel):
    """gamma or beta as the command matches it to x, (N,C,..): (C), (N,C) or full."""
    v = v.astype(float)
    if v.ndim == 1:
        return along(v, x, channel)
    if v.shape == x.shape[:2] and x.ndim > 2:
        return v.reshape(v.shape + (1,) * (x.ndim - 2))
    return v


def fold(v, like, x, channel):
    """The gradient of spread."""
    shape = spread(like, x, channel).shape
    shape = (1,) * (x.ndim - len(shape)) + shape
    axes = tuple(k for k in range(x.ndim) if shape[k] == 1 and x.shape[k] != 1)
    return v.sum(axes).reshape(like.shape)


def statistics(op, layer, x):
    """mean and rstd in the shapes of their files."""
    shape = {'batchnorm': (-1,), 'groupnorm': layer.split[:layer.channel + 1],
             'instancenorm': x.shape[:layer.channel + 1]}.get(op, layer.rstd.shape)
    both = {'rstd': layer.rstd.reshape(shape)}
    return dict(mean=layer.mean.reshape(shape), **both) if op in CENTRED else both


def defaults(op, x):
    """axes, eps and further options of an op on x."""
    c = 1 if x.ndim in (2, 4, 5) else 0
    every = tuple(range(x.ndim))
    return {'batchnorm': (tuple(k for k in every if k != c), 1e-5, {}, []),
            'layernorm': (every[c:] if c else every, 1e-6, {}, []),
            'rmsnorm': (every[c:] if c else every, 1e-6, {}, []),
            'groupnorm': ((), 1e-5, {'groups': 3}, ['--groups', '3']),
            'instancenorm': (every[c + 1:], 1e-5, {}, []),
            'mvn': (every[c + 1:], 1e-9, {'inside': False}, [])}[op]


def run_both(suite, op, x, gamma=None, beta=None, name=None, residual=False, words=(), kind='f4'):
    """Forward and backward with everything that comes out."""
    axes, eps, more, own = defaults(op, x)
    words = own + list(words)
    channel = 1 if x.ndim in (2, 4, 5) else 0
    xd, layer = x.astype(float), Layer(op, x.astype(float), axes, float(np.float32(eps)), **more)
    g = spread(gamma, x, channel) if gamma is not None else 1.0
    b = spread(beta, x, channel) if beta is not None else 0.0
    r = normal(*x.shape) if residual else None
    xhat = layer.xhat(xd)
    z = g * xhat + b + (r if residual else 0)
    y, slope = act(name, z)
    words = words + (['--act', name] if name else [])
    params = {k: v for k, v in (('gamma', gamma), ('beta', beta), ('residual', r)) if v is not None}
    saved = statistics(op, layer, xd)
    suite.case(op, words, dict(x=x, **params), dict(y=y, **saved), 2e-3 if kind == 'f2' else 2e-6)
    dy = normal(*x.shape, kind=kind)
    dz = slope * dy.astype(float)
    want = {'dx': layer.gradient(dz * g, xd)}
    if gamma is not None:
        want['dgamma'] = fold(dz * xhat, gamma, x, channel)
    if beta is not None:
        want['dbeta'] = fold(dz, beta, x, channel)
    if residual:
        want['dresidual'] = dz
    bound = 2e-3 if kind == 'f2' else 1e-5
    suite.case(op, words + ['--backward'], dict(x=x, dy=dy, **params), want, bound)
    as_f4 = {k: v.astype('<f4') for k, v in saved.items()}
    suite.case(op, words + ['--backward'], dict(x=x, dy=dy, **as_f4, **params), want, bound)


def cases_plain(suite):
    for op in ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm', 'mvn'):
        for shape in ((4, 6, 5, 7), (6, 5, 7), (2, 6, 2, 3, 4), (5, 6), (1, 6, 33, 31)):
            x = normal(*shape)
            channel = 1 if x.ndim in (2, 4, 5) else 0
            layout = ['--layout', 'nchw'] if x.ndim == 3 else []
            if len(shape) == 2 and op in ('instancenorm', 'mvn'):
                continue
            run_both(suite, op, x, words=layout)
            if op != 'mvn':
                run_both(suite, op, x, normal(shape[channel]), normal(shape[channel]), words=layout)


def cases_weights(suite):
    x = normal(4, 6, 5, 7)
    for op in ('layernorm', 'groupnorm', 'instancenorm', 'rmsnorm'):
        full = x.shape[2:] if op == 'instancenorm' else x.shape[1:]
        run_both(suite, op, x, normal(4, 6), normal(4, 6))
        run_both(suite, op, x, normal(*full), normal(*full))
        run_both(suite, op, x, gamma=normal(6))
        run_both(suite, op, x, beta=normal(4, 6))
        run_both(suite, op, x, normal(6).astype('<f2'), normal(6).astype('<f8'))
        run_both(suite, op, x.astype('<f2'), normal(6).astype('<f2'), normal(6).astype('<f2'), kind='f2')


def cases_acts(suite):
    x = normal(3, 6, 5, 7)
    for op in ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm', 'mvn'):
        gamma = None if op == 'mvn' else normal(6)
        for name in ('relu', 'leaky', 'leaky:0.2', 'silu', 'gelu', 'gelu-tanh'):
            run_both(suite, op, x, gamma, gamma, name, residual=name != 'silu')
        run_both(suite, op, x, gamma, residual=True)


def cases_axes(suite):
    """--axis and --over, on files of either layout."""
    x, eps = normal(3, 4, 5, 6), float(np.float32(1e-6))
    last = ['--layout', 'nhwc']
    for op in ('layernorm', 'rmsnorm'):
        for axis in (3, -1, 2, -3, 1):
            axes = tuple(range(axis % 4, 4))
            layer, gamma = Layer(op, x.astype(float), axes, eps), normal(*x.shape[axis % 4:])
            want = dict(y=gamma * layer.xhat(x.astype(float)), **statistics(op, layer, x))
            for layout in ([], last):
                suite.case(op, ['--axis', str(axis)] + layout, dict(x=x, gamma=gamma), want)
                dy = normal(*x.shape)
                back = {'dx': layer.gradient(gamma * dy.astype(float), x.astype(float)),
                        'dgamma': (dy * layer.xhat(x.astype(float))).sum(tuple(range(axis % 4))),
                        'dbeta': dy.astype(float).sum(tuple(range(axis % 4)))}
                suite.case(op, ['--axis', str(axis), '--backward'] + layout, dict(x=x, dy=dy, gamma=gamma), back, 1e-5)
        for over, axes in (('c', (3,)), ('h,w', (1, 2)), ('w', (2,)), ('n,c', (0, 3))):
            layer = Layer(op, x.astype(float), axes, eps)
            want = dict(y=layer.xhat(x.astype(float)), **statistics(op, layer, x))
            suite.case(op, ['--over', over] + last, dict(x=x), want)
        tokens = normal(2, 5, 8)
        for words, e in ((['--axis', '-1'], 1e-6), (['--semantics', 'onnx'], 1e-5)):
            layer = Layer(op, tokens.astype(float), (2,), float(np.float32(e)))
            want = dict(y=layer.xhat(tokens.astype(float)), **statistics(op, layer, tokens))
            suite.case(op, words, dict(x=tokens), want)
        layer = Layer(op, tokens[0, 0].astype(float), (0,), eps)
        suite.case(op, ['--axis', '0'], dict(x=tokens[0, 0]), dict(y=layer.xhat(tokens[0, 0].astype(float))))
    layer = Layer('mvn', x.astype(float), (0, 2, 3), 1e-9, inside=False)
    want = dict(y=layer.xhat(x.astype(float)), **statistics('mvn', layer, x))
    suite.case('mvn', ['--semantics', 'onnx'], dict(x=x), want)


def cases_nhwc(suite):
    """The same numbers with the channels behind."""
    x, dy, gamma = normal(3, 6, 5, 7), normal(3, 6, 5, 7), normal(6)
    back = lambda a: np.ascontiguousarray(np.moveaxis(a, 1, -1))
    for op in ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm'):
        axes, eps, more, own = defaults(op, x)
        layer, g = Layer(op, x.astype(float), axes, float(np.float32(eps)), **more), along(gamma, x, 1)
        want = dict(y=back(g * layer.xhat(x.astype(float))), **statistics(op, layer, x))
        if want['rstd'].ndim == 4:
            want.update({k: back(want[k]) for k in ('mean', 'rstd') if k in want})
        words = own + ['--layout', 'nhwc']
        suite.case(op, words, dict(x=back(x), gamma=gamma), want)
        suite.case(op, words + ['--out-layout', 'nchw'], dict(x=back(x), gamma=gamma),
                   dict(y=g * layer.xhat(x.astype(float))))
        r = normal(3, 6, 5, 7)
        suite.case(op, words + ['--out-layout', 'nchw'], dict(x=back(x), residual=back(r)),
                   dict(y=layer.xhat(x.astype(float)) + r))
        suite.case(op, words + ['--backward'], dict(x=back(x), dy=back(dy), gamma=gamma),
                   dict(dx=back(layer.gradient(g * dy, x.astype(float))),
                        dgamma=(dy * layer.xhat(x.astype(float))).sum((0, 2, 3))), 1e-5)
        if op in ('layernorm', 'groupnorm', 'rmsnorm'):
            full = normal(6, 5, 7)
            suite.case(op, words, dict(x=back(x), gamma=np.ascontiguousarray(np.moveaxis(full, 0, -1))),
                       dict(y=back(full * layer.xhat(x.astype(float)))))


def cases_running(suite):
    """batchnorm: what moves, what stays, and eval."""
    x = normal(4, 6, 5, 7)
    layer = Layer('batchnorm', x.astype(float), (0, 2, 3), float(np.float32(1e-5)))
    mean, m = layer.mean.ravel(), layer.m
    biased, unbiased = layer.var.ravel(), layer.var.ravel() * m / (m - 1)
    old_mean, old_var = normal(6), abs(normal(6))
    for words, a, var in (([], .1, unbiased), (['--momentum', '0.3'], .3, unbiased),
                          (['--momentum', '0'], 0, unbiased), (['--momentum', '1'], 1, unbiased),
                          (['--momentum', 'none', '--count', '3'], .25, unbiased),
                          (['--momentum', 'none', '--count', '0'], 1, unbiased),
                          (['--semantics', 'onnx'], .1, biased),
                          (['--semantics', 'onnx', '--momentum', '0.7'], .3, biased)):
        suite.case('batchnorm', words, dict(x=x), dict(y=layer.xhat(x.astype(float)), running_mean=a * mean,
                                                       running_var=(1 - a) + a * var))
        suite.case('batchnorm', words, dict(x=x, running_mean=old_mean, running_var=old_var),
                   dict(y=layer.xhat(x.astype(float)), running_mean=(1 - a) * old_mean + a * mean,
                        running_var=(1 - a) * old_var + a * var))
    suite.case('batchnorm', [], dict(x=x, running_mean=old_mean), dict(y=layer.xhat(x.astype(float)),
                                                                       running_mean=.9 * old_mean + .1 * mean))
    dy, gamma, beta = normal(4, 6, 5, 7), normal(6), normal(6)
    frozen = Layer('batchnorm', x.astype(float), (0, 2, 3), 1e-5)
    wide = lambda v: along(v.astype(float), x, 1)
    frozen.take(wide(old_mean), 1 / np.sqrt(wide(old_var) + np.float32(1e-5)))
    inputs = dict(x=x, gamma=gamma, beta=beta, running_mean=old_mean, running_var=old_var)
    y = wide(gamma) * frozen.xhat(x.astype(float)) + wide(beta)
    suite.case('batchnorm', ['--mode', 'eval'], inputs, dict(y=y), 5e-6)
    want = dict(dx=frozen.gradient(dy * wide(gamma), x.astype(float), True),
                dgamma=(dy * frozen.xhat(x.astype(float))).sum((0, 2, 3)), dbeta=dy.astype(float).sum((0, 2, 3)))
    suite.case('batchnorm', ['--mode', 'eval', '--backward'], dict(dy=dy, **inputs), want, 1e-5)
    given = dict(x=x, gamma=gamma, beta=beta, mean=old_mean, rstd=frozen.rstd.ravel().astype('<f4'))
    suite.case('batchnorm', ['--mode', 'eval'], given, dict(y=y), 5e-6)
    suite.case('batchnorm', ['--mode', 'train'], given, dict(y=y), 5e-6)
    suite.case('batchnorm', ['--mode', 'eval', '--backward'], dict(dy=dy, **given), want, 1e-5)


def cases_tensors(suite):
    """sum, mask, types, and what is quantized."""
    x, r, dy = normal(3, 6, 5, 7), normal(3, 6, 5, 7), normal(3, 6, 5, 7)
    for op in ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm', 'mvn'):
        axes, eps, more, own = defaults(op, x)
        total = (x + r).astype(float)
        layer = Layer(op, total, axes, float(np.float32(eps)), **more)
        suite.case(op, own + ['--residual', 'before'], dict(x=x, residual=r), dict(y=layer.xhat(total), sum=total))
        suite.case(op, own + ['--residual', 'before', '--backward'], dict(x=x + r, dy=dy),
                   dict(dx=layer.gradient(dy.astype(float), total)), 1e-5)
        plain = Layer(op, x.astype(float), axes, float(np.float32(eps)), **more)
        z = plain.xhat(x.astype(float))
        bits = np.packbits((z > 0).ravel(), bitorder='little')
        suite.case(op, own + ['--act', 'relu'], dict(x=x), dict(y=np.maximum(z, 0), mask=bits))
        suite.case(op, own + ['--act', 'relu', '--backward'], dict(x=x, dy=dy, mask=bits),
                   dict(dx=plain.gradient(np.where(z > 0, dy, 0).astype(float), x.astype(float))), 1e-5)
        q = np.clip(np.rint(z / np.float32(0.05)) - 3, -128, 127)
        suite.case(op, own + ['--out-dtype', 's8', '--out-scale', '0.05', '--out-zero', '-3'], dict(x=x), dict(y=q))
        suite.case(op, own + ['--backward', '--out-dtype', 'f16'], dict(x=x, dy=dy),
                   dict(dx=plain.gradient(dy.astype(float), x.astype(float))), 1e-3)
        half = x.astype('<f2')
        wide = Layer(op, half.astype(float), axes, float(np.float32(eps)), **more)
        suite.case(op, own + ['--backward', '--out-dtype', 'f32'], dict(x=half, dy=dy),
                   dict(dx=wide.gradient(dy.astype(float), half.astype(float))), 1e-5)
        suite.case(op, own + ['--eps', '0.5'], dict(x=x),
                   dict(y=Layer(op, x.astype(float), axes, 0.5, **more).xhat(x.astype(float))))
        if op in CENTRED:
            one = Layer(op, x.astype(float), axes, float(np.float32(eps)), ddof=1, **more)
            suite.case(op, own + ['--ddof', '1'], dict(x=x), dict(y=one.xhat(x.astype(float))))
    gamma, layer = normal(6), Layer('rmsnorm', x.astype(float), (1, 2, 3), float(np.float32(1e-6)))
    suite.case('rmsnorm', ['--zero-centred'], dict(x=x, gamma=gamma),
               dict(y=(1 + along(gamma, x, 1).astype(float)) * layer.xhat(x.astype(float))))


def cases_lp(suite):
    x, dy = normal(3, 6, 5, 7), normal(3, 6, 5, 7).astype(float)
    xd = x.astype(float)
    for op, p, words in (('l2norm', 2, []), ('lpnorm', 2, []), ('lpnorm', 3, ['--p', '3']), ('lpnorm', 1, ['--p', '1']),
                         ('lpnorm', 1.5, ['--p', '1.5']), ('lpnorm', np.inf, ['--p', 'inf'])):
        for more, axis in (([], 1), (['--axis', '2'], 2), (['--semantics', 'onnx'], 3)):
            norm = np.linalg.norm(xd, p, axis, keepdims=True)
            y = xd / norm
            suite.case(op, words + more, dict(x=x), dict(y=y), 5e-6)
            if np.isfinite(p):
                part = np.sign(xd) * (abs(xd) / norm) ** (p - 1) * (dy * y).sum(axis, keepdims=True)
                suite.case(op, words + more + ['--backward'], dict(x=x, dy=dy), dict(dx=(dy - part) / norm), 1e-5)


def cases_grn(suite):
    x, dy, gamma, beta = normal(3, 6, 5, 7), normal(3, 6, 5, 7), normal(6), normal(6)
    xd, g = x.astype(float), along(gamma.astype(float), x, 1)
    size = np.sqrt((xd ** 2).sum((2, 3), keepdims=True))
    a = size.mean(1, keepdims=True) + np.float32(1e-6)
    suite.case('grn', [], dict(x=x), dict(y=xd))
    suite.case('grn', [], dict(x=x, gamma=gamma, beta=beta), dict(y=g * xd * size / a + along(beta, x, 1) + xd))
    p = (dy * xd * g).sum((2, 3), keepdims=True)
    ds = p / a - (p * size).sum(1, keepdims=True) / 6 / a ** 2
    suite.case('grn', ['--backward'], dict(x=x, dy=dy, gamma=gamma),
               dict(dx=dy * (1 + g * size / a) + xd * ds / size, dgamma=(dy * xd * size / a).sum((0, 2, 3)),
                    dbeta=dy.astype(float).sum((0, 2, 3))), 1e-5)


def cases_lrn(suite):
    x = normal(2, 9, 5, 7)
    xd = x.astype(float)
    own = ['--size', '3', '--alpha', '0.5', '--k', '1', '--beta', '0.5']
    for words, n, left, alpha, beta, k in (([], 5, 2, 1e-4, .75, 2), (own, 3, 1, .5, .5, 1),
                                           (['--semantics', 'torch'], 5, 2, 1e-4, .75, 1),
                                           (['--size', '4', '--semantics', 'torch'], 4, 2, 1e-4, .75, 1),
                                           (['--size', '4', '--semantics', 'onnx'], 4, 1, 1e-4, .75, 1),
                                           (['--semantics', 'paper'], 5, 2, 5e-4, .75, 2)):
        s = sum(np.pad(xd ** 2, ((0, 0), (n, n), (0, 0), (0, 0)))[:, n + j:n + j + 9] for j in range(-left, n - left))
        suite.case('lrn', words, dict(x=x), dict(y=xd * (k + alpha / n * s) ** -beta), 5e-6)


def main():
    suite = Suite(os.path.abspath(sys.argv[1]))
    for cases in (cases_plain, cases_weights, cases_acts, cases_axes, cases_nhwc, cases_running, cases_tensors,
                  cases_lp, cases_grn, cases_lrn):
        if len(sys.argv) < 3 or cases.__name__ in sys.argv[2:]:
            cases(suite)
    for name in os.listdir(suite.folder):
        os.remove(os.path.join(suite.folder, name))
    os.rmdir(suite.folder)
    print('%d passed, %d failed' % (suite.passed, suite.failed))
    return suite.failed > 0


if __name__ == '__main__':
    sys.exit(main())
