"""Circles on the globe: what is within so many kilometres of a point, on a sphere of the earth's mean radius."""

import math
from collections.abc import Sequence
from typing import NamedTuple

EARTH_KM = 6371.0088  # mean radius (IUGG 1980)
_DEGREE_KM = math.pi * EARTH_KM / 180
_SLACK_KM = 1e-6  # a millimetre: what is on the edge is within, however the last digits are rounded

Span = tuple[float, float]


class Circle(NamedTuple):
    """A point, by degrees north and east, and the radius around it, which belongs to the circle."""

    latitude: float
    longitude: float
    km: float

    @property
    def reach(self) -> float:
        """How many kilometres from its centre something is at most that is within."""
        return self.km + _SLACK_KM

    def box(self) -> tuple[Span, Sequence[Span]]:
        """Return from where to where the circle reaches: degrees north, and degrees east in one or two spans.

        A circle across the date line has two. One that holds a pole reaches all the way round.
        """
        reach = (self.reach + _SLACK_KM) / _DEGREE_KM
        south, north = self.latitude - reach, self.latitude + reach
        if south <= -90 or north >= 90:
            return (max(south, -90.0), min(north, 90.0)), ((-180.0, 180.0),)
        # the meridian that touches the circle does so nearer to the pole than its centre
        wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(self.latitude)))))
        west, east = self.longitude - wide, self.longitude + wide
        spans = [(max(west, -180.0), min(east, 180.0))]
        if west <= -180:
            spans.append((west + 360, 180.0))
        if east >= 180:
            spans.append((-180.0, east - 360))
        return (south, north), spans


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the kilometres between two points along a great circle (haversine formula)."""
    north, there = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((there - north) / 2) ** 2
    half += math.cos(north) * math.cos(there) * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_KM * math.atan2(math.sqrt(half), math.sqrt(max(0.0, 1 - half)))
