"""Distances on the globe are those of a library's own, and a circle's box leaves nothing of it out."""

import math

import pytest
from haversine import haversine, inverse_haversine
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.model.operators.circle import Circle, distance

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
radii = st.floats(0, 25_000)


@given(latitudes, longitudes, latitudes, longitudes)
@example(0, 0, 0, 180)
@example(90, 0, -90, 77)
@example(51.5, 179.99, 51.5, -179.99)
@example(89.999, 0, 89.999, 180)
def test_distances_are_those_of_a_library_of_its_own(north: float, east: float, other: float, there: float) -> None:
    found, expected = distance(north, east, other, there), haversine((north, east), (other, there))
    assert math.isclose(found, expected, rel_tol=0.005, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((47.3769, 8.5417), (46.2044, 6.1432), 224),  # Zürich, Genève
        ((40.7128, -74.0060), (51.5074, -0.1278), 5_570),  # New York, London
        ((-17.7134, 178.0650), (-21.1393, -175.2049), 800),  # Fiji and Tonga, across the date line
        ((89.9, 0), (89.9, 180), 22.2),  # across the north pole
    ],
)
def test_distances_between_places_are_known(one: tuple[float, float], other: tuple[float, float], km: float) -> None:
    assert distance(*one, *other) == pytest.approx(km, rel=0.01)


@given(latitudes, longitudes, radii, st.floats(0, 2 * math.pi), st.floats(0, 1))
@example(0, 180, 5, math.pi / 2, 1)
@example(0, -180, 5, -math.pi / 2, 1)
@example(89.99, 10, 5, 0, 1)
@example(90, 0, 0, 0, 0)
@example(-89.9, 170, 11.2, 1, 1)
@example(45, 179.99999, 1, math.pi / 2, 0.5)
def test_what_is_within_a_circle_is_within_its_box(
    north: float, east: float, km: float, direction: float, part: float
) -> None:
    other, there = inverse_haversine((north, east), km * part, direction, normalize_output=True)
    circle = Circle(north, east, km)
    if not (-90 <= other <= 90 and -180 <= there <= 180) or distance(north, east, other, there) > circle.reach:
        return  # the library's point is off by a rounding
    (south, top), easts = circle.box()
    assert south <= other <= top
    assert any(west <= there <= end for west, end in easts)


@given(latitudes, longitudes, st.floats(0, 1_000))
def test_a_box_is_hardly_larger_than_its_circle(north: float, east: float, km: float) -> None:
    (south, top), easts = Circle(north, east, km).box()
    assert -90 <= south <= top <= 90
    assert all(-180 <= west <= end <= 180 for west, end in easts)
    assert (top - south) * 111 <= 2 * km + 0.01
    if abs(north) + km / 111 < 80:
        wide = sum(end - west for west, end in easts) * 111 * math.cos(math.radians(abs(north)))
        assert wide <= 2 * km * math.cos(math.radians(north)) / math.cos(math.radians(abs(north) + km / 111)) + 0.01
