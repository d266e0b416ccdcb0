"""`motilens simulate` writes what the pipeline's rules write, and where each head is."""

from pathlib import Path

import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.simulation.recording import Recording
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.simulation.simulate_cli import simulate_data_set
from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from motilens.video.encode import encode_video


def test_plain_videos_and_labels_are_the_pipelines(tmp_path):
    simulate_data_set(
        [str(tmp_path / "new"), "--participants=2", "--seconds=0.1", "--seed=3", "--style=plain"]
    )
    table = simulated_sample_table(2, 3, str(tmp_path / "new/videos"), "plain")
    write_label_table(table, tmp_path / "labels.csv")
    labels = tmp_path / "new/semen_analysis_data.csv"
    assert labels.read_bytes() == (tmp_path / "labels.csv").read_bytes()
    for participant, video in enumerate(table["video"], start=1):
        encode_video(tmp_path / "same.avi", render_video(participant, 3, 5), SIMULATED_FRAME_RATE)
        assert (tmp_path / "same.avi").read_bytes() == Path(video).read_bytes()
    assert not (tmp_path / "new/tracks").exists()


@pytest.mark.slow
def test_realistic_videos_have_true_tracks(tmp_path):
    simulate_data_set([str(tmp_path), "--participants=1", "--seconds=0.1"])
    [tracks], [video] = tmp_path.glob("tracks/*"), tmp_path.glob("videos/*")
    assert tracks.name == f"{video.stem}_tracks.csv"
    written = pd.read_csv(tracks)
    true = Recording(1, 1, 5, SIMULATED_FRAME_RATE).tracks.round(2)
    pd.testing.assert_frame_equal(written.drop(columns="class"), true, check_dtype=False)
    with pytest.raises(InputError, match="not empty: name another folder"):
        simulate_data_set([str(tmp_path)])


@pytest.mark.parametrize(
    "option",
    ["--participants=0", "--participants=-2", "--participants=1.5", "--seconds=0.001",
     "--seconds=0,5", "--seed=x", "--style=real"],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(option, tmp_path, capsys):
    with pytest.raises(SystemExit):
        simulate_data_set([str(tmp_path / "new"), option])
    assert option.partition("=")[0] in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
