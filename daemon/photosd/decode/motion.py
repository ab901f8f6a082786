"""Motion photos: a still picture whose file holds a short video, too.

Google's are marked in XMP (`xmp`); Samsung's by a list at the end of the file, and in HEIF both put
the video in a box of its own. The video is never read.
"""

from __future__ import annotations

import struct

from photosd.decode.boxes import boxes
from photosd.decode.limits import END_BYTES

LIST, END_OF_LIST, VIDEO = b"SEFH", b"SEFT", 0x0A30  # Samsung's, and the type of a video in it
BOX = b"mpvd"


def video_follows(file: bytes) -> bool:
    """Whether a video follows the picture in these bytes of a file: all, or the last ones."""
    end = file[-END_BYTES:]
    if end.endswith(END_OF_LIST) and (start := end.rfind(LIST)) >= 0:
        entries = end[start + 12 : -8]
        if any(
            struct.unpack_from("<H", entries, at + 2)[0] == VIDEO
            for at in range(0, len(entries) - 11, 12)
        ):
            return True
    return file[4:8] == b"ftyp" and any(one.kind == BOX for one in boxes(file, 0, len(file)))
