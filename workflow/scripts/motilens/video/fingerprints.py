"""The content of video files: whether two are the same, whether one has changed."""

import filecmp
import hashlib
import os
import posixpath
from collections import defaultdict
from collections.abc import Sequence

from motilens.core.errors import InputError

N_PIECES, PIECE_BYTES = 32, 2**15  # of a file, that make its fingerprint


def find_repeated_addresses(videos: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each address in an object store that two rows (place, address) name."""
    lines, owners = [], {}
    for place, path in videos:
        if (owner := owners.setdefault(posixpath.normpath(path), place)) != place:
            lines.append(f"{place}: {path} is the video of {owner}, too: keep one")
    return lines


def find_identical_files(videos: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each video (place, path) that has the same content as another.

    One of the two could be held out and the other seen in training, unnoticed.
    """
    lines, groups = [], defaultdict(list)
    for place, path in videos:
        try:
            if not os.path.getsize(path):  # reported when it is decoded
                continue
            group = groups[_digest_pieces(path)]
            copies = [o for o in group if filecmp.cmp(o[1], path, shallow=False)]
        except OSError as error:
            lines.append(f"{error.filename or path}: cannot be read ({error.strerror}): correct it")
            continue
        if copies:
            owner, other = copies[0]
            lines.append(f"{place}: {path} has the same content as {other} ({owner}): keep one")
        else:
            group.append((place, path))
    return lines


def fingerprint_file(path: str) -> str:
    """Return 16 hex digits: a digest of a file's size and of 32 pieces spread over it.

    It shows whether a video is still the same, without its name and times: reading 1 MB is enough
    even for many GB. A changed frame changes the sizes in a container's index or, uncompressed,
    the pieces of any edit that is not confined to a fraction of a second.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return _digest_pieces(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}): see that its disk is there and that you "
            "may read it"
        ) from error


def _digest_pieces(path: str) -> str:
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        digest = hashlib.sha256(str(size).encode())
        for piece in range(N_PIECES):
            file.seek(max(size - PIECE_BYTES, 0) * piece // (N_PIECES - 1))
            digest.update(file.read(PIECE_BYTES))
    return digest.hexdigest()[:16]


def matches_plan(path: str, identity: str | dict | None) -> bool:
    """Return whether a video is what was planned with.

    Its identity is a fingerprint, or its size in an object store; None for simulated videos.
    """
    if isinstance(identity, dict):
        return os.path.getsize(path) == identity["size"]
    return identity is None or fingerprint_file(path) == identity
