"""Small test recordings, one of each kind worth having, that show their own frame numbers."""

import os
import shlex
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

ALL = range(120)
FEWER = [n for n in ALL if n % 10 != 5]


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """The frame's number as eight black or white upright bars, least bit left, as RGB."""
    bars = np.array([10 + 235 * (number >> k & 1) for k in range(8)], np.uint8)
    row = bars[np.arange(width) * 8 // width]
    return np.broadcast_to(row[None, :, None], (height, width, 3))


def number_in(frame: np.ndarray) -> int:
    """The number drawn in a decoded frame, grey levels (height, width) of any size."""
    return sum(1 << k for k, level in enumerate(bars_in(frame)) if level > 128)


def bars_in(frame: np.ndarray) -> list[float]:
    """Mean grey level in the middle of each bar, away from what coding smears."""
    rows, edges = len(frame) * 3 // 8, np.arange(33) * frame.shape[1] // 32
    levels = frame[rows : len(frame) - rows].mean(0)
    return [float(levels[edges[k] : edges[k + 2]].mean()) for k in range(1, 32, 4)]


@dataclass(frozen=True)
class Row:
    """One recording: how ffmpeg makes it, and what has been found in it."""

    name: str
    suffix: str
    output: str  # options of the encoding
    note: str = ""
    pixels: str = "yuv420p"
    width: int = 64  # as stored, before any rotation
    height: int = 48
    rate: str | None = "50"  # frames/s; None: irregular
    numbers: Sequence[int] = ALL  # what a full decoding shows, in order
    packets: int | None = None  # what `-c copy` counts, if not as many as frames
    pts: bool = True  # each packet says when it is shown
    seeks: bool = True  # `-ss` before `-i` finds each frame
    inputs: str = ""  # further inputs
    remux: str = ""  # "input options | output options" of a second pass that copies
    first: str = ".mkv"  # suffix of the file between the two
    patch: Callable[[bytes], bytes] | None = None
    turned: bool = False  # drawn a quarter to the right; the file says to turn it back


def make(row: Row, folder: Path) -> Path:
    """Write the recording into `folder`."""
    path = folder / f"{row.name}{row.suffix}"
    first = folder / f"{row.name} first{row.first}" if row.remux else path
    size = (row.height, row.width) if row.turned else (row.width, row.height)
    data = b"".join(np.rot90(picture(n, *size), -row.turned).tobytes() for n in ALL)
    raw = f"-f rawvideo -pix_fmt rgb24 -s {row.width}x{row.height} -r {row.rate or 50} -i pipe:"
    options = shlex.split(f"{raw} {row.inputs} -pix_fmt {row.pixels} {row.output}")
    if "-auto-alt-ref" in options:  # needs two passes
        log = ["-passlogfile", str(path), "-pass"]
        _ffmpeg([*options, *log, "1"], first, data)
        options += [*log, "2"]
    _ffmpeg(options, first, data)
    Path(f"{path}-0.log").unlink(missing_ok=True)
    if row.remux:
        before, after = map(shlex.split, row.remux.split("|"))
        _ffmpeg([*before, "-i", str(first), *after], path)
        first.unlink()
    if row.patch:
        path.write_bytes(row.patch(path.read_bytes()))
    return path


def _ffmpeg(options: list[str], path: Path, data: bytes = b"") -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *options, str(path)]
    subprocess.run(command, input=data, check=True, env=os.environ | {"SVT_LOG": "1"})


def _avi_says(data: bytes, frames: int) -> bytes:
    """Another number of frames in both headers of an AVI file."""
    for place in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data = data[:place] + struct.pack("<I", frames) + data[place + 4 :]
    return data


def _emptied(data: bytes) -> bytes:
    """An AVI file with every tenth chunk empty, as cameras write frames they have dropped."""
    movi, end = data.index(b"movi"), data.rindex(b"idx1")
    chunks, index = b"movi", b""
    for n, (name, flags, place, size) in enumerate(struct.iter_unpack("<4s3I", data[end + 8 :])):
        size = 0 if n % 10 == 5 else size
        index += struct.pack("<4s3I", name, flags, len(chunks), size)
        content = data[movi + place + 8 : movi + place + 8 + size + size % 2]
        chunks += name + struct.pack("<I", size) + content
    movies = data[: movi - 4] + struct.pack("<I", len(chunks)) + chunks
    data = movies + b"idx1" + struct.pack("<I", len(index)) + index
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def _rows(name: str, suffixes: str, output: str, note: str = "", **rest) -> list[Row]:
    return [Row(name, suffix, output, note, **rest) for suffix in suffixes.split()]


def _kinds(name: str, files: str, output: str, **rest) -> list[Row]:
    """Of "gray.avi pal8.mov" a row each with these pixels and this suffix."""
    kinds = [Path(file) for file in files.split()]
    return [Row(f"{name} {k.stem}", k.suffix, output, pixels=k.stem, **rest) for k in kinds]


def _rates(name: str, suffixes: str, output: str, rates: str, **rest) -> list[Row]:
    pairs = [(rate, suffix) for rate in rates.split() for suffix in suffixes.split()]
    return [Row(f"{name} {r.replace('/', ':')}", s, output, rate=r, **rest) for r, s in pairs]


H264 = "-c:v libx264 -preset veryfast -g 30 -bf 3"
FIXED = H264 + " -sc_threshold 0"
OPEN = FIXED + " -x264-params open-gop=1:b-adapt=0"
HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=0:keyint=30:bframes=3:b-adapt=0"
MPEG4, MJPEG, RAW = "-c:v mpeg4 -q:v 2", "-c:v mjpeg -q:v 2", "-c:v rawvideo"
MPEG1, MPEG2 = "-c:v mpeg1video -q:v 6 -bf 2", "-c:v mpeg2video -q:v 2 -bf 2"
XVID = "-c:v libxvid -q:v 2"
WMV = "-c:v wmv2 -q:v 6"
VP8, VP9 = (f"-c:v {c} -b:v 500k -deadline good -cpu-used 2" for c in ("libvpx", "libvpx-vp9"))
HIDDEN = " -vf crop=64:48,pad=64:192:0:72:gray -auto-alt-ref 1 -lag-in-frames 16"
UNEVEN = " -vf settb=1/1000,setpts=N*20+6*sin(N*N) -fps_mode passthrough -enc_time_base 1:1000"
GAPS = " -vf select=n-5-10*floor(n/10) -fps_mode passthrough"
TWO = " -filter_complex [0:v]split[a][b];[b]scale=128:96,negate[c] -map [a] -map [c]"
ATTACHED = " -map 0 -map 1 -c:v:1 png -disposition:v:1 attached_pic"
COMMENT = " -metadata comment='#dimensions 0: 9x9\n0, 0, 0, 1, 9, 0x1'"
SOUND, COVER = "-f lavfi -i sine=duration=3", "-f lavfi -i color=red:s=32x32:d=0.04:r=25"
TEXT = "-f srt -i data:text/plain;base64,MQowMDowMDowMCw1MDAgLS0+IDAwOjAwOjAxLDUwMApoZWxsbwo="
ODD = {"width": 65, "height": 49}
LOST = {"seeks": False}
TIMELESS = {"pts": False, "seeks": False}
CUT = {"remux": "-ss 0.9 | -c copy"}
TURNED = {"remux": "-display_rotation 90 | -c copy", "width": 48, "height": 64, "turned": True}
UNPACKED = {"remux": "| -c copy -bsf:v mpeg4_unpack_bframes", "first": ".avi", "packets": 118}
LATER = {n: range(n, 120) for n in (30, 33, 45, 60)}
FIRST_118 = range(118)  # libxvid keeps the last two for itself
SKIPPED = {5, 14, 21, 24, 30, 37, 46, 62, 68, 78, 85, 94, 101, 110}
NEW = [n for n in FIRST_118 if n not in SKIPPED]

ROWS = [
    # containers
    *_rows("h264", ".mp4 .mov .mkv", H264),
    *_rows("h264", ".flv", H264, "its very start cannot be sought", **LOST),
    *_rows("h264", ".ts", H264, "starts at 1.44 s", **LOST),
    *_rows("h264", ".mpg", H264 + " -maxrate 1M -bufsize 1M", **TIMELESS),
    *_rows("h264", ".avi .h264", H264, "no place for the order of B-frames", **TIMELESS),
    *_rows("h264 ip", ".avi", H264 + " -bf 0"),
    *_rows("mpeg2", ".ts .mp4", MPEG2, **LOST),
    *_rows("mpeg2", ".mpg .avi", MPEG2, **TIMELESS),
    *_rows("mpeg2", ".mkv", MPEG2),
    *_rows("mpeg2", ".mxf", MPEG2, pixels="yuv422p", rate="25"),
    *_rows("mpeg1", ".mpg", MPEG1, **TIMELESS),
    *_rows("wmv2", ".wmv .avi", WMV),
    *_rows("theora", ".ogv", "-c:v libtheora -q:v 9"),
    # what a container may say or leave out
    *_rows("h264 moov first", ".mp4", H264 + " -movflags +faststart"),
    *_rows("h264 fragments", ".mp4", H264 + " -movflags +frag_keyframe+empty_moov", **LOST),
    *_rows("h264 no edit list", ".mp4", H264 + " -use_editlist 0", **LOST),
    *_rows("h264 live", ".mkv", H264 + " -live 1", "no index, no duration"),
    *_rows("h264 late", ".mp4 .mkv", H264 + " -output_ts_offset 10"),
    *_rows("h264 comment", ".mp4 .mkv", H264 + COMMENT),
    *_rows("h264 turned", ".mp4", H264, first=".mp4", **TURNED),
    *_rows("h264 oblong", ".mp4 .avi", H264 + " -bf 0 -vf setsar=12/11"),
    *_rows("h264 sound", ".mp4 .mkv", H264 + " -c:a aac -map 1 -map 0", inputs=SOUND),
    *_rows("h264 sound", ".ts", H264 + " -c:a aac", "it starts first", inputs=SOUND, **LOST),
    *_rows("mpeg4 sound", ".avi", MPEG4 + " -c:a pcm_s16le", inputs=SOUND),
    *_rows("h264 two", ".mp4 .mkv", H264 + TWO),
    *_rows("h264 cover", ".mp4 .mkv", H264 + ATTACHED, inputs=COVER),
    *_rows("h264 text", ".mkv", H264 + " -map 0 -map 1", inputs=TEXT),
    *_rows("h264 text", ".mp4", H264 + " -map 0 -map 1 -c:s mov_text", inputs=TEXT),
    *_rows("h264 timecode", ".mov", H264 + " -timecode 01:00:00:00"),
    # cut without decoding: what is shown begins after what is stored
    *_rows("h264 cut", ".mp4 .mov", FIXED, numbers=LATER[45], packets=90, **CUT),
    *_rows("h264 cut", ".mkv", FIXED, numbers=LATER[30], **CUT),
    *_rows("h264 gop", ".mkv", OPEN, "warns", numbers=LATER[30], packets=91, **CUT, **TIMELESS),
    *_rows("h264 gop", ".ts", OPEN, numbers=LATER[60], packets=61, **CUT, first=".ts", **LOST),
    *_rows("hevc gop", ".mkv", HEVC, numbers=LATER[30], packets=91, **CUT, **TIMELESS),
    *_rows("hevc gop", ".ts", HEVC, numbers=LATER[30], packets=91, **CUT, **LOST),
    *_rows("mpeg2 gop", ".mkv .ts", MPEG2, numbers=LATER[33], packets=89, **CUT, **LOST),
    *_rows("mpeg2 gop", ".mp4", MPEG2, numbers=LATER[45], packets=77, **CUT),
    *_rows("h264 twice", ".ts", H264, numbers=[*ALL, *ALL], patch=lambda data: data * 2, **LOST),
    # AVI files that are not as they should be
    *_rows("mpeg4 says 0", ".avi", MPEG4, patch=lambda data: _avi_says(data, 0)),
    *_rows("mpeg4 says 60", ".avi", MPEG4, patch=lambda data: _avi_says(data, 60)),
    *_rows("mpeg4 says 240", ".avi", MPEG4, patch=lambda data: _avi_says(data, 240)),
    *_rows("mpeg4 no index", ".avi", MPEG4, patch=lambda data: data[: data.rindex(b"idx1")]),
    *_rows("mjpeg gaps", ".avi", MJPEG + GAPS, pixels="yuvj420p", numbers=FEWER),
    *_kinds("mjpeg emptied", "yuvj420p.avi", MJPEG, patch=_emptied, numbers=FEWER),
    *_kinds("raw emptied", "gray.avi", RAW, patch=_emptied, numbers=FEWER, packets=120),
    # rates
    *_rates("h264", ".mp4 .mkv", H264, "25 30000/1001 2509/50 60 200"),
    *_rates("h264", ".ts", H264, "2509/50", **LOST),
    *_rates("mpeg4", ".avi", MPEG4, "30000/1001 2509/50", note="a tick is a frame"),
    *_rates("wmv2", ".wmv", WMV, "60"),
    *_rows("h264 uneven", ".mp4 .mkv", H264 + UNEVEN, "warns", rate=None),
    *_rows("h264 uneven", ".avi", H264 + " -bf 0" + UNEVEN, "its header: 1000/s", rate=None),
    *_rows("h264 gaps", ".mp4 .mkv", H264 + GAPS, rate=None, numbers=FEWER),
    # H.264 and H.265
    *_rows("h264 long", ".mp4", FIXED + " -g 999"),
    *_rows("h264 open", ".mp4 .mkv", OPEN, "warns after seeking"),
    *_rows("h264 deep", ".mp4", OPEN + " -bf 8", "not just before a key frame", **LOST),
    *_rows("h264 refresh", ".mp4", H264 + " -bf 0 -x264-params intra-refresh=1"),
    *_rows("h264 cropped", ".mp4", H264, width=62, height=46),
    *_rows("h264 interlaced", ".mp4", H264 + " -weightp 0 -flags +ildct+ilme", height=64),
    *_rows("h264 full range", ".mp4", H264 + " -color_range pc -vf scale=out_range=pc"),
    *_rows("h264 odd", ".mp4", H264, pixels="yuv444p", **ODD),
    *_kinds("h264", "rgb24.mkv", H264.replace("264", "264rgb")),
    *_kinds("h264", "gray.mkv gray10le.mkv yuv420p10le.mkv yuv444p.mp4", H264),
    *_rows("hevc", ".mp4 .mkv", HEVC),
    *_rows("hevc", ".ts", HEVC, **LOST),
    *_rows("hevc fields", ".mkv", HEVC + ":interlace=tff"),
    *_kinds("hevc", "yuv420p10le.mkv yuv420p12le.mp4 gray12le.mkv", HEVC),
    # MPEG-4 part 2 and its relatives
    *_rows("mpeg4", ".avi .mp4 .mkv", MPEG4),
    *_rows("mpeg4 b", ".mkv", MPEG4 + " -bf 2"),
    *_rows("mpeg4 b", ".mp4", MPEG4 + " -bf 2", **LOST),
    *_rows("mpeg4 b", ".avi", MPEG4 + " -bf 2 -tag:v DX50", **TIMELESS),
    *_rows("mpeg4 divx", ".avi", MPEG4 + " -tag:v DIVX"),
    *_rows("mpeg4 xvid", ".avi", MPEG4 + " -tag:v XVID"),
    *_rows("mpeg4 odd", ".avi", MPEG4 + " -vf setsar=12/11", **ODD),
    *_rows("xvid", ".avi", XVID),
    *_rows("xvid packed", ".avi", XVID + " -bf 2", numbers=FIRST_118, **TIMELESS),
    *_rows("xvid unpacked", ".avi", XVID + " -bf 2", numbers=NEW, **UNPACKED, **TIMELESS),
    *_rows("msmpeg4v2", ".avi", "-c:v msmpeg4v2 -q:v 6"),
    *_rows("msmpeg4v3", ".avi", "-c:v msmpeg4 -q:v 6"),
    # others whose frames need each other
    *_rows("vp8", ".webm .avi", VP8 + HIDDEN, height=192, packets=125, **LOST),
    *_rows("vp9", ".webm .mp4", VP9 + HIDDEN, height=192),
    *_rows("vp9 odd", ".webm", VP9, pixels="yuv420p10le", **ODD),
    *_kinds("av1", "yuv420p10le.mp4 yuv420p10le.webm", "-c:v libsvtav1 -preset 11 -g 30"),
    *_rows("av1 aom", ".mkv", "-c:v libaom-av1 -cpu-used 8 -g 30 -b:v 500k"),
    *_kinds("vvc", "yuv420p10le.mp4", "-c:v libvvenc -preset faster -g 32 -qp 20", **LOST),
    *_kinds("cinepak", "gray.avi", "-c:v cinepak"),
    *_kinds("qtrle", "rgb24.mov", "-c:v qtrle"),
    *_kinds("qtrle", "gray.mov", "-c:v qtrle", note="black after seeking", **LOST),
    *_kinds("ffv1 long", "bgr0.avi", "-c:v ffv1 -g 30 -level 1"),
    # each frame by itself
    *_kinds("mjpeg", "yuvj420p.avi yuvj422p.avi yuvj444p.avi yuvj420p.mov yuvj422p.mkv", MJPEG),
    *_kinds("mjpeg odd", "yuvj420p.avi", MJPEG, **ODD),
    *_kinds("raw", "gray.avi bgr24.avi bgra.avi yuv420p.avi yuyv422.avi nv12.avi", RAW),
    *_kinds("raw", "gray.mkv yuv420p.mkv rgb24.mov uyvy422.mov rgb48be.mov gray16be.mov", RAW),
    *_kinds("raw", "gray10le.nut gray12le.nut gray16le.nut", RAW),
    *_kinds("raw", "pal8.avi pal8.mov gray.mov", RAW, note="black after seeking", **LOST),
    *_kinds("raw odd", "gray.avi bgr24.avi yuyv422.avi yuv420p.avi", RAW, **ODD),
    *_kinds("v210", "yuv422p10le.avi yuv422p10le.mov", "-c:v v210"),
    *_rows("dv", ".avi .mov", "-c:v dvvideo", rate="25", width=720, height=576),
    *_kinds("ffv1", "gray.mkv gray.avi gray10le.mkv gray12le.mkv gray16le.avi", "-c:v ffv1"),
    *_kinds("ffv1 odd", "yuv420p.mkv", "-c:v ffv1", **ODD),
    *_kinds("huffyuv", "yuv422p.avi rgb24.avi", "-c:v huffyuv"),
    *_kinds("utvideo", "gbrp.avi", "-c:v utvideo"),
    *_kinds("prores", "yuv422p10le.mov yuv422p10le.mkv", "-c:v prores_ks"),
    *_kinds("png", "gray.mov gray16be.mov pal8.mov rgb24.avi", "-c:v png"),
    *_kinds("jpeg2000", "gray.mov gray.avi gray12le.mkv", "-c:v jpeg2000"),
]
