"""Videos unlike those of training are recognized and described."""

import numpy as np
import pytest

from motilens.inference import domain_shift

RECORD = {
    "video_frame_rate": 50.0, "video_width": 640, "video_height": 480, "video_pixel_aspect": 1.0,
}  # fmt: skip
TYPICAL = dict.fromkeys(domain_shift.APPEARANCE_FEATURES, 1.0)
RANGES = domain_shift.training_ranges([TYPICAL, TYPICAL | {"movement": 2.0}])


def test_appearance_of_a_striped_video():
    stripes = np.tile(np.array([0, 255], np.uint8), (2, 3, 8, 4))
    video = domain_shift.measure_appearance(stripes, RECORD)
    assert video["brightness"] == pytest.approx(0.5) and video["contrast"] == pytest.approx(0.5)
    assert video["sharpness"] == pytest.approx(2) and video["movement"] == 0
    assert (video["frame_rate"], video["longer_side"], video["shorter_side"]) == (50, 640, 480)
    rotated = RECORD | {"video_width": 480, "video_height": 640}
    assert domain_shift.measure_appearance(stripes, rotated) == video
    narrow = RECORD | {"video_width": 320, "video_pixel_aspect": 2.0}  # pixels twice as wide
    assert domain_shift.measure_appearance(stripes, narrow) == video
    flickering = np.stack([stripes[:, 0], 255 - stripes[:, 0]], 1)
    assert domain_shift.measure_appearance(flickering, RECORD)["movement"] == pytest.approx(2)
    assert np.isnan(domain_shift.measure_appearance(stripes[:, :1], RECORD)["movement"])


def test_appearance_of_an_empty_field():
    video = domain_shift.measure_appearance(np.full((2, 3, 8, 8), 90, np.uint8), RECORD)
    assert video["sharpness"] == video["movement"] == video["contrast"] == 0


def test_ranges_leave_out_what_no_single_frame_has():
    assert RANGES["movement"] == [1, 2]
    assert "movement" not in domain_shift.training_ranges([TYPICAL | {"movement": float("nan")}])


@pytest.mark.parametrize("change, lines", [
    ({}, []),
    ({"movement": 2.09}, []),
    ({"movement": 0.3}, ["movement 0.3 of its contrast, less than in training (1 to 2)"]),
    ({"movement": 4000}, ["movement 4000 of its contrast, more than in training (1 to 2)"]),
    ({"movement": 0.01}, ["movement 0.01 of its", "next to nothing moves"]),
    ({"contrast": 0.0}, ["contrast 0 of white, less than", "the field is empty"]),
])  # fmt: skip
def test_what_is_out_of_range_is_described(change, lines):
    described = domain_shift.describe_out_of_range(TYPICAL | change, RANGES)
    assert len(described) == len(lines)
    assert all(line.startswith(start) for line, start in zip(described, lines, strict=True))
