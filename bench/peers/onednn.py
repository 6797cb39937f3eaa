"""onednn.py -- oneDNN's C API by ctypes: memory on NumPy arrays and the primitives that the peers use.

The wheel onednn-cpu-gomp ships the library alone, no Python. It is the newest on PyPI that runs on the CPU without
SYCL. PyTorch must be imported first: both then share one libgomp and its two threads.
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from pathlib import Path

import numpy as np

_dnn = ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libdnnl.so.3"))

CPU, DEFAULT_STREAM, FORWARD_INFERENCE = 1, 1, 96
ADD, SUB, DIV = 0x1FFF0, 0x1FFF5, 0x1FFF4
REDUCE_MAX, REDUCE_MIN = 0x2FFF2, 0x2FFF3
SRC, SRC_1, DST, SCALES, POST_OP = 1, 2, 17, 4096, 32768
TYPES = {"float32": 3, "int8": 5, "uint8": 6}


class Error(RuntimeError):
    """A oneDNN call failed."""


class _Arg(ctypes.Structure):
    _fields_ = [("arg", c_int), ("memory", c_void_p)]


def _call(name: str, *args) -> None:
    status = getattr(_dnn, name)(*args)
    if status != 0:
        raise Error(f"{name} failed with {status}")


def _made(name: str, *args) -> c_void_p:
    """Calls a function whose first argument receives what it makes."""
    out = c_void_p()
    _call(name, byref(out), *args)
    return out


_engine = _made("dnnl_engine_create", c_int(CPU), c_size_t(0))
_stream = _made("dnnl_stream_create", _engine, c_uint(DEFAULT_STREAM))


class _Version(ctypes.Structure):
    _fields_ = [("major", c_int), ("minor", c_int), ("patch", c_int)]


def version() -> str:
    _dnn.dnnl_version.restype = POINTER(_Version)
    v = _dnn.dnnl_version().contents
    return f"{v.major}.{v.minor}.{v.patch}"


class Memory:
    """A view of any strides as oneDNN sees it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        dims = (c_int64 * array.ndim)(*array.shape)
        strides = (c_int64 * array.ndim)(*(s // array.itemsize for s in array.strides))
        self.desc = _made("dnnl_memory_desc_create_with_strides", c_int(array.ndim), dims,
                          c_int(TYPES[array.dtype.name]), strides)
        self.handle = _made("dnnl_memory_create", self.desc, _engine, c_void_p(array.ctypes.data))


class Primitive:
    """A primitive and its arguments; a call runs it to the end."""

    def __init__(self, kind: str, *args, memory: dict[int, Memory]) -> None:
        desc = _made(f"dnnl_{kind}_primitive_desc_create", *args)
        self.primitive = _made("dnnl_primitive_create", desc)
        self.memory = memory
        self.args = (_Arg * len(memory))(*(_Arg(k, m.handle.value) for k, m in memory.items()))
        self.count = c_int(len(memory))

    def __call__(self) -> None:
        _call("dnnl_primitive_execute", self.primitive, _stream, self.count, self.args)
        _call("dnnl_stream_wait", _stream)


def reorder(x: Memory, y: Memory, scale: np.ndarray) -> Primitive:
    """y = x * scale, type and layout changed; one scale a channel."""
    attr = _made("dnnl_primitive_attr_create")
    _call("dnnl_primitive_attr_set_scales_mask", attr, c_int(SRC), c_int(1 << 1))
    return Primitive("reorder", x.desc, _engine, y.desc, _engine, attr,
                     memory={SRC: x, DST: y, SCALES | SRC: Memory(scale)})


def binary(kind: int, x: Memory, other: Memory, y: Memory, then: tuple[int, Memory] | None = None) -> Primitive:
    """y = x (kind) other, and then (kind, other) on that; broadcast where other is 1 long."""
    attr, memory = _made("dnnl_primitive_attr_create"), {SRC: x, SRC_1: other, DST: y}
    if then:
        post = _made("dnnl_post_ops_create")
        _call("dnnl_post_ops_append_binary", post, c_int(then[0]), then[1].desc)
        _call("dnnl_primitive_attr_set_post_ops", attr, post)
        memory[POST_OP | SRC_1] = then[1]
    return Primitive("binary", _engine, c_int(kind), x.desc, other.desc, y.desc, attr, memory=memory)


def reduction(kind: int, x: Memory, y: Memory) -> Primitive:
    return Primitive("reduction", _engine, c_int(kind), x.desc, y.desc, c_float(0), c_float(0), None,
                     memory={SRC: x, DST: y})


def layer_norm(x: Memory, y: Memory, eps: float) -> Primitive:
    """Over the last axis, without gamma and beta."""
    return Primitive("layer_normalization_forward", _engine, c_int(FORWARD_INFERENCE), x.desc, y.desc, None,
                     c_float(eps), c_uint(0), None, memory={SRC: x, DST: y})
