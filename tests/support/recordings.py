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


def draw_number(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Draw a frame's number as eight black or white vertical bars, lowest bit left, as RGB."""
    bars = np.array([10 + 235 * (number >> k & 1) for k in range(8)], np.uint8)
    row = bars[np.arange(width) * 8 // width]
    return np.broadcast_to(row[None, :, None], (height, width, 3))


def read_number(frame: np.ndarray) -> int:
    """Return the number drawn in a decoded frame, gray levels (height, width) of any size."""
    return sum(1 << k for k, level in enumerate(bar_levels(frame)) if level > 128)


def bar_levels(frame: np.ndarray) -> list[float]:
    """Return the mean gray level in the middle of each bar, away from what coding smears."""
    rows, edges = len(frame) * 3 // 8, np.arange(33) * frame.shape[1] // 32
    levels = frame[rows : len(frame) - rows].mean(0)
    return [float(levels[edges[k] : edges[k + 2]].mean()) for k in range(1, 32, 4)]


def list_warnings(record: dict) -> str:
    """Return a record's warnings without those of what is drawn here: two gray levels that flip."""
    drawn = ("shows only", "nothing moves", "its picture changes suddenly")
    return "; ".join(w for w in record["warning"].split("; ") if not w.startswith(drawn))


@dataclass(frozen=True)
class Recording:
    """How ffmpeg makes one recording, and what must be found in it."""

    name: str
    suffix: str
    output: str  # options of the encoding
    pixels: str = "yuv420p"
    width: int = 64  # as stored, before any rotation
    height: int = 48
    rate: str | None = "50"  # frames/s; None: irregular
    numbers: Sequence[int] = ALL  # what a full decoding shows, in order
    packets: int | None = None  # what `-c copy` counts, if not as many as frames
    inputs: str = ""  # further inputs
    remux: str = ""  # "input options | output options" of a second pass that copies
    first: str = ".mkv"  # suffix of the file between the two
    patch: Callable[[bytes], bytes] | None = None
    rotated: bool = False  # drawn a quarter to the right; the file says to turn it back

    @property
    def file_name(self) -> str:
        return self.name + self.suffix


def make_recording(recording: Recording, folder: Path) -> Path:
    """Write a recording into `folder`."""
    path = folder / recording.file_name
    first = folder / f"{recording.name} first{recording.first}" if recording.remux else path
    width, height = recording.width, recording.height
    size = (height, width) if recording.rotated else (width, height)
    data = b"".join(np.rot90(draw_number(n, *size), -recording.rotated).tobytes() for n in ALL)
    raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {recording.rate or 50} -i pipe:"
    options = f"{raw} {recording.inputs} -pix_fmt {recording.pixels} {recording.output}"
    options = shlex.split(options)
    if "-auto-alt-ref" in options:  # needs two passes
        log = ["-passlogfile", str(path), "-pass"]
        run_ffmpeg([*options, *log, "1"], first, data)
        options += [*log, "2"]
    run_ffmpeg(options, first, data)
    Path(f"{path}-0.log").unlink(missing_ok=True)
    if recording.remux:
        before, after = map(shlex.split, recording.remux.split("|"))
        run_ffmpeg([*before, "-i", str(first), *after], path)
        first.unlink()
    if recording.patch:
        path.write_bytes(recording.patch(path.read_bytes()))
    return path


def find_recording(file_name: str) -> Recording:
    return next(recording for recording in RECORDINGS if recording.file_name == file_name)


def run_ffmpeg(options: list[str], path: Path, data: bytes = b"") -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *options, str(path)]
    subprocess.run(command, input=data, check=True, env=os.environ | {"SVT_LOG": "1"})


def _set_frame_count(data: bytes, frames: int) -> bytes:
    """Write another number of frames into both headers of an AVI file."""
    for place in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data = data[:place] + struct.pack("<I", frames) + data[place + 4 :]
    return data


def _empty_chunks(data: bytes) -> bytes:
    """Empty every tenth chunk of an AVI file, as cameras write frames they have dropped."""
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


def _make(name: str, suffixes: str, output: str, **rest) -> list[Recording]:
    return [Recording(name, suffix, output, **rest) for suffix in suffixes.split()]


def _pixels(name: str, files: str, output: str, **rest) -> list[Recording]:
    """Of "gray.avi pal8.mov", make a recording each with these pixels and this suffix."""
    kinds = [Path(file) for file in files.split()]
    return [Recording(f"{name} {k.stem}", k.suffix, output, pixels=k.stem, **rest) for k in kinds]


def _rates(name: str, suffixes: str, output: str, rates: str) -> list[Recording]:
    pairs = [(rate, suffix) for rate in rates.split() for suffix in suffixes.split()]
    return [Recording(f"{name} {r.replace('/', ':')}", s, output, rate=r) for r, s in pairs]


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
CUT = {"remux": "-ss 0.9 | -c copy"}
ROTATED = {"remux": "-display_rotation 90 | -c copy", "width": 48, "height": 64, "rotated": True}
UNPACKED = {"remux": "| -c copy -bsf:v mpeg4_unpack_bframes", "first": ".avi", "packets": 118}
LATER = {n: range(n, 120) for n in (30, 33, 45, 60)}
FIRST_118 = range(118)  # libxvid keeps the last two for itself
SKIPPED = {5, 14, 21, 24, 30, 37, 46, 62, 68, 78, 85, 94, 101, 110}
NEW = [n for n in FIRST_118 if n not in SKIPPED]

RECORDINGS = [
    # containers
    *_make("h264", ".mp4 .mov .mkv .flv .ts", H264),
    *_make("h264", ".mpg", H264 + " -maxrate 1M -bufsize 1M"),
    *_make("h264", ".avi .h264", H264),  # which do not store the order of B-frames
    *_make("h264 ip", ".avi", H264 + " -bf 0"),
    *_make("mpeg2", ".ts .mp4 .mpg .avi .mkv", MPEG2),
    *_make("mpeg2", ".mxf", MPEG2, pixels="yuv422p", rate="25"),
    *_make("mpeg1", ".mpg", MPEG1),
    *_make("wmv2", ".wmv .avi", WMV),
    *_make("theora", ".ogv", "-c:v libtheora -q:v 9"),
    # what a container may say or leave out
    *_make("h264 moov first", ".mp4", H264 + " -movflags +faststart"),
    *_make("h264 fragments", ".mp4", H264 + " -movflags +frag_keyframe+empty_moov"),
    *_make("h264 no edit list", ".mp4", H264 + " -use_editlist 0"),
    *_make("h264 live", ".mkv", H264 + " -live 1"),  # no index, no duration
    *_make("h264 late", ".mp4 .mkv", H264 + " -output_ts_offset 10"),
    *_make("h264 comment", ".mp4 .mkv", H264 + COMMENT),
    *_make("h264 turned", ".mp4", H264, first=".mp4", **ROTATED),
    *_make("h264 oblong", ".mp4 .avi", H264 + " -bf 0 -vf setsar=12/11"),
    *_make("h264 sound", ".mp4 .mkv", H264 + " -c:a aac -map 1 -map 0", inputs=SOUND),
    *_make("h264 sound", ".ts", H264 + " -c:a aac", inputs=SOUND),  # which starts first
    *_make("mpeg4 sound", ".avi", MPEG4 + " -c:a pcm_s16le", inputs=SOUND),
    *_make("h264 two", ".mp4 .mkv", H264 + TWO),
    *_make("h264 cover", ".mp4 .mkv", H264 + ATTACHED, inputs=COVER),
    *_make("h264 text", ".mkv", H264 + " -map 0 -map 1", inputs=TEXT),
    *_make("h264 text", ".mp4", H264 + " -map 0 -map 1 -c:s mov_text", inputs=TEXT),
    *_make("h264 timecode", ".mov", H264 + " -timecode 01:00:00:00"),
    # cut without decoding: what is shown begins after what is stored
    *_make("h264 cut", ".mp4 .mov", FIXED, numbers=LATER[45], packets=90, **CUT),
    *_make("h264 cut", ".mkv", FIXED, numbers=LATER[30], **CUT),
    *_make("h264 gop", ".mkv", OPEN, numbers=LATER[30], packets=91, **CUT),
    *_make("h264 gop", ".ts", OPEN, numbers=LATER[60], packets=61, **CUT, first=".ts"),
    *_make("hevc gop", ".mkv .ts", HEVC, numbers=LATER[30], packets=91, **CUT),
    *_make("mpeg2 gop", ".mkv .ts", MPEG2, numbers=LATER[33], packets=89, **CUT),
    *_make("mpeg2 gop", ".mp4", MPEG2, numbers=LATER[45], packets=77, **CUT),
    *_make("h264 twice", ".ts", H264, numbers=[*ALL, *ALL], patch=lambda data: data * 2),
    # AVI files that are not as they should be
    *_make("mpeg4 says 0", ".avi", MPEG4, patch=lambda data: _set_frame_count(data, 0)),
    *_make("mpeg4 says 60", ".avi", MPEG4, patch=lambda data: _set_frame_count(data, 60)),
    *_make("mpeg4 says 240", ".avi", MPEG4, patch=lambda data: _set_frame_count(data, 240)),
    *_make("mpeg4 no index", ".avi", MPEG4, patch=lambda data: data[: data.rindex(b"idx1")]),
    *_make("mjpeg gaps", ".avi", MJPEG + GAPS, pixels="yuvj420p", numbers=FEWER),
    *_pixels("mjpeg emptied", "yuvj420p.avi", MJPEG, patch=_empty_chunks, numbers=FEWER),
    *_pixels("raw emptied", "gray.avi", RAW, patch=_empty_chunks, numbers=FEWER, packets=120),
    # rates
    *_rates("h264", ".mp4 .mkv", H264, "25 30000/1001 2509/50 60 200"),
    *_rates("h264", ".ts", H264, "2509/50"),
    *_rates("mpeg4", ".avi", MPEG4, "30000/1001 2509/50"),
    *_rates("wmv2", ".wmv", WMV, "60"),
    *_make("h264 uneven", ".mp4 .mkv", H264 + UNEVEN, rate=None),
    *_make("h264 uneven", ".avi", H264 + " -bf 0" + UNEVEN, rate=None),
    *_make("h264 gaps", ".mp4 .mkv", H264 + GAPS, rate=None, numbers=FEWER),
    # H.264 and H.265
    *_make("h264 long", ".mp4", FIXED + " -g 999"),
    *_make("h264 open", ".mp4 .mkv", OPEN),
    *_make("h264 deep", ".mp4", OPEN + " -bf 8"),
    *_make("h264 refresh", ".mp4", H264 + " -bf 0 -x264-params intra-refresh=1"),
    *_make("h264 cropped", ".mp4", H264, width=62, height=46),
    *_make("h264 interlaced", ".mp4", H264 + " -weightp 0 -flags +ildct+ilme", height=64),
    *_make("h264 full range", ".mp4", H264 + " -color_range pc -vf scale=out_range=pc"),
    *_make("h264 odd", ".mp4", H264, pixels="yuv444p", **ODD),
    *_pixels("h264", "rgb24.mkv", H264.replace("264", "264rgb")),
    *_pixels("h264", "gray.mkv gray10le.mkv yuv420p10le.mkv yuv444p.mp4", H264),
    *_make("hevc", ".mp4 .mkv .ts", HEVC),
    *_make("hevc fields", ".mkv", HEVC + ":interlace=tff"),
    *_pixels("hevc", "yuv420p10le.mkv yuv420p12le.mp4 gray12le.mkv", HEVC),
    # MPEG-4 part 2 and its relatives
    *_make("mpeg4", ".avi .mp4 .mkv", MPEG4),
    *_make("mpeg4 b", ".mkv .mp4", MPEG4 + " -bf 2"),
    *_make("mpeg4 b", ".avi", MPEG4 + " -bf 2 -tag:v DX50"),
    *_make("mpeg4 divx", ".avi", MPEG4 + " -tag:v DIVX"),
    *_make("mpeg4 xvid", ".avi", MPEG4 + " -tag:v XVID"),
    *_make("mpeg4 odd", ".avi", MPEG4 + " -vf setsar=12/11", **ODD),
    *_make("xvid", ".avi", XVID),
    *_make("xvid packed", ".avi", XVID + " -bf 2", numbers=FIRST_118),
    *_make("xvid unpacked", ".avi", XVID + " -bf 2", numbers=NEW, **UNPACKED),
    *_make("msmpeg4v2", ".avi", "-c:v msmpeg4v2 -q:v 6"),
    *_make("msmpeg4v3", ".avi", "-c:v msmpeg4 -q:v 6"),
    # others whose frames need each other
    *_make("vp8", ".webm .avi", VP8 + HIDDEN, height=192, packets=125),
    *_make("vp9", ".webm .mp4", VP9 + HIDDEN, height=192),
    *_make("vp9 odd", ".webm", VP9, pixels="yuv420p10le", **ODD),
    *_pixels("av1", "yuv420p10le.mp4 yuv420p10le.webm", "-c:v libsvtav1 -preset 11 -g 30"),
    *_make("av1 aom", ".mkv", "-c:v libaom-av1 -cpu-used 8 -g 30 -b:v 500k"),
    *_pixels("vvc", "yuv420p10le.mp4", "-c:v libvvenc -preset faster -g 32 -qp 20"),
    *_pixels("cinepak", "gray.avi", "-c:v cinepak"),
    *_pixels("qtrle", "rgb24.mov gray.mov", "-c:v qtrle"),
    *_pixels("ffv1 long", "bgr0.avi", "-c:v ffv1 -g 30 -level 1"),
    # each frame by itself
    *_pixels("mjpeg", "yuvj420p.avi yuvj422p.avi yuvj444p.avi yuvj420p.mov yuvj422p.mkv", MJPEG),
    *_pixels("mjpeg odd", "yuvj420p.avi", MJPEG, **ODD),
    *_pixels("raw", "gray.avi bgr24.avi bgra.avi yuv420p.avi yuyv422.avi nv12.avi", RAW),
    *_pixels("raw", "gray.mkv yuv420p.mkv rgb24.mov uyvy422.mov rgb48be.mov gray16be.mov", RAW),
    *_pixels("raw", "gray10le.nut gray12le.nut gray16le.nut pal8.avi pal8.mov gray.mov", RAW),
    *_pixels("raw odd", "gray.avi bgr24.avi yuyv422.avi yuv420p.avi", RAW, **ODD),
    *_pixels("v210", "yuv422p10le.avi yuv422p10le.mov", "-c:v v210"),
    *_make("dv", ".avi .mov", "-c:v dvvideo", rate="25", width=720, height=576),
    *_pixels("ffv1", "gray.mkv gray.avi gray10le.mkv gray12le.mkv gray16le.avi", "-c:v ffv1"),
    *_pixels("ffv1 odd", "yuv420p.mkv", "-c:v ffv1", **ODD),
    *_pixels("huffyuv", "yuv422p.avi rgb24.avi", "-c:v huffyuv"),
    *_pixels("utvideo", "gbrp.avi", "-c:v utvideo"),
    *_pixels("prores", "yuv422p10le.mov yuv422p10le.mkv", "-c:v prores_ks"),
    *_pixels("png", "gray.mov gray16be.mov pal8.mov rgb24.avi", "-c:v png"),
    *_pixels("jpeg2000", "gray.mov gray.avi gray12le.mkv", "-c:v jpeg2000"),
]
