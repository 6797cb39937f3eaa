"""onednn.py -- oneDNN's C API by ctypes: memory on NumPy arrays and the primitives that the peers use.

The wheel onednn-cpu-gomp ships the library alone, no Python. It is the newest on PyPI that runs on the CPU without
SYCL. PyTorch must be imported first: both then share one libgomp and its two threads.
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_float, c_int, c_int64, c_size_t, c_uint, c_void_p
from pathlib import Path

import numpy as np

import clnorm

_dnn = ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libdnnl.so.3"))

CPU, DEFAULT_STREAM = 1, 1
TRAINING, INFERENCE, BACKWARD = 64, 96, 128
GLOBAL_STATS, USE_SCALE, USE_SHIFT = 1, 2, 4
LRN_ACROSS = 0xAFF
ADD, MUL, SUB, DIV = 0x1FFF0, 0x1FFF1, 0x1FFF5, 0x1FFF4
REDUCE_MAX, REDUCE_MIN = 0x2FFF2, 0x2FFF3
SRC, SRC_1, DST, SCALES, POST_OP = 1, 2, 17, 4096, 32768
MEAN, VARIANCE, SCALE, SHIFT, DIFF_SRC, DIFF_DST, DIFF_SCALE, DIFF_SHIFT = 49, 50, 51, 52, 129, 145, 255, 256
TYPES = {"float16": 1, "bfloat16": 2, "float32": 3, "int8": 5, "uint8": 6}
CHANNELS_OF_16 = 78  # dnnl_aBcd16b: blocks of 16 channels


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

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)


class Blocks(Memory):
    """The same numbers in blocks of 16 channels, which oneDNN likes best; np.asarray brings them back."""

    def __init__(self, array: np.ndarray) -> None:
        self.plain = Memory(clnorm.aligned_copy(array))
        self.array = clnorm.aligned(array.shape, array.dtype)
        if array.ndim != 4 or array.shape[1] % 16:
            raise Error("no whole blocks of 16 channels")
        self.desc = _made("dnnl_memory_desc_create_with_tag", c_int(4), (c_int64 * 4)(*array.shape),
                          c_int(TYPES[array.dtype.name]), c_int(CHANNELS_OF_16))
        self.handle = _made("dnnl_memory_create", self.desc, _engine, c_void_p(self.array.ctypes.data))
        move(self.plain, self)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        move(self, self.plain)
        return self.plain.__array__(dtype)


class Primitive:
    """A primitive and its arguments; a call runs it to the end."""

    def __init__(self, kind: str, *args, memory: dict[int, Memory]) -> None:
        self.desc = _made(f"dnnl_{kind}_primitive_desc_create", *args)
        self.primitive = _made("dnnl_primitive_create", self.desc)
        self.memory = memory
        self.args = (_Arg * len(memory))(*(_Arg(k, m.handle.value) for k, m in memory.items()))
        self.count = c_int(len(memory))

    def __call__(self) -> None:
        _call("dnnl_primitive_execute", self.primitive, _stream, self.count, self.args)
        _call("dnnl_stream_wait", _stream)


def move(x: Memory, y: Memory) -> None:
    """y = x, from layout to layout."""
    reorder(x, y)()


def reorder(x: Memory, y: Memory, scale: np.ndarray | None = None) -> Primitive:
    """y = x, or x * scale, type and layout changed; one scale a channel."""
    attr, memory = None, {SRC: x, DST: y}
    if scale is not None:
        attr = _made("dnnl_primitive_attr_create")
        _call("dnnl_primitive_attr_set_scales_mask", attr, c_int(SRC), c_int(1 << 1))
        memory[SCALES | SRC] = Memory(scale)
    return Primitive("reorder", x.desc, _engine, y.desc, _engine, attr, memory=memory)


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


def lrn(x: Memory, y: Memory, window: int, alpha: float, beta: float, k: float) -> Primitive:
    return Primitive("lrn_forward", _engine, c_int(INFERENCE), c_int(LRN_ACROSS), x.desc, y.desc, c_int64(window),
                     c_float(alpha), c_float(beta), c_float(k), None, memory={SRC: x, DST: y})


def forward(kind: str, prop: int, x: Memory, y: Memory, eps: float, weights: dict[int, Memory]) -> Primitive:
    """batch_normalization over all but axis 1, layer_normalization over the last axis. Of weights those that it takes
    or, in training, writes; where a MEAN is among them in inference, statistics are given."""
    flags = (USE_SCALE if SCALE in weights else 0) | (USE_SHIFT if SHIFT in weights else 0)
    flags |= GLOBAL_STATS if prop == INFERENCE and MEAN in weights else 0
    of_rows = [None] if kind == "layer_normalization" else []
    return Primitive(f"{kind}_forward", _engine, c_int(prop), x.desc, y.desc, *of_rows, c_float(eps), c_uint(flags),
                     None, memory={SRC: x, DST: y, **weights})


def backward(hint: Primitive, kind: str, x: Memory, dy: Memory, dx: Memory, eps: float,
             weights: dict[int, Memory]) -> Primitive:
    """Of what `forward` made in training; weights has MEAN, VARIANCE, SCALE, SHIFT and room for the gradients."""
    of_rows = [weights[MEAN].desc] if kind == "layer_normalization" else []
    if not of_rows:
        weights = {k: w for k, w in weights.items() if k != SHIFT}  # which is refused here, and wanted by the other
    return Primitive(f"{kind}_backward", _engine, c_int(BACKWARD), dx.desc, dy.desc, x.desc, *of_rows, c_float(eps),
                     c_uint(USE_SCALE | USE_SHIFT), hint.desc, None,
                     memory={SRC: x, DIFF_DST: dy, DIFF_SRC: dx, **weights})
