"""Reading and writing videos with ffmpeg, one frame in memory at a time."""

import contextlib
import re
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import numpy as np
import pandas as pd

from motilens import InputError

# Area averaging and bit-exact arithmetic: the same grey levels on every processor.
FLAGS = "flags=area+accurate_rnd+bitexact"
# From a video's own frames to ours; dar is the shape that a frame is shown in, with pixels of
# whatever shape. ffmpeg has turned it upright before.
FILTERS = {
    "squeeze": f"scale={{size}}:{{size}}:{FLAGS},format=gray",
    "pad": "scale=w='ceil({size}*min(1,dar))':h='ceil({size}*min(1,1/dar))'"
    f":{FLAGS},format=gray,pad={{size}}:{{size}}:-1:-1",
    "crop": "scale=w='ceil({size}*max(1,dar))':h='ceil({size}*max(1,1/dar))'"
    f":{FLAGS},format=gray,crop={{size}}:{{size}}",
}
STREAM = "0:V:0"  # the first video that is no cover picture
NO_TIME = -(2**63)
KEY, DISCARD = 1, 4  # flags of a packet
# Begins the part of a Windows Media header that says how long the file is.
ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
REASONS = {  # of ffmpeg's, in words
    "moov atom not found": "the recording was not ended, or not copied whole",
    "Invalid data found when processing input": "it is no video that ffmpeg knows",
    "does not contain any stream": "it is no video",
    "matches no streams": "it holds no video",
}


class Damaged(InputError):
    """A video that cannot be read as it is; other videos may well be."""


@dataclass(frozen=True)
class Video:
    """What ffmpeg finds in a file's first video stream."""

    codec: str
    width: int
    height: int
    pixel_aspect: float  # width of a pixel over its height
    times: np.ndarray  # when the frames are shown, s, ascending

    @property
    def frames(self) -> int:
        """Counted, not believed."""
        return len(self.times)

    @property
    def frame_rate(self) -> float:
        """Frames per second on average; NaN if nothing says it."""
        span = self.times[-1] - self.times[0]
        return float((self.frames - 1) / span) if span > 0 else float("nan")

    @property
    def uneven(self) -> bool:
        """Whether frames are missing, or come when they like."""
        steps = np.diff(self.times)
        return bool((np.abs(steps - np.median(steps)) > np.median(steps) / 2).any())


def probe(path: str) -> Video:
    """Count the frames of the video at `path` and read their times, without decoding any.

    Raises:
        Damaged: not a video that ffmpeg can read, or one that has lost its end.
    """
    _check_header(path)
    found, guessed = _listed(path, c="copy")
    # Where packets do not say when they are shown, packets of two frames make holes.
    return with_decoded_times(path, found) if guessed and found.uneven else found


def with_decoded_times(path: str, found: Video) -> Video:
    """The same by decoding each frame: for files whose packets are not one a frame."""
    decoded, _ = _listed(path, vf="scale=16:16", fps_mode="passthrough")
    return replace(found, times=decoded.times)


def _listed(path: str, **options) -> tuple[Video, bool]:
    """What the file holds by its packets, or with other options by its frames.

    Returns:
        The video, and whether its times are only those of decoding.
    """
    stream = _input(path).output("pipe:", map=STREAM, f="framecrc", **options)
    with tempfile.TemporaryFile() as listing:
        with _running(stream, path, stdin=subprocess.DEVNULL, stdout=listing):
            pass
        listing.seek(0)
        lines = listing.read().decode().splitlines()
    header = dict(line[1:].split(" 0: ") for line in lines if line[0] == "#" and " 0: " in line)
    # stream, time of decoding, time of showing, duration, bytes, checksum, and maybe F=flags
    rows = [line.split(", ") for line in lines if line[0] != "#"]
    packets = pd.DataFrame(
        [(int(row[1]), int(row[2]), int(row[4]), _flags(row[6:])) for row in rows],
        columns=["decoded", "shown", "bytes", "flags"],
    )
    # A camera writes an empty packet for a frame that it dropped; what an edit list cuts off is
    # there to be decoded and not to be shown.
    packets = packets[(packets["bytes"] > 0) & (packets["flags"] & DISCARD == 0)]
    if packets.empty:
        raise Damaged(f"{path}: holds no frame: replace the file")
    guessed = bool((packets["shown"] == NO_TIME).any())
    times = np.sort(packets["decoded" if guessed else "shown"].to_numpy())
    width, height = header["dimensions"].split("x")
    video = Video(
        header["codec_id"],
        int(width),
        int(height),
        _ratio(header.get("sar", "1/1")) or 1.0,
        times * _ratio(header["tb"]),
    )
    return video, guessed


def _flags(fields: list[str]) -> int:
    """Flags of a packet; a key frame's are not written."""
    return next((int(field[2:], 16) for field in fields if field.startswith("F=")), KEY)


def _ratio(text: str) -> float:
    above, below = map(int, text.split("/"))
    return above / below if below else 0.0


def _check_header(path: str) -> None:
    """Notice what ffmpeg does not mind in AVI and Windows Media.

    Raises:
        Damaged: the frames go on behind the end.
    """
    try:
        with open(path, "rb") as file:
            header, size = file.read(4096), file.seek(0, 2)
            if not size:
                raise Damaged(f"{path}: is empty: copy it again")
            if (at := header.find(ASF_FILE)) > 0:
                _check_end(path, int.from_bytes(header[at + 40 : at + 48], "little"), size)
            if header[:4] != b"RIFF" or header[8:11] != b"AVI":
                return
            place, end = 0, 0
            while place < size:
                file.seek(place)
                kind, length, content = struct.unpack("<4sI4s", file.read(12).ljust(12))
                after = place + 8 + length + length % 2
                if content == b"movi" and length:  # 0 of a recorder that could not go back
                    end = after
                place = place + 12 if kind == b"RIFF" else after
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror}): mend or replace it") from error
    _check_end(path, end, size)


def _check_end(path: str, end: int, size: int) -> None:
    if end - size > 1:  # many writers leave out the last padding byte
        raise Damaged(
            f"{path}: lacks the last {end - size} of {end} bytes: copy it again, or if that is all "
            "there is: ffmpeg -i OLD -c copy NEW"
        )


def decode(path: str, size: int, aspect: str = "squeeze") -> Iterator[np.ndarray]:
    """Yield each frame of the video at `path` as grey levels, uint8 (size, size).

    Args:
        aspect: a key of FILTERS; `squeeze` makes a square of whatever shape, as the paper does.

    Raises:
        Damaged: all frames before the damage have been yielded.
    """
    stream = _input(path, flags="bitexact", idct="simple").output(
        "pipe:",
        map=STREAM,
        # Numbered anew, or ffmpeg complains of frames that come closer than their rate says.
        vf=f"{filter_chain(size, aspect)},setpts=N",
        enc_time_base="filter",
        fps_mode="passthrough",
        f="rawvideo",
        pix_fmt="gray",
    )
    pipe = {"stdout": subprocess.PIPE, "bufsize": 0, "pipesize": 2**20}
    with _running(stream, path, stdin=subprocess.DEVNULL, **pipe) as process:
        whole = at_once = 16
        while whole == at_once:
            frames = np.empty((at_once, size, size), np.uint8)
            # Less than a frame is the end, or the end of a damaged file: ffmpeg's exit code tells.
            whole = _fill(process.stdout, memoryview(frames).cast("B")) // (size * size)
            yield from frames[:whole]


def _fill(stream, memory: memoryview) -> int:
    """Read until `memory` is full or the stream ends; the number of bytes."""
    count = 0
    while count < len(memory) and (added := stream.readinto(memory[count:])):
        count += added
    return count


def _input(path: str, **options):
    """Of the file of that name, whatever its characters, and of nothing that it refers to."""
    return ffmpeg.input(f"file:{path}", protocol_whitelist="file", **options)


def filter_chain(size: int, aspect: str = "squeeze") -> str:
    """The ffmpeg filters between a video's own frames and ours; recorded with the frames."""
    return FILTERS[aspect].format(size=size)


def encode(path: str | Path, frames: Iterable[np.ndarray], frame_rate: float) -> None:
    """Write `frames`, uint8 RGB (height, width, 3), as H.264; the same frames give the same file.

    Raises:
        Damaged: ffmpeg cannot write there.
    """
    frames = iter(frames)
    first = next(frames)
    height, width, _ = first.shape
    # No B-frames: an AVI file has no place for their order.
    stream = ffmpeg.input(
        "pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", r=frame_rate
    ).output(
        f"file:{path}",
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
            raise Damaged(_damaged(path, report))


def _command(stream, level: str) -> list[str]:
    options = ["-hide_banner", "-y", "-xerror", "-loglevel", level]
    return stream.global_args(*options).compile(cmd=imageio_ffmpeg.get_ffmpeg_exe())


def _damaged(path: str | Path, report: str) -> str:
    reason = (report.strip().splitlines() or ["no reason given"])[0]
    reason = re.sub(r"(\[[^]]* @ 0x\w+\] )+", "", reason).strip()
    reason += next((f", {words}" for told, words in REASONS.items() if told in reason), "")
    return (
        f"{path}: ffmpeg cannot read it without error ({reason}): replace it, or have it written "
        "anew as far as it goes: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    )
