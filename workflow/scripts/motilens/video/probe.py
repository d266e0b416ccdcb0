"""What a video holds: its frames and their times, counted by ffmpeg."""

import re
import subprocess
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from motilens.video.ffmpeg import DamagedVideo, RunningFFmpeg, check_ffmpeg, ffmpeg_input
from motilens.video.file_headers import check_is_whole, gray_avi_options, has_frame_times

FIRST_VIDEO_STREAM = "0:V:0"  # the first stream of video that is no cover picture
# Options of ffmpeg's output: every frame once.
EVERY_FRAME = {"map": FIRST_VIDEO_STREAM, "fps_mode": "passthrough"}
# Numbered by a filter setpts=N: ffmpeg complains of frames that come closer than their rate says.
RAW_FRAMES = EVERY_FRAME | {"f": "rawvideo", "enc_time_base": "filter"}
NO_VIDEO = r"\((attached pic|timed thumbnails|still image)\)"  # of a stream, in ffmpeg's words
NO_TIME = -(2**63)
DISCARD_FLAG = 4  # of a packet
# Demuxers of streams without a container. Frames get 25 a second where the stream says nothing.
RAW_DEMUXERS = (
    "av1",
    "cavsvideo",
    "dirac",
    "evc",
    "h264",
    "hevc",
    "m4v",
    "mjpeg",
    "obu",
    "vc1",
    "vvc",
)
ANIMATIONS = ("gif", "webp_anim")
# Raw pixels of 16 bits without a name are colors to ffmpeg; cameras write gray levels so.
NAMELESS_16_BITS = ("rgb555", "bgr555", "rgb444", "bgr444")
# Codecs whose frames stand alone and lose nothing: in a recording, all take about as many bytes.
LOSSLESS_CODECS = ("ffv1", "ffvhuff", "huffyuv", "utvideo")
SIZE_STEP = 1.6  # between the bytes of two such frames, if something is wrong
# How many frames together may take this much more or less time than elsewhere in the video: clocks
# that wander by half a frame are still steady.
STEADY_FRAMES, STEADY_SHARE = 25, 0.05
INVALID_AVI_RATE = "scale/rate is"  # ffmpeg's words, before it takes 25


@dataclass(frozen=True)
class VideoInfo:
    """What ffmpeg finds in a file's first video stream."""

    codec: str  # its name in ffmpeg
    width: int  # pixels
    height: int
    pixel_aspect: float  # width of a pixel over its height
    pixel_format: str  # as ffmpeg calls it, such as yuv420p or gray16le
    is_marked_interlaced: bool  # by the file; it may be so, and not say it
    is_turned: bool  # when it is shown
    times: np.ndarray  # when the frames are shown, seconds, ascending, float64 (frames,)
    decoding: dict[str, str] = field(default_factory=dict)  # options of ffmpeg's input
    # Numbers of frames of quite another size than the one before: of another width and height,
    # perhaps, of which some codecs say nothing, so that frames are read wrongly.
    size_jumps: tuple[int, ...] = ()
    streams: int = 1  # of video, cover pictures not counted

    @property
    def frames(self) -> int:
        """Return the number of frames that ffmpeg listed; the header is not trusted."""
        return len(self.times)

    @property
    def frame_rate(self) -> float:
        """Return the mean number of frames per second; NaN if the file does not say."""
        span = self.times[-1] - self.times[0]
        return float((self.frames - 1) / span) if span > 0 else float("nan")

    @property
    def is_uneven(self) -> bool:
        """Return whether frames are missing or unevenly spaced, or their rate changes."""
        if self.frames < 2:
            return False
        steps = np.diff(self.times)
        usual = np.median(steps)
        many = (self.times[STEADY_FRAMES:] - self.times[:-STEADY_FRAMES]) * self.frame_rate
        has_gap = (np.abs(steps - usual) > usual / 2).any()
        return bool(has_gap or (np.abs(many / STEADY_FRAMES - 1) > STEADY_SHARE).any())

    @property
    def stream_warning(self) -> str | None:
        """Return what is not read of a file with several streams of video."""
        if self.streams < 2:
            return None
        return (
            f"holds {self.streams} streams of video, and only the first is read ({self.width} x "
            f"{self.height} pixels): for the second: ffmpeg -i OLD -map 0:V:1 -c copy NEW.mkv"
        )


def probe_video(path: str) -> VideoInfo:
    """Count the frames of a video and read their times, without decoding any.

    Raises:
        DamagedVideo: ffmpeg cannot read the file, or its end is missing.
    """
    announced, decoding = check_is_whole(path), gray_avi_options(path)
    header, packets, report = _list_packets(path, decoding, c="copy")
    if len(packets) < announced:
        check_ffmpeg()
        raise DamagedVideo(
            f"{path}: holds {len(packets)} of {announced} frames by its own index: copy it again, "
            "or if that is all there is: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
        )
    packets = _shown_packets(path, packets)
    guessed = bool((packets["pts"] == NO_TIME).any())
    if guessed:  # AVI stores no times of showing; those of decoding are as evenly spaced
        packets["pts"] = packets["dts"]
    width, height = map(int, header["dimensions"].split("x"))
    times = np.sort(packets["pts"].to_numpy()) * parse_ratio(header["tb"])
    video = VideoInfo(
        codec=header["codec_id"],
        width=width,
        height=height,
        pixel_aspect=parse_ratio(header.get("sar", "1/1")) or 1.0,
        **_parse_stream(report),
        times=times,
        decoding=decoding,
        size_jumps=_find_size_jumps(header["codec_id"], packets["bytes"].to_numpy()),
    )
    if video.codec == "rawvideo" and video.pixel_format.startswith(NAMELESS_16_BITS):
        raise DamagedVideo(
            f"{path}: its raw pixels of 16 bits may be gray levels or colors. If gray: ffmpeg -i "
            "OLD -c copy -f rawvideo NEW.raw, then ffmpeg -f rawvideo -pixel_format gray16le "
            f"-video_size {width}x{height} -framerate RATE -i NEW.raw -c:v ffv1 NEW.mkv. If "
            "colors: ffmpeg -i OLD -pix_fmt rgb24 -c:v ffv1 NEW.mkv"
        )
    if not _has_frame_rate(path, report, header, packets):
        return replace(video, times=np.full(len(times), np.nan))
    # Where packets have no times of showing, packets that hold two frames leave gaps.
    return probe_by_decoding(path, video) if guessed and video.is_uneven else video


def probe_by_decoding(path: str, video: VideoInfo) -> VideoInfo:
    """Return the same with the times of decoded frames: some files have packets without a frame."""
    header, packets, _ = _list_packets(path, video.decoding, vf="scale=16:16", **EVERY_FRAME)
    times = _shown_packets(path, packets)["pts"].to_numpy() * parse_ratio(header["tb"])
    is_timed = not np.isnan(video.times).all()
    return replace(video, times=times if is_timed else np.full(len(times), np.nan))


def find_upright_size(path: str, video: VideoInfo) -> tuple[int, int, float]:
    """Return width, height and pixel aspect of the frames as they are shown: a file may turn them.

    Raises:
        DamagedVideo: the first frame cannot be decoded.
    """
    header, _, _ = _list_packets(path, video.decoding, vframes=1, **EVERY_FRAME)
    width, height = map(int, header["dimensions"].split("x"))
    return width, height, parse_ratio(header.get("sar", "1/1")) or 1.0


def _list_packets(
    path: str, decoding: dict[str, str], **options
) -> tuple[dict[str, str], pd.DataFrame, str]:
    """List the packets of the file, or its decoded frames, by options of ffmpeg's input and output.

    Return the header, the packets (see `parse_framecrc`), and all that ffmpeg said.
    """
    source = ffmpeg_input(path, **decoding)
    stream = source.output("pipe:", **{"map": FIRST_VIDEO_STREAM, "f": "framecrc"} | options)
    with RunningFFmpeg(stream, path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        listing = running.stdout.read().decode()
    try:
        return *parse_framecrc(listing), running.report
    except (ValueError, IndexError):
        check_ffmpeg()  # it may print something else, too
        raise


def _shown_packets(path: str, packets: pd.DataFrame) -> pd.DataFrame:
    """Return the packets that show something; raise a DamagedVideo if there is none.

    An empty packet is a frame that a camera dropped; what an edit list cuts off is not shown.
    """
    shown = packets[(packets["bytes"] > 0) & (packets["flags"] & DISCARD_FLAG == 0)]
    if shown.empty:
        check_ffmpeg()
        raise DamagedVideo(f"{path}: holds no frame: replace the file")
    return shown.copy()


def _parse_stream(report: str) -> dict:
    """Return what ffmpeg says of the input: fields of VideoInfo."""
    number = re.search(r"Stream #0:(\d+) -> #0:0 \(", report)[1]
    line = re.search(rf"Stream #0:{number}\b.*?: Video: (.*)", report)[1]
    # After the codec: "..., yuv420p(tv, bt709, top first), 720x576 [SAR 16:15 DAR 4:3], 25 fps"
    found = re.search(r", ([a-z]\w+)(\([^()]*\))?, \d+x\d+", line)
    pixel_format, details = found.groups() if found else ("unknown", None)
    interlaced = bool(re.search("top|bottom|interlaced", details or ""))
    inputs = report.split("Output #0, ")[0]
    listed = re.findall(r"Stream #0:\d+.*?: Video: .*", inputs)
    return {
        "pixel_format": pixel_format,
        "is_marked_interlaced": interlaced,
        "is_turned": bool(re.search(r"rotation of -?(?!0\.00 )\d", inputs)),
        "streams": sum(not re.search(NO_VIDEO, line) for line in listed),
    }


def _find_size_jumps(codec: str, sizes: np.ndarray) -> tuple[int, ...]:
    steps = np.abs(np.diff(np.log(sizes))) > np.log(SIZE_STEP)
    return tuple((np.flatnonzero(steps) + 1).tolist()) if codec in LOSSLESS_CODECS else ()


def _has_frame_rate(path: str, report: str, header: dict, packets: pd.DataFrame) -> bool:
    """Return whether the times of frames are the file's own, not a default of ffmpeg's."""
    if INVALID_AVI_RATE in report:
        return False
    [demuxer] = re.findall(r"Input #0, (.+?), from ", report)[:1]
    if demuxer == "yuv4mpegpipe":
        with open(path, "rb") as file:
            return bool(re.search(rb" F[1-9]\d*:[1-9]", file.readline(1000)))
    if demuxer in ANIMATIONS:
        return has_frame_times(path)
    if demuxer not in RAW_DEMUXERS:
        return True
    # The stream's own rate counts more than this one, if it has any.
    other_header, others, _ = _list_packets(path, {"framerate": "17"}, c="copy")
    spans = [
        np.ptp(p["dts"].to_numpy()) * parse_ratio(h["tb"])
        for h, p in ((header, packets), (other_header, others))
    ]
    return bool(np.isclose(*spans))


def parse_framecrc(text: str) -> tuple[dict[str, str], pd.DataFrame]:
    """Parse ffmpeg's format framecrc into its header by words (dimensions, tb, ...) and packets.

    One row for each packet, in the order of decoding: dts, pts (in units of tb), bytes, flags.
    """
    lines = text.splitlines()
    header = dict(line[1:].split(" 0: ") for line in lines if line[0] == "#" and " 0: " in line)
    # stream, dts, pts, duration, bytes, checksum, then what is special
    rows = (line.split(", ") for line in lines if line[0] != "#")
    packets = pd.DataFrame(
        [(int(row[1]), int(row[2]), int(row[4]), _packet_flags(row[6:])) for row in rows],
        columns=["dts", "pts", "bytes", "flags"],
    )
    return header, packets


def _packet_flags(fields: list[str]) -> int:
    return next((int(field[2:], 16) for field in fields if field.startswith("F=")), 0)


def parse_ratio(text: str) -> float:
    """Return `1/50` as a number; 0 for `0/0`."""
    above, below = map(int, text.split("/"))
    return above / below if below else 0.0
