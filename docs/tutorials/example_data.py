"""Write the example data of the tutorial into lab/: eight simulated videos and a spreadsheet."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video  # noqa: E402
from motilens.simulation.visem_files import simulated_sample_table  # noqa: E402
from motilens.video.encode import encode_video  # noqa: E402

PARTICIPANTS, FRAMES, SEED = 8, 200, 3


def main():
    """Draw the videos and write the table."""
    folder = Path("lab")
    folder.mkdir()  # fails if it exists: it may hold the user's own data
    (folder / "videos").mkdir()
    table = simulated_sample_table(PARTICIPANTS, SEED, "videos")
    for row in table.itertuples():
        frames = render_video(int(row.participant), SEED, FRAMES)
        encode_video(folder / row.video, frames, SIMULATED_FRAME_RATE)
        print(folder / row.video)
    table.to_excel(folder / "samples.xlsx", index=False)
    print(folder / "samples.xlsx")


if __name__ == "__main__":
    main()
