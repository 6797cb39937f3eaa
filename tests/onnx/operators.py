"""operators.py -- ONNX's normalizations and the same of the command, drawn at random.

Each function takes a random.Random and a NumPy generator and returns a Draw. What an operator leaves to its
default is left to that of `--semantics onnx` on the other side.
"""
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Draw:
    node: str                                    # the operator
    opset: int
    op: str                                      # clnorm's
    inputs: dict[str, np.ndarray]                # by name in the operator, in its order
    attrs: dict[str, object]                     # of the operator
    words: list[str]                             # of the command
    outputs: list[str]                           # the operator's outputs by clnorm's names, y first
    slots: dict[str, str] = field(default_factory=dict)  # of the inputs behind x: clnorm's names
    by_reference: bool = False                   # ONNX Runtime refuses it

    def __str__(self) -> str:
        attrs = ', '.join('%s %s' % pair for pair in self.attrs.items())
        return '%s-%d %s, %s' % (self.node, self.opset, self.inputs['X'].shape, attrs or 'defaults')


# ---- drawing ---------------------------------------------------------------------------------------------

def normal(g, *shape):
    return g.normal(0.7, 1.3, shape).astype('float32')


def shape_of(r, ranks):
    n, c = r.choice((2, 3, 5)), r.choice((4, 6, 8, 12))
    space = [r.choice((2, 3, 5, 8, 16)) for _ in range(3)]
    shapes = {1: (c * 4,), 2: (n + 4, c), 3: (n, c, space[0] + 4), 4: (n, c, *space[:2]), 5: (n, c, *space)}
    return shapes[r.choice(ranks)]


def maybe(r, attrs, words, attr, option, value):
    """Sets an attribute on both sides, or leaves both to their defaults."""
    if r.random() < 0.7:
        attrs[attr] = value
        words += [option, repr(value)]


def eps_of(r, attrs, words):
    maybe(r, attrs, words, 'epsilon', '--eps', r.choice((1e-6, 1e-3, 0.1)))


def axis_of(r, attrs, words, x):
    """The axis that was drawn, not negative. The command wants it named where x has one."""
    axis = r.randrange(-x.ndim, x.ndim)
    if x.ndim > 1:
        maybe(r, attrs, words, 'axis', '--axis', axis)
    else:
        words += ['--axis', '0']
    return attrs.get('axis', -1) % x.ndim


# ---- operators -------------------------------------------------------------------------------------------

def batch_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (2, 4, 5))), {}, []
    c = x.shape[1]
    inputs = {'X': x, 'scale': normal(g, c), 'B': normal(g, c), 'input_mean': normal(g, c),
              'input_var': g.uniform(0.5, 2, c).astype('float32')}
    slots = {'scale': 'gamma', 'B': 'beta', 'input_mean': 'running_mean', 'input_var': 'running_var'}
    eps_of(r, attrs, words)
    outputs = ['y', 'running_mean', 'running_var']
    if r.random() < 0.5:
        words, outputs = words + ['--mode', 'eval'], ['y']
    else:
        maybe(r, attrs, words, 'momentum', '--momentum', r.choice((0.0, 0.25, 0.99, 1.0)))
        attrs['training_mode'] = 1
    return Draw('BatchNormalization', 15, 'batchnorm', inputs, attrs, words, outputs, slots)


def layer_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (1, 2, 3, 4, 5))), {}, []
    axis = axis_of(r, attrs, words, x)
    eps_of(r, attrs, words)
    inputs = {'X': x, 'Scale': normal(g, *x.shape[axis:])}
    if r.random() < 0.7:
        inputs['B'] = normal(g, *x.shape[axis:])
    outputs, slots = ['y', 'mean', 'rstd'], {'Scale': 'gamma', 'B': 'beta'}
    return Draw('LayerNormalization', 17, 'layernorm', inputs, attrs, words, outputs, slots)


def rms_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (1, 2, 3, 4))), {}, []
    axis = axis_of(r, attrs, words, x)
    eps_of(r, attrs, words)
    inputs = {'X': x, 'scale': normal(g, *x.shape[axis:])}
    return Draw('RMSNormalization', 23, 'rmsnorm', inputs, attrs, words, ['y'], {'scale': 'gamma'})


def group_normalization(r, g):
    x = normal(g, *shape_of(r, (4, 5)))
    c = x.shape[1]
    groups = r.choice([k for k in range(1, c + 1) if c % k == 0])
    attrs, words = {'num_groups': groups}, ['--groups', str(groups)]
    eps_of(r, attrs, words)
    inputs, slots = {'X': x, 'scale': normal(g, c), 'bias': normal(g, c)}, {'scale': 'gamma', 'bias': 'beta'}
    return Draw('GroupNormalization', 21, 'groupnorm', inputs, attrs, words, ['y'], slots)


def instance_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (4, 5))), {}, []
    c = x.shape[1]
    eps_of(r, attrs, words)
    inputs, slots = {'X': x, 'scale': normal(g, c), 'B': normal(g, c)}, {'scale': 'gamma', 'B': 'beta'}
    return Draw('InstanceNormalization', 6, 'instancenorm', inputs, attrs, words, ['y'], slots)


def lp_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (2, 3, 4))), {}, []
    axis_of(r, attrs, words, x)
    x[0] *= r.choice((0, 1, 1e-15))  # norms of 0, and far below the chapter's eps
    op = r.choice(('l2norm', 'lpnorm'))
    if op == 'lpnorm':
        maybe(r, attrs, words, 'p', '--p', r.choice((1, 2)))
    return Draw('LpNormalization', 1, op, {'X': x}, attrs, words, ['y'])


def lrn(r, g):
    """The reference evaluator of onnx fills as many channels as there are samples."""
    x, size = normal(g, *shape_of(r, (4,))), r.choice((1, 3, 4, 5, 8))
    if size % 2 == 0:
        x = normal(g, 6, 6, *x.shape[2:])
    attrs, words = {'size': size}, ['--size', str(size)]
    maybe(r, attrs, words, 'alpha', '--alpha', r.choice((1e-3, 0.5)))
    maybe(r, attrs, words, 'beta', '--beta', r.choice((0.5, 1.0)))
    maybe(r, attrs, words, 'bias', '--k', r.choice((0.5, 2.0)))
    return Draw('LRN', 13, 'lrn', {'X': x}, attrs, words, ['y'], by_reference=size % 2 == 0)


def mean_variance_normalization(r, g):
    x, attrs, words = normal(g, *shape_of(r, (4,))), {}, []
    if r.random() < 0.6:
        axes = sorted(r.sample(range(4), r.choice((1, 2, 3))))
        attrs, words = {'axes': axes}, ['--over', ','.join('nchw'[k] for k in axes)]
    return Draw('MeanVarianceNormalization', 13, 'mvn', {'X': x}, attrs, words, ['y'])


OPERATORS = (batch_normalization, layer_normalization, rms_normalization, group_normalization,
             instance_normalization, lp_normalization, lrn, mean_variance_normalization)
