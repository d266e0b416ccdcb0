"""Reading and writing videos with ffmpeg, one frame in memory at a time."""

import contextlib
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import ffmpeg
import h5py
import imageio_ffmpeg
import numpy as np

from motilens import InputError, stacks

# Area averaging and bit-exact arithmetic: the same grey levels on every processor.
SCALE_FLAGS = "area+accurate_rnd+bitexact"


@dataclass(frozen=True)
class Video:
    """What ffmpeg says of a file's first video stream; `frames` is counted, not believed."""

    frames: int
    width: int
    height: int
    frame_rate: float
    codec: str


def probe(path: str) -> Video:
    """Count the frames of the video at `path` by passing through it once, without decoding.

    Raises:
        InputError: not a video that ffmpeg can read, or one that has lost its end.
    """
    stream = ffmpeg.input(path).output("-", map="0:v:0", c="copy", f="null")
    done = subprocess.run(_command(stream, "info"), stdin=subprocess.DEVNULL, capture_output=True)
    report = done.stderr.decode(errors="replace")
    if done.returncode:
        raise InputError(_damaged(path, report))
    # Only whole lines of ffmpeg's own: file names and comments may hold anything.
    found = re.search(
        r"^  Stream #0:.*?: Video: (\w+).*?, (\d+)x(\d+).*?, ([\d.]+)(k?) (?:fps|tbr)", report, re.M
    )
    counts = re.findall(r"(?:^|\r)frame=\s*(\d+)", report, re.M)
    if not (found and counts):
        raise InputError(f"{path}: ffmpeg finds no video stream in it: replace the file")
    frames = int(counts[-1])
    frame_rate = float(found[4]) * (1000 if found[5] else 1)
    promised = _promised_seconds(report) * frame_rate
    if frames < 0.98 * promised - 1:
        raise InputError(
            f"{path}: its header promises {promised:.0f} frames, it holds {frames}: copy it again, "
            "or if it is whole, correct the header: ffmpeg -i OLD -c copy NEW"
        )
    return Video(frames, int(found[2]), int(found[3]), frame_rate, found[1])


def _promised_seconds(report: str) -> float:
    """How long an AVI file without sound says it is, in ffmpeg's report; otherwise 0.

    AVI is what a broken copy shortens without anybody noticing; a duration elsewhere may be
    that of the sound, or an estimate.
    """
    duration = re.search(r"^  Duration: (\d+):(\d+):([\d.]+)", report, re.M)
    source = report.partition("\nOutput #0")[0]
    avi = re.search(r"^Input #0, avi,", source, re.M)
    if not (duration and avi) or source.count("  Stream #0:") > 1:
        return 0.0
    return 3600 * int(duration[1]) + 60 * int(duration[2]) + float(duration[3])


def decode(path: str, size: int) -> Iterator[np.ndarray]:
    """Yield each frame of the video at `path` as grey levels, uint8 (size, size).

    The frame is squeezed to a square whatever its aspect ratio, as the paper does.

    Raises:
        InputError: the file is damaged; all frames before the damage have been yielded.
    """
    stream = ffmpeg.input(path, flags="bitexact", idct="simple").output(
        "pipe:",
        map="0:v:0",
        vf=filter_chain(size),
        f="rawvideo",
        pix_fmt="gray",
        fps_mode="passthrough",
    )
    with _running(
        stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=64 * size * size
    ) as process:
        # Less than a frame is the end, or the end of a damaged file: ffmpeg's exit code tells.
        while len(frame := process.stdout.read(size * size)) == size * size:
            yield np.frombuffer(frame, np.uint8).reshape(size, size)


def extract_clips(source: str, path: str | Path, settings: dict, participant: str) -> dict:
    """Decode the video `source` once and write its clips to `path` (docs/formats.md).

    Args:
        settings: size (pixels), clips_per_video, clip_length (frames).

    Returns:
        What is recorded with the clips: of the video, its decoding and their content.

    Raises:
        InputError: the video cannot be read, is too short, or ends before its frames do.
    """
    found = probe(source)
    shape = (settings["clip_length"], settings["size"], settings["size"])
    try:
        positions = stacks.clip_positions(found.frames, settings["clips_per_video"], shape[0])
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    count, digest = stacks.write_clips(path, decode(source, settings["size"]), positions, shape)
    if count != found.frames:
        raise InputError(
            f"{source}: holds {found.frames} frames, {count} can be decoded: it is damaged, or was "
            "cut without decoding; replace it or try ffmpeg -i OLD -c:v ffv1 NEW.mkv"
        )
    with h5py.File(path, "a") as file, open(source, "rb") as original:
        record = {
            "participant": participant,
            "video": Path(source).name,
            **{f"video_{name}": value for name, value in asdict(found).items()},
            "video_sha256": hashlib.file_digest(original, "sha256").hexdigest(),
            "content_sha256": digest,
            "filters": filter_chain(settings["size"]),
            "ffmpeg": ffmpeg_version(),
        }
        file["clips"].attrs.update(record)
    return record


def filter_chain(size: int) -> str:
    """The ffmpeg filters between a video's own frames and ours; recorded with the frames."""
    return f"scale={size}:{size}:flags={SCALE_FLAGS},format=gray"


def encode(path: str | Path, frames: Iterable[np.ndarray], frame_rate: float) -> None:
    """Write `frames`, uint8 RGB (height, width, 3), as H.264; the same frames give the same file.

    Raises:
        InputError: ffmpeg cannot write there.
    """
    frames = iter(frames)
    first = next(frames)
    height, width, _ = first.shape
    # No B-frames: an AVI file has no place for their order.
    stream = ffmpeg.input(
        "pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=frame_rate
    ).output(
        str(path),
        vcodec="libx264",
        preset="veryfast",
        crf=20,
        pix_fmt="yuv420p",
        bf=0,
        threads=1,
        fflags="bitexact",
    )
    with _running(stream, path, stdin=subprocess.PIPE) as process:
        process.stdin.write(first.tobytes())
        for frame in frames:
            process.stdin.write(frame.tobytes())
        process.stdin.close()


def ffmpeg_version() -> str:
    """Version of the ffmpeg in use: imageio-ffmpeg's, unless IMAGEIO_FFMPEG_EXE names another."""
    return imageio_ffmpeg.get_ffmpeg_version()


@contextlib.contextmanager
def _running(stream, path: str | Path, **popen) -> Iterator[subprocess.Popen]:
    """An ffmpeg process that does not outlive its block and whose failure is never silent."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(_command(stream, "error"), stderr=messages, **popen)
        try:
            yield process
        except BrokenPipeError:
            pass  # ffmpeg has died; its exit code and last words follow
        except BaseException:
            process.kill()
            process.wait()
            raise
        code = process.wait()
        messages.seek(0)
        report = messages.read().decode(errors="replace")
        # ffmpeg may guess what is missing, complain, and end well.
        if code or report.strip():
            raise InputError(_damaged(path, report))


def _command(stream, level: str) -> list[str]:
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", level]
    return stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())


def _damaged(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[-1]
    return f"{path}: ffmpeg cannot read or write it without error ({reason}): replace the file"
