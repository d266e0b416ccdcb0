"""How fast clips are read, by the layout of the HDF5 file, beside numpy's memmap.

    .venv/bin/python benchmarks/hdf5.py

250 clips of 18 frames of 256 x 256, in memory already (295 MB).
"""

import hashlib
import os
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

CLIPS, SHAPE = 250, (18, 256, 256)
LAYOUTS = {
    "contiguous (ours)": {},
    "one frame a chunk": {"chunks": (1, 1, 256, 256)},
    "one frame a chunk, fletcher32": {"chunks": (1, 1, 256, 256), "fletcher32": True},
    "one clip a chunk, fletcher32": {"chunks": (1, *SHAPE), "fletcher32": True},
    "h5py's own chunks": {"chunks": True},
}
rng = np.random.default_rng(0)
clip = rng.integers(0, 255, SHAPE, np.uint8)
order = rng.permutation(CLIPS)


def fastest(work) -> float:
    times = []
    for _ in range(3):
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return min(times)


def one_by_one(clips, digest=None):
    for k in order:
        part = np.asarray(clips[k]).copy()
        if digest:
            digest.update(part)


def row(name, clips, path):
    whole = fastest(lambda: one_by_one(clips))
    checked = fastest(lambda: one_by_one(clips, hashlib.sha256()))
    size = os.path.getsize(path) / (CLIPS * clip.nbytes)
    print(f"| {name} | {CLIPS / whole:.0f} | {CLIPS / checked:.0f} | {size:.4f} |", flush=True)


with tempfile.TemporaryDirectory() as folder:
    print("| layout | clips/s, random | with SHA-256 | size |\n|---|---|---|---|")
    for name, layout in LAYOUTS.items():
        path = f"{folder}/clips.h5"
        with h5py.File(path, "w") as file:
            clips = file.create_dataset("clips", (CLIPS, *SHAPE), np.uint8, **layout)
            for k in range(CLIPS):
                clips[k] = clip
        with h5py.File(path, "r") as file:
            row(name, file["clips"], path)
        Path(path).unlink()
    np.save(f"{folder}/clips.npy", np.broadcast_to(clip, (CLIPS, *SHAPE)))
    row("numpy memmap", np.load(f"{folder}/clips.npy", mmap_mode="r"), f"{folder}/clips.npy")
