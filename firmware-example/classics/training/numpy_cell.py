"""A GRU cell from scratch: one matrix a gate over the input and the state side by side, forward in NumPy.

Usage: pip install -r requirements-numpy.txt && python numpy_cell.py

3 inputs, 2 units, sequences of 4 steps, 5 of them in a batch. Nothing is trained: weights and inputs are
drawn. Writes into `models` the weights `numpy_cell.npz`, the inputs `numpy_cell_x.npy` with what this cell
makes of them `numpy_cell_y.npy`, and other inputs that int8 is calibrated on. `numpy_cell.toml`, which says
what the names of the weights do not, is written by hand.
"""

from pathlib import Path

import numpy as np
from numpy import ndarray as Array

MODELS = Path(__file__).resolve().parent.parent / "models"
INPUTS, UNITS, STEPS, BATCH = 3, 2, 4, 5


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


class Cell:
    """`W_z`, `W_r`, `W_h` of `[H, I + H]` see the input, then the state; biases are `[H]`."""

    def __init__(self, rng: np.random.Generator):
        gates = ("z", "r", "h")
        self.weights = {f"W_{gate}": rng.normal(0, 0.8, (UNITS, INPUTS + UNITS)) for gate in gates}
        self.weights |= {f"b_{gate}": rng.normal(0, 0.2, UNITS) for gate in gates}

    def step(self, x: Array, h: Array) -> Array:
        """`x` of `[N, I]`, `h` of `[N, H]`; z keeps the state, which r resets before the product."""
        w = self.weights
        both = np.concatenate([x, h], axis=1)
        z = sigmoid(both @ w["W_z"].T + w["b_z"])
        r = sigmoid(both @ w["W_r"].T + w["b_r"])
        candidate = np.tanh(np.concatenate([x, r * h], axis=1) @ w["W_h"].T + w["b_h"])
        return z * h + (1 - z) * candidate

    def forward(self, x: Array) -> Array:
        """States of every step `[N, T, H]` of `[N, T, I]`, from zero."""
        h = np.zeros((len(x), UNITS))
        states = []
        for t in range(x.shape[1]):
            h = self.step(x[:, t], h)
            states.append(h)
        return np.stack(states, axis=1)


def main() -> None:
    rng = np.random.default_rng(0)
    cell = Cell(rng)
    calibration = rng.normal(0, 1, (100, STEPS, INPUTS)).astype(np.float32)
    x = rng.normal(0, 1, (BATCH, STEPS, INPUTS)).astype(np.float32)
    y = cell.forward(x)
    assert np.allclose(y[:1], cell.forward(x[:1]), rtol=0, atol=1e-15)
    np.savez(MODELS / "numpy_cell.npz", **cell.weights)
    np.save(MODELS / "numpy_cell_calibration.npy", calibration)
    np.save(MODELS / "numpy_cell_x.npy", x)
    np.save(MODELS / "numpy_cell_y.npy", y.astype(np.float32))
    print(y[0])


if __name__ == "__main__":
    main()
