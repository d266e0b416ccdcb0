"""Clips that show (almost) nothing have a warning, and are no copies of each other."""

import numpy as np
import pytest

from motilens.clips.image_quality import (
    list_quality_warnings,
    measure_image_quality,
    measure_repeats,
)
from motilens.clips.records import check_clips_differ

RNG = np.random.default_rng(0)
GOOD = RNG.normal(120, 20, (4, 5, 32, 32)).clip(1, 254).astype(np.uint8)


def warnings_of(clips):
    return list_quality_warnings(measure_image_quality(clips), measure_repeats(clips))


def test_good_clips_have_no_warning():
    assert warnings_of(GOOD) == []
    measured = measure_image_quality(GOOD)
    assert measured["contrast"] == pytest.approx(GOOD.std(), abs=0.1)
    changes = np.diff(GOOD.astype(float), axis=1)
    assert measured["movement"] == pytest.approx(np.sqrt((changes**2).mean()), abs=0.01)
    assert measured["gray_levels"] > 80 and measured["black"] == measured["white"] == 0


def test_black_borders_do_not_count():
    padded = np.pad(GOOD, ((0, 0), (0, 0), (8, 8), (0, 0)))
    assert warnings_of(padded) == [] and measure_image_quality(padded) == pytest.approx(
        measure_image_quality(GOOD), abs=0.02
    )


@pytest.mark.parametrize("clips, message", [
    (np.zeros_like(GOOD), "shows nothing"),
    (np.full_like(GOOD, 255), "shows nothing"),
    (np.full_like(GOOD, 90) + GOOD % 2, "shows nothing"),
    (GOOD // 32 * 32, "shows only 5 gray levels"),
    (GOOD[:, :1].repeat(5, 1), "nothing moves"),
    (GOOD[:1, :1].repeat(4, 0), "nothing moves"),  # clips of one frame, all the same
    (GOOD[:, [0, 0, 1, 1, 2]], "50% of its frames repeat the one before"),
    (GOOD[:, [0, 1, 2, 3, 3]], "25% of its frames repeat the one before"),
    (np.where(GOOD > 130, 255, GOOD), "% of its pixels are white"),
    (np.where(130 + 25 * (GOOD % 8 > 0) > GOOD, 0, GOOD), "% of its pixels are black"),
])  # fmt: skip
def test_what_is_wrong_is_named(clips, message):
    [line] = warnings_of(clips)
    assert message in line


def test_two_empty_videos_are_no_copies_of_each_other():
    records = [
        {"sample": name, "video": f"{name}.avi", "content_sha256": "0" * 64}
        | measure_image_quality(np.zeros_like(GOOD))
        for name in "ab"
    ]
    check_clips_differ(records)
