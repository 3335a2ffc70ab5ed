"""Where the shop's customers live: well-known cities, with coordinates to a hundredth of a degree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from segmentd.times import SECOND


class City(NamedTuple):
    """`country` is ISO 3166-1, `weight` the share of customers relative to the other cities."""

    name: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    locale: str
    weight: int


CITIES: Final = (
    City("Berlin", "DE", 52.52, 13.40, "Europe/Berlin", "de-DE", 12),
    City("Hamburg", "DE", 53.55, 9.99, "Europe/Berlin", "de-DE", 7),
    City("Munich", "DE", 48.14, 11.58, "Europe/Berlin", "de-DE", 8),
    City("Cologne", "DE", 50.94, 6.96, "Europe/Berlin", "de-DE", 5),
    City("Vienna", "AT", 48.21, 16.37, "Europe/Vienna", "de-AT", 5),
    City("Zurich", "CH", 47.37, 8.54, "Europe/Zurich", "de-CH", 4),
    City("Paris", "FR", 48.86, 2.35, "Europe/Paris", "fr-FR", 8),
    City("Lyon", "FR", 45.76, 4.84, "Europe/Paris", "fr-FR", 3),
    City("Amsterdam", "NL", 52.37, 4.90, "Europe/Amsterdam", "nl-NL", 4),
    City("Brussels", "BE", 50.85, 4.35, "Europe/Brussels", "fr-BE", 2),
    City("London", "GB", 51.51, -0.13, "Europe/London", "en-GB", 9),
    City("Manchester", "GB", 53.48, -2.24, "Europe/London", "en-GB", 3),
    City("Dublin", "IE", 53.35, -6.26, "Europe/Dublin", "en-IE", 2),
    City("Madrid", "ES", 40.42, -3.70, "Europe/Madrid", "es-ES", 4),
    City("Barcelona", "ES", 41.39, 2.17, "Europe/Madrid", "ca-ES", 3),
    City("Lisbon", "PT", 38.72, -9.14, "Europe/Lisbon", "pt-PT", 2),
    City("Rome", "IT", 41.90, 12.50, "Europe/Rome", "it-IT", 3),
    City("Milan", "IT", 45.46, 9.19, "Europe/Rome", "it-IT", 3),
    City("Stockholm", "SE", 59.33, 18.07, "Europe/Stockholm", "sv-SE", 3),
    City("Oslo", "NO", 59.91, 10.75, "Europe/Oslo", "nb-NO", 2),
    City("Copenhagen", "DK", 55.68, 12.57, "Europe/Copenhagen", "da-DK", 2),
    City("Warsaw", "PL", 52.23, 21.01, "Europe/Warsaw", "pl-PL", 3),
    City("Prague", "CZ", 50.08, 14.44, "Europe/Prague", "cs-CZ", 2),
    City("Istanbul", "TR", 41.01, 28.98, "Europe/Istanbul", "tr-TR", 3),
    City("New York", "US", 40.71, -74.01, "America/New_York", "en-US", 9),
    City("Chicago", "US", 41.88, -87.63, "America/Chicago", "en-US", 4),
    City("Denver", "US", 39.74, -104.99, "America/Denver", "en-US", 2),
    City("Los Angeles", "US", 34.05, -118.24, "America/Los_Angeles", "en-US", 6),
    City("Toronto", "CA", 43.65, -79.38, "America/Toronto", "en-CA", 3),
    City("Montreal", "CA", 45.50, -73.57, "America/Toronto", "fr-CA", 2),
    City("Mexico City", "MX", 19.43, -99.13, "America/Mexico_City", "es-MX", 3),
    City("São Paulo", "BR", -23.55, -46.63, "America/Sao_Paulo", "pt-BR", 4),
    City("Buenos Aires", "AR", -34.60, -58.38, "America/Argentina/Buenos_Aires", "es-AR", 2),
    City("Cape Town", "ZA", -33.92, 18.42, "Africa/Johannesburg", "en-ZA", 1),
    City("Nairobi", "KE", -1.29, 36.82, "Africa/Nairobi", "en-KE", 1),
    City("Dubai", "AE", 25.20, 55.27, "Asia/Dubai", "ar-AE", 2),
    City("Mumbai", "IN", 19.08, 72.88, "Asia/Kolkata", "en-IN", 4),
    City("Singapore", "SG", 1.35, 103.82, "Asia/Singapore", "en-SG", 3),
    City("Tokyo", "JP", 35.68, 139.69, "Asia/Tokyo", "ja-JP", 5),
    City("Seoul", "KR", 37.57, 126.98, "Asia/Seoul", "ko-KR", 2),
    City("Sydney", "AU", -33.87, 151.21, "Australia/Sydney", "en-AU", 3),
    City("Auckland", "NZ", -36.85, 174.76, "Pacific/Auckland", "en-NZ", 1),
)


def noon_offsets(first_day: int, days: int) -> NDArray[np.int64]:
    """int64[city, day]: how far local time is ahead of UTC at noon UTC of each day, in microseconds.

    Days count from 1970-01-01; `first_day` is column 0.
    """
    noons = [datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=first_day + day) for day in range(days)]
    rows = {zone: [_offset(noon, ZoneInfo(zone)) for noon in noons] for zone in {city.timezone for city in CITIES}}
    return np.array([rows[city.timezone] for city in CITIES], dtype=np.int64)


def _offset(instant: datetime, zone: ZoneInfo) -> int:
    ahead = instant.astimezone(zone).utcoffset() or timedelta()
    return int(ahead.total_seconds()) * SECOND
