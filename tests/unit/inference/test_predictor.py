"""What is said of new videos, and of how unlike those of training they are."""

import os

import numpy as np
import pytest

from motilens.core.text import to_printable
from motilens.inference.domain_shift import (
    APPEARANCE_FEATURES,
    describe_out_of_range,
    measure_appearance,
    training_ranges,
)
from motilens.inference.predictor import clip_and_normalize, summarize_predictions

RECORD = {
    "video_frame_rate": 50.0,
    "video_width": 640,
    "video_height": 480,
    "video_pixel_aspect": 1.0,
}


MOTILITY = ["progressive", "nonprogressive", "immotile"]


def test_motility_adds_up_and_nothing_leaves_its_bounds():
    given = np.array([[[60.0, 30, 30], [-20, 50, 50]], [[110, 0, 0], [0, 0, -3]]])
    bounded, empty = clip_and_normalize(given, MOTILITY)
    assert bounded.sum(-1) == pytest.approx(np.full((2, 2), 100.0)) and empty == 0.25
    found = summarize_predictions({"motility": bounded}, {"motility": MOTILITY})
    assert sum(one["percent"] for one in found.values()) == pytest.approx(100)
    assert found["progressive"]["percent"] == pytest.approx((50 + 0 + 100 + 100 / 3) / 4)
    heads, empty = clip_and_normalize(given[..., :1], ["head"])
    other = summarize_predictions({"heads": heads}, {"heads": ["head"]})
    assert other["head"]["percent"] == pytest.approx((60 + 0 + 100 + 0) / 4) and empty == 0
    assert other["head"]["of_stacks"] == pytest.approx(np.std([80, 0]))
    assert other["head"]["of_models"] == pytest.approx(np.std([30, 50]))


def test_a_value_of_two_targets_is_told_twice():
    answers = {"a": np.full((1, 1, 1), 5.0), "b": np.full((1, 1, 2), 7.0)}
    found = summarize_predictions(answers, {"a": ["head"], "b": ["head", "tail"]})
    assert {name: one["percent"] for name, one in found.items()} == {
        "head (a)": 5, "head (b)": 7, "tail": 7,
    }  # fmt: skip


def test_names_that_are_no_text_can_be_written():
    name = os.fsdecode(b"lat\xe9in.avi")
    assert to_printable(name) == "lat\\xe9in.avi" and to_printable("süß") == "süß"


def measured(clips):
    return measure_appearance(clips, RECORD)


def test_a_video_in_numbers():
    stripes = np.tile(np.array([0, 255], np.uint8), (2, 3, 8, 4))
    found = measured(stripes)
    assert found["brightness"] == pytest.approx(0.5) and found["contrast"] == pytest.approx(0.5)
    assert found["sharpness"] == pytest.approx(2) and found["movement"] == 0
    assert (found["frame_rate"], found["longer_side"], found["shorter_side"]) == (50, 640, 480)
    turned = RECORD | {"video_width": 480, "video_height": 640}
    assert measure_appearance(stripes, turned) == found
    narrow = RECORD | {"video_width": 320, "video_pixel_aspect": 2.0}  # pixels twice as wide
    assert measure_appearance(stripes, narrow) == found
    flickering = np.stack([stripes[:, 0], 255 - stripes[:, 0]], 1)
    assert measured(flickering)["movement"] == pytest.approx(2)
    assert np.isnan(measured(stripes[:, :1])["movement"])
    empty = measured(np.full((2, 3, 8, 8), 90, np.uint8))
    assert empty["sharpness"] == empty["movement"] == empty["contrast"] == 0


def test_what_is_outside_the_range_is_said():
    usual = {name: 1.0 for name in APPEARANCE_FEATURES}
    known = training_ranges([usual, usual | {"movement": 2.0}])
    assert known["movement"] == [1, 2] and describe_out_of_range(usual, known) == []
    assert describe_out_of_range(usual | {"movement": 2.09}, known) == []
    (told,) = describe_out_of_range(usual | {"movement": 0.3}, known)
    assert told == "movement 0.3 of its contrast, less than in training (1 to 2)"
    told = describe_out_of_range(usual | {"movement": 0.01}, known)
    assert len(told) == 2 and "next to nothing moves" in told[1]
    (told,) = describe_out_of_range(usual | {"movement": 4000}, known)
    assert told == "movement 4000 of its contrast, more than in training (1 to 2)"
    assert "the field is empty" in describe_out_of_range(usual | {"contrast": 0.0}, known)[-1]
    single = training_ranges([usual | {"movement": float("nan")}])
    assert "movement" not in single
