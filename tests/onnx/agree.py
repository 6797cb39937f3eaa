#!/usr/bin/env python3
"""agree.py -- `clnorm run --semantics onnx` against ONNX Runtime on the same files.

usage: agree.py CLNORM [--cases N] [--seed N] [--first N] [--device DEV]

Draws operator, attributes, which of them stay at their defaults, shape and inputs of every case from the
seed and the case's number, so that `--seed S --first K --cases 1` repeats one. Every output is compared,
and its shape: |got - want| <= 5e-6 * max(1, |want|, what is added to make it), since ONNX Runtime computes
in float32. Exit 1 where a case fails, 77 without onnx and onnxruntime. What ONNX Runtime does not have, an
even window of LRN, is held against the reference evaluator of onnx. The last line is always "N passed, N
failed".
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print('skipped: %s' % missing)
    sys.exit(77)

from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from operators import OPERATORS

BOUND = 5e-6
IR = 10


def by_onnx(draw):
    """The operator's outputs in its order."""
    inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v.shape) for k, v in draw.inputs.items()]
    outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in draw.outputs]
    node = helper.make_node(draw.node, list(draw.inputs), draw.outputs, **draw.attrs)
    graph = helper.make_graph([node], 'graph', inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', draw.opset)], ir_version=IR)
    if draw.by_reference:
        return ReferenceEvaluator(model).run(None, draw.inputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    text, providers = model.SerializeToString(), ['CPUExecutionProvider']
    return onnxruntime.InferenceSession(text, options, providers=providers).run(None, draw.inputs)


def by_clnorm(command, draw, folder):
    """The same, from files."""
    def path(name):
        return os.path.join(folder, name + '.npy')
    words = [*command, 'run', draw.op, '--semantics', 'onnx', *draw.words]
    for name, array in draw.inputs.items():
        np.save(path(name), array)
        words += ['--in', '%s=%s' % (draw.slots[name], path(name))] if name != 'X' else []
    for name in draw.outputs[1:]:
        words += ['--out', '%s=%s' % (name, path('out_' + name))]
    done = subprocess.run(words + [path('X'), path('out_y')], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError('exit %d: %s' % (done.returncode, done.stderr.strip()))
    return [np.load(path('out_' + name)) for name in draw.outputs]


def compare(name, got, want, weights):
    """The largest distance as a multiple of the bound; weights: what |y| is made of at most, per |xhat|."""
    if got.shape != want.shape:
        raise RuntimeError('%s is %s, ONNX says %s' % (name, got.shape, want.shape))
    room = BOUND * np.maximum(np.maximum(1, abs(want)), weights if name == 'y' else 0)
    off = abs(got.astype('float64') - want) / room
    place = np.unravel_index(int(np.nan_to_num(off, nan=np.inf).argmax()), off.shape)
    if not off[place] <= 1:
        raise RuntimeError('%s%s is %.9g, ONNX says %.9g'
                           % (name, list(map(int, place)), got[place], want[place]))
    return float(off[place])


def run(command, draw):
    """The worst of each output; raises RuntimeError where one is beyond its bound."""
    weighed = [v for k, v in draw.inputs.items() if draw.slots.get(k) in ('gamma', 'beta')]
    weights = sum(float(abs(v).max()) for v in weighed)
    with tempfile.TemporaryDirectory(prefix='clnorm-onnx-') as folder:
        got = by_clnorm(command, draw, folder)
    pairs = zip(draw.outputs, got, by_onnx(draw))
    return {name: compare(name, mine, theirs, weights) for name, mine, theirs in pairs}


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1][7:])
    parser.add_argument('clnorm')
    parser.add_argument('--cases', type=int, default=160)
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--device')
    options = parser.parse_args()
    command = [options.clnorm] + (['--device', options.device] if options.device else [])
    failed, worst, count = 0, {}, {}
    print('seed %d, onnx %s, onnxruntime %s' % (options.seed, onnx.__version__, onnxruntime.__version__))
    for number in range(options.first, options.first + options.cases):
        numbers = np.random.default_rng((options.seed, number))
        r = random.Random('%d %d' % (options.seed, number))
        draw = OPERATORS[number % len(OPERATORS)](r, numbers)
        try:
            for name, off in run(command, draw).items():
                worst[draw.node, name] = max(off, worst.get((draw.node, name), 0))
                count[draw.node, name] = count.get((draw.node, name), 0) + 1
        except RuntimeError as why:
            failed += 1
            again = '--seed %d --first %d --cases 1' % (options.seed, number)
            print('%s: %s; again: %s' % (draw, why, again), flush=True)
    for (node, name), off in sorted(worst.items()):
        print('%-26s %-13s %3d cases, %.2f of the bound' % (node, name, count[node, name], off))
    print('%d passed, %d failed' % (options.cases - failed, failed))
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
