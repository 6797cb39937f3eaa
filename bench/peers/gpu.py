#!/usr/bin/env python3
"""gpu.py -- what PyTorch takes on its GPU for the workloads of `clnorm bench --suite`, in us per call.

  python3 bench/peers/gpu.py      one line per workload; needs PyTorch with CUDA or ROCm

The best of four trains of 30 calls between two events. BatchNorm in PyTorch's own kernels and, where it is there,
in cuDNN's.
"""
import torch
import torch.nn.functional as F

aten = torch.ops.aten


def rand(*shape, nhwc=False):
    x = torch.rand(*shape, device="cuda")
    return x.to(memory_format=torch.channels_last) if nhwc else x


def time_us(call):
    for _ in range(5):
        call()
    torch.cuda.synchronize()
    best = float("inf")
    for _ in range(4):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(30):
            call()
        end.record()
        torch.cuda.synchronize()
        best = min(best, begin.elapsed_time(end) / 30)
    return best * 1e3


def show(name, call):
    print(f"{name:44} {time_us(call):9.1f}", flush=True)


def batchnorm(*shape, nhwc=False):
    x, dy, c = rand(*shape, nhwc=nhwc), rand(*shape, nhwc=nhwc), shape[1]
    gamma, beta, mean, var = (rand(c) for _ in range(4))
    name = "x".join(map(str, shape)) + (" nhwc" if nhwc else "")
    show(f"batchnorm train {name}", lambda: F.batch_norm(x, mean, var, gamma, beta, True))
    show(f"batchnorm eval {name}", lambda: F.batch_norm(x, mean, var, gamma, beta, False))
    _, m, r = aten.native_batch_norm(x, gamma, beta, mean, var, True, 0.1, 1e-5)
    show(f"batchnorm backward {name}", lambda: aten.native_batch_norm_backward(
        dy, x, gamma, mean, var, m, r, True, 1e-5, [True] * 3))
    if torch.version.cuda:
        _, m, r, reserve = aten.cudnn_batch_norm(x, gamma, beta, mean, var, True, 0.1, 1e-5)
        show(f"batchnorm backward {name}, cudnn", lambda: aten.cudnn_batch_norm_backward(
            x, dy, gamma, mean, var, m, r, 1e-5, reserve))


def rows(n, c):
    x, dy, gamma, beta = rand(n, c), rand(n, c), rand(c), rand(c)
    show(f"layernorm {n}x{c}", lambda: F.layer_norm(x, (c,), gamma, beta))
    _, m, r = aten.native_layer_norm(x, (c,), gamma, beta, 1e-5)
    show(f"layernorm backward {n}x{c}", lambda: aten.native_layer_norm_backward(
        dy, x, (c,), m, r, gamma, beta, [True] * 3))
    show(f"rmsnorm {n}x{c}", lambda: F.rms_norm(x, (c,), gamma))


def images(*shape):
    x, axes = rand(*shape), (1, 2, 3)
    name = "x".join(map(str, shape))

    def minmax():
        low = x.amin(axes, keepdim=True)
        return (x - low) / (x.amax(axes, keepdim=True) - low)

    def zscore():
        var, mean = torch.var_mean(x, axes, unbiased=False, keepdim=True)
        return (x - mean) * torch.rsqrt(var)

    show(f"minmax {name}", minmax)
    show(f"zscore {name}", zscore)


def grn(*shape):
    x = rand(*shape)

    def call():
        g = x.norm(p=2, dim=(2, 3), keepdim=True)
        return x * (g / (g.mean(1, keepdim=True) + 1e-6)) + x

    show("grn " + "x".join(map(str, shape)), call)


def main():
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}; us per call")
    torch.set_grad_enabled(False)
    x = rand(32, 64, 112, 112)
    y = torch.empty_like(x)
    show("copy 32x64x112x112", lambda: y.copy_(x))
    bytes_in, std = torch.randint(0, 256, (32, 224, 224, 3), device="cuda", dtype=torch.uint8), rand(3, 1, 1)
    show("normalize 32x3x224x224 u8 nhwc", lambda: bytes_in.permute(0, 3, 1, 2).to(torch.float32).div_(255).sub_(std).div_(std))
    images(1, 3, 1080, 1920)
    images(32, 3, 224, 224)
    for shape, nhwc in (((32, 64, 112, 112), False), ((32, 256, 56, 56), False), ((32, 2048, 7, 7), False),
                        ((32, 64, 112, 112), True), ((32, 256, 56, 56), True)):
        batchnorm(*shape, nhwc=nhwc)
    rows(6272, 768)
    rows(50432, 192)
    x, w = rand(32, 64, 56, 56), rand(64, 56, 56)
    show("layernorm 32x64x56x56", lambda: F.layer_norm(x, (64, 56, 56), w, w))
    x, w = rand(32, 96, 56, 56), rand(96)
    show("layernorm over c 32x96x56x56", lambda: F.layer_norm(x.permute(0, 2, 3, 1), (96,), w, w))
    grn(32, 384, 14, 14)
    grn(32, 96, 56, 56)
    x = rand(32, 96, 55, 55)
    show("lrn 32x96x55x55", lambda: F.local_response_norm(x, 5))
    x, w = rand(8, 320, 64, 64), rand(320)
    show("groupnorm 8x320x64x64", lambda: F.group_norm(x, 32, w, w))
    x, w = rand(8, 64, 128, 128), rand(64)
    show("instancenorm 8x64x128x128", lambda: F.instance_norm(x, weight=w, bias=w))


if __name__ == "__main__":
    main()
