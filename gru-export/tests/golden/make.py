"""Makes the golden vectors of gru-export's tests with PyTorch.

Usage: pip install -r requirements.txt && python make.py

Writes next to itself `random.npz` (see random_models.py) and, for each model of state_dicts.py,
`NAME.safetensors` with `NAME_x.npy` and `NAME_y.npy`.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import random_models
import state_dicts

HERE = Path(__file__).parent


def main() -> None:
    torch.set_num_threads(1)
    np.savez_compressed(HERE / "random.npz", **random_models.golden())
    for name, case in state_dicts.cases().items():
        save_file(case.state_dict, HERE / f"{name}.safetensors")
        for suffix, tensor in (("x", case.x), ("y", case.y)):
            if tensor is not None:
                np.save(HERE / f"{name}_{suffix}.npy", tensor.numpy())


if __name__ == "__main__":
    main()
