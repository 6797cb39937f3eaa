#!/usr/bin/env python3
"""sample.py -- writes sample.h: layers on small random arrays as PyTorch computes them in float64.

usage: sample.py > sample.h

Inputs are multiples of 2^-10, so f32 holds them; numbers of a descriptor are f32 here as there. test_ref_torch
compares the reference with the results, forward and backward. Needs torch.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

random = np.random.default_rng(2025)


def f32(v):
    return float(np.float32(v))


def draw(shape, spread=1.0, centre=0.0):
    values = np.round((centre + spread * random.standard_normal(shape)) * 1024) / 1024
    return torch.tensor(values, dtype=torch.float64)


ACTS = {None: lambda z: z, 'RELU': torch.relu, 'LEAKY': lambda z: F.leaky_relu(z, 0.125), 'SILU': F.silu,
        'GELU': F.gelu, 'GELU_TANH': lambda z: F.gelu(z, approximate='tanh')}


def literal(v):
    if isinstance(v, float):
        return 'INFINITY' if np.isinf(v) else repr(f32(v)) + 'f'
    return str(v)


def array(name, tensor):
    numbers = [repr(v) for v in tensor.detach().flatten().tolist()]
    lines, line = [], f'          {{ CLNORM_{name}, {len(numbers)}, (const double[]){{ '
    for k, number in enumerate(numbers):
        if len(line) + len(number) > 104:
            lines.append(line.rstrip())
            line = '              '
        line += number + (', ' if k + 1 < len(numbers) else ' } },')
    return '\n'.join(lines + [line])


def case(op, f, shape, fields, layer=None, gamma=None, beta=None, act=None, residual=None, statistics=None, centre=0.5,
         extra=None, flags=''):
    """One case: f(x, gamma, beta) between what a layer has around it."""
    leaf = {'X': draw(shape, 1.5, centre), 'GAMMA': gamma and draw(gamma, 0.5, 1.0), 'BETA': beta and draw(beta, 0.5),
            'RESIDUAL': residual and draw(shape)}
    leaf = {k: v.requires_grad_() for k, v in leaf.items() if v is not None}
    x, r = leaf['X'], leaf.get('RESIDUAL', 0)
    total = x + r if residual == 'BEFORE' else x
    z = f(total, leaf.get('GAMMA'), leaf.get('BETA'))
    y = ACTS[act](z + r if residual == 'AFTER' else z)
    dy = draw(shape)
    y.backward(dy)
    options = dict(layer or {})
    if act:
        options.update(act='CLNORM_' + act, slope=0.125)
    if residual:
        options['residual'] = 'CLNORM_RESIDUAL_' + residual
    text = ''.join(f', .layer.{k} = {literal(v)}' for k, v in options.items())
    text += ''.join(f', .{k} = {literal(v)}' for k, v in fields.items())
    form = ', '.join(str(n) for n in shape)
    print(f'    {{ {{ .{op} = {{ .op.kind = CLNORM_OP_{op.upper()}{text} }} }}, {len(shape)}, {{ {{ {form} }} }}, {flags or 0},')
    print('      {')
    arrays = {**leaf, 'Y': y, 'DY': dy, **{'D' + k: v.grad for k, v in leaf.items()}}
    for name, tensor in zip(('MEAN', 'RSTD'), statistics(total) if statistics else ()):
        arrays[name] = tensor
    for name, tensor in (extra() if extra else {}).items():
        arrays[name] = tensor
    print('\n'.join(array(name, tensor) for name, tensor in arrays.items()))
    print('      } },')


def per_channel(v, shape):
    return 0 if v is None else v.reshape([1, -1] + [1] * (len(shape) - 2))


def batch_norms():
    eps, n = f32(1e-5), 0
    for shape, momentum, fields in (((2, 3, 2, 2), 0.1, {}), ((5, 3), 0.25, {}), ((2, 2, 1, 2, 2), None, {}),
                                    ((2, 3, 2, 2), 0.25, {'momentum': 0.75, 'old_momentum': 1})):
        mean, var = torch.zeros(shape[1], dtype=torch.float64), torch.ones(shape[1], dtype=torch.float64)
        for step in range(3):
            weight = 1 / (step + 1) if momentum is None else f32(momentum)
            case('batchnorm', lambda x, g, b: F.batch_norm(x, mean, var, g, b, True, weight, eps), shape,
                 {'mode': 'CLNORM_TRAIN', 'eps': eps, 'momentum': momentum or 0.0, **fields}, gamma=shape[1:2],
                 beta=shape[1:2],
                 statistics=lambda x: torch.native_batch_norm(x, None, None, None, None, True, 0.0, eps)[1:],
                 extra=lambda: {'RUNNING_MEAN': mean, 'RUNNING_VAR': var},
                 flags='SAMPLE_MOVES' + (' | SAMPLE_FOLLOWS' if step else '') +
                 (' | SAMPLE_CUMULATIVE' if momentum is None else ''))
    for shape in ((2, 3, 2, 2), (4, 3)):
        mean, var = draw(shape[1:2]), draw(shape[1:2]).abs() + 0.25
        case('batchnorm', lambda x, g, b: F.batch_norm(x, mean, var, g, b, False, 0.0, eps), shape,
             {'mode': 'CLNORM_EVAL', 'eps': eps}, gamma=shape[1:2], beta=shape[1:2],
             extra=lambda: {'RUNNING_MEAN': mean, 'RUNNING_VAR': var})


def layer_norms():
    eps = f32(1e-5)
    for shape, inner, axes in (((2, 3, 2, 2), (3, 2, 2), 0), ((3, 7), (7,), 0), ((2, 2, 2, 3), (3,), 8), ((2, 2, 2, 3), (2, 3), 12),
                               ((2, 2, 1, 2, 2), (2, 1, 2, 2), 0)):
        case('layernorm', lambda x, g, b: F.layer_norm(x, inner, g, b, eps), shape, {'axes': axes, 'eps': eps},
             {'affine': 'CLNORM_PER_ELEMENT'}, inner, inner,
             statistics=lambda x: torch.native_layer_norm(x, inner, None, None, eps)[1:])
    shape = (2, 4, 2, 2)

    def over_channels(x, g, b):
        return F.layer_norm(x.permute(0, 2, 3, 1), (4,), g, b, eps).permute(0, 3, 1, 2)
    case('layernorm', over_channels, shape, {'axes': 2, 'eps': eps}, gamma=(4,), beta=(4,))
    case('layernorm', lambda x, g, b: F.layer_norm(x, (2, 2, 2), None, None, eps) * per_channel(g, x.shape) +
         per_channel(b, x.shape), (2, 2, 2, 2), {'eps': eps}, gamma=(2,), beta=(2,), centre=1000.0)
    for act in ACTS:
        for residual in (None, 'BEFORE', 'AFTER'):
            case('layernorm', lambda x, g, b: F.layer_norm(x, (5,), g, b, eps), (2, 5), {'eps': eps}, gamma=(5,), beta=(5,),
                 act=act, residual=residual)


def group_norms():
    eps = f32(1e-5)
    for shape, groups in (((2, 4, 2, 2), 2), ((1, 6, 2, 1), 3), ((2, 4, 3), 1), ((2, 4, 1, 2, 1), 4)):
        if len(shape) == 3:  # (C,H,W) here, so with one sample more
            case('groupnorm', lambda x, g, b: F.group_norm(x[None], groups, g, b, eps)[0], (4, 2, 3),
                 {'groups': groups, 'eps': eps}, gamma=(4,), beta=(4,))
            continue
        n, c = shape[:2]
        inner = int(np.prod(shape[2:]))
        case('groupnorm', lambda x, g, b: F.group_norm(x, groups, g, b, eps), shape, {'groups': groups, 'eps': eps},
             gamma=(c,), beta=(c,),
             statistics=lambda x: torch.native_group_norm(x, None, None, n, c, inner, groups, eps)[1:])
    case('instancenorm', lambda x, g, b: F.instance_norm(x, None, None, g, b, True, 0.1, eps), (2, 3, 2, 2), {'eps': eps},
         gamma=(3,), beta=(3,))
    case('instancenorm', lambda x, g, b: F.instance_norm(x, eps=eps) * g[:, :, None, None] + b[:, :, None, None],
         (2, 2, 2, 2), {'eps': eps}, {'affine': 'CLNORM_PER_SAMPLE'}, (2, 2), (2, 2))


def rms_norms():
    eps = f32(1e-6)
    for shape, inner, axes in (((2, 3, 2, 2), (3, 2, 2), 0), ((3, 7), (7,), 0), ((2, 2, 2, 3), (3,), 8)):
        for zero_centred in (0, 1):
            case('rmsnorm', lambda x, g, b: F.rms_norm(x, inner, g + zero_centred, eps), shape,
                 {'axes': axes, 'eps': eps, 'zero_centred': zero_centred}, {'affine': 'CLNORM_PER_ELEMENT'}, inner)


def norms():
    for eps in (1e-12, 2.0):
        for p in (1.0, 1.5, 2.0, 3.0, float('inf')):
            case('lpnorm', lambda x, g, b: F.normalize(x, p, 1, f32(eps)), (2, 3, 2, 1), {'p': p, 'eps': eps})
        case('l2norm', lambda x, g, b: F.normalize(x, 2.0, 1, f32(eps)), (2, 3, 2, 1), {'eps': eps})
    case('l2norm', lambda x, g, b: F.normalize(x, 2.0, (1, 2, 3), f32(1e-12)), (2, 3, 2, 1), {'axes': 14, 'eps': 1e-12})


def responses():
    for size in (1, 2, 3, 4, 5, 8):
        for alpha, beta, k in ((1e-4, 0.75, 1.0), (0.5, 0.5, 2.0)):
            case('lrn', lambda x, g, b: F.local_response_norm(x, size, f32(alpha), f32(beta), k), (1, 5, 1, 2),
                 {'window': size, 'alpha': alpha, 'beta': beta, 'k': k, 'lean': 'CLNORM_LEAN_LEFT'})


def composed():
    """What PyTorch has no function for: GRN as in ConvNeXt V2, MVN as in Caffe."""
    def grn(x, g, b):
        energy = torch.norm(x, p=2, dim=(2, 3), keepdim=True)
        n = energy / (energy.mean(dim=1, keepdim=True) + f32(1e-6))
        return per_channel(g, x.shape) * (x * n) + per_channel(b, x.shape) + x

    def mvn(x, g, b):
        return (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), correction=0, keepdim=True) + f32(1e-3))
    for act in (None, 'GELU'):
        case('grn', grn, (2, 3, 2, 2), {'eps': 1e-6}, gamma=(3,), beta=(3,), act=act)
    case('mvn', mvn, (2, 2, 2, 3), {'eps': 1e-3})


print(f'/* sample.h -- made by tests/torch/sample.py with PyTorch {torch.__version__.split("+")[0]}: do not edit. */')
print('/* clang-format off */')
print('static const sample samples[] = {')
for part in (batch_norms, layer_norms, group_norms, rms_norms, norms, responses, composed):
    part()
print('};')
sys.stdout.flush()
