"""peers_onednn.py -- oneDNN: reorder with scales, binary, reductions, layer normalization."""
import numpy as np

import clnorm
import onednn
from onednn import Memory
from workloads import Builder, Case, Run


def chain(y: np.ndarray, *steps: onednn.Primitive) -> Run:
    def run() -> np.ndarray:
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
    return chain(y, onednn.layer_norm(Memory(x), Memory(y), 0.0))


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"oneDNN: reorder": affine},
    "minmax": {"oneDNN: reduction, binary": minmax},
    "zscore": {"oneDNN: layer_norm": zscore},
}
