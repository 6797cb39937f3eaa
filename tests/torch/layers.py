"""layers.py -- the layers in float64 by PyTorch's own functions, where it has them.

Each takes x, the attributes by their names in clnorm, and gamma and beta (or None) in the shapes that clnorm gives
them; it returns xhat and what has been multiplied and added. PyTorch's functions take the weights themselves where
they can, so that their shapes are compared too.
"""
import math

import torch
import torch.nn.functional as F


def axes_of(attrs, ndim, preset):
    bits = int(attrs.get('axes', 0))
    return tuple(k for k in range(ndim) if bits >> k & 1) if bits else preset


def channel(ndim):
    return 1 if ndim == 2 or ndim >= 4 else 0


def spread(weight, x, attrs, axes):
    """A weight of any kind of affine, to be multiplied with x."""
    affine, c = int(attrs.get('affine', 0)), channel(x.ndim)
    kept = [[c], list(axes), [0, c] if c else [c], [c]][affine]
    return weight.reshape([x.shape[k] if k in kept else 1 for k in range(x.ndim)])


def weighed(xhat, gamma, beta, attrs, axes):
    z = xhat if gamma is None else xhat * (spread(gamma, xhat, attrs, axes) + attrs.get('zero_centred', 0))
    return z if beta is None else z + spread(beta, xhat, attrs, axes)


def batched(function, x):
    """Calls it with a batch of one where x is a single image."""
    return function(x) if channel(x.ndim) else function(x.unsqueeze(0)).squeeze(0)


def batchnorm(x, attrs, gamma, beta, running=(None, None)):
    train, momentum, eps = attrs['mode'] == 1, attrs['momentum'], attrs['eps']
    mean, var = running

    def by_torch(g, b, keep):
        moved = (mean, var) if keep or not train else (None, None)
        return batched(lambda v: F.batch_norm(v, *moved, g, b, train, momentum, eps), x)
    xhat = by_torch(None, None, False)
    return xhat, by_torch(gamma, beta, True)


def layernorm(x, attrs, gamma, beta):
    axes = axes_of(attrs, x.ndim, tuple(range(channel(x.ndim), x.ndim)))
    eps, last = attrs['eps'], axes == tuple(range(x.ndim - len(axes), x.ndim))
    if last:
        shape = x.shape[x.ndim - len(axes):]
        xhat = F.layer_norm(x, shape, eps=eps)
        if attrs.get('affine') == 1:
            return xhat, F.layer_norm(x, shape, gamma, beta, eps)
        return xhat, weighed(xhat, gamma, beta, attrs, axes)
    centred = x - x.mean(axes, keepdim=True)
    xhat = centred / torch.sqrt((centred ** 2).mean(axes, keepdim=True) + eps)
    return xhat, weighed(xhat, gamma, beta, attrs, axes)


def groupnorm(x, attrs, gamma, beta):
    groups, eps, axes = int(attrs['groups']), attrs['eps'], tuple(range(channel(x.ndim), x.ndim))
    xhat = batched(lambda v: F.group_norm(v, groups, eps=eps), x)
    if attrs.get('affine', 0) == 0:
        return xhat, batched(lambda v: F.group_norm(v, groups, gamma, beta, eps), x)
    return xhat, weighed(xhat, gamma, beta, attrs, axes)


def instancenorm(x, attrs, gamma, beta):
    eps, axes = attrs['eps'], tuple(range(channel(x.ndim) + 1, x.ndim))
    xhat = batched(lambda v: F.instance_norm(v, eps=eps), x)
    if attrs.get('affine', 0) == 0:
        return xhat, batched(lambda v: F.instance_norm(v, weight=gamma, bias=beta, eps=eps), x)
    return xhat, weighed(xhat, gamma, beta, attrs, axes)


def rmsnorm(x, attrs, gamma, beta):
    axes, eps = axes_of(attrs, x.ndim, tuple(range(channel(x.ndim), x.ndim))), attrs['eps']
    if axes == tuple(range(x.ndim - len(axes), x.ndim)):
        xhat = F.rms_norm(x, x.shape[x.ndim - len(axes):], eps=eps)
    else:
        xhat = x * torch.rsqrt((x ** 2).mean(axes, keepdim=True) + eps)
    return xhat, weighed(xhat, gamma, beta, attrs, axes)


def lpnorm(x, attrs, gamma, beta):
    axes, p = axes_of(attrs, x.ndim, (channel(x.ndim),)), attrs.get('p', 2.0)
    y = F.normalize(x, p=p, dim=axes if len(axes) > 1 else axes[0], eps=attrs['eps'])
    return y, y


def mvn(x, attrs, gamma, beta):
    axes = axes_of(attrs, x.ndim, tuple(range(channel(x.ndim) + 1, x.ndim)))
    centred, eps = x - x.mean(axes, keepdim=True), attrs['eps']
    var = (centred ** 2).mean(axes, keepdim=True)
    y = centred / (torch.sqrt(var + eps) if attrs.get('eps_inside') else torch.sqrt(var) + eps)
    return y, y


def grn(x, attrs, gamma, beta):
    """As in ConvNeXt V2; an absent gamma is 0."""
    c = channel(x.ndim)
    length = torch.linalg.vector_norm(x, dim=tuple(range(c + 1, x.ndim)), keepdim=True)
    xhat = x * (length / (length.mean(c, keepdim=True) + attrs['eps']))
    return xhat, x + weighed(xhat, torch.zeros(x.shape[c], dtype=x.dtype) if gamma is None else gamma, beta, attrs, ())


def lrn(x, attrs, gamma, beta):
    y = batched(lambda v: F.local_response_norm(v, int(attrs['window']), attrs['alpha'], attrs['beta'], attrs['k']), x)
    return y, y


ACTS = (lambda z, slope: z, lambda z, slope: torch.relu(z), F.leaky_relu, lambda z, slope: F.silu(z),
        lambda z, slope: F.gelu(z), lambda z, slope: F.gelu(z, approximate='tanh'))
LAYERS = {'batchnorm': batchnorm, 'layernorm': layernorm, 'groupnorm': groupnorm, 'instancenorm': instancenorm,
          'rmsnorm': rmsnorm, 'l2norm': lpnorm, 'lpnorm': lpnorm, 'mvn': mvn, 'grn': grn, 'lrn': lrn}
WEIGHED = ('batchnorm', 'layernorm', 'groupnorm', 'instancenorm', 'rmsnorm', 'grn')
INFINITY = math.inf
