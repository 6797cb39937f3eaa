"""opencl.py -- the few OpenCL calls that the benchmark needs, by ctypes."""
import ctypes
import ctypes.util
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p

import numpy as np

_cl = ctypes.CDLL(ctypes.util.find_library("OpenCL") or "libOpenCL.so.1")
for _name in ("clCreateBuffer", "clCreateProgramWithSource", "clCreateKernel"):
    getattr(_cl, _name).restype = c_void_p

MEM_READ_WRITE, MEM_USE_HOST_PTR = 1 << 0, 1 << 3
DEVICE_MAX_COMPUTE_UNITS, DEVICE_NAME, DEVICE_VERSION, DRIVER_VERSION = 0x1002, 0x102B, 0x102F, 0x102D
VECTOR = 16
TYPES = {"float32": "float", "float16": "ushort", "bfloat16": "ushort", "uint16": "ushort", "uint8": "uchar",
         "int8": "char"}


class Error(RuntimeError):
    """An OpenCL call failed."""


def _check(code: int, what: str) -> None:
    if code != 0:
        raise Error(f"{what} failed with {code}")


class Device:
    """An OpenCL context, device and in-order queue that belong to somebody else."""

    def __init__(self, context: c_void_p, device: c_void_p, queue: c_void_p) -> None:
        self.context, self.device, self.queue = context, device, queue
        self._finish, self._enqueue = _cl.clFinish, _cl.clEnqueueNDRangeKernel

    def text(self, what: int) -> str:
        room = ctypes.create_string_buffer(256)
        _check(_cl.clGetDeviceInfo(self.device, c_uint(what), c_size_t(256), room, None), "clGetDeviceInfo")
        return room.value.decode()

    def units(self) -> int:
        n = c_uint()
        _check(_cl.clGetDeviceInfo(self.device, c_uint(DEVICE_MAX_COMPUTE_UNITS), c_size_t(4), byref(n), None),
               "clGetDeviceInfo")
        return n.value

    def buffer(self, array: np.ndarray) -> c_void_p:
        """A buffer on the array's own memory; `array` must outlive it."""
        code = c_int()
        mem = _cl.clCreateBuffer(self.context, c_ulong(MEM_READ_WRITE | MEM_USE_HOST_PTR), c_size_t(array.nbytes),
                                 c_void_p(array.ctypes.data), byref(code))
        _check(code.value, "clCreateBuffer")
        return c_void_p(mem)

    def release(self, mem: c_void_p) -> None:
        _check(_cl.clReleaseMemObject(mem), "clReleaseMemObject")

    def finish(self) -> None:
        _check(self._finish(self.queue), "clFinish")

    def kernel(self, source: str, name: str) -> c_void_p:
        code = c_int()
        text = c_char_p(source.encode())
        program = c_void_p(_cl.clCreateProgramWithSource(self.context, c_uint(1), byref(text), None, byref(code)))
        _check(code.value, "clCreateProgramWithSource")
        _check(_cl.clBuildProgram(program, c_uint(1), byref(self.device), b"", None, None), "clBuildProgram")
        kernel = c_void_p(_cl.clCreateKernel(program, name.encode(), byref(code)))
        _check(code.value, "clCreateKernel")
        return kernel

    def run(self, kernel: c_void_p, groups: int) -> None:
        """One work-item a group; waits for the end."""
        _check(self._enqueue(self.queue, kernel, c_uint(1), None, byref(c_size_t(groups)), byref(c_size_t(1)),
                             c_uint(0), None, None), "clEnqueueNDRangeKernel")
        self.finish()


def copy_source(reads: list[str], write: str) -> str:
    """The streaming copy of bench/copy.c: every input read once, their sum written once past the cache."""
    sources = ", ".join(f"global const {TYPES[t]}{VECTOR} *x{i}" for i, t in enumerate(reads))
    to = f"{TYPES[write]}{VECTOR}"
    total = " + ".join(f"convert_{to}(x{i}[i])" for i in range(len(reads)))
    return f"""
kernel __attribute__((reqd_work_group_size(1, 1, 1)))
void copy({sources}, global {to} *y, const ulong n, const ulong per)
{{
    const ulong first = get_group_id(0) * per, end = min(n, first + per);
    for (ulong i = first; i < end; i++)
        __builtin_nontemporal_store({total}, y + i);
}}
"""


class Copy:
    """The limit that an op is held against: arrays of one size, all but the last of them read."""

    def __init__(self, device: Device, reads: list[np.ndarray], write: np.ndarray) -> None:
        self.device, self.groups = device, device.units() * 8
        self.buffers = [device.buffer(a) for a in (*reads, write)]
        self.kernel = device.kernel(copy_source([a.dtype.name for a in reads], write.dtype.name), "copy")
        vectors = write.size // VECTOR
        numbers = [c_ulong(vectors), c_ulong(-(-vectors // self.groups))]
        for i, value in enumerate([*self.buffers, *numbers]):
            _check(_cl.clSetKernelArg(self.kernel, c_uint(i), c_size_t(8), byref(value)), "clSetKernelArg")

    def __call__(self) -> None:
        self.device.run(self.kernel, self.groups)

    def release(self) -> None:
        for mem in self.buffers:
            self.device.release(mem)
