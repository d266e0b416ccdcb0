"""Where stacks lie does not matter: the same batches, the same weights."""

import shutil

import h5py
import numpy as np
import pytest
import torch
from learning import AUTOENCODER, discs

from motilens.clips.hdf5 import read_stacks, write_clips
from motilens.compute.device import setup_compute
from motilens.core.errors import InputError
from motilens.training import stack_dataset
from motilens.training.autoencoder import train_autoencoder
from motilens.training.stack_dataset import _choose_location, load_stacks

PLACES = ("device", "host", "disk")
FRAMES = 4


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three participants with five clips of four frames each."""
    folder, found = tmp_path_factory.mktemp("frames"), {}
    for number, sample in enumerate(("2", "10", "7+2")):
        frames = discs(20 * (number + 1))[-20:, 0]
        numbers = np.arange(5)[:, None] * FRAMES + np.arange(FRAMES)
        path = folder / f"{sample}.h5"
        digest = write_clips(path, enumerate(frames), numbers, 32)
        with h5py.File(path, "a") as file:
            file["clips"].attrs.update({"sample": sample, "content_sha256": digest})
        found[sample] = str(path)
    return found


def laid(files, place, frames=3):
    told = []
    performance = setup_compute({"device": "cpu", "data": place})
    return *load_stacks(files, frames, performance, told.append), told[0]


@pytest.mark.parametrize("place", PLACES)
def test_batches_are_what_was_asked_for(files, place):
    examples, keys, told = laid(files, place)
    where = "on disk" if place == "disk" else "in memory"
    assert told == f"15 stacks of 3 x 32 x 32, 0.0 MB: {where}"
    assert keys[:6] == [("2", 0), ("2", 1), ("2", 2), ("2", 3), ("2", 4), ("10", 0)]
    whole = np.concatenate([read_stacks(path, 3) for path in files.values()])
    cuts = torch.randperm(15).tensor_split(4)
    for indices, batch in zip(cuts, examples.stream(cuts), strict=True):
        assert batch.dtype == torch.uint8
        assert np.array_equal(batch.numpy(), whole[indices])
        assert torch.equal(examples.batch(indices), batch)
    assert len(examples) == 15
    assert np.array_equal(examples.grey_levels(), np.bincount(whole.ravel(), minlength=256))


def test_results_are_the_same_wherever_stacks_lie(files):
    settings = AUTOENCODER | {"frames": 3, "epochs": 2}
    found = []
    for place in PLACES:
        examples, _, _ = laid(files, place)
        trained = train_autoencoder(examples, settings, 0, setup_compute({"device": "cpu"}))
        found.append((trained.history, trained.health, trained.model.state_dict()))
    for history, health, weights in found[1:]:
        assert (history, health) == found[0][:2]
        assert all(torch.equal(weights[name], found[0][2][name]) for name in weights)


def test_a_stream_that_is_left_early_ends_its_readers(files):
    examples, _, _ = laid(files, "disk")
    for _ in examples.stream(torch.arange(15).split(1)):
        break
    assert torch.equal(
        examples.batch(torch.tensor([3])), next(examples.stream([torch.tensor([3])]))
    )


@pytest.mark.parametrize("place", PLACES)
def test_damage_is_noticed_wherever_stacks_lie(files, tmp_path, place):
    copy = tmp_path / "2.h5"
    shutil.copy(files["2"], copy)
    with h5py.File(copy, "a") as file:
        file["clips"][4, 3, 31, 31] ^= 1  # of a frame that these stacks do not even use
    with pytest.raises(InputError, match="2.h5 has been damaged: delete it and run again"):
        laid(files | {"2": str(copy)}, place)


def test_frames_of_another_size_or_too_few_are_refused(files, tmp_path):
    with pytest.raises(InputError, match=r"2.h5 holds clips .* where \(5, 32, 32\) is needed"):
        laid(files, "device", frames=5)
    small = tmp_path / "small.h5"
    write_clips(small, ((n, np.zeros((16, 16), np.uint8)) for n in range(4)),
                       np.arange(4)[None], 16)  # fmt: skip
    with pytest.raises(InputError, match=r"small.h5 holds clips of shape \(4, 16, 16\) where"):
        laid(files | {"3": str(small)}, "device")


def test_the_place_is_the_fastest_with_room(monkeypatch):
    auto = setup_compute({"device": "cpu"})
    monkeypatch.setattr(stack_dataset, "_available_memory", lambda: 1000)
    assert [_choose_location(size, auto) for size in (600, 601)] == ["device", "disk"]
    assert _choose_location(10**6, setup_compute({"device": "cpu", "data": "host"})) == "host"
