"""Places that photos and their sidecars state: coordinates, location fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.decode.pictures import write
from tests.decode.test_facts import beside
from tests.decode.test_words_of_photos import inside, packet


@pytest.mark.parametrize(
    ("directions", "place"),
    [
        (("N", "E"), (33.8, 151.2)),
        (("S", "W"), (-33.8, -151.2)),
        (("South", "East"), (-33.8, 151.2)),
        (("", ""), (33.8, 151.2)),
    ],
)
def test_apple_writes_directions_on_their_own(
    tmp_path: Path, directions: tuple[str, str], place: tuple[float, float]
) -> None:
    """immich#6580, #13053: sidecars of Apple Photos lay on the other half of the world."""
    north, east = directions
    body = (
        f"<exif:GPSLatitude>33.8</exif:GPSLatitude><exif:GPSLatitudeRef>{north}"
        f"</exif:GPSLatitudeRef><exif:GPSLongitude>151.2</exif:GPSLongitude>"
        f"<exif:GPSLongitudeRef>{east}</exif:GPSLongitudeRef>"
    )
    write(tmp_path / "a.xmp", packet(body).encode())
    assert beside(tmp_path / "a.jpg") == {"latitude": place[0], "longitude": place[1]}


def test_location_fields_of_two_places_are_not_mixed() -> None:
    """The place where it was taken, not the one that it shows; of two sources only what agrees."""

    def structure(name: str, **fields: str) -> str:
        parts = "".join(
            f"<Iptc4xmpExt:{field}>{text}</Iptc4xmpExt:{field}>" for field, text in fields.items()
        )
        return (
            f"<Iptc4xmpExt:{name}><rdf:Bag><rdf:li rdf:parseType='Resource'>{parts}</rdf:li>"
            f"</rdf:Bag></Iptc4xmpExt:{name}>"
        )

    shown = structure("LocationShown", City="Aqaba", ProvinceState="Aqaba", CountryName="Jordan")
    created = structure("LocationCreated", City="Eilat", CountryName="Israel")
    found = inside(shown + created)
    assert (found.city, found.region, found.country) == ("Eilat", None, "Israel")
    found = inside(shown, 'photoshop:City="Eilat"')
    assert (found.city, found.region, found.country) == ("Eilat", None, None)
    found = inside(created, 'photoshop:City="EILAT"')
    assert (found.city, found.country) == ("EILAT", "Israel")
