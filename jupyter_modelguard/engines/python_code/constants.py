"""What operators and methods make of constants: how names and code are put together from pieces that hide them."""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import html
import operator
import textwrap
import urllib.parse
import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FUNCTIONS", "METHODS", "UNKNOWN", "called", "method", "operated"]

UNKNOWN: Final = object()
_LARGEST: Final = 1 << 20  # characters or bytes of something that is made
_MOST_TIMES: Final = 10_000
_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Mult: operator.mul,
    ast.RShift: operator.rshift,
}
METHODS: Final = frozenset(
    {
        "join",
        "format",
        "replace",
        "decode",
        "encode",
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "swapcase",
        "title",
        "capitalize",
    }
    | {
        "split",
        "rsplit",
        "partition",
        "rpartition",
        "removeprefix",
        "removesuffix",
        "hex",
        "translate",
        "casefold",
        "zfill",
        "splitlines",
    }
    | {
        "to_bytes",
        "__add__",
        "__getitem__",
        "__mod__",
        "__mul__",
        "__radd__",
        "__str__",
        "format_map",
        "center",
        "ljust",
        "expandtabs",
    }
)


def _inflate(data: bytes, *_: object) -> bytes:
    return zlib.decompressobj(47).decompress(data, _LARGEST)


def _lzma(data: bytes) -> bytes:
    import lzma

    return lzma.LZMADecompressor().decompress(data, _LARGEST)


def _bz2(data: bytes) -> bytes:
    import bz2

    return bz2.BZ2Decompressor().decompress(data, _LARGEST)


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "base64.b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.standard_b64decode": base64.standard_b64decode,
    "base64.decodebytes": base64.decodebytes,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.a2b_hex,
    "binascii.a2b_base64": binascii.a2b_base64,
    "bz2.decompress": _bz2,
    "lzma.decompress": _lzma,
    "gzip.decompress": _inflate,
    "zlib.decompress": _inflate,
    "builtins.chr": chr,
    "builtins.ord": ord,
    "builtins.hex": hex,
    "builtins.str": str,
    "builtins.int": int,
    "builtins.bytes": lambda one, *more: bytes(one, *more) if not isinstance(one, int) else b"",
    "builtins.bytearray": lambda one, *more: bytes(one, *more) if not isinstance(one, int) else b"",
    "builtins.reversed": lambda one: list(reversed(one)),
    "builtins.sorted": sorted,
    "builtins.list": list,
    "builtins.tuple": tuple,
    "builtins.repr": repr,
    "builtins.ascii": ascii,
    "builtins.abs": abs,
    "builtins.range": lambda *ends: list(range(*ends)[:_MOST_TIMES]),
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.bytearray.fromhex": bytes.fromhex,
    "builtins.bytes.decode": lambda one, *more: one.decode(*more),
    "builtins.str.join": lambda one, more: one.join(more),
    "builtins.str.lower": str.lower,
    "builtins.str.encode": str.encode,
    "builtins.str.replace": str.replace,
    "builtins.str.maketrans": str.maketrans,
    "codecs.decode": codecs.decode,
    "codecs.encode": codecs.encode,
    "operator.add": operator.add,
    "operator.concat": operator.concat,
    "operator.xor": operator.xor,
    "textwrap.dedent": textwrap.dedent,
    "urllib.parse.unquote": urllib.parse.unquote,
    "html.unescape": html.unescape,
}
"""Functions that make constants of constants, and do nothing else."""


def operated(kind: ast.operator, left: object, right: object) -> object:
    """Apply an operator."""
    apply = _OPERATORS.get(type(kind))
    if apply is None:
        return UNKNOWN
    if isinstance(kind, ast.Mod) and isinstance(left, str) and _pads(left):
        return UNKNOWN
    if isinstance(kind, ast.Mult):
        sizes = [
            len(one) if isinstance(one, (str, bytes, list, tuple)) else abs(one) if isinstance(one, int) else 0
            for one in (left, right)
        ]
        if sizes[0] * sizes[1] > _LARGEST:
            return UNKNOWN
    return _tried(apply, left, right)


def called(name: str, arguments: list[Any], named: dict[str, Any]) -> object:
    """Call one of the functions."""
    return _tried(FUNCTIONS[name], *arguments, **named)


def method(of: object, name: str, arguments: list[Any], named: dict[str, Any]) -> object:
    """Call a method of a constant."""
    if name not in METHODS or not isinstance(of, (str, bytes, int)):
        return UNKNOWN
    if name in {"center", "ljust", "zfill", "expandtabs", "__mul__", "to_bytes", "format", "__mod__"} and (
        any(isinstance(one, int) and one > _MOST_TIMES for one in arguments) or (isinstance(of, str) and _pads(of))
    ):
        return UNKNOWN
    return _tried(getattr(of, name, None), *arguments, **named)


def _pads(text: str) -> bool:
    """Whether a format could ask for more than anybody wants."""
    return any(part.isdigit() and len(part) > 4 for part in "".join(one if one.isdigit() else " " for one in text).split())  # noqa: PLR2004


def _tried(function: Any, *arguments: Any, **named: Any) -> object:
    try:
        found = function(*arguments, **named)
    except Exception:  # noqa: BLE001 a stranger's constants
        return UNKNOWN
    if isinstance(found, bytearray):
        found = bytes(found)
    if isinstance(found, int) and abs(found) > 1 << 64:
        return UNKNOWN
    if isinstance(found, (str, bytes, list, tuple)) and len(found) > _LARGEST:
        return UNKNOWN
    return found
