"""Videos that `make predict` answers in a minute, beside plain decoding by ffmpeg.

    .venv/bin/python benchmarks/predict.py BUNDLE VIDEO ...

One thread each. Prints seconds for a video: ffmpeg decoding all of it to nothing; ours, whole;
and ours by its parts, decoding, and the models.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))


def main(path, videos):
    import imageio_ffmpeg

    from motilens.clips.extract import extract_clips
    from motilens.compute.device import setup_compute
    from motilens.inference.bundle import load_bundle
    from motilens.inference.predictor import predict_videos

    how = setup_compute({"device": "cpu"}, 1)
    made = load_bundle(path)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    spent = {"ffmpeg": [], "ours": [], "of which decoding": []}
    for video in videos:
        command = [ffmpeg, "-v", "error", "-threads", "1", "-i", video, "-f", "null", "-"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        spent["ffmpeg"].append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            extract_clips(video, Path(folder, "clips.h5"), made.frames, "video")
            spent["of which decoding"].append(time.perf_counter() - start)
        start = time.perf_counter()
        list(predict_videos(made, [video], how))
        spent["ours"].append(time.perf_counter() - start)
    for name, seconds in spent.items():
        print(f"{name}: {sum(seconds) / len(seconds):.2f} s a video")
    print(f"ours / ffmpeg: {sum(spent['ours']) / sum(spent['ffmpeg']):.2f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
