"""Which files beside a photo are the same photo."""

from __future__ import annotations

import pytest

from photosd.core.pair_names import are_pair, may_be_pair, pictures_of, range_of_pair, videos_of


@pytest.mark.parametrize(
    ("picture", "raw", "pair"),
    [
        (b"/a/IMG_1.JPG", b"/a/IMG_1.CR2", True),
        (b"/a/IMG_1.heic", b"/a/IMG_1.DNG", True),
        (b"/a/x.y.jpeg", b"/a/x.y.nef", True),
        (b"/a/\xff.jpg", b"/a/\xff.arw", True),
        (b"/a/P.RAW-01.COVER.jpg", b"/a/P.RAW-02.ORIGINAL.dng", True),
        (b"/a/P.RAW-01.MP.COVER.jpg", b"/a/P.RAW-02.ORIGINAL.dng", True),
        (b"/a/P.RAW-01.COVER.jpg", b"/a/Q.RAW-02.ORIGINAL.dng", False),
        (b"/a/IMG_1.JPG", b"/b/IMG_1.CR2", False),
        (b"/a/img_1.jpg", b"/a/IMG_1.CR2", False),
        (b"/a/IMG_1.1.jpg", b"/a/IMG_1.CR2", False),
        (b"/a/IMG_1.tif", b"/a/IMG_1.CR2", False),  # an edited version
        (b"/a/IMG_1.JPG", b"/a/IMG_1.HEIC", False),  # two pictures
        (b"/a/IMG_1.DNG", b"/a/IMG_1.CR2", False),
        (b"/a/.jpg", b"/a/.dng", False),
    ],
)
def test_a_raw_file_and_its_picture(picture: bytes, raw: bytes, pair: bool) -> None:
    """The same directory and stem, whatever the case of the suffix; in either order."""
    assert are_pair(picture, raw) == are_pair(raw, picture) == pair
    if pair:
        assert may_be_pair(picture) and may_be_pair(raw)
        for one, other in ((picture, raw), (raw, picture)):
            low, high = range_of_pair(one)
            assert low <= other < high


@pytest.mark.parametrize(
    ("photo", "video"),
    [
        (b"/a/IMG_1.HEIC", b"/a/IMG_1.MOV"),
        (b"/a/IMG_1.jpg", b"/a/IMG_1.mov"),
        (b"/a/IMG_1.HEIC", b"/a/IMG_1.MP4"),  # an export of Google
        (b"/a/PXL_1.MP.jpg", b"/a/PXL_1.MP"),
        (b"/P.photoslibrary/originals/0/0A.heic", b"/P.photoslibrary/originals/0/0A_3.mov"),
    ],
)
def test_the_video_of_a_live_photo(photo: bytes, video: bytes) -> None:
    """As phones, Photos and Google name it; from either to the other."""
    assert video in list(videos_of(photo))
    assert photo[: photo.rindex(b".") + 1] in list(pictures_of(video))


def test_other_videos_belong_to_no_photo() -> None:
    assert b"/a/IMG_1_3.mov" not in list(videos_of(b"/a/IMG_1.heic"))
    assert b"/a/IMG_2.MOV" not in list(videos_of(b"/a/IMG_1.HEIC"))
