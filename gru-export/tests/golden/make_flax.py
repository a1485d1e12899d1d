"""Makes the golden vectors of gru-export's tests with Flax.

Usage: pip install -r requirements-flax.txt && python make_flax.py

Writes `flax/CASE.npz` or `flax/CASE.safetensors`, the parameters under their flattened names, with the input
`CASE_x.npy` and Flax' outputs of every step `CASE_y.npy`.
"""

import os
from pathlib import Path

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import numpy as np
from flax import linen, nnx
from flax.traverse_util import flatten_dict
from jax import numpy as jnp
from safetensors.numpy import save_file

jax.config.update("jax_default_matmul_precision", "highest")

HERE = Path(__file__).parent / "flax"
N, STEPS, INPUTS, HIDDEN, OUTPUTS = 2, 20, 3, 5, 4
Parameters = dict[str, np.ndarray]


class Classifier(linen.Module):
    """Cells in a loop that is scanned, and a head."""

    sizes: tuple[int, ...] = (HIDDEN,)

    @linen.compact
    def __call__(self, x):
        for size in self.sizes:
            x = linen.RNN(linen.GRUCell(size))(x)
        return linen.Dense(OUTPUTS)(x)


class Plain(linen.Module):
    """A cell without gates, and a head."""

    @linen.compact
    def __call__(self, x):
        return linen.Dense(OUTPUTS)(linen.RNN(linen.SimpleCell(HIDDEN))(x))


class Language(linen.Module):
    """Symbols in, a normalized state out."""

    @linen.compact
    def __call__(self, symbols):
        x = linen.Embed(11, INPUTS)(symbols)
        x = linen.RNN(linen.GRUCell(HIDDEN))(x)
        return linen.Dense(OUTPUTS, use_bias=False)(linen.LayerNorm()(x))


class Recurrent(nnx.Module):
    """A cell of nnx stepped by its RNN, and a head."""

    def __init__(self, cell: type, rngs: nnx.Rngs):
        self.cell = cell(INPUTS, HIDDEN, rngs=rngs)
        self.head = nnx.Linear(HIDDEN, OUTPUTS, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.RNN(self.cell)(x))


def drawn(parameters: Parameters) -> Parameters:
    """Other numbers of the same shapes: Flax starts biases at zero."""
    rng = np.random.default_rng(1)
    return {name: rng.normal(0, 0.5, value.shape).astype(np.float32) for name, value in parameters.items()}


def linen_case(module: linen.Module, x: np.ndarray, separator: str) -> tuple[Parameters, np.ndarray]:
    variables = flatten_dict(module.init(jax.random.key(0), jnp.asarray(x)), sep="/")
    parameters = drawn({name: np.asarray(value) for name, value in variables.items()})
    nested: dict = {}
    for name, value in parameters.items():
        *path, leaf = name.split("/")
        inner = nested
        for part in path:
            inner = inner.setdefault(part, {})
        inner[leaf] = value
    named = {name.replace("/", separator): value for name, value in parameters.items()}
    return named, np.asarray(module.apply(nested, jnp.asarray(x)))


def nnx_case(x: np.ndarray, cell: type = nnx.GRUCell) -> tuple[Parameters, np.ndarray]:
    model = Recurrent(cell, nnx.Rngs(0))
    state = nnx.state(model, nnx.Param)
    flat = dict(nnx.to_flat_state(state))
    parameters = drawn({".".join(path): np.asarray(value[...]) for path, value in flat.items()})
    for path, variable in flat.items():
        variable[...] = jnp.asarray(parameters[".".join(path)])
    nnx.update(model, state)
    return parameters, np.asarray(model(jnp.asarray(x)))


def main() -> None:
    HERE.mkdir(exist_ok=True)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(N, STEPS, INPUTS)).astype(np.float32)
    symbols = rng.integers(0, 11, (N, STEPS)).astype(np.int32)
    cases = {
        "linen.npz": (x, linen_case(Classifier(), x, "/")),
        "linen_layers.npz": (x, linen_case(Classifier((HIDDEN, 6)), x, "/")),
        "linen_dots.safetensors": (x, linen_case(Classifier(), x, ".")),
        "language.safetensors": (symbols, linen_case(Language(), symbols, "/")),
        "nnx.npz": (x, nnx_case(x)),
        "nnx_tensors.safetensors": (x, nnx_case(x)),
        "linen_plain.npz": (x, linen_case(Plain(), x, "/")),
        "nnx_plain.npz": (x, nnx_case(x, nnx.SimpleCell)),
    }
    for file, (inputs, (parameters, outputs)) in cases.items():
        path = HERE / file
        if path.suffix == ".npz":
            np.savez(path, **parameters)
        else:
            save_file(parameters, path)
        np.save(path.with_name(f"{path.stem}_x.npy"), inputs)
        np.save(path.with_name(f"{path.stem}_y.npy"), outputs)


if __name__ == "__main__":
    main()
