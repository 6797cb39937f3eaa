"""peers_torch.py -- PyTorch: eager, out=, channels_last, compiled; and torchvision."""
import torch
import torch.nn.functional as F
import torchvision.transforms.v2.functional as TF

from workloads import Builder, Case, Run

torch.set_num_threads(2)
torch.set_grad_enabled(False)
FIRST, LAST = torch.contiguous_format, torch.channels_last


def tensor(case: Case, slot: str = "x") -> torch.Tensor:
    return torch.from_numpy(case[slot])


def compiled(function, *args) -> Run:
    made = torch.compile(function, dynamic=False)
    made(*args)
    return lambda: made(*args)


# ---- affine: u8 channels last to f32 --------------------------------------------------------

def factors(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = case.affine()
    return torch.from_numpy(a).view(1, -1, 1, 1), torch.from_numpy(b).view(1, -1, 1, 1)


def affine_eager(case: Case) -> Run:
    """As it is written everywhere: ToTensor, then Normalize."""
    x, (a, b) = tensor(case), factors(case)
    std = 1 / (255 * a)
    mean = -b * std
    if case.row.op == "totensor":
        return lambda: x.contiguous().float().div_(255)
    return lambda: x.contiguous().float().div_(255).sub_(mean).div_(std)


def affine_folded(case: Case) -> Run:
    x, (a, b) = tensor(case), factors(case)
    return lambda: torch.addcmul(b, x.to(torch.float32, memory_format=FIRST), a)


def affine_out(case: Case) -> Run:
    x, (a, b) = tensor(case), factors(case)
    y = torch.empty(case.row.shape)
    if case.row.op == "totensor":
        return lambda: torch.div(x, 255, out=y)
    return lambda: torch.mul(x, a, out=y).add_(b)


def affine_last(case: Case) -> Run:
    """Without the transposition: y is channels last too."""
    x, (a, b) = tensor(case), factors(case)
    y = torch.empty(case.row.shape, memory_format=LAST)
    if case.row.op == "totensor":
        return lambda: torch.div(x, 255, out=y)
    return lambda: torch.mul(x, a, out=y).add_(b)


def affine_compiled(case: Case) -> Run:
    a, b = factors(case)
    return compiled(lambda x: (x.float() * a + b).contiguous(), tensor(case))


def affine_compiled_last(case: Case) -> Run:
    a, b = factors(case)
    return compiled(lambda x: (x.float() * a + b).contiguous(memory_format=LAST), tensor(case))


def affine_vision(case: Case) -> Run:
    x, op = tensor(case), case.row.op
    if op == "totensor":
        return lambda: TF.to_dtype(x.contiguous(), torch.float32, scale=True)
    half = [0.5] * case.row.shape[1]
    mean, std = (half, half) if op == "symmetric" else (list(case.row.attrs["mean"]), list(case.row.attrs["std"]))
    return lambda: TF.normalize(TF.to_dtype(x.contiguous(), torch.float32, scale=True), mean, std, inplace=True)


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


PEERS: dict[str, dict[str, Builder]] = {
    "affine": {"torch: eager": affine_eager, "torch: folded": affine_folded, "torch: out=": affine_out,
               "torch: channels_last": affine_last, "torch.compile: contiguous": affine_compiled,
               "torch.compile: channels_last": affine_compiled_last, "torchvision: v2": affine_vision},
    "minmax": {"torch: eager": minmax_eager, "torch: out=": minmax_out, "torch.compile: fused": minmax_compiled},
    "zscore": {"torch: eager": zscore_eager, "torch: out=": zscore_out, "torch: layer_norm": zscore_layer_norm,
               "torch.compile: fused": zscore_compiled},
}
