"""Small models through both of PyTorch's exporters."""

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import onnx
import torch
from torch import Tensor, nn

from onnx_runtime import HERE, Case, strip

STEPS = 12


class Recurrent(nn.Module):
    """A GRU and a head on every step, on the last, on the final state, or on those of both directions."""

    def __init__(self, hidden: int = 5, take: str = "all", **kwargs):
        super().__init__()
        self.take = take
        self.gru = nn.GRU(3, hidden, **kwargs)
        self.head = nn.Linear(hidden * (2 if self.gru.bidirectional else 1), 2)

    def forward(self, x: Tensor) -> Tensor:
        y, h = self.gru(x)
        if self.take == "state":
            return self.head(h[-1])
        if self.take == "ends":
            return self.head(torch.cat([h[-2], h[-1]], dim=1))
        return self.head(y if self.take == "all" else y[:, -1])


class Streaming(nn.Module):
    """With its state as input and output."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5, num_layers=2, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        y, h = self.gru(x, h)
        return torch.softmax(self.head(y), dim=-1), h


class Symbols(nn.Module):
    """Embedding, GRU, layer normalization, ReLU."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 4)
        self.gru = nn.GRU(4, 5, batch_first=True)
        self.norm = nn.LayerNorm(5)
        self.head = nn.Linear(5, 11)
        for parameter in self.norm.parameters():
            nn.init.normal_(parameter)

    def forward(self, symbols: Tensor) -> Tensor:
        return self.head(torch.relu(self.norm(self.gru(self.embedding(symbols))[0])))


class Normalized(nn.Module):
    """Batch normalization over channels, before and after the GRU, and a chain of dense layers."""

    def __init__(self):
        super().__init__()
        self.before, self.after = nn.BatchNorm1d(3), nn.BatchNorm1d(5)
        self.gru = nn.GRU(3, 5, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2), nn.Sigmoid()
        )
        for norm in (self.before, self.after):
            for tensor in (norm.weight, norm.running_var):
                nn.init.uniform_(tensor, 0.5, 2)
            for tensor in (norm.bias, norm.running_mean):
                nn.init.normal_(tensor)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.gru(self.before(x.transpose(1, 2)).transpose(1, 2))
        return self.head(self.after(y.transpose(1, 2)).transpose(1, 2))


class Export(NamedTuple):
    """A module and how it is exported and fed."""

    module: nn.Module
    x: Tensor
    axes: str = "bt"
    last: bool = False
    ends: bool = False
    state: tuple[int, ...] | None = None
    dynamic: bool = True


def modules() -> dict[str, Export]:
    x = torch.randn(2, STEPS, 3)
    first = {"batch_first": True}
    return {
        "gru_linear": Export(Recurrent(**first), x, dynamic=False),
        "dynamic": Export(Recurrent(**first), x),
        "large": Export(Recurrent(hidden=12, **first), x),
        "time_first": Export(Recurrent(), x, "tb"),
        "no_batch": Export(Recurrent(), x, "t", dynamic=False),
        "no_bias": Export(Recurrent(bias=False), x, "tb"),
        "last_step": Export(Recurrent(take="last", **first), x, last=True),
        "final_state": Export(Recurrent(take="state", num_layers=2, **first), x, last=True),
        "two_layers": Export(Recurrent(num_layers=2, **first), x),
        "bidirectional": Export(Recurrent(num_layers=2, bidirectional=True, **first), x),
        "streaming": Export(Streaming(), x, state=(2, 1, 5)),
        "symbols": Export(Symbols(), torch.randint(11, (2, STEPS))),
        "normalized": Export(Normalized(), x),
    }


def export(name: str, case: Export, dynamo: bool, **kwargs) -> Case:
    """Writes the file, as the exporter did but for names of its machine."""
    batch, time = (0, 1) if case.axes == "bt" else (1, 0)
    names = ["x", "h"][: 2 if case.state else 1]
    if case.dynamic:
        dims = {batch: torch.export.Dim("batch"), time: torch.export.Dim("time")}
        axes = [dims, {1: dims[batch]}][: len(names)]
        if dynamo:
            kwargs["dynamic_shapes"] = tuple(axes)
        else:
            kwargs["dynamic_axes"] = {
                name: {axis: dim.__name__ for axis, dim in each.items()} for name, each in zip(names, axes)
            }
    x = case.x if case.dynamic and dynamo else case.x[:1]
    x = x[0] if case.axes == "t" else x if case.axes == "bt" else x.transpose(0, 1)
    state = [torch.zeros(case.state[0], len(x), case.state[2])] if case.state else []
    path = HERE / f"{name}.onnx"
    torch.onnx.export(
        case.module.eval(), (x, *state), path, input_names=names, dynamo=dynamo, verbose=False, **kwargs
    )
    model = strip(onnx.load(path, load_external_data=False))
    path.write_bytes(model.SerializeToString(deterministic=True))
    return Case(None, case.x.numpy(), case.axes, case.last, case.ends, case.state)


def cases() -> Iterator[tuple[str, Case]]:
    """Every file by name, the same on each run."""
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    for name, case in modules().items():
        for dynamo in (False, True):
            full = f"{'dynamo' if dynamo else 'torchscript'}_{name}"
            yield full, export(full, case, dynamo)
    plain = Export(Recurrent(), torch.randn(2, STEPS, 3), "tb", dynamic=False)
    yield "dynamo_unoptimized", export("dynamo_unoptimized", plain, True, optimize=False)
    both = Recurrent(take="ends", num_layers=2, bidirectional=True, batch_first=True)
    ends = Export(both, torch.randn(2, STEPS, 3), ends=True)
    for dynamo in (False, True):
        full = f"{'dynamo' if dynamo else 'torchscript'}_ends"
        yield full, export(full, ends, dynamo)
