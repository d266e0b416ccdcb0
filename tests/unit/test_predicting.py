"""What is said of new videos, and of how unlike those of training they are."""

import numpy as np
import pytest

from motilens import appearance, predicting

RECORD = {"video_frame_rate": 50.0, "video_width": 640, "video_height": 480}


def test_motility_adds_up_and_nothing_leaves_its_bounds():
    given = np.array([[[60.0, 30, 30], [-20, 50, 50]], [[110, 0, 0], [0, 0, 0]]])
    found = predicting.summed(
        {"motility": given}, {"motility": ["progressive", "nonprogressive", "immotile"]}
    )
    assert sum(one["percent"] for one in found.values()) == pytest.approx(100)
    assert found["progressive"]["percent"] == pytest.approx((50 + 0 + 100 + 100 / 3) / 4)
    other = predicting.summed({"heads": given[..., :1]}, {"heads": ["head"]})
    assert other["head"]["percent"] == pytest.approx((60 + 0 + 100 + 0) / 4)
    assert other["head"]["of_stacks"] == pytest.approx(np.std([80, 0]))
    assert other["head"]["of_models"] == pytest.approx(np.std([30, 50]))


def measured(clips):
    return appearance.measure(clips, RECORD)


def test_a_video_in_numbers():
    stripes = np.tile(np.array([0, 255], np.uint8), (2, 3, 8, 4))
    found = measured(stripes)
    assert found["brightness"] == pytest.approx(0.5) and found["contrast"] == pytest.approx(0.5)
    assert found["sharpness"] == pytest.approx(2) and found["movement"] == 0
    assert (found["frame_rate"], found["width"], found["height"]) == (50, 640, 480)
    flickering = np.stack([stripes[:, 0], 255 - stripes[:, 0]], 1)
    assert measured(flickering)["movement"] == pytest.approx(2)
    assert np.isnan(measured(stripes[:, :1])["movement"])
    empty = measured(np.full((2, 3, 8, 8), 90, np.uint8))
    assert empty["sharpness"] == empty["movement"] == empty["contrast"] == 0


def test_what_is_outside_the_range_is_said():
    usual = {name: 1.0 for name in appearance.FEATURES}
    known = appearance.ranges([usual, usual | {"movement": 2.0}])
    assert known["movement"] == [1, 2] and appearance.strange(usual, known) == []
    assert appearance.strange(usual | {"movement": 2.09}, known) == []
    (told,) = appearance.strange(usual | {"movement": 0.01}, known)
    assert told == "movement 0.01 of its contrast; those of training had 1 to 2"
    assert "the field is empty" in appearance.strange(usual | {"contrast": 0.0}, known)[-1]
    single = appearance.ranges([usual | {"movement": float("nan")}])
    assert "movement" not in single
