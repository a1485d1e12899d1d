"""The files that the firmware and the exporter read."""

import csv
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from model import MotionClassifier
from recordings import CHANNELS, LSB, Recordings

TRACE_RECORDINGS = (0, 20, 10, 30, 5, 35)
"""Held-out recordings in `trace.csv`: standing, walking, running, badminton, standing, badminton."""

STREAM_RECORDINGS = (0, 10, 20, 30, 5)
"""Held-out recordings played as one stream of 500 steps, without a reset between them."""


def write_data(directory: Path, train: Recordings, test: Recordings) -> None:
    """Writes the recordings and their scale. Their layout is described in `data/README.md`."""
    directory.mkdir(parents=True, exist_ok=True)
    np.save(directory / "lsb.npy", LSB)
    np.save(directory / "test.npy", test.counts)
    np.save(directory / "test_labels.npy", test.labels)
    np.save(directory / "calibration.npy", train.raw)
    with open(directory / "trace.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(CHANNELS)
        rows.writerows(test.raw[list(TRACE_RECORDINGS)].reshape(-1, len(CHANNELS)))


def write_model(out: Path, name: str, model: MotionClassifier, test: Recordings) -> None:
    """Writes `models/NAME.safetensors`, its logits on the held-out recordings and its hidden state along the stream."""
    (out / "models").mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), out / "models" / f"{name}.safetensors")
    logits = model.logits(torch.from_numpy(test.raw))
    np.save(out / "data" / f"golden_{name}.npy", logits.numpy())
    stream = test.raw[list(STREAM_RECORDINGS)].reshape(1, -1, len(CHANNELS))
    hidden = model.hidden(torch.from_numpy(stream))
    np.save(out / "data" / f"golden_{name}_hidden.npy", hidden[0].numpy())


def write_report(path: Path, report: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report)
