"""Makes the golden vectors of gru-export's tests of weights that were written from scratch in NumPy.

Usage: pip install -r requirements-flax.txt && python make_numpy.py

Writes `numpy/CASE.npz` with the input `CASE_x.npy` and the outputs of every step `CASE_y.npy`. Each case is
a forward pass written out as its convention has it, in f64, on weights that f32 holds. The specs
`numpy/CASE.toml` are written by hand.
"""

from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
from numpy import ndarray as Array
from safetensors.numpy import save_file

HERE = Path(__file__).parent / "numpy"
N, STEPS = 2, 20
Weights = dict[str, Array]


class Case(NamedTuple):
    """Weights, input and the step `(weights, x, h) -> (h, y)` of a convention."""

    weights: Weights
    x: Array
    hidden_size: int
    step: Callable[[Weights, Array, Array], tuple[Array, Array]]
    save: Callable = np.savez


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def draw(rng: np.random.Generator, **shapes: tuple[int, ...]) -> Weights:
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def book_weights(rng, i: int, h: int, o: int, gates: str, bias: bool = True) -> Weights:
    shapes = {}
    for gate in gates:
        shapes |= {f"W_x{gate}": (i, h), f"W_h{gate}": (h, h)} | ({f"b_{gate}": (h,)} if bias else {})
    return draw(rng, **shapes, W_hq=(h, o), **({"b_q": (o,)} if bias else {}))


def book(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Dive into Deep Learning, 10.2; without the gates whose weights are not there."""

    def pre(gate: str, h: Array) -> Array:
        return x @ w[f"W_x{gate}"] + h @ w[f"W_h{gate}"] + w.get(f"b_{gate}", 0)

    r = sigmoid(pre("r", h)) if "W_xr" in w else 1
    candidate = np.tanh(pre("h", r * h))
    if "W_xz" in w:
        z = sigmoid(pre("z", h))
        h = z * h + (1 - z) * candidate
    else:
        h = candidate
    return h, h @ w["W_hq"] + w.get("b_q", 0)


def layers(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Two layers of the book with their states side by side, and no output layer."""
    states = []
    for number, state in enumerate((h[:, :5], h[:, 5:])):
        prefix = f"layer{number}."
        layer = {name.removeprefix(prefix): value for name, value in w.items() if name.startswith(prefix)}
        x, _ = book(layer | {"W_hq": np.zeros((state.shape[1], 1))}, x, state)
        states.append(x)
    return np.concatenate(states, 1), x


def input_first(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """W of [H, I + H]; z replaces the state."""
    both = np.concatenate([x, h], 1)
    z = sigmoid(both @ w["W_z"].T + w["b_z"])
    r = sigmoid(both @ w["W_r"].T + w["b_r"])
    candidate = np.tanh(np.concatenate([x, r * h], 1) @ w["W_h"].T + w["b_h"])
    h = (1 - z) * h + z * candidate
    return h, h


def state_first(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Columns for vectors, as in many courses: W of [H, H + I], b of [H, 1], gates u, r, c; u replaces the state."""
    x, h = x.T, h.T
    both = np.concatenate([h, x])
    u = sigmoid(w["Wu"] @ both + w["bu"])
    r = sigmoid(w["Wr"] @ both + w["br"])
    candidate = np.tanh(w["Wc"] @ np.concatenate([r * h, x]) + w["bc"])
    h = u * candidate + (1 - u) * h
    return h.T, (w["Wy"] @ h + w["by"]).T


def transposed(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """W of [I + H, H], no biases; z keeps the state."""
    both = np.concatenate([x, h], 1)
    z, r = sigmoid(both @ w["W_z"]), sigmoid(both @ w["W_r"])
    h = z * h + (1 - z) * np.tanh(np.concatenate([x, r * h], 1) @ w["W_h"])
    return h, h


def one_matrix(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """W of [H + I, 3 H] for z, r and the candidate; z replaces the state."""
    weight_z, weight_r, weight_n = np.split(w["kernel"], 3, axis=1)
    bias_z, bias_r, bias_n = np.split(w["bias"], 3)
    both = np.concatenate([h, x], 1)
    z, r = sigmoid(both @ weight_z + bias_z), sigmoid(both @ weight_r + bias_r)
    h = h + z * (np.tanh(np.concatenate([r * h, x], 1) @ weight_n + bias_n) - h)
    return h, h


def cho(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Chung et al. 2014: W x + U (r * h) + b; z replaces the state."""
    z = sigmoid(x @ w["W_z"].T + h @ w["U_z"].T + w["b_z"])
    r = sigmoid(x @ w["W_r"].T + h @ w["U_r"].T + w["b_r"])
    candidate = np.tanh(x @ w["W_h"].T + (r * h) @ w["U_h"].T + w["b_h"])
    h = (1 - z) * h + z * candidate
    return h, h


def relu_candidate(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """As `cho`, with relu for tanh, hard sigmoids, and z keeping the state."""

    def gate(a: Array) -> Array:
        return np.clip(0.2 * a + 0.5, 0, 1)

    z = gate(x @ w["W_z"].T + h @ w["U_z"].T + w["b_z"])
    r = gate(x @ w["W_r"].T + h @ w["U_r"].T + w["b_r"])
    h = z * h + (1 - z) * np.maximum(x @ w["W_h"].T + (r * h) @ w["U_h"].T + w["b_h"], 0)
    return h, h


def stacked(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Gates n, z, r in [3 H, I] and [3 H, H], two biases, reset after the product."""
    xn, xz, xr = np.split(x @ w["Wx"].T + w["bx"], 3, axis=1)
    hn, hz, hr = np.split(h @ w["Wh"].T + w["bh"], 3, axis=1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    h = z * h + (1 - z) * np.tanh(xn + r * hn)
    return h, h


def no_reset_stacked(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """Gates z, n, no reset gate; z replaces the state."""
    z, n = np.split(x @ w["W"] + h @ w["U"] + w["b"], 2, axis=1)
    z = sigmoid(z)
    h = (1 - z) * h + z * np.tanh(n)
    return h, h


def plain(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """The vanilla recurrent network of a hundred lines, columns for vectors."""
    h = np.tanh(w["Wxh"] @ x.T + w["Whh"] @ h.T + w["bh"])
    return h.T, (w["Why"] @ h + w["by"]).T


def keras_names(w: Weights, x: Array, h: Array) -> tuple[Array, Array]:
    """`GRU.get_weights()` under Keras' names: z, r, n, two rows of biases, reset after."""
    xz, xr, xn = np.split(x @ w["kernel"] + w["bias"][0], 3, axis=1)
    hz, hr, hn = np.split(h @ w["recurrent_kernel"] + w["bias"][1], 3, axis=1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    h = z * h + (1 - z) * np.tanh(xn + r * hn)
    return h, h


def per_gate(matrices: dict[str, tuple[int, int]], gates: str, bias: tuple[int, ...] | None) -> dict:
    shapes = {name + gate: shape for name, shape in matrices.items() for gate in gates}
    return shapes | ({f"b_{gate}": bias for gate in gates} if bias else {})


def big_endian_columns(path: Path, **weights: Array) -> None:
    """Saves f64 of the other byte order, column after column, compressed."""
    arrays = {name: np.asfortranarray(array.astype(">f8")) for name, array in weights.items()}
    np.savez_compressed(path, **arrays)


def safetensors(path: Path, **weights: Array) -> None:
    save_file(weights, path.with_suffix(".safetensors"))


def cases() -> dict[str, Case]:
    """Every case by name, the same on each run."""
    rng = np.random.default_rng(1)
    i, h, o = 3, 5, 4
    x = rng.normal(size=(N, STEPS, i)).astype(np.float32)

    def case(step, save=np.savez, /, **shapes) -> Case:
        return Case(draw(rng, **shapes), x, h, step, save)

    def of_the_book(gates: str, bias: bool = True, save=np.savez) -> Case:
        return Case(book_weights(rng, i, h, o, gates, bias), x, h, book, save)

    two = {
        f"layer{number}.{name}": weight
        for number, sizes in enumerate(((i, 5), (5, 6)))
        for name, weight in book_weights(rng, *sizes, 1, "zrh").items()
        if name not in ("W_hq", "b_q")
    }
    symbols = rng.integers(0, 7, (N, STEPS))
    one_hot = Case(book_weights(rng, 7, h, 7, "zrh"), symbols, h, lambda w, x, h: book(w, np.eye(7)[x], h))
    chung = per_gate({"W_": (h, i), "U_": (h, h)}, "zrh", (h,))
    course = {f"W{gate}": (h, h + i) for gate in "urc"} | {f"b{gate}": (h, 1) for gate in "urc"}
    return {
        "book": of_the_book("zrh"),
        "book_no_bias": of_the_book("zrh", bias=False),
        "book_no_reset": of_the_book("zh"),
        "book_no_update": of_the_book("rh"),
        "book_rnn": of_the_book("h"),
        "big_endian_columns": of_the_book("zrh", save=big_endian_columns),
        "safetensors": of_the_book("zrh", save=safetensors),
        "two_layers": Case(two, x, 11, layers),
        "one_hot": one_hot,
        "input_first": case(input_first, **per_gate({"W_": (h, i + h)}, "zrh", (h,))),
        "state_first": case(state_first, **course, Wy=(o, h), by=(o, 1)),
        "transposed": case(transposed, **per_gate({"W_": (i + h, h)}, "zrh", None)),
        "one_matrix": case(one_matrix, kernel=(h + i, 3 * h), bias=(3 * h,)),
        "replace": case(cho, **chung),
        "relu_candidate": case(relu_candidate, **chung),
        "stacked": case(stacked, Wx=(3 * h, i), Wh=(3 * h, h), bx=(3 * h,), bh=(3 * h,)),
        "no_reset_stacked": case(no_reset_stacked, W=(i, 2 * h), U=(h, 2 * h), b=(2 * h,)),
        "rnn_columns": case(plain, Wxh=(h, i), Whh=(h, h), bh=(h, 1), Why=(o, h), by=(o, 1)),
        "keras_names": case(keras_names, kernel=(i, 3 * h), recurrent_kernel=(h, 3 * h), bias=(2, 3 * h)),
    }


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, (weights, x, hidden_size, step, save) in cases().items():
        exact = {key: value.astype(np.float64) for key, value in weights.items()}
        h, outputs = np.zeros((N, hidden_size)), []
        for t in range(STEPS):
            h, y = step(exact, x[:, t], h)
            outputs.append(y)
        save(HERE / f"{name}.npz", **weights)
        np.save(HERE / f"{name}_x.npy", x)
        np.save(HERE / f"{name}_y.npy", np.stack(outputs, 1).astype(np.float32))


if __name__ == "__main__":
    main()
