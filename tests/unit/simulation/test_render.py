"""Simulated videos and their names."""

import re

import numpy as np
import pytest

from motilens.simulation.render import make_video_name, render_video


def test_same_seed_gives_the_same_video_and_another_seed_another():
    first, again = (list(render_video(3, 5, frames=2)) for _ in range(2))
    other = next(render_video(3, 6, frames=1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other)
    assert first[0].shape == (480, 640, 3) and first[0].dtype == np.uint8


def test_a_longer_video_begins_with_the_shorter_one():
    shorter = list(render_video(2, 0, frames=2))
    longer = list(render_video(2, 0, frames=5))
    assert np.array_equal(shorter, longer[:2])
    assert not np.array_equal(longer[0], longer[4])


@pytest.mark.parametrize("participant", [1, 2, 7, 85])
def test_video_names_follow_visem(participant):
    name = make_video_name(participant, seed=0)
    match = re.fullmatch(r"(\d+)_\d\d\.\d\d\.\d\d(_[a-z ]+)?_[A-Z]{2,3}\.avi", name)
    assert match and int(match[1]) == participant
    assert (" " in name) == (participant in (2, 7))
    assert name == make_video_name(participant, seed=0)
