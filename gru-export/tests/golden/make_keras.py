"""Makes the golden vectors of gru-export's tests with Keras.

Usage: pip install -r requirements-keras.txt && python make_keras.py

Writes `keras/CASE.keras` with the input `CASE_x.npy` and Keras' outputs of every step `CASE_y.npy`,
and the `.weights.h5` and `.h5` files of the bare and the refused cases. Numbers are the same on each run;
config.json is not quite: Keras writes memory addresses into it (`shared_object_id`).
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import h5py
import numpy as np

import keras_models

HERE = Path(__file__).parent / "keras"


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, case in keras_models.cases().items():
        np.save(HERE / f"{name}_x.npy", case.x)
        np.save(HERE / f"{name}_y.npy", case.outputs())
        save = case.model.save_weights if name.endswith(".weights") else case.model.save
        save(HERE / f"{name}{'.h5' if name.endswith('.weights') else '.keras'}")
    for name, model in keras_models.refused().items():
        (model.save_weights if name.endswith(".weights.h5") else model.save)(HERE / name)
    # Groups as h5py writes them in its newest format, which Keras does not use.
    with h5py.File(HERE / "dense_groups.weights.h5", "w", libver="latest") as file:
        for index in range(20):
            file.create_group(f"layers/gru_{index}")


if __name__ == "__main__":
    main()
