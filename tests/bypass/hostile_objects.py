"""Real objects of libraries, for the rows that ask for one by its maker; for the script that tries rows with hostile arguments."""

import importlib

__all__ = ["find", "made", "numbers"]


def made(name):
    """Give a real object for one that a pattern asks for by its maker; raises LookupError where there is none here."""
    if name.startswith("numpy"):
        import numpy as np

        return {
            "numpy.dtype": np.dtype("f8"),
            "numpy.ndarray": np.arange(3.0),
            "numpy.generic": np.float64(2.5),
            "numpy.random.Generator": np.random.default_rng(3),
            "numpy.random.BitGenerator": np.random.PCG64(3),
        }[name]
    if name.startswith("torch"):
        import torch

        return {
            "torch.Tensor": torch.arange(3.0),
            "torch.nn.Parameter": torch.nn.Parameter(torch.ones(2)),
            "torch.Size": torch.Size([2]),
            "torch.layout": torch.sparse_coo,
            "torch.device": torch.device("cpu"),
            "torch.optim.Optimizer": torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1),
        }[name]
    if name.startswith("xarray"):
        import xarray

        data = xarray.DataArray([1.0], coords={"x": [2]})
        return {
            "xarray.Variable": data.variable,
            "xarray.Index": data.xindexes["x"],
            "xarray.Adapter": data.coords["x"].variable._data,
        }[name]
    if name == "pandas.Index":
        return importlib.import_module("pandas").Index([1, 2])
    if name == "scipy.spatial.KDTree":
        return importlib.import_module("scipy.spatial").KDTree([[0.0, 1.0]])
    if name == "scipy.interpolate._bsplines._BSpline":
        return vars(find("scipy.interpolate._bsplines.BSpline")([0, 1, 2, 3], [1.0, 2.0], 1))[
            "_delegate_to"
        ]  # from scipy 1.18 on
    if name == "tokenizers.models.Model":
        return importlib.import_module("tokenizers").models.BPE()
    if name == "collections.defaultdict":
        import torch

        return __import__("collections").defaultdict(dict, {torch.nn.Parameter(torch.ones(2)): {"step": 1 << 70}})
    return {"builtins.bytearray": bytearray(b"forged"), "datetime.timedelta": __import__("datetime").timedelta(1)}[name]


def find(name):
    module, _, rest = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), rest)
    except (ImportError, AttributeError, ValueError) as error:
        raise LookupError(name) from error


def numbers():
    """Give arrays of numbers that are not what is expected."""
    try:
        import numpy as np
    except ImportError:
        return []
    return [np.arange(3.0), np.zeros((2, 0), "i8"), np.full((2, 2), np.nan), np.array("text"), np.zeros(1, [("a", "f8")])]
