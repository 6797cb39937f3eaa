"""layers.py -- the layers in float64 by PyTorch's own functions, where it has them.

A layer is xhat by the formula of SEMANTICS and what has been multiplied and added, which PyTorch's function makes if
it has the case: no statistics from outside, no ddof. It takes the weights themselves where it can, in the shapes that
clnorm gives them, so that these are compared too.
"""
import math
from collections import namedtuple

import torch
import torch.nn.functional as F

TRAIN, EVAL = 1, 2
INFINITY = math.inf
Result = namedtuple('Result', 'z s xhat mean rstd') # s: the sum of |terms| of z
Layer = namedtuple('Layer', 'axes hat torch takes') # takes: the kind of affine that the function of torch has
Act = namedtuple('Act', 'name of steepest kinked') # steepest: a bound of its slope; kinked: that jumps at 0


# ---- axes --------------------------------------------------------------------------------------------------------

def channel(ndim):
    return 1 if ndim == 2 or ndim >= 4 else 0


def of_batch(ndim):
    return tuple(k for k in range(ndim) if k != channel(ndim))


def of_sample(ndim):
    return tuple(range(channel(ndim), ndim))


def of_plane(ndim):
    return tuple(range(channel(ndim) + 1, ndim))


def of_pixel(ndim):
    return channel(ndim),


def axes_of(op, attrs, ndim):
    """What a statistic spans; of groups, all of them."""
    bits = int(attrs.get('axes', 0))
    return tuple(k for k in range(ndim) if bits >> k & 1) if bits else LAYERS[op].axes(ndim)


def batched(function, x):
    """Calls it with a batch of one where x is a single image."""
    return function(x) if channel(x.ndim) else function(x.unsqueeze(0)).squeeze(0)


# ---- weights -----------------------------------------------------------------------------------------------------

def spread(weight, x, attrs, axes):
    """A weight of any kind of affine, to be multiplied with x."""
    affine, c = int(attrs.get('affine', 0)), channel(x.ndim)
    kept = [[c], list(axes), [0, c] if c else [c], [c]][affine]
    return weight.reshape([x.shape[k] if k in kept else 1 for k in range(x.ndim)])


def scaled(xhat, gamma, attrs, axes):
    return xhat if gamma is None else xhat * (spread(gamma, xhat, attrs, axes) + attrs.get('zero_centred', 0))


def added(x, beta, attrs, axes):
    return torch.zeros((), dtype=x.dtype) if beta is None else spread(beta, x, attrs, axes)


def magnitude(terms, weight, attrs, axes):
    """The sum of |terms| of each gradient of a weight: itself the gradient of a sum."""
    weight = torch.zeros_like(weight, requires_grad=True)
    (spread(weight, terms, attrs, axes) * terms.detach().abs()).sum().backward()
    return weight.grad


# ---- xhat, mean and rstd -----------------------------------------------------------------------------------------

def taken(own, given, of=lambda v: v):
    """A number of each set: its own, or the value that is given with the gradient of its own."""
    return own if given is None else of(given.reshape(own.shape)) + own - own.detach()


def centred(x, attrs, axes, given):
    """(x - mean) / sqrt(var + eps), or / (std + eps)."""
    inside, outside = (attrs['eps'], 0.0) if attrs.get('eps_inside', 1) else (0.0, attrs['eps'])
    freedom = math.prod(x.shape[k] for k in axes) - attrs.get('ddof', 0)
    mean = taken(x.mean(axes, keepdim=True), given and given[0])
    square = ((x - mean.detach()) ** 2).sum(axes, keepdim=True)
    var = taken(square / freedom, given and given[1], lambda rstd: (1 / rstd - outside) ** 2 - inside)
    rstd = 1 / (torch.sqrt(var + inside) + outside)
    return (x - mean) * rstd, mean, rstd


def batch(x, attrs, axes, given):
    """In evaluation no gradient goes through the statistics."""
    if attrs['mode'] == TRAIN:
        return centred(x, attrs, axes, given)
    mean, rstd = (spread(v, x, {}, axes) for v in given)
    return (x - mean) * rstd, mean, rstd


def grouped(x, attrs, axes, given):
    c = channel(x.ndim)
    split = x.unflatten(c, (int(attrs['groups']), -1))
    xhat, mean, rstd = centred(split, attrs, tuple(range(c + 1, split.ndim)), given)
    return xhat.flatten(c, c + 1), mean, rstd


def root_mean_square(x, attrs, axes, given):
    square = taken((x ** 2).mean(axes, keepdim=True), given and given[1], lambda rstd: rstd ** -2 - attrs['eps'])
    rstd = torch.rsqrt(square + attrs['eps'])
    return x * rstd, None, rstd


def length(x, attrs, axes, given):
    """x / max(|x|_p, eps)."""
    p = attrs.get('p', 2.0)
    if p == INFINITY:
        norm = taken(x.abs().amax(axes, keepdim=True), given and given[1], lambda rstd: 1 / rstd)
    else:
        norm = taken((x.abs() ** p).sum(axes, keepdim=True), given and given[1], lambda rstd: rstd ** -p) ** (1 / p)
    rstd = 1 / norm.clamp(min=attrs['eps'])
    return x * rstd, None, rstd


def response(x, attrs, axes, given):
    """As in ConvNeXt V2."""
    energy = torch.linalg.vector_norm(x, dim=axes, keepdim=True)
    rstd = energy / (energy.mean(channel(x.ndim), keepdim=True) + attrs['eps'])
    return x * rstd, None, rstd


def window(x, attrs, axes, given):
    numbers = int(attrs['window']), attrs['alpha'], attrs['beta'], attrs['k']
    return batched(lambda v: F.local_response_norm(v, *numbers), x), None, None


# ---- PyTorch's functions -----------------------------------------------------------------------------------------

def batch_norm(x, attrs, axes, gamma, beta):
    return batched(lambda v: F.batch_norm(v, None, None, gamma, beta, True, 0.0, attrs['eps']), x)


def layer_norm(x, attrs, axes, gamma, beta):
    return F.layer_norm(x, [x.shape[k] for k in axes], gamma, beta, attrs['eps'])


def group_norm(x, attrs, axes, gamma, beta):
    return batched(lambda v: F.group_norm(v, int(attrs['groups']), gamma, beta, attrs['eps']), x)


def instance_norm(x, attrs, axes, gamma, beta):
    return batched(lambda v: F.instance_norm(v, weight=gamma, bias=beta, eps=attrs['eps']), x)


def rms_norm(x, attrs, axes, gamma, beta):
    return F.rms_norm(x, [x.shape[k] for k in axes], eps=attrs['eps'])


def normalize(x, attrs, axes, gamma, beta):
    return F.normalize(x, p=attrs.get('p', 2.0), dim=axes if len(axes) > 1 else axes[0], eps=attrs['eps'])


def moved(x, attrs, running):
    """The running mean and variance behind a step of training."""
    running = [v.clone() for v in running]
    batched(lambda v: F.batch_norm(v, *running, None, None, True, attrs['momentum'], attrs['eps']), x.detach())
    return running


# ---- a layer -----------------------------------------------------------------------------------------------------

LAYERS = {'batchnorm': Layer(of_batch, batch, batch_norm, 0), 'layernorm': Layer(of_sample, centred, layer_norm, 1),
          'groupnorm': Layer(of_sample, grouped, group_norm, 0),
          'instancenorm': Layer(of_plane, centred, instance_norm, 0),
          'rmsnorm': Layer(of_sample, root_mean_square, rms_norm, None),
          'l2norm': Layer(of_pixel, length, normalize, None), 'lpnorm': Layer(of_pixel, length, normalize, None),
          'mvn': Layer(of_plane, centred, None, None), 'grn': Layer(of_plane, response, None, None),
          'lrn': Layer(of_pixel, window, None, None)}
WEIGHED = ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm', 'grn')
ACTS = (Act('none', lambda z, slope: z, 1.0, False), Act('relu', lambda z, slope: torch.relu(z), 1.0, True),
        Act('leaky', F.leaky_relu, 1.0, True), Act('silu', lambda z, slope: F.silu(z), 1.1, False),
        Act('gelu', lambda z, slope: F.gelu(z), 1.13, False),
        Act('gelu-tanh', lambda z, slope: F.gelu(z, approximate='tanh'), 1.13, False))


def has_function(op, attrs, x, axes, given):
    """layer_norm and rms_norm have the last axes only."""
    last = op not in ('layernorm', 'rmsnorm') or axes == tuple(range(x.ndim - len(axes), x.ndim))
    return LAYERS[op].torch and last and not given and not attrs.get('ddof')


def layer(op, x, attrs, gamma, beta, given=None):
    """The pre-activation. given: the mean, or None, and rstd, where they are in the call."""
    row, axes = LAYERS[op], axes_of(op, attrs, x.ndim)
    xhat, mean, rstd = row.hat(x, attrs, axes, given)
    if op == 'grn' and gamma is None:
        gamma = torch.zeros(x.shape[channel(x.ndim)], dtype=x.dtype)
    terms = [scaled(xhat, gamma, attrs, axes), added(x, beta, attrs, axes)] + ([x] if op == 'grn' else [])
    if not has_function(op, attrs, x, axes, given):
        z = sum(terms)
    elif attrs.get('affine') == row.takes:
        z = row.torch(x, attrs, axes, gamma, beta)
    else:
        z = scaled(row.torch(x, attrs, axes, None, None), gamma, attrs, axes) + terms[1]
    return Result(z, sum(t.detach().abs() for t in terms), xhat.detach(), mean, rstd)


def largest(op, v, attrs):
    """|v|, the largest of the set that each element is in; of grn, of its sample."""
    c, axes = channel(v.ndim), of_sample(v.ndim) if op == 'grn' else axes_of(op, attrs, v.ndim)
    if op != 'groupnorm':
        return v.abs().amax(axes, keepdim=True)
    split = v.abs().unflatten(c, (int(attrs['groups']), -1))
    return split.amax(tuple(range(c + 1, split.ndim)), keepdim=True).expand_as(split).flatten(c, c + 1)
