"""The BasicMotions recordings, as the integer counts that a sensor register would hold."""

from typing import NamedTuple

import numpy as np
from aeon.datasets import load_basic_motions

LABELS = ("standing", "running", "walking", "badminton")
CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")

# Raw units per count. Accelerometer: 2^-10 m/s², full scale ±32 m/s². Gyroscope: 0.1526 °/s in
# rad/s, the step of the recorded values themselves.
LSB = np.array([2.0**-10] * 3 + [np.deg2rad(0.1526)] * 3, dtype=np.float32)


class Recordings(NamedTuple):
    """Counts `i16 [N, T, 6]` and one label `u8 [N]` for each recording."""

    counts: np.ndarray
    labels: np.ndarray

    @property
    def raw(self) -> np.ndarray:
        """Counts in raw units (m/s², rad/s), `f32 [N, T, 6]`: what the model is fed."""
        return self.counts.astype(np.float32) * LSB


def load(split: str) -> Recordings:
    """Loads `train` or `test`, 40 recordings of 100 steps each, and rounds them to counts."""
    values, names = load_basic_motions(split=split)
    counts = np.rint(values.transpose(0, 2, 1) / LSB.astype(np.float64))
    if np.abs(counts).max() > np.iinfo(np.int16).max:
        raise ValueError(f"{split}: a value is beyond the full scale of its channel")
    labels = np.array([LABELS.index(name) for name in names], dtype=np.uint8)
    return Recordings(counts.astype(np.int16), labels)
