"""peers_onnx.py -- ONNX Runtime on models made here, inputs and outputs bound to memory."""
import os

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

import clnorm
import models
from cpus import CPUS
from models import Model
from workloads import Builder, Case, Run


def running(model: Model) -> Run:
    """x is read in place, y is written in place and returned."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 2, 3
    own = os.sched_getaffinity(0)  # of the caller, whom OpenMP has put on one core, and of the threads that it makes
    os.sched_setaffinity(0, CPUS)
    try:
        made = onnxruntime.InferenceSession(model.serialized(), options, providers=["CPUExecutionProvider"])
    finally:
        os.sched_setaffinity(0, own)
    binding = made.io_binding()
    x, y = model.x, clnorm.aligned(model.y_shape, model.y_type)
    binding.bind_input("x", "cpu", 0, models.ELEMENTS[x.dtype.name], x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, models.ELEMENTS[model.y_type], y.shape, y.ctypes.data)

    def run(kept=model) -> np.ndarray:  # whose x the binding has the address of
        made.run_with_iobinding(binding)
        return y
    return run


def session(x: np.ndarray, y_shape: tuple[int, ...], nodes: list, constants: dict[str, np.ndarray]) -> Run:
    return running(Model(x, y_shape, nodes, constants))


def affine(case: Case) -> Run:
    a, b = (v.reshape(1, -1, 1, 1) for v in case.affine())
    nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
             helper.make_node("Cast", ["t"], ["f"], to=TensorProto.FLOAT)]
    nodes += ([helper.make_node("Mul", ["f", "a"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])] if b.any()
              else [helper.make_node("Mul", ["f", "a"], ["y"])])
    return session(np.moveaxis(case["x"], 1, -1), case.row.shape, nodes, {"a": a, "b": b})


def affine_batch_norm(case: Case) -> Run:
    a, b = case.affine()
    nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
             helper.make_node("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
             helper.make_node("BatchNormalization", ["f", "a", "b", "zero", "one"], ["y"], epsilon=0.0)]
    constants = {"a": a, "b": b, "zero": np.zeros_like(a), "one": np.ones_like(a)}
    return session(np.moveaxis(case["x"], 1, -1), case.row.shape, nodes, constants)


def denormalize(case: Case) -> Run:
    n, channels, height, width = case.row.shape
    a, b = (v.reshape(1, -1, 1, 1) for v in case.back())
    nodes = [helper.make_node("Mul", ["x", "a"], ["m"]), helper.make_node("Add", ["m", "b"], ["s"]),
             helper.make_node("Round", ["s"], ["r"]), helper.make_node("Clip", ["r", "low", "high"], ["c"]),
             helper.make_node("Cast", ["c"], ["u"], to=TensorProto.UINT8),
             helper.make_node("Transpose", ["u"], ["y"], perm=[0, 2, 3, 1])]
    constants = {"a": a, "b": b, "low": np.float32(0), "high": np.float32(255)}
    run = running(Model(case["x"], (n, height, width, channels), nodes, constants, to="uint8"))
    return lambda: np.moveaxis(run(), -1, 1)


def minmax(case: Case) -> Run:
    axes = [1, 2, 3]
    nodes = [helper.make_node("ReduceMin", ["x"], ["low"], axes=axes),
             helper.make_node("ReduceMax", ["x"], ["high"], axes=axes),
             helper.make_node("Sub", ["x", "low"], ["d"]), helper.make_node("Sub", ["high", "low"], ["r"]),
             helper.make_node("Div", ["d", "r"], ["y"])]
    return session(case["x"], case.row.shape, nodes, {})


def zscore_mvn(case: Case) -> Run:
    nodes = [helper.make_node("MeanVarianceNormalization", ["x"], ["y"], axes=[1, 2, 3])]
    return session(case["x"], case.row.shape, nodes, {})


def zscore_layer_norm(case: Case) -> Run:
    x = case["x"].reshape(case.row.shape[0], -1)
    nodes = [helper.make_node("LayerNormalization", ["x", "one"], ["y"], axis=1, epsilon=0.0)]
    return session(x, x.shape, nodes, {"one": np.ones(x.shape[1], np.float32)})


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"ONNX Runtime: Mul, Add": affine, "ONNX Runtime: BatchNormalization": affine_batch_norm},
    "denormalize": {"ONNX Runtime: Mul, Add, Round, Clip": denormalize},
    "minmax": {"ONNX Runtime: Reduce, Sub, Div": minmax},
    "zscore": {"ONNX Runtime: MVN": zscore_mvn, "ONNX Runtime: LayerNormalization": zscore_layer_norm},
} | {family: {"ONNX Runtime: layer": lambda case, model=model: running(model(case))}
     for family, model in models.LAYERS.items()}
