"""Where stacks are kept does not matter: the same batches, the same weights."""

import logging
import shutil
import threading

import h5py
import numpy as np
import pytest
import torch

from motilens.clips.hdf5 import read_stacks, write_clips
from motilens.compute.device import setup_compute
from motilens.training import stack_dataset
from motilens.training.autoencoder import train_autoencoder
from motilens.training.stack_dataset import (
    StackDataset,
    _choose_location,
    gray_level_statistics,
    load_stacks,
)
from support.errors import assert_refused
from support.learning import AUTOENCODER, CPU, draw_disks, get_weights

LOCATIONS = ("device", "host", "disk")
FRAMES = 4


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three samples with five clips of four frames each."""
    folder, files = tmp_path_factory.mktemp("clips"), {}
    for number, sample in enumerate(("2", "10", "7+2")):
        frames, path = draw_disks(20 * (number + 1))[-20:, 0], folder / f"{sample}.h5"
        numbers = np.arange(20).reshape(5, FRAMES)
        digest = write_clips(path, enumerate(frames), numbers, 32)
        with h5py.File(path, "a") as file:
            file["clips"].attrs.update({"sample": sample, "content_sha256": digest})
        files[sample] = str(path)
    return files


def load(files, location, frames=3):
    return load_stacks(files, frames, setup_compute({"device": "cpu", "data_location": location}))


@pytest.mark.parametrize("location", LOCATIONS)
def test_batches_are_what_was_asked_for(files, location, caplog):
    caplog.set_level(logging.INFO, "motilens")
    stacks, keys = load(files, location)
    place = "on disk" if location == "disk" else "in memory"
    assert caplog.messages == [f"15 stacks of 3 x 32 x 32, 0.0 MB: {place}"]
    assert keys == [(sample, number) for sample in files for number in range(5)]
    expected = np.concatenate([read_stacks(path, 3) for path in files.values()])
    batches = torch.randperm(15).tensor_split(4)
    for indices, batch in zip(batches, stacks.iter_batches(batches), strict=True):
        assert batch.dtype == torch.uint8 and np.array_equal(batch.numpy(), expected[indices])
        assert torch.equal(stacks.get_batch(indices), batch)
    assert len(stacks) == 15
    counts = np.bincount(expected.ravel(), minlength=256)
    assert np.array_equal(stacks.gray_level_histogram(), counts)
    mean_and_deviation = expected.mean() / 255, expected.std() / 255
    assert gray_level_statistics(counts) == pytest.approx(mean_and_deviation)
    alike = np.bincount([7, 7, 7], minlength=256)
    assert_refused("alike", gray_level_statistics, alike)


def test_results_are_the_same_wherever_stacks_are_kept(files):
    settings = AUTOENCODER | {"frames": 3, "epochs": 2}
    stacks = [load(files, location)[0] for location in LOCATIONS]
    first, *others = (train_autoencoder(s, settings, 0, CPU) for s in stacks)
    for result in others:
        assert (result.history, result.diagnostics) == (first.history, first.diagnostics)
        assert torch.equal(get_weights(result), get_weights(first))


@pytest.mark.parametrize("location", ["host", "disk"])
def test_batches_that_threads_read_ahead_are_those_asked_for_in_their_order(
    files, location, monkeypatch
):
    """As for a GPU; a CPU reads from memory directly."""
    expected = load(files, "device")[0]
    monkeypatch.setattr(StackDataset, "is_on_device", False)
    stacks, batches = load(files, location)[0], torch.randperm(15).split(1)
    for count in (1, 2, 8, 20):
        monkeypatch.setattr(stack_dataset, "PREFETCH_BATCHES", count)
        for indices, batch in zip(batches, stacks.iter_batches(batches), strict=True):
            assert torch.equal(batch, expected.stacks[indices])
            assert torch.equal(stacks.get_batch(indices), batch)


@pytest.mark.parametrize("location", ["host", "disk"])
def test_loop_that_ends_early_ends_its_readers(files, location, monkeypatch):
    monkeypatch.setattr(StackDataset, "is_on_device", False)
    stacks, threads = load(files, location)[0], threading.active_count()
    for _ in stacks.iter_batches(torch.arange(15).split(1)):
        break
    assert threading.active_count() == threads
    indices = torch.tensor([3])
    assert torch.equal(stacks.get_batch(indices), next(stacks.iter_batches([indices])))


@pytest.mark.parametrize("location", LOCATIONS)
def test_damage_is_noticed_wherever_stacks_are_kept(files, tmp_path, location):
    copy = tmp_path / "2.h5"
    shutil.copy(files["2"], copy)
    with h5py.File(copy, "a") as file:
        file["clips"][4, 3, 31, 31] ^= 1  # of a frame that these stacks do not even use
    message = "2.h5 has been damaged: delete it and run again"
    assert_refused(message, load, files | {"2": str(copy)}, location)


def test_frames_of_another_size_and_clips_that_are_too_short_are_refused(files, tmp_path):
    message = r"2.h5 holds clips .* where \(5, 32, 32\) is needed"
    assert_refused(message, load, files, "device", frames=5)
    small, frames = tmp_path / "small.h5", enumerate(np.zeros((4, 16, 16), np.uint8))
    write_clips(small, frames, np.arange(4)[None], 16)
    message = r"small.h5 holds clips of shape \(4, 16, 16\) where"
    assert_refused(message, load, files | {"3": str(small)}, "device")


def test_the_location_is_the_fastest_with_room(monkeypatch):
    monkeypatch.setattr(stack_dataset, "_available_memory", lambda: 1000)
    assert [_choose_location(size, CPU) for size in (600, 601)] == ["device", "disk"]
    host = setup_compute({"device": "cpu", "data_location": "host"})
    assert _choose_location(10**6, host) == "host"
