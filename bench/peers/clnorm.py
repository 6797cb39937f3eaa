"""clnorm.py -- clnorm through its shared library: mirrors of its structs, and an op on host memory.

What an op is called, takes and has as attributes is asked of the library, so a new op needs nothing here.
"""
import ctypes
import math
from ctypes import byref, c_double, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Sequence

import numpy as np
from ml_dtypes import bfloat16

import opencl

# In the order of CLNORM_SLOT_MAP.
SLOTS = ("x", "y", "gamma", "beta", "mean", "rstd", "min", "max", "count", "m2", "running_mean", "running_var",
         "residual", "sum", "mask", "dy", "dx", "dgamma", "dbeta", "dresidual", "u", "v", "sigma",
         "running_whitener", "whitener", "fault")
DTYPES = {"float32": 1, "float16": 2, "bfloat16": 3, "uint8": 4, "uint16": 5, "int8": 6}
NUMPY = {0: np.uint64, 1: np.float32, 2: np.float16, 3: bfloat16, 4: np.uint8, 5: np.uint16, 6: np.int8}
MAX_DIMS, MAX_SLOTS = 6, 32
DIRECTIONS = {"forward": 0, "backward": 1}
EFFORTS = {"estimate": 0, "measure": 1}
PAGE = 4096
LAZY = 1  # options.flags


class Tensor(ctypes.Structure):
    """clnorm_tensor"""
    _fields_ = [("dtype", c_uint32), ("ndim", c_uint32), ("shape", c_int64 * MAX_DIMS),
                ("stride", c_int64 * MAX_DIMS), ("reserved", c_uint64)]


class Buffer(ctypes.Structure):
    """clnorm_buffer"""
    _fields_ = [("mem", c_void_p), ("byte_offset", c_size_t), ("svm", c_void_p), ("reserved", c_uint64)]


class Args(ctypes.Structure):
    """clnorm_args"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("slot", Buffer * MAX_SLOTS), ("workspace", Buffer),
                ("momentum", c_double), ("count", c_uint64)]


class Any(ctypes.Structure):
    """clnorm_any: the head of every descriptor, and room for the rest of the largest."""
    _fields_ = [("size", c_uint32), ("kind", c_uint32), ("direction", c_uint32), ("semantics", c_uint32),
                ("flags", c_uint32), ("reserved", c_uint32), ("x", Tensor), ("y", Tensor),
                ("rest", ctypes.c_uint8 * 4096)]


class Options(ctypes.Structure):
    """clnorm_options"""
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("ops", c_uint64), ("cache_dir", ctypes.c_char_p),
                ("kernel_dir", ctypes.c_char_p), ("rest", c_void_p * 8)]


class Error(RuntimeError):
    """A call of the library failed; the text is its own sentence."""


def aligned(shape: Sequence[int], dtype: str) -> np.ndarray:
    """Zeros that begin on a page."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.zeros(size + PAGE, np.uint8)
    first = -raw.ctypes.data % PAGE
    return raw[first:first + size].view(dtype).reshape(shape)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    """Dense, in the order of its axes, from the beginning of a page on."""
    copy = aligned(array.shape, array.dtype)
    copy[...] = array
    return copy


def tensor_of(array: np.ndarray) -> Tensor:
    """The tensor that a view of any strides is."""
    t = Tensor(DTYPES[array.dtype.name], array.ndim)
    t.shape[:array.ndim] = array.shape
    t.stride[:array.ndim] = [s // array.itemsize for s in array.strides]
    return t


class Library:
    """The loaded library with a context of its own on one device."""

    def __init__(self, path: Path, device: str, kernels: Path | None = None) -> None:
        """kernels: a folder of cl/ to read instead of the embedded one."""
        self.lib = ctypes.CDLL(str(path))
        self.lib.clnorm_last_error.restype = ctypes.c_char_p
        self.lib.clnorm_op_named.restype = c_void_p
        self.lib.clnorm_plan_describe.restype = c_size_t
        self.context = c_void_p()
        options = Options(size=ctypes.sizeof(Options), flags=LAZY, kernel_dir=bytes(kernels) if kernels else None)
        self.check(self.lib.clnorm_open(byref(self.context), device.encode(), byref(options)))
        handles = c_void_p(), c_void_p(), c_void_p()
        self.check(self.lib.clnorm_context_handles(self.context, *map(byref, handles)))
        self.device = opencl.Device(*handles)

    def check(self, status: int) -> None:
        if status != 0:
            raise Error(self.lib.clnorm_last_error(None).decode() or f"status {status}")

    def version(self) -> str:
        v = self.lib.clnorm_version()
        return f"{v >> 16}.{v >> 8 & 255}.{v & 255}"

    def kind(self, op: str) -> int:
        info = self.lib.clnorm_op_named(op.encode())
        if not info:
            raise Error(f"this library has no op {op}")
        return c_uint32.from_address(info).value

    def descriptor(self, op: str, attrs: dict[str, float | Sequence[float]], x: np.ndarray, y: np.ndarray,
                   direction: str) -> Any:
        """A checked descriptor of the op, attributes by name."""
        desc = Any()
        self.check(self.lib.clnorm_op_init(byref(desc), c_uint32(self.kind(op))))
        desc.x, desc.y, desc.direction = tensor_of(x), tensor_of(y), DIRECTIONS[direction]
        for name, value in attrs.items():
            values = [value] if isinstance(value, (int, float)) else list(value)
            self.check(self.lib.clnorm_op_set(byref(desc), name.encode(), (c_double * len(values))(*values),
                                              c_size_t(len(values))))
        self.check(self.lib.clnorm_op_check(byref(desc)))
        return desc

    def slot_array(self, desc: Any, slot: str) -> np.ndarray:
        """Dense zeros as an optional tensor of the op wants them."""
        t = Tensor()
        if not self.lib.clnorm_op_slot(byref(desc), c_uint32(SLOTS.index(slot)), byref(t)):
            raise Error(f"the op has no {slot}")
        return aligned(t.shape[:t.ndim], np.dtype(NUMPY[t.dtype]).name)


class Op:
    """A plan and its buffers on host arrays; a call enqueues it and waits."""

    def __init__(self, library: Library, desc: Any, arrays: dict[str, np.ndarray], effort: str) -> None:
        self.library, self.arrays = library, arrays
        self.plan = c_void_p()
        library.check(library.lib.clnorm_plan_create(byref(self.plan), library.context, byref(desc),
                                                     c_uint32(EFFORTS[effort])))
        self.args = Args(size=ctypes.sizeof(Args))
        self.buffers = [library.device.buffer(a) for a in arrays.values()]
        for slot, mem in zip(arrays, self.buffers):
            self.args.slot[SLOTS.index(slot)].mem = mem.value
        self._enqueue, self._args = library.lib.clnorm_enqueue, byref(self.args)

    def __call__(self) -> None:
        device = self.library.device
        status = self._enqueue(self.plan, device.queue, self._args, 0, None, None)
        if status != 0:
            self.library.check(status)
        device.finish()

    def describe(self) -> str:
        room = ctypes.create_string_buffer(1024)
        self.library.lib.clnorm_plan_describe(self.plan, room, c_size_t(1024))
        return room.value.decode().split("\n")[0]

    def release(self) -> None:
        for mem in self.buffers:
            self.library.device.release(mem)
        self.library.lib.clnorm_plan_release(self.plan)
