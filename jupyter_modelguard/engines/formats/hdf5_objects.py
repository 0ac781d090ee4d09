"""What the objects of an HDF5 file hold besides numbers and text: pickles, ways to other files, and what only a plug-in unpacks."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.errors import ScanError
from jupyter_modelguard.policy.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.engines.content import Content
    from jupyter_modelguard.engines.scanner import Scanner
    from jupyter_modelguard.types import Finding, ScanReport

__all__ = ["Objects"]

_MOST_OBJECTS: Final = 100_000  # groups and datasets of one file
_MOST_TOLD: Final = 20
_MOST_VALUES: Final = 100_000  # texts and objects that are looked at one by one
_MOST_TEXTS: Final = 1_000  # of one dataset that are looked at
_MOST_BYTES: Final = 256 << 20  # of those together
_LARGEST: Final = 64 << 20  # bytes of one that is looked at
_OWN_FILTERS: Final = 255  # the last number of HDF5's own
_NUMBERS: Final = "biufc"
_PICKLED: Final = b"\x80"
_END: Final = b"."
_TAG: Final = b"NUMPY:"  # how h5py stores types that HDF5 has not: times
_PSEUDO: Final = "PSEUDOATOM"  # PyTables' word for what an array of bytes really is


class Objects:
    """Walks one open file.

    Attributes
    ----------
    findings, reports, missed
        What was found, what scans of the pickles gave, and what was not looked at.
    arrays
        Where arrays of numbers lie that are in one piece, as first and last byte.
    """

    def __init__(self, h5py: Any, file: Any, content: Content, scanner: Scanner) -> None:
        self.findings: list[Finding] = []
        self.reports: list[ScanReport] = []
        self.missed: list[str] = []
        self.arrays: list[tuple[int, int]] = []
        self._h5py = h5py
        self._file = file
        self._content = content
        self._scanner = scanner
        self._values = _MOST_VALUES
        self._bytes = _MOST_BYTES
        self._seen: set[Any] = set()
        self._told: Counter[str] = Counter()

    def look(self) -> None:
        """Look at every group, every dataset and every attribute once."""
        h5py = self._h5py
        self._attributes("/", self._file)
        waiting: list[tuple[str, Any]] = [("", self._file)]
        while waiting:
            place, group = waiting.pop()
            for name in group:
                where = f"{place}/{name}"
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    self.finding("hdf5-outside", "leads into another file", where, link.filename)
                    continue
                if isinstance(link, h5py.SoftLink):
                    continue  # to a place in this file, which is looked at where it is
                one = group[name]
                key = h5py.h5o.get_info(one.id)
                if (key.fileno, key.addr) in self._seen:
                    continue
                self._seen.add((key.fileno, key.addr))
                if len(self._seen) > _MOST_OBJECTS:
                    raise ScanError(f"more than {_MOST_OBJECTS:,} objects")
                self._attributes(where, one)
                if isinstance(one, h5py.Group):
                    waiting.append((where, one))
                elif isinstance(one, h5py.Dataset):
                    self._dataset(where, one)

    def _dataset(self, where: str, data: Any) -> None:
        settings = data.id.get_create_plist()
        for number in range(settings.get_external_count()):
            name = settings.get_external(number)[0]
            self.finding("hdf5-outside", "is read from another file", where, name.decode("utf-8", "backslashreplace"))
        if data.is_virtual:
            for source in data.virtual_sources():
                if source.file_name != ".":
                    self.finding("hdf5-outside", "is put together from another file", where, source.file_name)
            return
        for number in range(settings.get_nfilters()):
            code, _, _, name = settings.get_filter(number)
            if code > _OWN_FILTERS:
                title = f"is packed with filter {code}, which only a native plug-in unpacks"
                self.finding("hdf5-filter", title, where, name.decode("utf-8", "backslashreplace"))
        if (offset := data.id.get_offset()) is not None:
            self.arrays.append((offset, offset + data.id.get_storage_size()))
        if settings.get_external_count() or data.shape is None or not data.id.get_storage_size():
            return
        self._contents(where, data)

    def _contents(self, where: str, data: Any) -> None:
        """Look at the values of a dataset where they can be more than numbers."""
        kind = self._kind(data.id.get_type())
        if kind == "numbers":
            if data.ndim == 1 and data.dtype.itemsize == 1 and 2 < data.size <= _LARGEST:  # noqa: PLR2004
                self._bytes_in_numbers(where, data)
            return
        if kind == "unknown":
            self._miss(where, f"its type {data.dtype!s:.60} is none that is known here")
            return
        count = math.prod(data.shape)
        if kind == "text" and count > _MOST_TEXTS:
            return  # nothing takes a column of texts for pickles
        self._values -= count
        if self._values < 0:
            self._miss(where, "the file has more values that could be objects than are looked at")
            return
        declared = _is_declared(data.attrs)
        for number, value in enumerate(_flat(data)):
            self._value(f"{where}[{number}]", value, objects=declared or kind == "opaque")

    def _bytes_in_numbers(self, where: str, data: Any) -> None:
        """Look for a pickle among an array of bytes, which is how many keep objects."""
        if bytes(data[:1].tobytes()) == _PICKLED and bytes(data[-1:].tobytes()) == _END:
            self._value(where, data[...].tobytes(), objects=False)

    def _attributes(self, where: str, one: Any) -> None:
        for name in one.attrs:
            place = f"{where}@{name}"
            identity = one.attrs.get_id(name)
            kind = self._kind(identity.get_type())
            if kind == "unknown":
                self._miss(place, "its type is none that is known here")
            elif kind != "numbers":
                self._values -= max(1, math.prod(identity.shape or (1,)))
                if self._values < 0:
                    self._miss(place, "the file has more values that could be objects than are looked at")
                    return
                for value in _flat_value(one.attrs[name]):
                    self._value(place, value, objects=kind == "opaque")

    def _kind(self, stored: Any) -> str:  # noqa: PLR0911 one answer for each type of HDF5
        """Say of a type of HDF5 whether it is "numbers", "text", "bytes" of varying length, "opaque" or "unknown"."""
        h5t = self._h5py.h5t
        code = stored.get_class()
        if code in {h5t.INTEGER, h5t.FLOAT, h5t.BITFIELD, h5t.ENUM, h5t.REFERENCE, h5t.TIME, getattr(h5t, "COMPLEX", -9)}:
            return "numbers"
        if code == h5t.STRING:
            return "text"
        if code == h5t.OPAQUE:
            return "numbers" if stored.get_tag().startswith(_TAG) else "opaque"
        if code == h5t.VLEN:
            inner = self._kind(stored.get_super())
            return "bytes" if inner == "numbers" else inner
        if code == h5t.ARRAY:
            return self._kind(stored.get_super())
        if code == h5t.COMPOUND:
            kinds = {self._kind(stored.get_member_type(number)) for number in range(stored.get_nmembers())}
            return next((kind for kind in ("unknown", "opaque", "bytes", "text") if kind in kinds), "numbers")
        return "unknown"

    def _value(self, where: str, value: Any, *, objects: bool) -> None:
        """Have a value scanned that is a pickle, or that its file says is an object."""
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, (bytes, bytearray)):
            data = bytes(value)
        else:
            data = value.tobytes() if hasattr(value, "tobytes") else b""
        if not objects and not (len(data) > 2 and data.rstrip(b"\x00").endswith(_END)):  # noqa: PLR2004 PyTables looks at no more
            return
        self._bytes -= len(data)
        if len(data) > _LARGEST or self._bytes < 0:
            self._miss(where, "larger than what is looked at")
        elif data:
            self.reports.append(self._scanner.scan(self._content.inside(data, where[:80])))

    def finding(self, rule: str, title: str, where: str, code: str) -> None:
        """Tell of something, as far as there is room."""
        self._told[rule] += 1
        if self._told[rule] <= _MOST_TOLD:
            self.findings.append(finding(rule, f"{title}: {code:.80}", where[:200], code[:200]))

    def _miss(self, where: str, sentence: str) -> None:
        if len(self.missed) < _MOST_TOLD:
            self.missed.append(f"{where:.80}: {sentence}")


def _is_declared(attributes: Any) -> bool:
    """Whether PyTables would take each value of the array for a pickle."""
    return _PSEUDO in attributes and "object" in str(attributes[_PSEUDO])


def _flat(data: Any) -> Iterable[Any]:
    if data.shape == ():
        return _flat_value(data[()])
    return (inner for start in range(data.shape[0]) for inner in _flat_value(data[start]))


def _flat_value(value: Any) -> Iterable[Any]:
    """Give the single texts and pieces of bytes in a value, whatever it is made of."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        dtype = getattr(one, "dtype", None)
        if dtype is not None and dtype.names:
            waiting += [one[name] for name in dtype.names]
        elif dtype is not None and len(one.shape) > 0 and (dtype.hasobject or dtype.kind in "SUV"):
            waiting += list(one.ravel())
        elif dtype is not None and dtype.kind == "O" and one.shape == ():
            waiting.append(one.item())
        else:
            yield one
