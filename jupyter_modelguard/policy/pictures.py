"""Whether a picture of Pillow is given what it writes: a known mode, and as many bytes as its size needs.

`Image.__setstate__` makes room for a picture of any size that its state names, fills it from raw bytes and keeps its other parts as
they are; a notebook reads these when it shows the picture.
"""

from __future__ import annotations

from typing import Any

from jupyter_modelguard.policy.record import is_plain

__all__ = ["wrong_with_picture"]

# Bits of one pixel, as the raw encoder of Pillow writes them; each line starts at a new byte.
_BITS = {
    "1": 1,
    **dict.fromkeys(("L", "P"), 8),
    **dict.fromkeys(("LA", "La", "PA", "I;16", "I;16L", "I;16B"), 16),
    **dict.fromkeys(("RGB", "YCbCr", "LAB", "HSV"), 24),
    **dict.fromkeys(("RGBA", "RGBX", "RGBa", "CMYK", "I", "F"), 32),
}
_LONGEST_SIDE = 1 << 20  # pixels; a picture without any needs room for its lines all the same
_BRIGHTEST = 255
_MOST_COLOURS = 4 * 256
_LEAST, _NAMED, _JPEG = 5, 6, 8  # parts: of a picture, of one from a file with a name, and of one from a JPEG with its layers


def wrong_with_picture(_arguments: tuple[Any, ...], state: Any, _dtype: Any) -> str:
    """Say what of a picture is not as Pillow writes it; nothing if all is."""
    if state is None:
        return ""
    if len(state) not in (_LEAST, _NAMED, _JPEG) or not is_plain(state) or not _is_described(state[0], state[5:6]):
        return "it has parts that Pillow does not write"
    mode, size, palette, data = state[1:5]
    if type(mode) is not str or mode not in _BITS or not _is_size(size):
        return "its mode or its size is not one that Pillow writes"
    if palette is not None and not (mode in ("P", "PA") and _is_palette(palette)):
        return "its palette is not one that Pillow writes"
    width, height = size
    fits = type(data) is bytes and (width * _BITS[mode] + 7) // 8 * height == len(data)
    return "" if fits else "its data does not fit its size"


def _is_described(info: Any, name: list[Any]) -> bool:
    return type(info) is dict and all(type(key) is str for key in info) and all(type(one) in (str, bytes) for one in name)


def _is_size(size: Any) -> bool:
    return type(size) is tuple and len(size) == 2 and all(type(side) is int and 0 <= side <= _LONGEST_SIDE for side in size)  # noqa: PLR2004


def _is_palette(palette: Any) -> bool:
    return (
        type(palette) is list
        and len(palette) <= _MOST_COLOURS
        and all(type(part) is int and 0 <= part <= _BRIGHTEST for part in palette)
    )
