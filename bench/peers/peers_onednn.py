"""peers_onednn.py -- oneDNN: reorder with scales, binary, reductions; batch, layer and local response normalization."""
import numpy as np

import clnorm
import onednn
from onednn import Blocks, Memory
from workloads import Builder, Case, Run


def chain(y: np.ndarray | Memory, *steps: onednn.Primitive) -> Run:
    def run() -> np.ndarray | Memory:
        for step in steps:
            step()
        return y
    return run


def affine(case: Case) -> Run:
    """A reorder changes type and layout and scales; what is added needs a second primitive."""
    a, b = case.affine()
    y = clnorm.aligned(case.row.shape, "float32")
    steps = [onednn.reorder(Memory(case["x"]), Memory(y), a)]
    if b.any():
        steps.append(onednn.binary(onednn.ADD, Memory(y), Memory(b.reshape(1, -1, 1, 1)), Memory(y)))
    return chain(y, *steps)


def denormalize(case: Case) -> Run:
    """A reorder rounds and saturates."""
    n, channels, height, width = case.row.shape
    a, b = (Memory(v.reshape(1, -1, 1, 1)) for v in case.back())
    t = Memory(clnorm.aligned(case.row.shape, "float32"))
    y = np.moveaxis(clnorm.aligned((n, height, width, channels), "uint8"), -1, 1)
    return chain(y, onednn.binary(onednn.MUL, Memory(case["x"]), a, t, then=(onednn.ADD, b)), onednn.reorder(t, Memory(y)))


def minmax(case: Case) -> Run:
    """Images as channels of one: a broadcast along axis 1 is the one that oneDNN has a fast kernel for."""
    n = case.row.shape[0]
    y = clnorm.aligned((1, n, case["x"].size // n), "float32")
    low, high, extent = (Memory(clnorm.aligned((1, n, 1), "float32")) for _ in range(3))
    x = Memory(case["x"].reshape(y.shape))
    return chain(y, onednn.reduction(onednn.REDUCE_MIN, x, low), onednn.reduction(onednn.REDUCE_MAX, x, high),
                 onednn.binary(onednn.SUB, high, low, extent),
                 onednn.binary(onednn.SUB, x, low, Memory(y), then=(onednn.DIV, extent)))


def zscore(case: Case) -> Run:
    x = case["x"].reshape(case.row.shape[0], -1)
    y = clnorm.aligned(x.shape, "float32")
    return chain(y, onednn.forward("layer_normalization", onednn.INFERENCE, Memory(x), Memory(y), 0.0, {}))


# ---- layers: on memory that is as aligned as ours, or oneDNN does not pass the cache by --------

def first(array: np.ndarray) -> Memory:
    return Memory(clnorm.aligned_copy(array))


def last(array: np.ndarray) -> Memory:
    return Memory(np.moveaxis(clnorm.aligned_copy(np.moveaxis(array, 1, -1)), -1, 1))


def flat(case: Case, slot: str) -> Memory:
    return Memory(clnorm.aligned_copy(case[slot].reshape(-1)))


def room(like: Memory) -> Memory:
    return Memory(clnorm.aligned(like.array.shape, like.array.dtype))


def in_and_out(case: Case, place) -> tuple[Memory, Memory]:
    return place(case["x"]), place(np.zeros_like(case["x"]))


def of_weights(case: Case) -> dict[int, Memory]:
    return {onednn.SCALE: flat(case, "gamma"), onednn.SHIFT: flat(case, "beta")}


def batchnorm(case: Case, place) -> Run:
    (x, y), weights = in_and_out(case, place), of_weights(case)
    weights |= {onednn.MEAN: room(weights[onednn.SCALE]), onednn.VARIANCE: room(weights[onednn.SCALE])}
    return chain(y, onednn.forward("batch_normalization", onednn.TRAINING, x, y, case.eps, weights))


def batchnorm_eval(case: Case, place) -> Run:
    x, y = in_and_out(case, place)
    given = {onednn.MEAN: flat(case, "running_mean"), onednn.VARIANCE: flat(case, "running_var")}
    return chain(y, onednn.forward("batch_normalization", onednn.INFERENCE, x, y, case.eps, of_weights(case) | given))


def layernorm(case: Case, place) -> Run:
    x, y = in_and_out(case, place)
    return chain(y, onednn.forward("layer_normalization", onednn.INFERENCE, x, y, case.eps, of_weights(case)))


def backward(kind: str):
    """By the variance that the given rstd stands for."""
    def build(case: Case, place) -> Run:
        (x, dx), dy = in_and_out(case, place), place(case["dy"])
        scale, mean, rstd = (flat(case, slot) for slot in ("gamma", "mean", "rstd"))
        variance = Memory((rstd.array.astype(np.float64) ** -2 - case.eps).astype(np.float32))
        given = {onednn.MEAN: mean, onednn.VARIANCE: variance}
        weights = {onednn.SCALE: scale, onednn.SHIFT: room(scale)}
        hint = onednn.forward(kind, onednn.TRAINING, x, dx, case.eps, weights | {k: room(mean) for k in given})
        found = {onednn.DIFF_SCALE: room(scale), onednn.DIFF_SHIFT: room(scale)}
        step = onednn.backward(hint, kind, x, dy, dx, case.eps, weights | given | found)

        def run() -> tuple[Memory, ...]:
            step()
            return dx, *found.values()
        return run
    return build


def lrn(case: Case, place) -> Run:
    x, y = in_and_out(case, place)
    return chain(y, onednn.lrn(x, y, 5, 1e-4, 0.75, 2.0))


def rows(array: np.ndarray) -> Memory:
    """A sample as a row."""
    return Memory(clnorm.aligned_copy(array.reshape(array.shape[0], -1)))


def pixels(array: np.ndarray) -> Memory:
    """Channels last, a pixel as a row."""
    return Memory(clnorm.aligned_copy(np.moveaxis(array, 1, -1)).reshape(-1, array.shape[1]))


def of_pixels(case: Case, y: Memory) -> np.ndarray:
    n, c, h, w = case.row.shape
    return np.moveaxis(y.array.reshape(n, h, w, c), -1, 1)


def over_c(case: Case) -> Run:
    run = layernorm(case, pixels)
    return lambda: of_pixels(case, run())


def over_c_backward(case: Case) -> Run:
    run = backward("layer_normalization")(case, pixels)

    def all_of() -> tuple:
        dx, *others = run()
        return of_pixels(case, dx), *others
    return all_of


def in_layouts(build) -> dict[str, Builder]:
    """A peer a layout: x is brought there before, into oneDNN's own blocks, which no image comes in, too."""
    def placed(place) -> Builder:
        return lambda case: build(case, place)
    return {"oneDNN: contiguous": placed(first), "oneDNN: channels_last": placed(last),
            "oneDNN blocks: of 16": placed(Blocks)}


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"oneDNN: reorder": affine},
    "denormalize": {"oneDNN: binary, reorder": denormalize},
    "minmax": {"oneDNN: reduction, binary": minmax},
    "zscore": {"oneDNN: layer_norm": zscore},
    "batchnorm": in_layouts(batchnorm), "batchnorm eval": in_layouts(batchnorm_eval),
    "batchnorm backward": in_layouts(backward("batch_normalization")), "lrn": in_layouts(lrn),
    "layernorm": {"oneDNN: layer_norm": lambda case: layernorm(case, rows)},
    "layernorm backward": {"oneDNN: layer_norm": lambda case: backward("layer_normalization")(case, rows)},
    "layernorm over C": {"oneDNN: layer_norm": over_c},
    "layernorm over C backward": {"oneDNN: layer_norm": over_c_backward},
}
