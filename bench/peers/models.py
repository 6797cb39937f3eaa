"""models.py -- the layers as ONNX models of one input and one output, for those that run such models.

x is contiguous, channels first, whatever the layout of a row: a model has no other.
"""
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from workloads import Case

IR = 10
ELEMENTS = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16,
            "bfloat16": TensorProto.BFLOAT16}


@dataclass(frozen=True)
class Model:
    """Nodes from x to y, and what they read besides."""
    x: np.ndarray
    y_shape: tuple[int, ...]
    nodes: list
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    opset: int = 17
    to: str = ""

    @property
    def y_type(self) -> str:
        """Of y: `to`, else that of x, and f32 of bytes."""
        return self.to or ("float32" if self.x.dtype == "uint8" else self.x.dtype.name)

    def serialized(self) -> bytes:
        graph = helper.make_graph(
            self.nodes, "graph", [helper.make_tensor_value_info("x", ELEMENTS[self.x.dtype.name], self.x.shape)],
            [helper.make_tensor_value_info("y", ELEMENTS[self.y_type], self.y_shape)],
            [numpy_helper.from_array(v, k) for k, v in self.constants.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                 ir_version=IR).SerializeToString()


def of_case(case: Case, slots: tuple[str, ...], nodes: list, shape: tuple[int, ...] = (-1,), opset: int = 17) -> Model:
    """Constants by the names of their slots, of x's type, in this shape."""
    x = np.ascontiguousarray(case["x"])
    return Model(x, x.shape, nodes, {s: np.ascontiguousarray(case[s], x.dtype).reshape(shape) for s in slots}, opset)


def one(case: Case, kind: str, *inputs: str, **attributes) -> list:
    """A node of x and these to y; eps is the case's."""
    return [helper.make_node(kind, ["x", *inputs], ["y"], epsilon=case.eps, **attributes)]


def batchnorm_eval(case: Case) -> Model:
    slots = "gamma", "beta", "running_mean", "running_var"
    return of_case(case, slots, one(case, "BatchNormalization", *slots))


def layernorm(case: Case) -> Model:
    slots = "gamma", "beta"
    return of_case(case, slots, one(case, "LayerNormalization", *slots, axis=1), case.row.shape[1:])


def layernorm_over_c(case: Case) -> Model:
    nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]),
             helper.make_node("LayerNormalization", ["t", "gamma", "beta"], ["n"], axis=-1, epsilon=case.eps),
             helper.make_node("Transpose", ["n"], ["y"], perm=[0, 3, 1, 2])]
    return of_case(case, ("gamma", "beta"), nodes)


def groupnorm(case: Case) -> Model:
    slots = "gamma", "beta"
    groups = int(case.row.attrs.get("groups", 1))
    return of_case(case, slots, one(case, "GroupNormalization", *slots, num_groups=groups), opset=21)


def instancenorm(case: Case) -> Model:
    slots = "gamma", "beta"
    return of_case(case, slots, one(case, "InstanceNormalization", *slots))


def rmsnorm(case: Case) -> Model:
    return of_case(case, ("gamma",), one(case, "RMSNormalization", "gamma", axis=-1), opset=23)


def grn(case: Case) -> Model:
    model = of_case(case, ("gamma", "beta"), [
        helper.make_node("ReduceL2", ["x"], ["g"], axes=[2, 3]),
        helper.make_node("ReduceMean", ["g"], ["m"], axes=[1]),
        helper.make_node("Add", ["m", "eps"], ["d"]), helper.make_node("Div", ["g", "d"], ["n"]),
        helper.make_node("Mul", ["n", "gamma"], ["s"]), helper.make_node("Add", ["s", "one"], ["f"]),
        helper.make_node("Mul", ["x", "f"], ["p"]), helper.make_node("Add", ["p", "beta"], ["y"])], (1, -1, 1, 1))
    model.constants.update(eps=np.asarray(1e-6, model.x.dtype), one=np.asarray(1, model.x.dtype))
    return model


def lrn(case: Case) -> Model:
    return of_case(case, (), [helper.make_node("LRN", ["x"], ["y"], size=5, alpha=1e-4, beta=0.75, bias=2.0)])


LAYERS: dict[str, Callable[[Case], Model]] = {
    "batchnorm eval": batchnorm_eval, "layernorm": layernorm, "layernorm over C": layernorm_over_c,
    "groupnorm": groupnorm, "instancenorm": instancenorm, "rmsnorm": rmsnorm, "grn": grn, "lrn": lrn,
}
