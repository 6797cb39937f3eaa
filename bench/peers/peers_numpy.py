"""peers_numpy.py -- NumPy, with out= throughout."""
import numpy as np

from workloads import Builder, Case, Run


def affine(case: Case) -> Run:
    x, y = case["x"], np.empty(case.row.shape, np.float32)
    a, b = (v.reshape(1, -1, 1, 1) for v in case.affine())

    def run() -> np.ndarray:
        np.multiply(x, a, out=y)
        return np.add(y, b, out=y) if b.any() else y
    return run


def denormalize(case: Case) -> Run:
    x, t = case["x"], np.empty(case.row.shape, np.float32)
    y = np.empty_like(np.moveaxis(x, 1, -1), np.uint8, order="C")
    a, b = (v.reshape(1, -1, 1, 1) for v in case.back())

    def run() -> np.ndarray:
        np.rint(np.add(np.multiply(x, a, out=t), b, out=t), out=t)
        np.copyto(y, np.moveaxis(np.clip(t, 0, 255, out=t), 1, -1), casting="unsafe")
        return np.moveaxis(y, -1, 1)
    return run


def rows(case: Case) -> tuple[np.ndarray, np.ndarray]:
    x = case["x"].reshape(case.row.shape[0], -1)
    return x, np.empty_like(x)


def minmax(case: Case) -> Run:
    x, y = rows(case)

    def run() -> np.ndarray:
        low, high = x.min(1, keepdims=True), x.max(1, keepdims=True)
        return np.multiply(np.subtract(x, low, out=y), 1 / (high - low), out=y)
    return run


def zscore(case: Case) -> Run:
    x, y = rows(case)

    def run() -> np.ndarray:
        np.subtract(x, x.mean(1, keepdims=True), out=y)
        std = np.sqrt(np.einsum("ij,ij->i", y, y)[:, None] / y.shape[1])
        return np.multiply(y, 1 / std, out=y)
    return run


def zscore_std(case: Case) -> Run:
    x, y = rows(case)

    def run() -> np.ndarray:
        std = x.std(1, keepdims=True)
        return np.multiply(np.subtract(x, x.mean(1, keepdims=True), out=y), 1 / std, out=y)
    return run


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"NumPy: out=": affine},
    "denormalize": {"NumPy: out=": denormalize},
    "minmax": {"NumPy: out=": minmax},
    "zscore": {"NumPy: einsum": zscore, "NumPy: std": zscore_std},
}
