"""ThumbHash: a picture in 5 to 25 bytes, shown while the picture itself is on its way. Pure.

The format is described at https://evanw.github.io/thumbhash/: the lowest frequencies of the brightness, of two colours
and of the opacity, each as a cosine transform, in four bits for each factor.
"""

from collections.abc import Sequence
from math import cos, pi
from typing import Final, NamedTuple

MOST_SIDE: Final = 100
"""The format is made for pictures of up to so many pixels in width and height. Smaller ones say the same."""


class _Channel(NamedTuple):
    """The mean of a channel, and its frequencies as parts of the greatest of them."""

    mean: float
    factors: list[float]
    scale: float


def thumbhash(width: int, height: int, rgba: bytes) -> bytes:
    """Return the hash of a picture of at most 100 x 100 pixels, given by four bytes for each pixel."""
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and len(rgba) == 4 * width * height):
        raise ValueError("not the bytes of a picture of at most 100 x 100 pixels")
    light, yellow, red, opacity = _channels(rgba)
    has_alpha = sum(opacity) < len(opacity) - 1e-9
    most = 5 if has_alpha else 7
    across = max(1, _rounded(most * width / max(width, height)))
    down = max(1, _rounded(most * height / max(width, height)))
    l = _transform(light, width, height, max(3, across), max(3, down))  # noqa: E741
    p, q = _transform(yellow, width, height, 3, 3), _transform(red, width, height, 3, 3)
    parts = [l, p, q]
    is_wide = width > height
    first = (
        _rounded(63 * l.mean)
        | _rounded(31.5 + 31.5 * p.mean) << 6
        | _rounded(31.5 + 31.5 * q.mean) << 12
        | _rounded(31 * l.scale) << 18
        | has_alpha << 23
    )
    second = (
        (down if is_wide else across)
        | _rounded(63 * p.scale) << 3
        | _rounded(63 * q.scale) << 9
        | is_wide << 15
    )
    head = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    if has_alpha:
        a = _transform(opacity, width, height, 5, 5)
        parts.append(a)
        head += bytes([_rounded(15 * a.mean) | _rounded(15 * a.scale) << 4])
    nibbles = [_rounded(15 * factor) for part in parts for factor in part.factors]
    nibbles += [0] * (len(nibbles) % 2)
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    return head + bytes(low | high << 4 for low, high in pairs)


def _channels(rgba: bytes) -> tuple[list[float], list[float], list[float], list[float]]:
    """Return brightness, yellow against blue, red against green, and opacity. The mean colour shines through."""
    opacity = [value / 255 for value in rgba[3::4]]
    whole = sum(opacity) or 1.0
    colours: list[list[float]] = []
    for channel in range(3):
        values = [alpha * value / 255 for alpha, value in zip(opacity, rgba[channel::4], strict=True)]
        mean = sum(values) / whole
        colours.append([value + mean * (1 - alpha) for alpha, value in zip(opacity, values, strict=True)])
    light, yellow, red = [], [], []
    for r, g, b in zip(*colours, strict=True):
        light.append((r + g + b) / 3)
        yellow.append((r + g) / 2 - b)
        red.append(r - g)
    return light, yellow, red, opacity


def _transform(channel: Sequence[float], width: int, height: int, across: int, down: int) -> _Channel:
    rows = [channel[start : start + width] for start in range(0, len(channel), width)]
    waves = [[cos(pi / width * x * (i + 0.5)) for i in range(width)] for x in range(across)]
    found: list[float] = []
    for y in range(down):
        wave = [cos(pi / height * y * (i + 0.5)) for i in range(height)]
        line = [sum(factor * row[i] for factor, row in zip(wave, rows, strict=True)) for i in range(width)]
        found += [
            sum(factor * value for factor, value in zip(waves[x], line, strict=True)) / (width * height)
            for x in range(across)
            if x * down < across * (down - y)
        ]
    mean, *factors = found
    scale = max((abs(factor) for factor in factors), default=0.0)
    return _Channel(mean, [0.5 + 0.5 * factor / scale for factor in factors] if scale else factors, scale)


def _rounded(value: float) -> int:
    """Round as the description of the format does: halves go up."""
    return int(value + 0.5)
