"""Armed files of torch: both formats of `torch.save`, archives that readers understand differently, packages and TorchScript."""

import io
import struct
import zipfile
from pathlib import Path

from armed import armed
from armed_containers import wrong_checksum, zipped
from armed_opcodes import Command
from torch_files import saved, script_that_maps

ZIP = ("torch",)
PACKAGE = "import torch.package\nimporter = torch.package.PackageImporter(path)\n"


def checkpoint(effect, **options):
    import torch

    return saved({"weights": torch.arange(6.0), "hook": Command(effect.shell)}, **options)


def members_of(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def renamed(archive, before, after):
    return {name.replace(before, after): data for name, data in members_of(archive).items()}


@armed("torch: zip", "what torch.save writes", "torch", ".pt", ZIP)
def zip_format(effect, path):
    return checkpoint(effect)


@armed("torch: old format", "what torch.save writes", "torch", ".pt", ZIP)
def old_format(effect, path):
    return checkpoint(effect, _use_new_zipfile_serialization=False)


@armed("torch: protocol 4 in a zip", "what torch.save writes", "torch", ".pth", ZIP)
def other_protocol(effect, path):
    return checkpoint(effect, pickle_protocol=4)


@armed("torch: old format, armed in the keys of its storages", "one of several pickles", "torch", ".bin", ZIP)
def keys_of_storages(effect, path):
    import torch

    honest = saved({"weights": torch.arange(6.0)}, _use_new_zipfile_serialization=False)
    place = honest.rindex(b"\x80\x02]")
    return honest[:place] + effect.system + honest[place:]


@armed("torch: named as a picture", "an ending that says something else", "torch", ".png", ZIP)
def named_picture(effect, path):
    return checkpoint(effect)


@armed("torch: compressed data.pkl", "an archive that no torch writes", "torch", ".pt", ZIP)
def compressed(effect, path):
    return zipped(members_of(checkpoint(effect)), zipfile.ZIP_DEFLATED)


@armed("torch: capital letters", "an archive that readers understand differently", "torch", ".pt", ZIP)
def capitals(effect, path):
    return zipped(renamed(checkpoint(effect), "data.pkl", "DATA.PKL"))


@armed("torch: wrong checksums", "an archive that some readers give up at", "torch", ".pt", ZIP, reference="GHSA-mjqp-26hc-grxg")
def checksums(effect, path):
    return wrong_checksum(checkpoint(effect))


@armed(
    "torch: another name in the local header",
    "an archive that some readers give up at",
    "torch",
    ".pt",
    ZIP,
    reference="GHSA-7q5r-7gvp-wc82",
)
def local_name(effect, path):
    data = bytearray(checkpoint(effect))
    place = data.index(b"data.pkl")
    data[place : place + 8] = b"data.txt"
    return bytes(data)


@armed("torch: zip in the pickle of the old format", "a pickle inside a pickle", "torch", ".pt", ZIP)
def nested(effect, path):
    import torch

    class Nested:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (checkpoint(effect, _use_new_zipfile_serialization=False),)

    return saved({"weights": Nested()})


@armed("torch: package that is imported", "Python source in the file", PACKAGE + "importer.import_module('armed')", ".pt", ZIP)
def package(effect, path):
    import torch

    with torch.package.PackageExporter(path) as exporter:
        exporter.save_source_string("armed", f"{effect.code}.close()\n")


@armed(
    "torch: package with a pickle", "a pickle of another kind", PACKAGE + "importer.load_pickle('data', 'data.pkl')", ".pt", ZIP
)
def package_with_pickle(effect, path):
    import torch

    with torch.package.PackageExporter(path) as exporter:
        exporter.save_source_string("armed", f"{effect.code}.close()\nclass Thing: pass\n")
        exporter.save_pickle("data", "data.pkl", {"weights": 1})
    members = members_of(path.read_bytes())
    name = next(name for name in members if name.endswith("data/data.pkl"))
    return zipped({**members, name: b"\x80\x02carmed\nThing\n)\x81."})


@armed("TorchScript: __setstate__ maps a file", "TorchScript that runs at load", "import torch\ntorch.jit.load(path)", ".pt", ZIP)
def script(effect, path):
    return script_that_maps(Path(effect.canary))


@armed("TorchScript: a constant is computed", "TorchScript that runs at load", "import torch\ntorch.jit.load(path)", ".ts", ZIP)
def constant(effect, path):
    import torch

    made = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), made)
    members = members_of(made.getvalue())
    name = next(name for name, data in members.items() if b"Final[int] = 2" in data)
    armed_line = b'Final[int] = torch.len([torch.save(3, "%s")])' % effect.canary.encode()
    return zipped({**members, name: members[name].replace(b"Final[int] = 2", armed_line, 1)})


@armed("torch: zip64 directory", "an archive that some readers give up at", "torch", ".pt", ZIP)
def zip64(effect, path):
    data = checkpoint(effect)
    end = data.rindex(b"PK\x05\x06")
    if b"PK\x06\x06" in data:
        return data
    count, size, place = struct.unpack("<HII", data[end + 10 : end + 20])
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, place)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return data[:end] + wide + locator + data[end:]
