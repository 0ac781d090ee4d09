"""Armed pickles inside something else: compressed, in archives, among raw arrays, or beside other formats."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib

from armed import armed
from armed_opcodes import Command

NPY = b"\x93NUMPY\x01\x00"
UNZIPPED = "import gzip, pickle\nwith gzip.open(path) as file: pickle.load(file)"
JOBLIB = {"zlib": ".z", "gzip": ".gz", "bz2": ".bz2", "xz": ".xz", "lzma": ".lzma", "lz4": ".lz4"}
PANDAS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": lambda data: zipped({"sample.pkl": data}),
    ".tar": lambda data: tarred({"sample.pkl": data}),
    ".tar.gz": lambda data: gzip.compress(tarred({"sample.pkl": data})),
}


def zipped(members, compression=zipfile.ZIP_STORED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(members):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def npy(pickled, shape="(1,)"):
    """A NumPy file whose objects are any pickle."""
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return NPY + struct.pack("<H", len(header)) + header + pickled


def wrong_checksum(archive):
    """Change the checksums of every member, in both headers."""
    data = bytearray(archive)
    for mark, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        place = data.find(mark)
        while place >= 0:
            data[place + offset] ^= 0xFF
            place = data.find(mark, place + 4)
    return bytes(data)


for kind, suffix in JOBLIB.items():

    def of_joblib(effect, path, kind=kind):
        import joblib

        joblib.dump({"weights": [1.0], "hook": Command(effect.shell)}, path, compress=(kind, 3))

    needs = ("joblib", "lz4") if kind == "lz4" else ("joblib",)
    armed(f"joblib: {kind}", "compression", "joblib", f".joblib{suffix}", needs)(of_joblib)

for suffix, compress in PANDAS.items():

    def of_pandas(effect, path, compress=compress):
        return compress(effect.system)

    armed(f"pandas: pickle in {suffix}", "compression", "pandas", f".pkl{suffix}", ("pandas",))(of_pandas)


@armed("zlib in gzip in bz2 by joblib's reader of files", "compression in compression", "joblib", ".pkl.gz", ("joblib",))
def gzip_of_pickle(effect, path):
    return gzip.compress(effect.system, 9)


@armed("gzip that breaks off behind the pickle", "a stream that some readers give up at", UNZIPPED, ".pkl.gz")
def cut_off(effect, path):
    return gzip.compress(effect.system + bytes(range(256)) * 99, 0)[:-900]


@armed("joblib: armed behind arrays", "raw arrays between the opcodes", "joblib", ".joblib", ("joblib", "numpy"))
def behind_arrays(effect, path):
    import joblib
    import numpy as np

    joblib.dump([np.arange(100_000.0), np.arange(3), Command(effect.shell)], path)


@armed("joblib: armed array of objects", "pickles inside arrays", "joblib", ".joblib", ("joblib", "numpy"))
def joblib_objects(effect, path):
    import joblib
    import numpy as np

    array = np.empty(2, dtype=object)
    array[:] = [1, Command(effect.shell)]
    joblib.dump({"a": np.arange(5.0), "b": array}, path)


@armed(
    "joblib: opcodes in the numbers, for pickle",
    "a file that two loaders read differently",
    "pickle",
    ".joblib",
    ("joblib", "numpy"),
)
def hidden_in_numbers(effect, path):
    """pickle.load takes the raw array behind its description for opcodes."""
    import joblib
    import numpy as np

    code = effect.system[2:]
    joblib.dump(np.frombuffer(code + bytes(-len(code) % 8), dtype="u1"), path)
    data = path.read_bytes()
    start = data.index(code)
    begin = data.index(b"ub", data.index(b"numpy_array_alignment_bytes")) + 2  # behind it stands what aligns the array
    return data[:begin] + b"N" * (start - begin) + data[start:]


@armed("npy: array of objects", "pickles inside arrays", "numpy", ".npy", ("numpy",))
def objects(effect, path):
    return npy(effect.system)


@armed("npy: version 3 of the format", "pickles inside arrays", "numpy", ".npy", ("numpy",))
def objects_in_version_3(effect, path):
    made = npy(effect.system)
    (length,) = struct.unpack("<H", made[8:10])
    return made[:6] + b"\x03\x00" + struct.pack("<I", length) + made[10:]


@armed("npy: named as text", "an ending that says something else", "numpy", ".txt", ("numpy",))
def objects_in_text(effect, path):
    return npy(effect.system)


@armed("npz: member of objects", "pickles inside arrays", "numpy archive", ".npz", ("numpy",))
def archive_of_objects(effect, path):
    return zipped({"plain.npy": npy_of_numbers(), "hidden.npy": npy(effect.system)})


@armed("npz: compressed member of objects", "pickles inside arrays", "numpy archive", ".npz", ("numpy",))
def packed_archive_of_objects(effect, path):
    return zipped({"hidden.npy": npy(effect.system)}, zipfile.ZIP_DEFLATED)


@armed("npz: member without its ending", "an ending that says something else", "numpy archive", ".npz", ("numpy",))
def member_without_ending(effect, path):
    return zipped({"weights.bin": npy(effect.system)})


def npy_of_numbers():
    import numpy as np

    made = io.BytesIO()
    np.save(made, np.arange(6.0))
    return made.getvalue()


@armed("numpy: a bare pickle that numpy.load takes", "an ending that says something else", "numpy", ".npy", ("numpy",))
def bare_pickle(effect, path):
    return effect.system


@armed("pickle with a zip archive behind it", "a file that is two things", "pickle", ".zip")
def pickle_and_zip(effect, path):
    return effect.system + zipped({"README.txt": "weights"})


@armed("pickle with a gzip file behind it", "a file that is two things", "pickle", ".bin")
def pickle_and_gzip(effect, path):
    return effect.system + gzip.compress(b"weights")


@armed("pickle that YAML reads as text", "a file that is two things", "pickle", ".yaml")
def pickle_and_text(effect, path):
    return b"cos\nsystem\n(V" + effect.shell.encode() + b"\ntR.\n# weights: none\n"


@armed("pickle named as safetensors", "an ending that says something else", "pickle", ".safetensors")
def named_safetensors(effect, path):
    return effect.system


@armed("pickle named as JSON", "an ending that says something else", "pickle", ".json")
def named_json(effect, path):
    return effect.system


@armed("pickle named as Markdown", "an ending that says something else", "pickle", ".md")
def named_markdown(effect, path):
    return effect.system


@armed("pickle without an ending", "an ending that says something else", "pickle", "")
def without_ending(effect, path):
    return effect.system


@armed("zlib's raw stream by joblib", "compression", "joblib", ".pkl", ("joblib",))
def raw_zlib(effect, path):
    return zlib.compress(effect.system)


@armed("dill's own pickle", "a library's own pickler", "dill", ".dill", ("dill",))
def of_dill(effect, path):
    import dill

    return dill.dumps({"weights": [1], "hook": Command(effect.shell)})


@armed("dill: a function that is called", "code in the file", "dill", ".dill", ("dill",))
def code_of_dill(effect, path):
    import dill

    namespace = {}
    exec(f"def hook():\n    {effect.code}", namespace)
    hook = namespace["hook"]
    hook.__module__ = "__main__"
    return called(dill.dumps(hook, recurse=True))


@armed("cloudpickle: a function that is called", "code in the file", "cloudpickle", ".pkl", ("cloudpickle",))
def code_of_cloudpickle(effect, path):
    import cloudpickle

    namespace = {"__name__": "__main__"}
    exec(f"def hook():\n    {effect.code}", namespace)
    return called(cloudpickle.dumps(namespace["hook"]))


def called(pickled):
    """Call what a pickle makes: its STOP becomes an empty call."""
    assert pickled.endswith(b".")
    version, rest = pickled[:2], pickled[2:-1]
    if rest[:1] == b"\x95":
        rest = rest[9:]
    return version + rest + b")R."


@armed("shelve: a value of a shelf", "pickles inside a database", "import shelve\nshelve.open(path, flag='r')['a']", ".shelf")
def shelf(effect, path):
    import dbm.dumb
    import shelve

    with dbm.dumb.open(str(path), "n") as base:
        base[b"a"] = effect.system
    del shelve
    return b""


@armed("tensors of pickle", "a library's own pickler", "pickle", ".pkl", ("torch",))
def tensors(effect, path):
    import torch

    return pickle.dumps({"weights": torch.zeros(3), "hook": Command(effect.shell)})
