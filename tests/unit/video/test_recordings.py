"""Every kind of recording frame by frame, from the file to its clips; every kind of damage."""

import pytest
from generate_tables import RECORDINGS_PAGE, render_recordings

from support.recording_matrix import DAMAGES, EXACT, all_outcomes, damage_message
from support.recordings import ALL, RECORDINGS

REFUSED = ("h264 gop.mkv", "h264 gop.ts", "h264 twice.ts")


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", range(len(RECORDINGS)), ids=[recording.file_name for recording in RECORDINGS]
)
def test_clips_hold_exactly_their_frames(number):
    """The comparison frame by frame is in `all_outcomes`."""
    recording, outcome = RECORDINGS[number], all_outcomes()[number]
    assert outcome.startswith("refused" if recording.file_name in REFUSED else EXACT)
    if recording.rate == "50" and list(recording.numbers) == list(ALL) and not recording.packets:
        has_warning = any(word in recording.name for word in ("interlaced", "two", "cover"))
        assert outcome == EXACT or has_warning


@pytest.mark.slow
def test_the_page_shows_what_happens():
    page = RECORDINGS_PAGE.read_text(encoding="utf-8")
    assert page == render_recordings(page), "write it again: make tables"


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.name for damage in DAMAGES])
def test_damage_is_reported_in_one_line_that_names_the_file(tmp_path, damage):
    message = damage_message(damage, tmp_path)
    assert "FILE" in message and "\n" not in message
