"""reference.py -- the workloads in float64, from their formulas, and the measure that errors have.

    error = |got - want| / max(1, |want|, S)

S is what is added to make the result: of y, |gamma xhat| + |beta| (GRN: and |x|); of dx, the largest |dx| of its set;
of dgamma and dbeta, a hundredth of the sum of |terms|. NumPy only, and nothing of the library: inputs are the arrays
that are timed, as they are rounded there.
"""
import math
from dataclasses import dataclass
from typing import Any, Callable, Sequence

import numpy as np

from workloads import Case


@dataclass(frozen=True)
class Truth:
    """An output, and S, which broadcasts to it."""
    value: np.ndarray
    scale: np.ndarray | float = 0.0

    def error(self, got: Any) -> float:
        """The largest of all elements, a sample at a time; NaN where there is one."""
        got = np.asarray(got.float() if hasattr(got, "float") else got).reshape(self.value.shape)  # bf16 of PyTorch
        scale = np.broadcast_to(self.scale, self.value.shape)
        worst = [np.max(np.abs(g.astype(np.float64) - w) / np.maximum(np.maximum(np.abs(w), s), 1.0))
                 for g, w, s in zip(got, self.value, scale)]
        return float(np.max(worst))


def double(case: Case, slot: str) -> np.ndarray:
    return case[slot].astype(np.float64)


def others(case: Case, *axes: int) -> tuple[int, ...]:
    """All axes but these."""
    return tuple(a for a in range(len(case.row.shape)) if a not in axes)


def weight(case: Case, slot: str) -> np.ndarray:
    """Of each channel, or of each element of a sample."""
    shape, array = case.row.shape, double(case, slot)
    return array.reshape(1, -1, *[1] * (len(shape) - 2)) if array.size == shape[1] else array.reshape(1, *shape[1:])


def given(case: Case, slot: str, axes: tuple[int, ...]) -> np.ndarray:
    """A statistic over these axes."""
    return double(case, slot).reshape([1 if a in axes else n for a, n in enumerate(case.row.shape)])


def mean_square(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.mean(np.square(x), axis=axes, keepdims=True)


def centred(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """x - mean; the mean's own rounding is taken out again."""
    d = x - np.mean(x, axis=axes, keepdims=True)
    return d - np.mean(d, axis=axes, keepdims=True)


def weighted(case: Case, xhat: np.ndarray, beta: np.ndarray | float) -> list[Truth]:
    y = weight(case, "gamma") * xhat
    return [Truth(y + beta, np.abs(y) + np.abs(beta))]


# ---- images ---------------------------------------------------------------------------------

def affine(case: Case) -> list[Truth]:
    mean, std = (np.float32(v).astype(np.float64).reshape(1, -1, 1, 1) for v in case.mean_std())
    return [Truth((double(case, "x") / 255 - mean) / std)]


def denormalize(case: Case) -> list[Truth]:
    mean, std = (np.float32(case.row.attrs[name]).astype(np.float64).reshape(1, -1, 1, 1) for name in ("mean", "std"))
    return [Truth(np.clip(np.rint((double(case, "x") * std + mean) * 255), 0, 255), 255.0)]


def minmax(case: Case) -> list[Truth]:
    x, axes = double(case, "x"), others(case, 0)
    low, high = x.min(axis=axes, keepdims=True), x.max(axis=axes, keepdims=True)
    return [Truth((x - low) / (high - low + 1e-8))]


def zscore(case: Case) -> list[Truth]:
    axes = others(case, 0)
    d = centred(double(case, "x"), axes)
    return [Truth(d / (np.sqrt(mean_square(d, axes)) + 1e-8))]


# ---- layers ---------------------------------------------------------------------------------

def standardized(*kept: int, over: tuple[int, ...] | None = None) -> Callable[[Case], list[Truth]]:
    """y = gamma (x - mean) / sqrt(var + eps) + beta, over all axes but those kept, or over these."""
    def truth(case: Case) -> list[Truth]:
        axes = over or others(case, *kept)
        d = centred(double(case, "x"), axes)
        return weighted(case, d / np.sqrt(mean_square(d, axes) + case.eps), weight(case, "beta"))
    return truth


def grouped(case: Case, array: np.ndarray) -> np.ndarray:
    """A row a sample and group."""
    return array.reshape(case.row.shape[0], int(case.row.attrs.get("groups", 1)), -1)


def groupnorm(case: Case) -> list[Truth]:
    x = double(case, "x")
    d = centred(grouped(case, x), (2,))
    return weighted(case, (d / np.sqrt(mean_square(d, (2,)) + case.eps)).reshape(x.shape), weight(case, "beta"))


def batchnorm_eval(case: Case) -> list[Truth]:
    mean, var = (given(case, slot, others(case, 1)) for slot in ("running_mean", "running_var"))
    return weighted(case, (double(case, "x") - mean) / np.sqrt(var + case.eps), weight(case, "beta"))


def rmsnorm(case: Case) -> list[Truth]:
    x, axes = double(case, "x"), others(case, 0)
    return weighted(case, x / np.sqrt(mean_square(x, axes) + case.eps), 0.0)


def grn(case: Case) -> list[Truth]:
    x, beta = double(case, "x"), weight(case, "beta")
    length = np.sqrt(np.sum(np.square(x), axis=(2, 3), keepdims=True))
    y = weight(case, "gamma") * x * (length / (length.mean(axis=1, keepdims=True) + 1e-6))
    return [Truth(y + beta + x, np.abs(y) + np.abs(beta) + np.abs(x))]


def lrn(case: Case) -> list[Truth]:
    x = double(case, "x")
    window, squares = np.zeros_like(x), np.square(x)
    for by in range(-2, 3):
        to, source = slice(max(0, -by), x.shape[1] - max(0, by)), slice(max(0, by), x.shape[1] - max(0, -by))
        window[:, to] += squares[:, source]
    return [Truth(x * (2 + 1e-4 / 5 * window) ** -0.75)]


def gradients(case: Case, g: np.ndarray, xhat: np.ndarray, rstd: np.ndarray, axes: tuple[int, ...],
              about_mean: bool = True) -> np.ndarray:
    """Of x, with g = dy * gamma."""
    mean_g = np.mean(g, axis=axes, keepdims=True) if about_mean else 0.0
    return rstd * (g - mean_g - xhat * np.mean(g * xhat, axis=axes, keepdims=True))


def of_x(dx: np.ndarray, axes: tuple[int, ...]) -> Truth:
    return Truth(dx, np.max(np.abs(dx), axis=axes, keepdims=True))


def backward(*kept: int, over: tuple[int, ...] | None = None) -> Callable[[Case], list[Truth]]:
    """dx, dgamma, dbeta of what `standardized` does, by the mean and rstd that are given."""
    def truth(case: Case) -> list[Truth]:
        axes, dy = over or others(case, *kept), double(case, "dy")
        rstd = given(case, "rstd", axes)
        xhat = (double(case, "x") - given(case, "mean", axes)) * rstd
        dx = gradients(case, dy * weight(case, "gamma"), xhat, rstd, axes)
        return [of_x(dx, axes), summed(case, "dgamma", dy * xhat), summed(case, "dbeta", dy)]
    return truth


def groupnorm_backward(case: Case) -> list[Truth]:
    dy = double(case, "dy")
    mean, rstd = (grouped(case, double(case, slot)) for slot in ("mean", "rstd"))
    xhat = (grouped(case, double(case, "x")) - mean) * rstd
    dx = gradients(case, grouped(case, dy * weight(case, "gamma")), xhat, rstd, (2,))
    scale = np.broadcast_to(np.max(np.abs(dx), axis=2, keepdims=True), dx.shape)
    return [Truth(dx.reshape(dy.shape), scale.reshape(dy.shape)),
            summed(case, "dgamma", dy * xhat.reshape(dy.shape)), summed(case, "dbeta", dy)]


def rmsnorm_backward(case: Case) -> list[Truth]:
    axes, dy = others(case, 0), double(case, "dy")
    rstd = given(case, "rstd", axes)
    xhat = double(case, "x") * rstd
    dx = gradients(case, dy * weight(case, "gamma"), xhat, rstd, axes, about_mean=False)
    return [of_x(dx, axes), summed(case, "dgamma", dy * xhat)]


def summed(case: Case, slot: str, terms: np.ndarray) -> Truth:
    """Over all that share a weight: a channel's, or one element's of all samples."""
    shape = case[slot].shape
    axes = others(case, 1) if case[slot].size == case.row.shape[1] else (0,)
    return Truth(terms.sum(axis=axes).reshape(shape), 1e-2 * np.abs(terms).sum(axis=axes).reshape(shape))


FAMILIES: dict[str, Callable[[Case], list[Truth]]] = {
    "affine": affine, "denormalize": denormalize, "minmax": minmax, "zscore": zscore,
    "batchnorm": standardized(1), "batchnorm eval": batchnorm_eval, "batchnorm backward": backward(1),
    "layernorm": standardized(0), "layernorm backward": backward(0),
    "layernorm over C": standardized(over=(1,)), "layernorm over C backward": backward(over=(1,)),
    "instancenorm": standardized(0, 1), "instancenorm backward": backward(0, 1),
    "groupnorm": groupnorm, "groupnorm backward": groupnorm_backward,
    "rmsnorm": rmsnorm, "rmsnorm backward": rmsnorm_backward, "grn": grn, "lrn": lrn,
}


def truth_of(case: Case) -> list[Truth] | None:
    """The outputs of a case, in the order of its row; None where there is no reference of its family."""
    family = FAMILIES.get(case.row.family)
    return family(case) if family else None


def outputs(got: Any) -> Sequence[Any]:
    return got if isinstance(got, (tuple, list)) else (got,)


def each(truth: list[Truth], got: Any) -> list[float]:
    """The error of each output."""
    return [t.error(g) for t, g in zip(truth, outputs(got), strict=True)]


def largest(errors: list[float]) -> float:
    """NaN where there is one."""
    return math.nan if any(map(math.isnan, errors)) else max(errors)


def worst(truth: list[Truth], got: Any) -> float:
    """The largest error over all outputs."""
    return largest(each(truth, got))
