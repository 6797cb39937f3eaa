"""storage.py -- arrays of the library's float types. numpy has no bf16: its bits are records of one uint16."""
from collections import namedtuple

import numpy as np

Type = namedtuple('Type', 'numpy code digits least') # code: clnorm_dtype; least: exponent of a normal number
TYPES = {'f32': Type(np.dtype('f4'), 1, 24, -126), 'f16': Type(np.dtype('f2'), 2, 11, -14),
         'bf16': Type(np.dtype([('bf16', 'u2')]), 3, 8, -126)}
BF16 = TYPES['bf16'].numpy


def type_of(array):
    return next(t for t in TYPES.values() if t.numpy == array.dtype)


def put(array, numbers):
    """Rounds half to even, to infinity what is too large."""
    with np.errstate(over='ignore'):
        if array.dtype == BF16:
            bits = np.asarray(numbers, 'f4').view('u4')
            array['bf16'] = bits + 0x7fff + (bits >> 16 & 1) >> 16
        else:
            array[...] = numbers
    return array


def values(array):
    """Exactly, in float64."""
    if array.dtype == BF16:
        return (array['bf16'].astype('u4') << 16).view('f4').astype('f8')
    return array.astype('f8')


def filled(shape, name, numbers=np.nan):
    return put(np.empty(shape, TYPES[name].numpy), numbers)


def nearest(kind, numbers):
    """What the numbers are in that type."""
    return values(put(np.empty(np.shape(numbers), kind.numpy), numbers))


def ulp(kind, numbers):
    """A unit in the last place of each."""
    return np.ldexp(1.0, np.maximum(np.frexp(numbers)[1] - 1, kind.least) - kind.digits + 1)
