"""`geographic`: where a user is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import numpy as np
from haversine import Unit, haversine_vector
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from segmentd.api import (
    AttributeParameter,
    Catalogue,
    Fault,
    Instants,
    Kind,
    Kinds,
    Mask,
    Parameter,
    Params,
    Population,
    Reads,
    Reason,
    SegmentType,
    Source,
    Verdict,
    hookimpl,
)
from segmentd_types.continents import continent_of

_RADIUS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(km|mi|m)", re.ASCII)
_UNITS: Final = {"km": Unit.KILOMETERS, "mi": Unit.MILES, "m": Unit.METERS}
_LATITUDE: Final = "location.latitude"
_LONGITUDE: Final = "location.longitude"
Degrees = NDArray[np.float64]


def _radius(text: str) -> str:
    found = _RADIUS.fullmatch(text)
    if found is None or float(found[1]) == 0:
        raise ValueError("write a radius such as 25km, 10mi or 500m")
    return text


class Near(Params):
    """A circle on the globe; its edge belongs to it."""

    latitude: float = Field(ge=-90, le=90, description="Degrees north, from -90 to 90.")
    longitude: float = Field(ge=-180, le=180, description="Degrees east, from -180 to 180.")
    radius: Annotated[str, AfterValidator(_radius)] = Field(description="A number and km, mi or m: 25km.")

    def limit(self) -> tuple[float, Unit]:
        """The radius as a number, and its unit."""
        found = _RADIUS.fullmatch(self.radius)
        assert found is not None  # noqa: S101  (the validator has matched it)
        return float(found[1]), _UNITS[found[2]]

    def distances(self, latitudes: Degrees, longitudes: Degrees) -> NDArray[np.float64]:
        """Great-circle distances in the radius's unit, float64 (n,), on a sphere of 6,371.0088 km."""
        places, centre = np.empty((2, len(latitudes), 2))
        places[:, 0], places[:, 1] = latitudes, longitudes
        centre[:] = self.latitude, self.longitude
        return np.asarray(haversine_vector(places, centre, self.limit()[1], check=False))


class NearParameter(Parameter):
    """Within a radius of a point, by the place `location`; coordinates that are not on the globe are no place."""

    accepts = Near

    def __init__(self) -> None:
        super().__init__(
            "near",
            "Within a radius of a point by great circle, the radius included. False where the place is missing.",
            (_LATITUDE, _LONGITUDE),
        )

    @property
    def operators(self) -> tuple[str, ...]:
        return ("latitude", "longitude", "radius")

    def reads(self, value: Near) -> Reads:
        return Reads(frozenset(self.attributes))

    def check(self, value: Near, kinds: Kinds) -> Iterable[Fault]:
        return [
            Fault((), f"{name} is {kinds.attribute(name)}; a place needs numbers")
            for name in self.attributes
            if kinds.attribute(name) not in (None, Kind.NUMBER)
        ]

    def judge(self, value: Near, users: Population, at: Instants) -> Verdict:
        distances, here = self._distances(value, users)
        return Verdict.forever(here & (distances <= value.limit()[0]))

    def explain(self, value: Near, users: Population, at: Instants) -> tuple[Reason, ...]:
        distances, here = self._distances(value, users)
        unit = value.limit()[1].value
        observed = f"{distances[0]:.3f}{unit} away" if here[0] else "missing"
        wanted = f"{value.radius} from {value.latitude}, {value.longitude}"
        return (Reason("location", "near", observed, wanted, bool(here[0] and distances[0] <= value.limit()[0])),)

    def _distances(self, value: Near, users: Population) -> tuple[NDArray[np.float64], Mask]:
        place = users.place("location")
        here = place.present & (np.abs(place.latitude) <= 90) & (np.abs(place.longitude) <= 180)
        return value.distances(np.where(here, place.latitude, 0.0), np.where(here, place.longitude, 0.0)), here


class Geographic(Catalogue):
    """Country, region, city, place and time zone. Text compares exactly, case included; `ignore_case` folds."""

    name = "geographic"
    parameters = (
        AttributeParameter(
            "country", "Country, as it was given (a code such as DE).", "address.country", "location.country"
        ),
        AttributeParameter("region", "State or region, as it was given.", "address.state", "location.region"),
        AttributeParameter("city", "City, as it was given.", "address.city", "location.city"),
        AttributeParameter("postal_code", "Postal code, as it was given.", "address.postalCode"),
        AttributeParameter(
            "continent",
            "Continent of the country: AF, AN, AS, EU, NA, OC or SA. Known for ISO 3166 codes in upper case.",
            Source("address.country", continent_of),
            Source("location.country", continent_of),
        ),
        AttributeParameter("time_zone", "IANA time zone, such as Europe/Berlin.", "timezone"),
        AttributeParameter("locale", "Locale, such as de-AT.", "locale"),
        NearParameter(),
    )


@hookimpl
def segmentd_segment_types() -> Sequence[SegmentType[Any]]:
    """The catalogue of places."""
    return [Geographic()]
