"""What a video holds: its frames and their times, counted by ffmpeg."""

import struct
import subprocess
import tempfile
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from motilens.video.ffmpeg import DamagedVideo, ffmpeg_input, running_ffmpeg

FIRST_VIDEO_STREAM = "0:V:0"  # the first stream of video that is no cover picture
NO_TIME = -(2**63)
DISCARD_FLAG = 4  # of a packet
# Begins the part of a Windows Media header that says how long the file is.
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


@dataclass(frozen=True)
class VideoInfo:
    """What ffmpeg finds in a file's first video stream."""

    codec: str  # its name in ffmpeg
    width: int  # pixels
    height: int
    pixel_aspect: float  # width of a pixel over its height
    times: np.ndarray  # when the frames are shown, seconds, ascending, float64 (frames,)

    @property
    def frames(self) -> int:
        """Return the number of frames that ffmpeg listed; the header is not trusted."""
        return len(self.times)

    @property
    def frame_rate(self) -> float:
        """Return the mean number of frames per second; NaN if the file has no times."""
        span = self.times[-1] - self.times[0]
        return float((self.frames - 1) / span) if span > 0 else float("nan")

    @property
    def is_uneven(self) -> bool:
        """Return whether frames are missing or unevenly spaced in time."""
        steps = np.diff(self.times)
        return bool((np.abs(steps - np.median(steps)) > np.median(steps) / 2).any())


def probe_video(path: str) -> VideoInfo:
    """Count the frames of a video and read their times, without decoding any.

    Raises:
        DamagedVideo: ffmpeg cannot read the file, or its end is missing.
    """
    _check_is_whole(path)
    header, packets = _list_packets(path, c="copy")
    guessed = bool((packets["pts"] == NO_TIME).any())
    if guessed:  # AVI stores no times of showing; those of decoding are as evenly spaced
        packets["pts"] = packets["dts"]
    width, height = map(int, header["dimensions"].split("x"))
    pixel_aspect = parse_ratio(header.get("sar", "1/1")) or 1.0
    times = np.sort(packets["pts"].to_numpy()) * parse_ratio(header["tb"])
    video = VideoInfo(header["codec_id"], width, height, pixel_aspect, times)
    # Where packets have no times of showing, packets that hold two frames leave gaps.
    return probe_by_decoding(path, video) if guessed and video.is_uneven else video


def probe_by_decoding(path: str, video: VideoInfo) -> VideoInfo:
    """Return the same with the times of decoded frames: some files have packets without a frame."""
    header, frames = _list_packets(path, vf="scale=16:16", fps_mode="passthrough")
    return replace(video, times=frames["pts"].to_numpy() * parse_ratio(header["tb"]))


def _list_packets(path: str, **options) -> tuple[dict[str, str], pd.DataFrame]:
    """List the packets of the file, or its decoded frames, depending on the output `options`."""
    stream = ffmpeg_input(path).output("pipe:", map=FIRST_VIDEO_STREAM, f="framecrc", **options)
    with tempfile.TemporaryFile() as listing:
        with running_ffmpeg(stream, path, stdin=subprocess.DEVNULL, stdout=listing):
            pass
        listing.seek(0)
        header, packets = parse_framecrc(listing.read().decode())
    if packets.empty:
        raise DamagedVideo(f"{path}: holds no frame: replace the file")
    return header, packets


def parse_framecrc(text: str) -> tuple[dict[str, str], pd.DataFrame]:
    """Parse ffmpeg's format framecrc into its header by words (dimensions, tb, ...) and packets.

    One row for each packet that shows something, in the order of decoding: dts, pts (times in units
    of tb), bytes, flags.
    """
    lines = text.splitlines()
    header = dict(line[1:].split(" 0: ") for line in lines if line[0] == "#" and " 0: " in line)
    # stream, dts, pts, duration, bytes, checksum, then what is special
    rows = (line.split(", ") for line in lines if line[0] != "#")
    packets = pd.DataFrame(
        [(int(row[1]), int(row[2]), int(row[4]), _packet_flags(row[6:])) for row in rows],
        columns=["dts", "pts", "bytes", "flags"],
    )
    # An empty packet is a frame that a camera dropped; what an edit list cuts off is not shown.
    return header, packets[(packets["bytes"] > 0) & (packets["flags"] & DISCARD_FLAG == 0)]


def _packet_flags(fields: list[str]) -> int:
    return next((int(field[2:], 16) for field in fields if field.startswith("F=")), 0)


def parse_ratio(text: str) -> float:
    """Return `1/50` as a number; 0 for `0/0`."""
    above, below = map(int, text.split("/"))
    return above / below if below else 0.0


def _check_is_whole(path: str) -> None:
    """Raise a DamagedVideo if an AVI or Windows Media file lacks its end, which ffmpeg ignores."""
    try:
        with open(path, "rb") as file:
            header, size = file.read(4096), file.seek(0, 2)
            if not size:
                raise DamagedVideo(f"{path}: is empty: copy it again")
            if (at := header.find(ASF_FILE_PROPERTIES)) > 0:
                _check_end(path, int.from_bytes(header[at + 40 : at + 48], "little"), size)
            if header[:4] == b"RIFF" and header[8:11] == b"AVI":
                _check_end(path, _end_of_avi(file, size), size)
    except OSError as error:
        raise DamagedVideo(f"{path}: cannot be read ({error.strerror}): replace it") from error


def _end_of_avi(file, size: int) -> int:
    """Return where the frames of an AVI file end by its own headers, in bytes."""
    place, end = 0, 0
    while place < size:
        file.seek(place)
        kind, length, content = struct.unpack("<4sI4s", file.read(12).ljust(12))
        after = place + 8 + length + length % 2
        if content == b"movi" and length:  # 0: the recorder could not go back to write it
            end = after
        place = place + 12 if kind == b"RIFF" else after
    return end


def _check_end(path: str, end: int, size: int) -> None:
    if end - size > 1:  # many writers leave out the last padding byte
        raise DamagedVideo(
            f"{path}: lacks the last {end - size} of {end} bytes: copy it again, or if that is all "
            "there is: ffmpeg -i OLD -c copy NEW"
        )
