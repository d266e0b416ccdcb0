"""Measure how fast clips are read, by the layout of the HDF5 file, and beside numpy's memmap.

    .venv/bin/python benchmarks/hdf5.py [clips]

250 clips, unless another number is given, of 18 frames of 256 x 256. The file is in memory already
(295 MB).
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

SHAPE = (18, 256, 256)
LAYOUTS = {
    "contiguous (Motilens)": {},
    "one frame a chunk": {"chunks": (1, 1, 256, 256)},
    "one frame a chunk, fletcher32": {"chunks": (1, 1, 256, 256), "fletcher32": True},
    "one clip a chunk, fletcher32": {"chunks": (1, *SHAPE), "fletcher32": True},
    "h5py's own chunks": {"chunks": True},
}
RNG = np.random.default_rng(0)
CLIP = RNG.integers(0, 255, SHAPE, np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=int, nargs="?", default=250)
    shape = (parser.parse_args().clips, *SHAPE)
    print("| layout | clips/s, random | with SHA-256 | size |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clips.h5")
        for name, layout in LAYOUTS.items():
            with h5py.File(path, "w") as file:
                clips = file.create_dataset("clips", shape, np.uint8, **layout)
                for index in range(len(clips)):
                    clips[index] = CLIP
            with h5py.File(path) as file:
                print_speed(name, file["clips"], path)
            path.unlink()
        path = path.with_suffix(".npy")
        np.save(path, np.broadcast_to(CLIP, shape))
        print_speed("numpy memmap", np.load(path, mmap_mode="r"), path)


def print_speed(layout: str, clips, path: Path) -> None:
    """Print a row of the table."""
    order = RNG.permutation(len(clips))
    plain = fastest_of_three(lambda: read_all(clips, order))
    hashed = fastest_of_three(lambda: read_all(clips, order, hashlib.sha256()))
    size = path.stat().st_size / (len(clips) * CLIP.nbytes)
    print(f"| {layout} | {len(clips) / plain:.0f} | {len(clips) / hashed:.0f} | {size:.4f} |")


def read_all(clips, order, digest=None) -> None:
    """Read clips one by one, in this order."""
    for index in order:
        clip = np.asarray(clips[index]).copy()
        if digest:
            digest.update(clip)


def fastest_of_three(work: Callable) -> float:
    """Return the seconds that `work` takes."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
