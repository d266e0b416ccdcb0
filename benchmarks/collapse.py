"""Count the seeds that leave an autoencoder dead, for two variants and the inputs I1 to I4.

    .venv/bin/python benchmarks/collapse.py [seeds] [--videos FOLDER]
    .venv/bin/python benchmarks/collapse.py --results FOLDER  # of a run: what models reconstruct

64 stacks of 64 x 64, simulated or from a folder of real videos; 150 steps of 8 stacks at the
paper's learning rate. Fifty seeds, unless another number is given, take an hour on a core.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import read_stacks
from motilens.compute.device import setup_compute
from motilens.core.plugins import load_plugins
from motilens.dataset.video_files import is_video_file
from motilens.models.autoencoders import Autoencoder, build_autoencoder
from motilens.models.transforms import stacks_to_input
from motilens.simulation.render import render_video
from motilens.training.autoencoder import (
    extract_background,
    reconstruct_stacks,
    train_autoencoder,
)
from motilens.training.model_files import load_model
from motilens.training.stack_dataset import StackDataset, stacks_from_array

PARTICIPANTS, CLIP_LENGTH, SIZE = 16, 18, 64
INPUTS = {"I1": (1, 1), "I2": (1, 9), "I3": (9, 1), "I4": (CLIP_LENGTH, 1)}  # frames, repeats
SETTINGS = {
    "loss": {"mse": 1}, "epochs": 19, "batch_size": 8, "learning_rate": 4e-4,
    "weight_decay": 1e-5, "lr_schedule": "constant", "clip_grad_norm": None, "on_collapse": "keep",
}  # fmt: skip
CUT = {
    "size": SIZE, "resize_mode": "stretch", "clip_length": CLIP_LENGTH, "frame_rate": 50,
    "on_frame_rate_mismatch": "warn",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="?", default=50)
    parser.add_argument("--videos", type=Path, help="a folder (default: simulated participants)")
    parser.add_argument("--results", type=Path, help="measure the autoencoders of a run instead")
    parser.add_argument("--plugins", type=Path, help="folder of your own code behind that run")
    options = parser.parse_args()
    if options.results:
        if options.plugins:
            load_plugins(options.plugins, [path.name for path in options.plugins.glob("*.py")])
        measure_run(options.results)
        return
    seeds, compute = range(options.seeds), setup_compute()
    clips = cut_clips(options.videos) if options.videos else simulate_clips()
    for variant in ("paper", "standardized"):
        for name, (frames, repeats) in INPUTS.items():
            settings = SETTINGS | {"frames": frames, "repeats": repeats, "variant": variant}
            stacks = stacks_from_array(clips[:, :frames], compute)
            results = [train_autoencoder(stacks, settings, seed, compute) for seed in seeds]
            dead = [seed for seed in seeds if results[seed].diagnostics["failure"]]
            poor = sum(bool(result.diagnostics["warning"]) for result in results)
            alive = [result.model for result in results if not result.diagnostics["failure"]]
            shares = [measure_shares(model, stacks) for model in alive]
            print(f"{variant}, {name}, {len(clips)} stacks")
            print(f"    dead: {len(dead)} of {len(seeds)} (seeds {dead})")
            print(f"    alive, but no better than the mean gray level or the background: {poor}")
            for part in shares[0] if shares else ():
                low, median, high = np.percentile([share[part] for share in shares], [0, 50, 100])
                print(f"    {part}, if alive: {median:.2f} ({low:.2f} to {high:.2f})")
            sys.stdout.flush()


def measure_run(results: Path) -> None:
    """Print what each autoencoder of a run reconstructs of each video, also of held-out ones."""
    for path in sorted(results.glob("autoencoders/*/*/*/model.pt")):
        model, _ = load_model(path, path.with_suffix(".json"), build_autoencoder)
        for clips in sorted(results.glob("clips/*.h5")):
            stacks = stacks_from_array(read_stacks(clips, model.frames), setup_compute())
            shares = measure_shares(model, stacks)
            described = ", ".join(f"{part} {share:.2f}" for part, share in shares.items())
            print(f"{path.parent.relative_to(results)}, {clips.stem}: {described}", flush=True)


def measure_shares(model: Autoencoder, stacks: StackDataset) -> dict[str, float]:
    """Return which share of an autoencoder's stacks is right in its reconstruction, at most 1.

    0 is what a constant (variance), the background (details) or a still picture (movement) has.
    """
    [batch] = stacks.iter_batches([torch.arange(len(stacks))])
    x = stacks_to_input(batch, model.repeats).cpu()
    y = torch.from_numpy(reconstruct_stacks(model, stacks))
    error = ((y - x) ** 2).mean()
    shares = {"variance": error / x.var(), "details": error / (x - extract_background(x)).var()}
    if model.frames > 1:
        changes = x.diff(dim=1)
        shares["movement"] = ((y.diff(dim=1) - changes) ** 2).mean() / (changes**2).mean()
    return {part: 1 - float(share) for part, share in shares.items()}


def simulate_clips() -> np.ndarray:
    """Return four clips of each participant: gray levels, block means of 7 x 10 pixels."""
    clips = []
    for participant in range(1, PARTICIPANTS + 1):
        frames = render_video(participant, 0, 4 * CLIP_LENGTH)
        gray = [f[16:464].mean(2).reshape(SIZE, 7, SIZE, 10).mean((1, 3)) for f in frames]
        clips += np.array_split(np.array(gray), 4)
    return np.array(clips).round().astype(np.uint8)


def cut_clips(folder: Path) -> np.ndarray:
    """Return 64 clips, evenly from the videos in a folder: uint8 (64, frames, height, width)."""
    videos = [path for path in sorted(folder.iterdir()) if is_video_file(path.name)]
    settings = CUT | {"clips_per_video": -(-4 * PARTICIPANTS // len(videos))}
    with tempfile.TemporaryDirectory() as name:
        clips = []
        for path in videos:
            extract_clips(str(path), f"{name}/clips.h5", settings, path.stem)
            clips += list(read_stacks(f"{name}/clips.h5", CLIP_LENGTH))
    return np.array(clips)[np.linspace(0, len(clips) - 1, 4 * PARTICIPANTS).astype(int)]


if __name__ == "__main__":
    main()
