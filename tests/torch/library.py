"""library.py -- clnorm through its shared library: mirrors of its structs, and an op on arrays of the host."""
import ctypes
from ctypes import byref, c_char_p, c_double, c_int64, c_size_t, c_uint32, c_uint64, c_uint8, c_void_p

from storage import type_of

# In the order of CLNORM_SLOT_MAP.
SLOTS = ('x', 'y', 'gamma', 'beta', 'mean', 'rstd', 'min', 'max', 'count', 'm2', 'running_mean', 'running_var',
         'residual', 'sum', 'mask', 'dy', 'dx', 'dgamma', 'dbeta', 'dresidual', 'u', 'v', 'sigma', 'running_whitener',
         'whitener', 'fault')
MAX_DIMS, MAX_SLOTS, LAZY = 6, 32, 1


class Tensor(ctypes.Structure):
    """clnorm_tensor"""
    _fields_ = [('dtype', c_uint32), ('ndim', c_uint32), ('shape', c_int64 * MAX_DIMS), ('stride', c_int64 * MAX_DIMS),
                ('reserved', c_uint64)]


class HostArgs(ctypes.Structure):
    """clnorm_host_args"""
    _fields_ = [('size', c_uint32), ('flags', c_uint32), ('slot', c_void_p * MAX_SLOTS), ('momentum', c_double),
                ('count', c_uint64)]


class Any(ctypes.Structure):
    """clnorm_any: the head of every descriptor, and room for the rest of the largest."""
    _fields_ = [('size', c_uint32), ('kind', c_uint32), ('direction', c_uint32), ('semantics', c_uint32),
                ('flags', c_uint32), ('reserved', c_uint32), ('x', Tensor), ('y', Tensor), ('rest', c_uint8 * 4096)]


class Options(ctypes.Structure):
    """clnorm_options, of which only the flags are used."""
    _fields_ = [('size', c_uint32), ('flags', c_uint32), ('ops', c_uint64), ('rest', c_void_p * 9)]


class Error(RuntimeError):
    """A call of the library failed; the text is its own sentence."""


def tensor_of(array):
    """The tensor that a view of any strides is."""
    t = Tensor(type_of(array).code, array.ndim)
    t.shape[:array.ndim] = array.shape
    t.stride[:array.ndim] = [s // array.itemsize for s in array.strides]
    return t


class Library:
    """The loaded library with a context of its own."""

    def __init__(self, path, device):
        self.lib = ctypes.CDLL(path)
        self.lib.clnorm_last_error.restype = c_char_p
        self.lib.clnorm_op_named.restype = c_void_p
        self.context = c_void_p()
        options = Options(ctypes.sizeof(Options), LAZY)
        self.check(self.lib.clnorm_open(byref(self.context), device and device.encode(), byref(options)))

    def check(self, status):
        if status != 0:
            raise Error(self.lib.clnorm_last_error(None).decode() or 'status %d' % status)

    def has(self, op):
        return bool(self.lib.clnorm_op_named(op.encode()))

    def run(self, op, attrs, direction, arrays, y, flags=0, count=0):
        """One call on host memory. arrays: by slot, outputs are written in place; y: the slot that lies like y."""
        desc, args = Any(), HostArgs(ctypes.sizeof(HostArgs))
        kind = c_uint32.from_address(self.lib.clnorm_op_named(op.encode())).value
        self.check(self.lib.clnorm_op_init(byref(desc), c_uint32(kind)))
        desc.direction, desc.x, desc.y = direction, tensor_of(arrays['x']), tensor_of(arrays[y])
        for name, value in attrs.items():
            self.check(self.lib.clnorm_op_set(byref(desc), name.encode(), byref(c_double(value)), c_size_t(1)))
        for slot, array in arrays.items():
            args.slot[SLOTS.index(slot)] = array.ctypes.data
        args.flags, args.count = flags, count
        self.check(self.lib.clnorm_run_host(self.context, byref(desc), byref(args)))
        self.lib.clnorm_op_check(byref(desc))
        return desc

    def slot_shape(self, op, attrs, x, direction, slot):
        """The shape of an optional tensor; None where the op has none such."""
        desc, t = Any(), Tensor()
        kind = c_uint32.from_address(self.lib.clnorm_op_named(op.encode())).value
        self.check(self.lib.clnorm_op_init(byref(desc), c_uint32(kind)))
        desc.direction, desc.x, desc.y = direction, tensor_of(x), tensor_of(x)
        for name, value in attrs.items():
            self.check(self.lib.clnorm_op_set(byref(desc), name.encode(), byref(c_double(value)), c_size_t(1)))
        self.check(self.lib.clnorm_op_check(byref(desc)))
        found = self.lib.clnorm_op_slot(byref(desc), c_uint32(SLOTS.index(slot)), byref(t))
        return tuple(t.shape[:t.ndim]) if found else None

    def close(self):
        self.lib.clnorm_close(self.context)
