"""What headers of files say that ffmpeg ignores: where the file ends, and of gray pixels in AVI."""

import re
import struct

from motilens.video.ffmpeg import DamagedVideo

HEADER_BYTES = 2**16  # enough for all that is looked for
# Begins the part of a Windows Media header that says how long the file is.
ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
FLV_FILE_SIZE = b"filesize\0"  # and a number of 8 bytes
# Names of raw gray levels of 16 bits in AVI, which ffmpeg reads with options only.
GRAY16_NAMES = (b"Y16 ", b"Y1\0\x10", b"Y12 ", b"Y10 ")
NO_NAME = b"\0\0\0\0"  # of RGB, or gray levels by their table of colors
SYNC_BYTE = b"G"  # begins GIF and MPEG transport streams, some after four bytes
TAIL_BYTES = 4096  # that are never all zeros there
ZEROS = (
    "holds zeros where more should follow, as a copy that was broken off: copy it again, or if "
    "that is all there is: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
)
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # + of more than 4 GB
STACK = (
    "is a TIFF, of which ffmpeg reads the first image only: in Fiji, Save As, AVI, no compression "
    "(8 bit)"
)
ASF, FLV, AVI = bytes.fromhex("3026b2758e66cf11"), b"FLV\1", b"AVI "
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # may be the first
EBML, MATROSKA_SEGMENT = bytes.fromhex("1a45dfa3"), bytes.fromhex("18538067")


def check_is_whole(path: str) -> int:
    """Return how many frames the index of an AVI file lists, 0 if it or another file has none.

    Raises:
        DamagedVideo: an AVI, FLV, Matroska or Windows Media file is empty or lacks its end, or
            zeros are in the place of that; or it, or an MP4 file, is followed by another one, which
            ffmpeg would ignore, or take for more of the same recording; or it is a TIFF.
        OSError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            header, size = file.read(HEADER_BYTES), file.seek(0, 2)
            if not size:
                raise DamagedVideo(f"{path}: is empty: copy it again")
            if header.startswith(TIFF):
                raise DamagedVideo(f"{path}: {STACK}")
            if (at := header.find(ASF_FILE_PROPERTIES)) > 0:
                end = int.from_bytes(header[at + 40 : at + 48], "little")
                _check_end(path, end, size)
                _check_is_last(path, file, end, ASF)
            if header.startswith(b"FLV") and (at := header.find(FLV_FILE_SIZE)) > 0:
                at += len(FLV_FILE_SIZE)
                end = int(struct.unpack(">d", header[at : at + 8])[0])
                _check_end(path, end, size)
                _check_is_last(path, file, end, FLV)
            if header.startswith(EBML) and size > 12:
                end = _end_of_matroska(header)
                _check_end(path, end, size)
                _check_is_last(path, file, end, EBML)
            if header[4:8] in MP4_BOXES:
                _check_is_one_mp4(path, file, size)
            if header[:4] == b"RIFF" and header[8:11] == b"AVI":
                end, index, has_zeros = _walk_avi(path, file, size)
                _check_end(path, end, size)
                if has_zeros:
                    raise DamagedVideo(f"{path}: {ZEROS}")
                return max(_frames_of_avi(header), _count_index_entries(header, index))
            file.seek(max(size - TAIL_BYTES, 0))
            is_stream = SYNC_BYTE in (header[:1], header[4:5]) and size > TAIL_BYTES
            if is_stream and not any(file.read()):
                raise DamagedVideo(f"{path}: {ZEROS}")
            return 0
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def gray_avi_options(path: str) -> dict[str, str]:
    """Return the options of ffmpeg's input with which it reads raw gray levels in AVI as such.

    By itself it takes 8 bits without a table of colors for black.

    Raises:
        DamagedVideo: they have 16 bits, and must be converted.
        OSError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    stream = re.search(rb"strh.{4}vids.*?strf.{4}", header, re.DOTALL)
    if header[8:12] != b"AVI " or not stream or len(header) < stream.end() + 20:
        return {}
    at = stream.end()
    # BITMAPINFOHEADER; the table of colors follows it.
    length, bits = int.from_bytes(header[at - 4 : at], "little"), header[at + 14]
    name = header[at + 16 : at + 20]
    if name in GRAY16_NAMES or (name, bits) == (NO_NAME, 16):
        # Lines of an odd width end in two bytes that ffmpeg would take for a pixel.
        is_even = header[at + 4] % 2 == 0
        gray = "ffmpeg -c:v rawvideo -tag:v 0x10003159 -i OLD -c:v ffv1 NEW.mkv"
        raise DamagedVideo(
            f"{path}: its raw pixels of 16 bits are not read from AVI; if they are gray levels: "
            f"{gray if is_even else 'save it in another format where it was made'} (if they are "
            "colors: ffmpeg -i OLD -c:v ffv1 NEW.mkv)"
        )
    return {"tag": "Y800"} if (name, bits, length) == (NO_NAME, 8, 40) else {}


def has_frame_times(path: str) -> bool:
    """Return whether the first frame of a GIF or WebP is shown for a time that ffmpeg believes.

    Shorter ones get a tenth of a second.
    """
    with open(path, "rb") as file:
        header = file.read(HEADER_BYTES)
    gif = re.search(rb"\x21\xf9\x04.(..)", header, re.DOTALL)  # hundredths of a second
    webp = re.search(rb"ANMF.{16}(...)", header, re.DOTALL)  # milliseconds
    found, shortest = (gif, 1) if header.startswith(b"GIF8") else (webp, 10)
    return bool(found) and int.from_bytes(found[1], "little") >= shortest


def _walk_avi(path: str, file, size: int) -> tuple[int, bytes, bool]:
    """Return where the frames of an AVI file end by its own headers, in bytes, and its index.

    And whether there are zeros where, by its headers, something else should be.
    """
    place, end, index, whole = 0, 0, b"", 0
    while place < size:
        file.seek(place)
        kind, length, content = struct.unpack("<4sI4s", file.read(12).ljust(12))
        if kind == NO_NAME:  # a recorder may have reserved space after the end
            return end, index, place < whole
        if kind == b"RIFF":
            if place and content == AVI:  # parts of one recording are called AVIX
                raise _joined_files(path, place)
            whole = place + 8 + length
        after = place + 8 + length + length % 2
        if content == b"movi" and length:  # 0: the recorder could not go back to write it
            end = after
        if kind == b"idx1":
            file.seek(place + 8)
            index = file.read(length)
        place = place + 12 if kind == b"RIFF" else after
    return end, index, False


def _count_index_entries(header: bytes, index: bytes) -> int:
    """Return how many frames that are not empty the index of an AVI file's first part lists."""
    kinds = re.findall(rb"strh.{4}(....)", header, re.DOTALL)
    name = b"%02d" % kinds.index(b"vids") if b"vids" in kinds else b"??"
    entries = struct.iter_unpack("<4s3I", index[: len(index) // 16 * 16])
    return sum(
        kind in (name + b"dc", name + b"db") and length > 0 for kind, _, _, length in entries
    )


def _frames_of_avi(header: bytes) -> int:
    """Return the frames in all parts of an AVI file of several (OpenDML), 0 if it does not say."""
    at = header.find(b"odmldmlh")
    return int.from_bytes(header[at + 12 : at + 16], "little") if at > 0 else 0


def _end_of_matroska(header: bytes) -> int:
    """Return where a Matroska or WebM file ends by its own header, in bytes; 0: unknown."""
    place = 4 + _number_bytes(header[4]) + _read_number(header[4:])
    if header[place : place + 4] != MATROSKA_SEGMENT or len(header) < place + 12:
        return 0
    place += 4
    length, value = _number_bytes(header[place]), _read_number(header[place:])
    is_unknown = value == 2 ** (7 * length) - 1  # while it is written, or was not ended
    return 0 if is_unknown else place + length + value


def _number_bytes(first: int) -> int:
    """Return how many bytes a number of EBML has, by the first one."""
    return 9 - first.bit_length()


def _read_number(data: bytes) -> int:
    """Return the number of EBML (RFC 8794, section 4) with which data begin."""
    length = _number_bytes(data[0])
    return int.from_bytes(data[:length], "big") & (2 ** (7 * length) - 1)


def _check_is_one_mp4(path: str, file, size: int) -> None:
    """Raise a DamagedVideo if the boxes of an MP4 or MOV file begin a second time."""
    place, kinds = 0, []
    while place < size:
        file.seek(place)
        length, kind, long_length = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        if kind in (b"ftyp", b"moov") and kind in kinds:
            raise _joined_files(path, place)
        kinds.append(kind)
        length = long_length if length == 1 else length
        if length < 8:  # 0: to the end of the file
            return
        place += length


def _check_is_last(path: str, file, end: int, signature: bytes) -> None:
    """Raise a DamagedVideo if another file of the same format begins where the first one ends."""
    file.seek(end)
    if end and file.read(len(signature)) == signature:
        raise _joined_files(path, end)


def _joined_files(path: str, end: int) -> DamagedVideo:
    return DamagedVideo(
        f"{path}: another file follows after {end} bytes, and would be read wrongly or not at all: "
        f"separate them: head -c {end} OLD > FIRST, and tail -c +{end + 1} OLD > SECOND"
    )


def _check_end(path: str, end: int, size: int) -> None:
    if end - size > 1:  # many writers leave out the last padding byte
        raise DamagedVideo(
            f"{path}: lacks the last {end - size} of {end} bytes: copy it again, or if that is all "
            "there is: ffmpeg -i OLD -c:v ffv1 NEW.mkv"
        )
