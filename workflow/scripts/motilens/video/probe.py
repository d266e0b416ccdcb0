"""What a video holds: its frames and their times, counted by ffmpeg."""

import struct
import subprocess
import tempfile
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from motilens.video.ffmpeg import DamagedVideo, ffmpeg_input, running_ffmpeg

FIRST_VIDEO_STREAM = "0:V:0"  # the first video that is no cover picture
NO_TIME = -(2**63)
KEY_FLAG, DISCARD_FLAG = 1, 4  # flags of a packet
CONTAINER_SIGNATURES = {"mov": b"ftyp", "matroska": bytes.fromhex("1a45dfa3")}
# Where single frames are found for certain, see seeking: codecs that say truly which frames need
# no other. Of others even key frames may need the one before; VP8 has packets that show nothing.
SEEKABLE_CONTAINERS = ("avi", "mov", "matroska")
SEEKABLE_CODECS = (
    "h264", "hevc", "mpeg4", "mpeg2video", "vp9", "av1", "ffv1", "mjpeg", "rawvideo", "huffyuv",
    "ffvhuff", "utvideo", "dvvideo", "prores", "png", "v210", "jpeg2000", "dnxhd", "magicyuv",
)  # fmt: skip
# Begins the part of a Windows Media header that says how long the file is.
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


@dataclass(frozen=True)
class VideoInfo:
    """What ffmpeg finds in a file's first video stream."""

    codec: str
    width: int
    height: int
    pixel_aspect: float  # width of a pixel over its height
    times: np.ndarray  # when the frames are shown, s, ascending
    # Only where single frames can be looked for: which need no other, and checksums of packets.
    key: np.ndarray | None = None
    checksums: np.ndarray | None = None

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


def probe_video(path: str) -> VideoInfo:
    """Count the frames of the video at `path` and read their times, without decoding any.

    Raises:
        Damaged: not a video that ffmpeg can read, or one that has lost its end.
    """
    container = _check_header(path)
    header, packets = _list_packets(path, c="copy")
    guessed = bool((packets["shown"] == NO_TIME).any())
    if guessed:  # AVI has no place for it; the times of decoding are as evenly spaced
        packets["shown"] = packets["decoded"]
    packets = packets.sort_values("shown", kind="stable")
    width, height = header["dimensions"].split("x")
    steps = np.diff(packets["shown"])
    single = (
        container in SEEKABLE_CONTAINERS
        and not guessed
        and (steps > 0).all()
        and header["codec_id"] in SEEKABLE_CODECS
        and not packets["palette"].any()  # given once, at the beginning
    )
    found = VideoInfo(
        header["codec_id"],
        int(width),
        int(height),
        parse_ratio(header.get("sar", "1/1")) or 1.0,
        packets["shown"].to_numpy() * parse_ratio(header["tb"]),
        (packets["flags"] & KEY_FLAG > 0).to_numpy() if single else None,
        packets["checksum"].to_numpy() if single else None,
    )
    # Where packets do not say when they are shown, packets of two frames make holes.
    return probe_by_decoding(path, found) if guessed and found.uneven else found


def probe_by_decoding(path: str, found: VideoInfo) -> VideoInfo:
    """The same by decoding each frame: for files whose packets are not one a frame."""
    header, frames = _list_packets(path, vf="scale=16:16", fps_mode="passthrough")
    times = frames["shown"].to_numpy() * parse_ratio(header["tb"])
    return replace(found, times=times, key=None, checksums=None)


def _list_packets(path: str, **options) -> tuple[dict[str, str], pd.DataFrame]:
    """What the file holds by its packets, or with other options by its frames; see `parsed`."""
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
    """ffmpeg's format framecrc: a header, and one row a packet that shows something.

    Returns:
        The header by its words (dimensions, tb, ...); decoded and shown (times in units of tb),
        bytes, checksum, flags, palette (bool) of each packet, in the order of decoding.
    """
    lines = text.splitlines()
    header = dict(line[1:].split(" 0: ") for line in lines if line[0] == "#" and " 0: " in line)
    # stream, time of decoding, time of showing, duration, bytes, checksum, then what is special
    rows = (line.split(", ") for line in lines if line[0] != "#")
    packets = pd.DataFrame(
        [
            (
                int(row[1]),
                int(row[2]),
                int(row[4]),
                int(row[5], 16),
                _packet_flags(row[6:]),
                "Palette" in row,
            )
            for row in rows
        ],
        columns=["decoded", "shown", "bytes", "checksum", "flags", "palette"],
    )
    # A camera writes an empty packet for a frame that it dropped; what an edit list cuts off is
    # there to be decoded and not to be shown.
    return header, packets[(packets["bytes"] > 0) & (packets["flags"] & DISCARD_FLAG == 0)]


def _packet_flags(fields: list[str]) -> int:
    """Flags of a packet; a key frame's are not written."""
    return next((int(field[2:], 16) for field in fields if field.startswith("F=")), KEY_FLAG)


def parse_ratio(text: str) -> float:
    """`1/50` as a number; 0 for `0/0`."""
    above, below = map(int, text.split("/"))
    return above / below if below else 0.0


def _check_header(path: str) -> str | None:
    """Notice what ffmpeg does not mind in AVI and Windows Media.

    Returns:
        The kind of container, if it is one of those known here.

    Raises:
        Damaged: the frames go on behind the end.
    """
    try:
        with open(path, "rb") as file:
            header, size = file.read(4096), file.seek(0, 2)
            if not size:
                raise DamagedVideo(f"{path}: is empty: copy it again")
            if (at := header.find(ASF_FILE_PROPERTIES)) > 0:
                _check_end(path, int.from_bytes(header[at + 40 : at + 48], "little"), size)
            if header[:4] != b"RIFF" or header[8:11] != b"AVI":
                return next(
                    (name for name, mark in CONTAINER_SIGNATURES.items() if mark in header[:12]),
                    None,
                )
            place, end = 0, 0
            while place < size:
                file.seek(place)
                kind, length, content = struct.unpack("<4sI4s", file.read(12).ljust(12))
                after = place + 8 + length + length % 2
                if content == b"movi" and length:  # 0 of a recorder that could not go back
                    end = after
                place = place + 12 if kind == b"RIFF" else after
    except OSError as error:
        raise DamagedVideo(
            f"{path}: cannot be read ({error.strerror}): mend or replace it"
        ) from error
    _check_end(path, end, size)
    return "avi"


def _check_end(path: str, end: int, size: int) -> None:
    if end - size > 1:  # many writers leave out the last padding byte
        raise DamagedVideo(
            f"{path}: lacks the last {end - size} of {end} bytes: copy it again, or if that is all "
            "there is: ffmpeg -i OLD -c copy NEW"
        )
