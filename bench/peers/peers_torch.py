"""peers_torch.py -- PyTorch: eager, out=, channels_last, compiled; and torchvision."""
import numpy as np
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as TF

from workloads import Builder, Case, Run

torch.set_num_threads(2)
torch._dynamo.config.recompile_limit = 256  # one program compiles all rows; past the limit it would run them eagerly
torch.set_grad_enabled(False)
FIRST, LAST = torch.contiguous_format, torch.channels_last


def tensor(case: Case, slot: str = "x") -> torch.Tensor:
    array = case[slot]
    if array.dtype == "bfloat16":
        return torch.from_numpy(array.view(np.uint16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def compiled(function, *args) -> Run:
    made = torch.compile(function, dynamic=False)
    made(*args)
    return lambda: made(*args)


# ---- affine: u8 channels last to f32 --------------------------------------------------------

def factors(pair: tuple[np.ndarray, np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(v).view(1, -1, 1, 1) for v in pair]


def affine_eager(case: Case) -> Run:
    """As it is written everywhere: ToTensor, then Normalize."""
    x, (a, b) = tensor(case), factors(case.affine())
    std = 1 / (255 * a)
    mean = -b * std
    if case.row.op == "totensor":
        return lambda: x.contiguous().float().div_(255)
    return lambda: x.contiguous().float().div_(255).sub_(mean).div_(std)


def affine_folded(case: Case) -> Run:
    x, (a, b) = tensor(case), factors(case.affine())
    return lambda: torch.addcmul(b, x.to(torch.float32, memory_format=FIRST), a)


def affine_out(case: Case) -> Run:
    x, (a, b) = tensor(case), factors(case.affine())
    y = torch.empty(case.row.shape)
    if case.row.op == "totensor":
        return lambda: torch.div(x, 255, out=y)
    return lambda: torch.mul(x, a, out=y).add_(b)


def affine_last(case: Case) -> Run:
    """Without the transposition: y is channels last too."""
    x, (a, b) = tensor(case), factors(case.affine())
    y = torch.empty(case.row.shape, memory_format=LAST)
    if case.row.op == "totensor":
        return lambda: torch.div(x, 255, out=y)
    return lambda: torch.mul(x, a, out=y).add_(b)


def affine_compiled(case: Case) -> Run:
    a, b = factors(case.affine())
    return compiled(lambda x: (x.float() * a + b).contiguous(), tensor(case))


def affine_compiled_last(case: Case) -> Run:
    a, b = factors(case.affine())
    return compiled(lambda x: (x.float() * a + b).contiguous(memory_format=LAST), tensor(case))


def affine_vision(case: Case) -> Run:
    x, op = tensor(case), case.row.op
    if op == "totensor":
        return lambda: TF.to_dtype(x.contiguous(), torch.float32, scale=True)
    half = [0.5] * case.row.shape[1]
    mean, std = (half, half) if op == "symmetric" else (list(case.row.attrs["mean"]), list(case.row.attrs["std"]))
    return lambda: TF.normalize(TF.to_dtype(x.contiguous(), torch.float32, scale=True), mean, std, inplace=True)


# ---- denormalize: f32 to u8 channels last -----------------------------------------------------

def bytes_of(t: torch.Tensor) -> torch.Tensor:
    return t.round_().clamp_(0, 255).to(torch.uint8, memory_format=LAST)


def denormalize_eager(case: Case) -> Run:
    """As it is written everywhere."""
    x, (std, mean) = tensor(case), (v / 255 for v in factors(case.back()))
    return lambda: bytes_of(x.mul(std).add_(mean).mul_(255))


def denormalize_folded(case: Case) -> Run:
    x, (a, b) = tensor(case), factors(case.back())
    return lambda: bytes_of(torch.addcmul(b, x, a))


def denormalize_last(case: Case) -> Run:
    """Without the transposition: x is channels last too."""
    x, (a, b) = tensor(case).contiguous(memory_format=LAST), factors(case.back())
    return lambda: bytes_of(torch.addcmul(b, x, a))


def denormalize_compiled(case: Case) -> Run:
    a, b = factors(case.back())
    return compiled(lambda x: bytes_of(x * a + b), tensor(case))


def denormalize_compiled_last(case: Case) -> Run:
    a, b = factors(case.back())
    return compiled(lambda x: bytes_of(x * a + b), tensor(case).contiguous(memory_format=LAST))


# ---- minmax and zscore of each image ----------------------------------------------------------

def rows(case: Case) -> torch.Tensor:
    return tensor(case).view(case.row.shape[0], -1)


def minmax_eager(case: Case) -> Run:
    x = rows(case)

    def run() -> torch.Tensor:
        low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
        return (x - low) / (high - low)
    return run


def minmax_out(case: Case) -> Run:
    """aminmax is one pass, but fast only over everything."""
    x, y = rows(case), torch.empty_like(rows(case))
    whole = x.shape[0] == 1

    def run() -> torch.Tensor:
        low, high = torch.aminmax(x) if whole else (x.amin(1, keepdim=True), x.amax(1, keepdim=True))
        return torch.sub(x, low, out=y).mul_(1 / (high - low))
    return run


def minmax_compiled(case: Case) -> Run:
    def function(x: torch.Tensor) -> torch.Tensor:
        low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
        return (x - low) * (1 / (high - low))
    return compiled(function, rows(case))


def zscore_eager(case: Case) -> Run:
    x = rows(case)

    def run() -> torch.Tensor:
        var, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
        return (x - mean) / var.sqrt()
    return run


def zscore_out(case: Case) -> Run:
    """By mean and norm: var_mean of one long row keeps to one thread."""
    x, y = rows(case), torch.empty_like(rows(case))
    root = x.shape[1] ** 0.5

    def run() -> torch.Tensor:
        torch.sub(x, x.mean(1, keepdim=True), out=y)
        return y.mul_(root / torch.linalg.vector_norm(y, dim=1, keepdim=True))
    return run


def zscore_layer_norm(case: Case) -> Run:
    x = rows(case)
    return lambda: F.layer_norm(x, x.shape[1:], eps=0.0)


def zscore_compiled(case: Case) -> Run:
    def function(x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(1, keepdim=True)) * x.var(1, correction=0, keepdim=True).rsqrt()
    return compiled(function, rows(case))


# ---- layers ---------------------------------------------------------------------------------

aten = torch.ops.aten


def in_layout(layout):
    """A builder of (x, case) as one of a case, with x copied to the layout where it lies in the other."""
    def wrap(function):
        def build(case: Case) -> Run:
            x = tensor(case)
            return function(x.contiguous(memory_format=layout) if x.ndim == 4 else x, case)
        return build
    return wrap


def weights(case: Case, *slots: str) -> list[torch.Tensor]:
    return [tensor(case, slot).reshape(-1) for slot in slots]


def like(x: torch.Tensor, case: Case, slot: str) -> torch.Tensor:
    """Another tensor in the layout of x."""
    return tensor(case, slot).contiguous(memory_format=LAST if x.ndim == 4 and not x.is_contiguous() else FIRST)


def batchnorm(x: torch.Tensor, case: Case) -> Run:
    gamma, beta = weights(case, "gamma", "beta")
    return lambda: F.batch_norm(x, None, None, gamma, beta, True)


def batchnorm_eval(x: torch.Tensor, case: Case) -> Run:
    gamma, beta, mean, var = weights(case, "gamma", "beta", "running_mean", "running_var")
    return lambda: F.batch_norm(x, mean, var, gamma, beta, False)


def batchnorm_backward(x: torch.Tensor, case: Case) -> Run:
    dy = like(x, case, "dy")
    gamma, mean, rstd = weights(case, "gamma", "mean", "rstd")
    return lambda: aten.native_batch_norm_backward(dy, x, gamma, None, None, mean, rstd, True, case.eps, [True] * 3)


def layernorm(x: torch.Tensor, case: Case) -> Run:
    gamma, beta = (tensor(case, slot).reshape(x.shape[1:]) for slot in ("gamma", "beta"))
    return lambda: F.layer_norm(x, x.shape[1:], gamma, beta, case.eps)


def layernorm_backward(x: torch.Tensor, case: Case) -> Run:
    dy, gamma = tensor(case, "dy"), tensor(case, "gamma").reshape(x.shape[1:])
    mean, rstd = (w.view(-1, *[1] * (x.ndim - 1)) for w in weights(case, "mean", "rstd"))
    return lambda: aten.native_layer_norm_backward(dy, x, x.shape[1:], mean, rstd, gamma, gamma, [True] * 3)


def layernorm_over_c(x: torch.Tensor, case: Case) -> Run:
    """As ConvNeXt does it: there and back."""
    gamma, beta = weights(case, "gamma", "beta")
    return lambda: F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], gamma, beta, case.eps).permute(0, 3, 1, 2)


def layernorm_over_c_backward(x: torch.Tensor, case: Case) -> Run:
    n, c, h, w = x.shape
    dy, (gamma, mean, rstd) = like(x, case, "dy"), weights(case, "gamma", "mean", "rstd")
    mean, rstd = mean.view(n, h, w, 1), rstd.view(n, h, w, 1)

    def run() -> tuple[torch.Tensor, ...]:
        dx, dgamma, dbeta = aten.native_layer_norm_backward(dy.permute(0, 2, 3, 1), x.permute(0, 2, 3, 1), (c,), mean,
                                                            rstd, gamma, gamma, [True] * 3)
        return dx.permute(0, 3, 1, 2), dgamma, dbeta
    return run


def grn(x: torch.Tensor, case: Case) -> Run:
    gamma, beta = (w.view(1, -1, 1, 1) for w in weights(case, "gamma", "beta"))

    def run() -> torch.Tensor:
        g = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        return torch.addcmul(beta, gamma, x * (g / (g.mean(1, keepdim=True) + 1e-6))).add_(x)
    return run


def lrn(x: torch.Tensor, case: Case) -> Run:
    return lambda: F.local_response_norm(x, 5, 1e-4, 0.75, 2.0)


def groups_of(x: torch.Tensor, case: Case) -> int:
    return x.shape[1] if case.row.op == "instancenorm" else int(case.row.attrs.get("groups", 1))


def groupnorm(x: torch.Tensor, case: Case) -> Run:
    (gamma, beta), groups = weights(case, "gamma", "beta"), groups_of(x, case)
    return lambda: F.group_norm(x, groups, gamma, beta, case.eps)


def groupnorm_backward(x: torch.Tensor, case: Case) -> Run:
    """An instance is a group of one channel."""
    n, c, h, w = x.shape
    (gamma, mean, rstd), groups = weights(case, "gamma", "mean", "rstd"), groups_of(x, case)
    dy, mean, rstd = like(x, case, "dy"), mean.view(n, groups), rstd.view(n, groups)
    return lambda: aten.native_group_norm_backward(dy, x, mean, rstd, gamma, n, c, h * w, groups, [True] * 3)


def instancenorm(x: torch.Tensor, case: Case) -> Run:
    gamma, beta = weights(case, "gamma", "beta")
    return lambda: F.instance_norm(x, weight=gamma, bias=beta)


def rmsnorm(x: torch.Tensor, case: Case) -> Run:
    gamma = weights(case, "gamma")[0].to(x.dtype)
    return lambda: F.rms_norm(x, x.shape[1:], gamma, case.eps)


def rmsnorm_backward(x: torch.Tensor, case: Case) -> Run:
    """By the formula: PyTorch has no function of the CPU that takes rstd."""
    dy, (gamma, rstd) = tensor(case, "dy"), weights(case, "gamma", "rstd")
    rstd = rstd.view(-1, 1)

    def run() -> tuple[torch.Tensor, ...]:
        xhat, g = x * rstd, dy * gamma
        return rstd * (g - xhat * (g * xhat).mean(1, keepdim=True)), (dy * xhat).sum(0)
    return run


def iterated(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    """IterNorm's own code, of one group."""
    n, c, h, w = x.shape
    rows = x.transpose(0, 1).reshape(c, -1)
    centred = rows - rows.mean(-1, keepdim=True)
    eye = torch.eye(c)
    sigma = torch.addmm(eye, centred, centred.T, beta=1e-5, alpha=1 / rows.shape[-1])
    trace = sigma.trace()
    p, scaled = eye, sigma / trace
    for _ in range(5):
        p = torch.addmm(p, torch.matrix_power(p, 3), scaled, beta=1.5, alpha=-0.5)
    y = ((p / trace.sqrt()) @ centred).view(c, n, h, w).transpose(0, 1)
    return torch.addcmul(beta.view(1, -1, 1, 1), y, gamma.view(1, -1, 1, 1))


def iternorm(x: torch.Tensor, case: Case) -> Run:
    gamma, beta = weights(case, "gamma", "beta")
    return lambda: iterated(x, gamma, beta).contiguous()


def iternorm_backward(x: torch.Tensor, case: Case) -> Run:
    """Autograd through forward, as a step of training; ours makes again what it needs of forward, too."""
    dy, (gamma,) = tensor(case, "dy"), weights(case, "gamma")
    leaf = [x.detach().requires_grad_(), gamma.detach().requires_grad_(), torch.zeros_like(gamma).requires_grad_()]

    def run() -> tuple[torch.Tensor, ...]:
        with torch.enable_grad():
            return torch.autograd.grad(iterated(*leaf), leaf, dy)
    return run


def spectralnorm(x: torch.Tensor, case: Case) -> Run:
    """torch.nn.utils.parametrizations.spectral_norm's own steps."""
    u, v = weights(case, "u", "v")

    def run() -> torch.Tensor:
        F.normalize(torch.mv(x, v), dim=0, eps=1e-12, out=u)
        F.normalize(torch.mv(x.T, u), dim=0, eps=1e-12, out=v)
        return x / torch.vdot(u, torch.mv(x, v))
    return run


def spectralnorm_backward(x: torch.Tensor, case: Case) -> Run:
    dy, (u, v, sigma) = tensor(case, "dy"), weights(case, "u", "v", "sigma")
    return lambda: torch.addr(dy, u, v, alpha=-float(torch.sum(dy * x) / sigma)).div_(sigma)


def compiled_run(function):
    """The same, compiled."""
    def wrap(x: torch.Tensor, case: Case) -> Run:
        return compiled(function(x, case))
    return wrap


LAYERS = {"batchnorm": batchnorm, "batchnorm eval": batchnorm_eval, "batchnorm backward": batchnorm_backward,
          "layernorm": layernorm, "layernorm backward": layernorm_backward, "layernorm over C": layernorm_over_c,
          "layernorm over C backward": layernorm_over_c_backward, "grn": grn, "lrn": lrn, "groupnorm": groupnorm,
          "groupnorm backward": groupnorm_backward, "instancenorm": instancenorm,
          "instancenorm backward": groupnorm_backward, "rmsnorm": rmsnorm, "rmsnorm backward": rmsnorm_backward,
          "iternorm": iternorm, "iternorm backward": iternorm_backward, "spectralnorm": spectralnorm,
          "spectralnorm backward": spectralnorm_backward}

PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"torch: eager": affine_eager, "torch: folded": affine_folded, "torch: out=": affine_out,
               "torch: channels_last": affine_last, "torch.compile: contiguous": affine_compiled,
               "torch.compile: channels_last": affine_compiled_last, "torchvision: v2": affine_vision},
    "denormalize": {"torch: eager": denormalize_eager, "torch: folded": denormalize_folded,
                    "torch: channels_last": denormalize_last, "torch.compile: contiguous": denormalize_compiled,
                    "torch.compile: channels_last": denormalize_compiled_last},
    "minmax": {"torch: eager": minmax_eager, "torch: out=": minmax_out, "torch.compile: fused": minmax_compiled},
    "zscore": {"torch: eager": zscore_eager, "torch: out=": zscore_out, "torch: layer_norm": zscore_layer_norm,
               "torch.compile: fused": zscore_compiled},
} | {family: {"torch: eager": in_layout(FIRST)(function), "torch: channels_last": in_layout(LAST)(function),
              "torch.compile: contiguous": in_layout(FIRST)(compiled_run(function)),
              "torch.compile: channels_last": in_layout(LAST)(compiled_run(function))}
     for family, function in LAYERS.items()}
PEERS["instancenorm"]["torch: group_norm"] = in_layout(FIRST)(groupnorm)
