"""workloads.py -- what is timed: one row a workload, and a row brought to life.

A row names the op and its attributes as the library does, and a family: every peers_*.py has a table PEERS of
what its library offers for a family. A layer is a row more, and functions of its family in the peers' tables.
"""
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Sequence

import numpy as np

import clnorm
import opencl

# What a peer makes of a case: a call that does the work and returns the outputs, in the order of the row.
Run = Callable[[], Any]
Builder = Callable[["Case"], Run]


@dataclass(frozen=True)
class Workload:
    """One row. Shapes are (N,C,..) whatever the layout; inputs and outputs are slots of the library."""
    label: str
    op: str
    family: str
    shape: tuple[int, ...]
    x: tuple[str, str] = ("float32", "nchw")
    y: tuple[str, str] = ("float32", "nchw")
    attrs: dict[str, float | Sequence[float]] = field(default_factory=dict)
    direction: str = "forward"
    inputs: tuple[str, ...] = ("x",)
    outputs: tuple[str, ...] = ("y",)
    tolerance: float = 1e-4  # the measure of reference.py
    loose: float = 1.0       # of peers' gradients of weights, times the tolerance
    more: bool = False       # for the whole table, not for the README's

    @property
    def name(self) -> str:
        x, y = (f"{dtype} {layout}" for dtype, layout in (self.x, self.y))
        way = "" if self.direction == "forward" else f" {self.direction}"
        mode = " eval" if self.attrs.get("mode") == 2 else ""
        return f"{self.label} {self.op}{mode}{way} {'x'.join(map(str, self.shape))} {x} to {y}"

    @property
    def title(self) -> str:
        """As a table names it: `layernorm` backward."""
        variant = self.family.removeprefix(self.op) if self.family.startswith(self.op) else ""
        if self.direction == "backward" and "backward" not in variant:
            variant += " backward"
        return f"`{self.op}`{variant}{SHORT.get(self.x[0], '')}{' to u8' if self.y[0] == 'uint8' else ''}"

    @property
    def place(self) -> str:
        """32x64x112x112 NHWC"""
        return "x".join(map(str, self.shape)) + (" NHWC" if self.y[1] == "nhwc" else "")

    @property
    def measures(self) -> bool:
        """Whether it takes statistics of x."""
        return self.family not in ("affine", "denormalize") and self.direction == "forward" and self.attrs.get("mode") != 2


SHORT = {"uint8": " u8", "float16": " f16", "bfloat16": " bf16"}
PHOTOS, FRAME = (32, 3, 224, 224), (1, 3, 1080, 1920)
U8_LAST = ("uint8", "nhwc")
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

F32_LAST = ("float32", "nhwc")
AFFINE, GRADIENTS = ("x", "gamma", "beta"), ("dx", "dgamma", "dbeta")
SAVED = ("x", "dy", "gamma", "mean", "rstd")
BACK = {"direction": "backward", "inputs": SAVED, "outputs": GRADIENTS, "tolerance": 1e-3}
RESNET = (32, 64, 112, 112), (32, 256, 56, 56), (32, 2048, 7, 7)


def batchnorm(shape: tuple[int, ...], layout: str = "nchw") -> list[Workload]:
    """In training, in evaluation, and backward with what training has saved."""
    how = {"x": ("float32", layout), "y": ("float32", layout)}
    evaluation = ("x", "gamma", "beta", "running_mean", "running_var")
    return [Workload("W3", "batchnorm", "batchnorm", shape, attrs={"mode": 1}, inputs=AFFINE, **how),
            Workload("W3", "batchnorm", "batchnorm eval", shape, attrs={"mode": 2}, inputs=evaluation, **how),
            Workload("W3", "batchnorm", "batchnorm backward", shape, attrs={"mode": 1, "given": 1}, **BACK, **how)]


def both(label: str, op: str, shape: tuple[int, ...], family: str = "", attrs: dict | None = None,
         **how) -> list[Workload]:
    """Forward and backward, with what forward has saved."""
    family, attrs = family or op, attrs or {}
    return [Workload(label, op, family, shape, attrs=attrs, inputs=AFFINE, **how),
            Workload(label, op, f"{family} backward", shape, attrs=attrs | {"given": 1}, **BACK, **how)]


def halves(rows: Sequence[Workload]) -> list[Workload]:
    """In 16 bits, whose rounding is what they are off by. PyTorch adds up the gradients of layer_norm's weights in 16 bits,
    too, and shall count all the same."""
    return [replace(row, x=(dtype, row.x[1]), y=(dtype, row.y[1]), tolerance=error, loose=40.0)
            for dtype, error in (("float16", 2e-3), ("bfloat16", 1.6e-2)) for row in rows]


RMSNORM = Workload("W7", "rmsnorm", "rmsnorm", (6272, 768), inputs=("x", "gamma"))
TOKENS = both("W4", "layernorm", (6272, 768))
CHANNELS_FIRST = both("W4", "layernorm", (32, 96, 56, 56), "layernorm over C", {"axes": 2})
ELEMENTS = both("W4", "layernorm", (32, 64, 56, 56), attrs={"affine": 1})
GROUPS = both("W7", "groupnorm", (8, 320, 64, 64), attrs={"groups": 32})
GROUPS_LAST = both("W7", "groupnorm", (8, 320, 64, 64), attrs={"groups": 32}, x=F32_LAST, y=F32_LAST)
STYLES = both("W7", "instancenorm", (8, 64, 128, 128))

LAYERS = (
    *(row for shape in RESNET for row in batchnorm(shape)),
    *(row for shape in RESNET[:2] for row in batchnorm(shape, "nhwc")),
    *TOKENS, *both("W4", "layernorm", (50432, 192)), ELEMENTS[0], CHANNELS_FIRST[0],
    Workload("W5", "grn", "grn", (32, 384, 14, 14), inputs=AFFINE),
    Workload("W5", "grn", "grn", (32, 96, 56, 56), inputs=AFFINE),
    Workload("W5", "grn", "grn", (32, 96, 56, 56), x=F32_LAST, y=F32_LAST, inputs=AFFINE),
    Workload("W6", "lrn", "lrn", (32, 96, 55, 55)),
    GROUPS[0], STYLES[0], RMSNORM,
)

# The rest of `clnorm bench --suite` but moments and denormalize of planes to planes, and some shapes in the other layout. A
# layernorm with weights of channels is a groupnorm of one group to others.
MORE = tuple(replace(row, more=True) for row in (
    *batchnorm((32, 1024, 14, 14)), *batchnorm((32, 1024, 14, 14), "nhwc"), *batchnorm((32, 2048, 7, 7), "nhwc"),
    ELEMENTS[1], CHANNELS_FIRST[1],
    *both("W4", "layernorm", (32, 384, 14, 14), "groupnorm"), *both("W4", "layernorm", (32, 768, 7, 7), "groupnorm"),
    Workload("W5", "grn", "grn", (32, 384, 14, 14), x=F32_LAST, y=F32_LAST, inputs=AFFINE),
    GROUPS[1], *GROUPS_LAST, *both("W7", "groupnorm", (32, 1280, 8, 8), attrs={"groups": 32}), STYLES[1],
    replace(RMSNORM, family="rmsnorm backward", attrs={"given": 1}, direction="backward",
            inputs=("x", "dy", "gamma", "rstd"), outputs=("dx", "dgamma"), tolerance=1e-3),
    *halves([*(row for row in batchnorm((32, 256, 56, 56)) if "eval" not in row.family), *TOKENS, GROUPS[0], STYLES[0],
             RMSNORM]),
))

WEIGHT = {"shape": (512, 4608), "inputs": ("x", "u", "v")}
MATRICES = (
    Workload("W8", "iternorm", "iternorm", (32, 64, 56, 56), inputs=AFFINE),
    Workload("W8", "iternorm", "iternorm backward", (32, 64, 56, 56), direction="backward", inputs=("x", "dy", "gamma"),
             outputs=GRADIENTS, tolerance=1e-3),
    Workload("W8", "spectralnorm", "spectralnorm", **WEIGHT),
    Workload("W8", "spectralnorm", "spectralnorm backward", direction="backward", outputs=("dx",), shape=(512, 4608),
             inputs=("x", "u", "v", "sigma", "dy"), tolerance=1e-3),
)

WORKLOADS = (
    Workload("W1", "normalize", "affine", PHOTOS, x=U8_LAST, attrs=IMAGENET),
    Workload("W1", "totensor", "affine", PHOTOS, x=U8_LAST),
    Workload("W1", "symmetric", "affine", PHOTOS, x=U8_LAST),
    Workload("W1", "denormalize", "denormalize", PHOTOS, y=U8_LAST, attrs=IMAGENET, tolerance=4.1e-3),  # one of 255
    Workload("W2", "minmax", "minmax", FRAME),
    Workload("W2", "zscore", "zscore", FRAME, tolerance=1e-3),  # ONNX Runtime sums 6.2e6 numbers plainly
    Workload("W2", "minmax", "minmax", PHOTOS),
    Workload("W2", "zscore", "zscore", PHOTOS),
    *LAYERS, *MORE, *MATRICES,
)


def make_array(shape: Sequence[int], dtype: str, layout: str) -> np.ndarray:
    """Zeros of a logical shape (N,C,..), channels last in memory where the layout says so."""
    if layout == "nhwc":
        return np.moveaxis(clnorm.aligned((shape[0], *shape[2:], shape[1]), dtype), -1, 1)
    return clnorm.aligned(shape, dtype)


# Normal numbers: deviation and mean.
DATA = {"ordinary": (1.3, 0.7), "hard": (1e-2, 1e4)}


def fill(array: np.ndarray, rng: np.random.Generator, data: str = "ordinary") -> None:
    if array.dtype.kind not in "iu":
        deviation, mean = DATA[data]
        array[...] = rng.standard_normal(array.shape, np.float32) * deviation + mean
    else:
        array[...] = rng.integers(0, 256, array.shape)


class Case:
    """A row with its arrays, our op on them and the copy that it is held against."""

    def __init__(self, library: clnorm.Library, row: Workload, effort: str, data: str = "ordinary") -> None:
        self.row, self.eps = row, 1e-6 if row.op in ("layernorm", "rmsnorm") else 1e-5
        x, y = make_array(row.shape, *row.x), make_array(row.shape, *row.y)
        self.desc = desc = library.descriptor(row.op, row.attrs, x, y, row.direction)
        back = row.direction == "backward"
        given = {"x": x, "dy" if back else "y": y, "dx": make_array(row.shape, *row.x)}
        self.arrays = {slot: given[slot] if slot in given else library.slot_array(desc, slot)
                       for slot in (*row.inputs, *row.outputs)}
        rng = np.random.default_rng(1)
        for slot in row.inputs:
            fill(self.arrays[slot], rng, data if slot == "x" else "ordinary")
            if slot in ("rstd", "running_var"):
                self.arrays[slot][...] = 0.5 + np.abs(self.arrays[slot])
            if slot in ("gamma", "beta") and row.x[0] in ("float16", "bfloat16"):  # which some peers want so
                self.arrays[slot][...] = self.arrays[slot].astype(x.dtype)
        self.op = clnorm.Op(library, desc, self.arrays, effort)
        self.copy = opencl.Copy(library.device, self.large(row.inputs), self.large(row.outputs)[0])

    def large(self, slots: Sequence[str]) -> list[np.ndarray]:
        """Those of x's size: what a copy has to move (forward one in and one out, backward two in)."""
        size = self.arrays["x"].size
        return [self.arrays[s] for s in slots if self.arrays[s].size == size]

    def __getitem__(self, slot: str) -> np.ndarray:
        return self.arrays[slot]

    def mean_std(self) -> tuple[np.ndarray, np.ndarray]:
        """Of y = (x / 255 - mean) / std per channel, for the ops of this family."""
        mean, std = {"totensor": (0.0, 1.0), "symmetric": (0.5, 0.5),
                     "normalize": (self.row.attrs.get("mean"), self.row.attrs.get("std"))}[self.row.op]
        return tuple(np.broadcast_to(np.asarray(v, np.float64), self.row.shape[1]) for v in (mean, std))

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """a, b of y = a * x + b, the same."""
        mean, std = self.mean_std()
        return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def back(self) -> tuple[np.ndarray, np.ndarray]:
        """a, b of y = a * x + b, the bytes that an image was before it was normalized."""
        mean, std = (255 * np.asarray(self.row.attrs[name], np.float64) for name in ("mean", "std"))
        return std.astype(np.float32), mean.astype(np.float32)

    def run(self) -> list[np.ndarray]:
        """Our outputs, copied."""
        self.op()
        return [self.arrays[slot].copy() for slot in self.row.outputs]

    def release(self) -> None:
        self.op.release()
        self.copy.release()
