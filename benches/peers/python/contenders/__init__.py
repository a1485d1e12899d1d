"""The contenders of Python, one file a library."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

WINDOW = 100
INPUT_LSB = np.float32(1 / 64)

MODULES = ["pytorch", "onnx_runtime", "litert"]


@dataclass(frozen=True)
class Layer:
    """The files of a layer, as the Rust side wrote them."""

    directory: Path
    shape: str

    def path(self, extension: str) -> Path:
        return self.directory / f"{self.shape}.{extension}"

    @property
    def hidden(self) -> int:
        return int(self.shape.split("x")[1])

    def inputs(self) -> np.ndarray:
        """[WINDOW, input], in raw units."""
        counts = np.fromfile(self.path("counts"), "<i2").reshape(WINDOW, -1)
        return counts.astype(np.float32) * INPUT_LSB

    def weights(self) -> list[np.ndarray]:
        """PyTorch's weight_ih, weight_hh, bias_ih, bias_hh."""
        tensors = load_file(self.path("safetensors"))
        return [tensors[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


class Contender:
    """A stream through a layer; its state goes on from call to call.

    `rows` are the inputs of a window in the form in which the library takes a single one.
    """

    name: str
    package: str
    precision: str
    rows: list

    @classmethod
    def prepare(cls, layer: Layer):
        """Writes what it loads, where that is not among the files of the layer."""

    def __init__(self, layer: Layer):
        """Loads what a step needs; what a window needs is loaded by the first of them."""
        raise NotImplementedError

    def reset(self):
        """Puts the state back to zero."""
        raise NotImplementedError

    def steps(self, rows: list):
        """One step a row: in a loop of its own, which saves a call a step."""
        raise NotImplementedError

    def state(self) -> np.ndarray:
        """The hidden state after the last step."""
        raise NotImplementedError

    def window(self):
        """All rows in one call."""
        raise NotImplementedError

    def outputs(self) -> np.ndarray:
        """The hidden states of the last window."""
        raise NotImplementedError


def available() -> tuple[list[type[Contender]], list[str]]:
    """The contenders whose packages are here, and why others are not."""
    contenders, missing = [], []
    for name in MODULES:
        try:
            contenders += import_module(f"contenders.{name}").CONTENDERS
        except ImportError as error:
            missing.append(f"{name}: {error}")
    return contenders, missing


def size(package: str) -> int:
    """Bytes of an installed package's files."""
    files = distribution(package).files or []
    return sum(path.stat().st_size for file in files if (path := Path(file.locate())).is_file())
