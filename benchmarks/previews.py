"""``python -m benchmarks.previews [MODEL_DIRECTORY]``: what a model loses with previews.

The 1,000 photos of flickr8k that no recipe trains on, enlarged to 960 x 720 and encoded as HEIC
with thumbnails of 320 x 240, as phones write them, are decoded in full and by their previews, as a
decoder does. Printed: the cosine of both vectors, R@1 and R@10 of the captions with each, and the
rank correlation of the order of the photos for each caption.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from photosd.decode import opening, pixels, previews
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape
from photosd.encoder.model import WarmModel, devices
from photosd.models.spec import STARTER, read_model
from training.data import Row, photos_with_captions
from training.evaluate import captions_and_owners
from training.metrics import retrieval

Floats = NDArray[np.float32]

SIZE = (960, 720)
THUMBNAIL = 320
QUALITIES = (45, 70)
FAST = {"preset": "ultrafast"}
BATCH = 32


def main() -> None:
    """Print the figures for each quality of thumbnails."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else STARTER
    rows = photos_with_captions()["test"]
    for quality in QUALITIES:
        print(json.dumps({"quality": quality, **losses(directory, rows, quality)}), flush=True)


def losses(directory: Path, rows: list[Row], quality: int) -> dict[str, float]:
    """Figures of one quality of thumbnails."""
    limits = DecodeLimits().resolved()
    opening.configure(limits)
    spec = read_model(directory)
    model = WarmModel(spec, directory, lambda _phase: None)
    model.move_to(devices()[0])
    shape = Shape.of(spec.preprocess)
    full: list[Floats] = []
    reduced: list[Floats] = []
    for start in range(0, len(rows), BATCH):
        files = [heic(row.image, quality) for row in rows[start : start + BATCH]]
        full.append(model.encode_images(np.stack([view(f, shape, limits, False) for f in files])))
        reduced.append(model.encode_images(np.stack([view(f, shape, limits, True) for f in files])))
    captions, owner = captions_and_owners(rows)
    texts = np.concatenate(
        [model.encode_texts(captions[i : i + 500]) for i in range(0, len(captions), 500)]
    )
    return compared(np.concatenate(full), np.concatenate(reduced), texts, owner)


def heic(image: bytes, quality: int) -> bytes:
    """A phone's file of a picture; picture and thumbnail have this quality."""
    opening.know_heif()
    with Image.open(io.BytesIO(image)) as picture:
        large = picture.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    options = {"quality": quality, "thumbnails": [THUMBNAIL], "enc_params": FAST}
    pillow_heif.from_pillow(large).save(buffer, **options)
    return buffer.getvalue()


def view(file: bytes, shape: Shape, limits: DecodeLimits, preview: bool) -> NDArray[np.uint8]:
    """The centre square that the model sees, (S, S, 3)."""
    picture = opening.open_picture(file, limits)
    if preview:
        found = previews.find(file, picture, pixels.wanted_size(picture, shape), limits)
        if found is None:
            raise RuntimeError("the file has no preview")
        picture = found
    square = pixels.squares(picture, shape)[0]
    return np.frombuffer(square, np.uint8).reshape(shape.size, shape.size, 3)


def compared(
    full: Floats, reduced: Floats, texts: Floats, owner: NDArray[np.int64]
) -> dict[str, float]:
    """Cosines, percentages of captions whose photo is found, and rank correlation."""
    cosines = (full * reduced).sum(axis=1)
    of_full, of_reduced = (retrieval(images, texts, owner) for images in (full, reduced))
    ranks = [
        np.argsort(np.argsort(-(texts @ images.T), axis=1), axis=1) for images in (full, reduced)
    ]
    correlations = [np.corrcoef(*pair)[0, 1] for pair in zip(*ranks, strict=True)]
    return {
        "cosine_median": round(float(np.median(cosines)), 4),
        "cosine_p5": round(float(np.quantile(cosines, 0.05)), 4),
        "rank_correlation": round(float(np.mean(correlations)), 4),
        **{f"{k}_full": of_full[f"text_to_image_{k}"] for k in ("r1", "r10")},
        **{f"{k}_preview": of_reduced[f"text_to_image_{k}"] for k in ("r1", "r10")},
    }


if __name__ == "__main__":
    main()
