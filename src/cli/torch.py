"""torch.py -- what PyTorch makes of the cases of `clnorm verify --hostile`, in float32 on the CPU.

The command runs this text with a socket as stdin and stdout. It says PyTorch's version in a line, then
answers cases until there are no more. A case is a line of JSON {op, attrs, slots: [[name, shape], ..],
want: [name, ..]} and the float32 of the slots; with dy it is backward. The answer is a byte: 1 and the float32
of what was wanted, or 0.
"""
import sys

sys.path = [folder for folder in sys.path if folder]  # no torch.py of the working directory
import json
from array import array

import torch
import torch.nn.functional as F

SCOPES = (1, 2, 3), (2, 3), (0, 1, 2, 3), (0, 2, 3)  # image, channel, batch, batch-channel


def swapped(x, a):
    return x[:, [2, 1, 0, *range(3, x.shape[1])]] if a['swap_rb'] else x


def list_of(values):
    return torch.tensor(values).reshape(1, -1, 1, 1)


def wide(x):
    return None if x is None else x.reshape(1, -1, 1, 1)


# ---- input ops ----------------------------------------------------------------------------------

def minmax(x, a):
    low, high = x.amin(SCOPES[a['scope']], True), x.amax(SCOPES[a['scope']], True)
    return {'y': a['lo'] + (a['hi'] - a['lo']) * (x - low) / (high - low + a['eps'])}


def zscore(x, a):
    axes = SCOPES[a['scope']]
    return {'y': (x - x.mean(axes, True)) / (x.std(axes, correction=a['ddof'], keepdim=True) + a['eps'])}


def moments(x, a):
    var, mean = torch.var_mean(x, SCOPES[a['scope']], correction=0)
    return {'y': mean, 'm2': var * (x.numel() // mean.numel())}


def denormalize(x, a, min=None, max=None, mean=None, rstd=None):
    def set_wide(v):
        return v.reshape([1 if k in SCOPES[a['scope']] else x.shape[k] for k in range(4)])

    def of_minmax():
        low, high = set_wide(min), set_wide(max)
        return low + (x - a['lo']) / (a['hi'] - a['lo']) * (high - low + a['eps'])

    undone = {
        'minmax': of_minmax,
        'symmetric': lambda: (x + 1) / 2 * a['scale'],
        'zscore': lambda: x / set_wide(rstd) + set_wide(mean),
        'totensor': lambda: x * a['scale'],
        'normalize': lambda: (x * list_of(a['std']) + list_of(a['mean'])) * a['scale'],
    }
    return {'y': swapped(undone[a['of']](), a)}


INPUT = {
    'minmax': minmax, 'zscore': zscore, 'moments': moments,
    'symmetric': lambda x, a: {'y': 2 * (x / a['scale']) - 1},
    'totensor': lambda x, a: {'y': x / a['scale']},
    'normalize': lambda x, a: {'y': (x / a['scale'] - list_of(a['mean'])) / list_of(a['std'])},
}


# ---- layers: the functions that users call, or, where there are none, the usual expression ------

def layernorm(x, a, gamma, beta):
    shape = x.shape[1:]
    return F.layer_norm(x, shape, wide(gamma)[0].expand(shape), wide(beta)[0].expand(shape), a['eps'])


def mvn(x, a, gamma, beta):
    return (x - x.mean((2, 3), True)) / (x.std((2, 3), correction=0, keepdim=True) + a['eps'])


def grn(x, a, gamma, beta):
    """ConvNeXt V2's own code."""
    g = torch.norm(x, p=2, dim=(2, 3), keepdim=True)
    return wide(gamma) * (x * (g / (g.mean(dim=1, keepdim=True) + a['eps']))) + wide(beta) + x


LAYERS = {
    'layernorm': layernorm, 'mvn': mvn, 'grn': grn,
    'batchnorm': lambda x, a, g, b: F.batch_norm(x, None, None, g, b, True, eps=a['eps']),
    'groupnorm': lambda x, a, g, b: F.group_norm(x, a['groups'], g, b, a['eps']),
    'instancenorm': lambda x, a, g, b: F.instance_norm(x, weight=g, bias=b, eps=a['eps']),
    'rmsnorm': lambda x, a, g, b: F.rms_norm(x, x.shape[1:], eps=a['eps']) * wide(g) + wide(b),
    'l2norm': lambda x, a, g, b: F.normalize(x, dim=1, eps=a['eps']),
    'lpnorm': lambda x, a, g, b: F.normalize(x, a['p'], 1, a['eps']),
    'lrn': lambda x, a, g, b: F.local_response_norm(x, a['window'], a['alpha'], a['beta'], a['k']),
}


def layer(op, attrs, x, dy=None, gamma=None, beta=None):
    for leaf in (x, gamma, beta):
        if leaf is not None:
            leaf.requires_grad_(dy is not None)
    y = LAYERS[op](x, attrs, gamma, beta)
    if dy is None:
        return {'y': y}
    y.backward(dy)
    return {'dx': x.grad, **{'d' + k: v.grad for k, v in (('gamma', gamma), ('beta', beta)) if v is not None}}


def answer(case, slots):
    op, attrs = case['op'], case['attrs']
    if op in LAYERS:
        return layer(op, attrs, **slots)
    if op == 'denormalize':
        return denormalize(slots.pop('x'), attrs, **slots)
    return INPUT[op](swapped(slots['x'], attrs), attrs)


# ---- the socket ---------------------------------------------------------------------------------

def read(shape):
    count = torch.Size(shape).numel()
    return torch.frombuffer(bytearray(sys.stdin.buffer.read(4 * count)), dtype=torch.float32).reshape(shape)


def main():
    out = sys.stdout.buffer
    out.write(torch.__version__.encode() + b'\n')
    out.flush()
    for line in sys.stdin.buffer:
        case = json.loads(line)
        slots = {name: read(shape) for name, shape in case['slots']}
        try:
            got = answer(case, slots)
            wanted = [got[k].detach().flatten() for k in case['want']]
            out.write(b'1' + b''.join(array('f', v.tolist()) for v in wanted))  # NumPy may be missing
        except (RuntimeError, KeyError, TypeError):  # an op or a slot that PyTorch lacks
            out.write(b'0')
        out.flush()


main()
