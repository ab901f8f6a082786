"""``python -m photosd.encoder.install.tags``: lists every open_clip model that photosd can use."""

from __future__ import annotations

import contextlib
import sys

import msgspec

from photosd.core.errors import ModelError
from photosd.encoder.openclip_import import import_pretrained_table
from photosd.models.architectures import architecture
from photosd.models.presets import preset_of


def tags() -> list[dict[str, object]]:
    """ARCH/TAG names for `photosd model pull`, with licence and page."""
    table = import_pretrained_table()
    found: list[dict[str, object]] = []
    for arch, tag in table.list_pretrained():
        place = table.get_pretrained_cfg(arch, tag).get("hf_hub", "")
        with contextlib.suppress(ModelError):  # an architecture that cannot serve here
            size = architecture(arch)["vision_cfg"]["image_size"]
            preset = preset_of(f"{arch}/{tag}")
            if place:
                found.append(
                    {
                        "name": preset.name,
                        "licence": preset.licence,
                        "languages": list(preset.languages),
                        "image_size": size,
                        "page": f"https://huggingface.co/{place.rpartition('/')[0]}",
                    }
                )
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(tags()))
