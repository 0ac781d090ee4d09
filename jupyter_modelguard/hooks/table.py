"""The guarded loaders, one row each. Adding a loader is adding a row.

A row names a module, an attribute of it (a dotted one for a method), and what to put there. A library that is not installed costs
nothing: rows are applied when their module is imported.
"""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.array_loaders import guard_reader
from jupyter_modelguard.hooks.pickle_loaders import guard_load, guard_loads
from jupyter_modelguard.hooks.remote_code import guard_code_call, guard_dynamic_import, guard_dynamic_module, guard_trust_question
from jupyter_modelguard.hooks.row import GuardedFunction, Row, bare, wrap
from jupyter_modelguard.hooks.rows.configurations import CONFIGURATIONS
from jupyter_modelguard.hooks.rows.mechanism import MECHANISM
from jupyter_modelguard.hooks.rows.platforms import PLATFORMS
from jupyter_modelguard.hooks.rows.readers import READERS
from jupyter_modelguard.hooks.rows.repositories import REPOSITORIES
from jupyter_modelguard.hooks.rows.savers import SAVERS
from jupyter_modelguard.hooks.rows.torch_archives import TORCH_ARCHIVES
from jupyter_modelguard.hooks.stream_readers import (
    guard_dill_load,
    guard_joblib_load,
    stay_beside,
    swap_joblib_file,
    swap_old_joblib_stream,
)
from jupyter_modelguard.hooks.torch_loaders import guard_torch_load, swap_proved_stream
from jupyter_modelguard.hooks.torchscript import guard_jit_load
from jupyter_modelguard.hooks.unpickler import guard_python_load, guard_unpickler

__all__ = ["TABLE", "GuardedFunction", "Row", "loaders"]

_PICKLE: Final = "a pickle's"
_REPOSITORY: Final = "Python files of the repository"


def _pickle_rows(module: str, public: str) -> tuple[Row, ...]:
    return (
        Row(
            module,
            "load",
            lambda original, passage: guard_load(original, passage, f"{public}.load"),
            f"{public}.load",
            _PICKLE,
            f"{public}.load",
        ),
        Row(
            module,
            "loads",
            lambda original, passage: guard_loads(original, passage, f"{public}.loads"),
            f"{public}.loads",
            _PICKLE,
            f"{public}.loads",
        ),
    )


def _auto(module: str, owner: str) -> Row:
    name = f"transformers.{'Auto*' if owner.startswith('_') else owner}.from_pretrained"
    build = wrap(guard_code_call, "transformers.{class}.from_pretrained", "pretrained_model_name_or_path")
    return Row(f"transformers.models.auto.{module}", f"{owner}.from_pretrained", build, name, _REPOSITORY)


TABLE: Final[tuple[Row, ...]] = (
    *_pickle_rows("pickle", "pickle"),
    Row("pickle", "Unpickler", guard_unpickler, "pickle.Unpickler", _PICKLE),
    Row("pickle", "_Unpickler.load", guard_python_load),
    *_pickle_rows("cloudpickle.cloudpickle", "cloudpickle"),
    *_pickle_rows("cloudpickle", "cloudpickle"),
    Row("dill._dill", "load", wrap(guard_dill_load), "dill.load", _PICKLE),
    Row("joblib.numpy_pickle", "load", wrap(guard_joblib_load), "joblib.load", _PICKLE),
    Row("joblib.numpy_pickle", "NumpyUnpickler.__init__", bare(swap_joblib_file)),
    Row("joblib.numpy_pickle_compat", "ZipNumpyUnpickler._open_pickle", bare(swap_old_joblib_stream)),
    Row("joblib.numpy_pickle_compat", "NDArrayWrapper.read", bare(stay_beside)),
    Row("joblib.numpy_pickle_compat", "ZNDArrayWrapper.read", bare(stay_beside)),
    Row("numpy", "load", wrap(guard_reader, "numpy.load"), "numpy.load", _PICKLE),
    Row("pandas.io.pickle", "read_pickle", wrap(guard_reader, "pandas.read_pickle"), "pandas.read_pickle", _PICKLE),
    Row("torch.serialization", "load", wrap(guard_torch_load), "torch.load", "a pickle's, or TorchScript"),
    Row("torch._weights_only_unpickler", "Unpickler.__init__", bare(swap_proved_stream)),
    Row("torch.jit._serialization", "load", wrap(guard_jit_load), "torch.jit.load", "TorchScript"),
    Row("transformers.dynamic_module_utils", "get_cached_module_file", wrap(guard_dynamic_module)),
    Row("transformers.dynamic_module_utils", "get_class_in_module", wrap(guard_dynamic_import)),
    Row("transformers.dynamic_module_utils", "resolve_trust_remote_code", wrap(guard_trust_question)),
    _auto("auto_factory", "_BaseAutoModelClass"),
    _auto("modeling_auto", "AutoModel*"),  # each class has a copy of its own
    _auto("configuration_auto", "AutoConfig"),
    _auto("tokenization_auto", "AutoTokenizer"),
    _auto("processing_auto", "AutoProcessor"),
    _auto("image_processing_auto", "AutoImageProcessor"),
    _auto("feature_extraction_auto", "AutoFeatureExtractor"),
    _auto("video_processing_auto", "AutoVideoProcessor"),
    Row(
        "transformers.pipelines",
        "pipeline",
        wrap(guard_code_call, "transformers.pipeline", "model", 1),
        "transformers.pipeline",
        _REPOSITORY,
    ),
    *MECHANISM,
    *CONFIGURATIONS,
    *TORCH_ARCHIVES,
    *REPOSITORIES,
    *PLATFORMS,
    *READERS,
    *SAVERS,
)


def loaders() -> dict[str, str]:
    """Return what people call the guarded loaders, and what kind of code the files of each can run."""
    return {row.loader: row.runs for row in TABLE if row.loader}
