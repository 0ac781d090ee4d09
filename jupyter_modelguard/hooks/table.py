"""The guarded loaders, one row each. Adding a loader is adding a row.

A row names a module, an attribute of it (a dotted one for a method), and what to put there. A library that is not installed costs
nothing: rows are applied when their module is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import wrapt

from jupyter_modelguard.hooks.array_loaders import guard_reader
from jupyter_modelguard.hooks.code_files import guard_get_code, guard_sourceless_get_code
from jupyter_modelguard.hooks.pickle_loaders import guard_load, guard_loads
from jupyter_modelguard.hooks.remote_code import guard_code_call, guard_dynamic_module, guard_hub_import
from jupyter_modelguard.hooks.stream_readers import guard_dill_load, guard_joblib_load, refuse_other_format, swap_joblib_file
from jupyter_modelguard.hooks.torch_loaders import guard_jit_load, guard_torch_load
from jupyter_modelguard.hooks.unpickler import guard_python_load, guard_unpickler

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_modelguard.hooks.passage import Passage

__all__ = ["TABLE", "GuardedFunction", "Row"]


class GuardedFunction(wrapt.FunctionWrapper):  # type: ignore[type-arg] # generic only in recent wrapts
    """A wrapped loader that documents, compares and pickles as the function it guards."""

    def __reduce_ex__(self, protocol: object) -> str:
        return str(self.__qualname__)


@dataclass(frozen=True, slots=True)
class Row:
    """One guarded attribute.

    Attributes
    ----------
    module, attribute
        Where the loader is; a dotted attribute is a method, and one of every class whose name begins so if its class ends in `*`.
    build
        Makes the replacement from the original and the way through the gate.
    loader
        Its name for people; empty for a sink or a part of the mechanism, which is no loader of its own.
    """

    module: str
    attribute: str
    build: Callable[[Any, Passage], Any]
    loader: str = ""


def _wrap(factory: Callable[..., Callable[..., Any]], *details: Any) -> Callable[[Any, Passage], Any]:
    return lambda original, passage: GuardedFunction(original, factory(passage, *details))


def _bare(wrapper: Callable[..., Any]) -> Callable[[Any, Passage], Any]:
    return lambda original, passage: GuardedFunction(original, wrapper)  # noqa: ARG005 no gate on this way


def _pickle_rows(module: str, public: str) -> tuple[Row, ...]:
    return (
        Row(module, "load", lambda original, passage: guard_load(original, passage, f"{public}.load"), f"{public}.load"),
        Row(module, "loads", lambda original, passage: guard_loads(original, passage, f"{public}.loads"), f"{public}.loads"),
    )


def _auto(module: str, owner: str) -> Row:
    name = "transformers.{class}.from_pretrained"
    build = _wrap(guard_code_call, name, "pretrained_model_name_or_path")
    return Row(f"transformers.models.auto.{module}", f"{owner}.from_pretrained", build, f"transformers.{owner}.from_pretrained")


TABLE: Final[tuple[Row, ...]] = (
    *_pickle_rows("pickle", "pickle"),
    Row("pickle", "Unpickler", guard_unpickler, "pickle.Unpickler"),
    Row("pickle", "_Unpickler.load", guard_python_load),
    *_pickle_rows("cloudpickle.cloudpickle", "cloudpickle"),
    *_pickle_rows("cloudpickle", "cloudpickle"),
    Row("dill._dill", "load", _wrap(guard_dill_load), "dill.load"),
    Row("joblib.numpy_pickle", "load", _wrap(guard_joblib_load), "joblib.load"),
    Row("joblib.numpy_pickle", "NumpyUnpickler.__init__", _bare(swap_joblib_file)),
    Row("joblib.numpy_pickle", "load_compatibility", _bare(refuse_other_format)),
    Row("numpy", "load", _wrap(guard_reader, "numpy.load"), "numpy.load"),
    Row("pandas.io.pickle", "read_pickle", _wrap(guard_reader, "pandas.read_pickle"), "pandas.read_pickle"),
    Row("torch.serialization", "load", _wrap(guard_torch_load), "torch.load"),
    Row("torch.jit._serialization", "load", _wrap(guard_jit_load), "torch.jit.load"),
    Row("torch.hub", "load", _wrap(guard_code_call, "torch.hub.load", "repo_or_dir"), "torch.hub.load"),
    Row("torch.hub", "_import_module", _wrap(guard_hub_import)),
    Row("transformers.dynamic_module_utils", "get_cached_module_file", _wrap(guard_dynamic_module)),
    _auto("auto_factory", "_BaseAutoModelClass"),
    _auto("modeling_auto", "AutoModel*"),  # each class has a copy of its own
    _auto("configuration_auto", "AutoConfig"),
    _auto("tokenization_auto", "AutoTokenizer"),
    _auto("processing_auto", "AutoProcessor"),
    _auto("image_processing_auto", "AutoImageProcessor"),
    _auto("feature_extraction_auto", "AutoFeatureExtractor"),
    _auto("video_processing_auto", "AutoVideoProcessor"),
    Row(
        "transformers.pipelines", "pipeline", _wrap(guard_code_call, "transformers.pipeline", "model", 1), "transformers.pipeline"
    ),
    Row("_frozen_importlib_external", "SourceLoader.get_code", lambda original, _: guard_get_code(original)),
    Row("_frozen_importlib_external", "SourcelessFileLoader.get_code", lambda original, _: guard_sourceless_get_code(original)),
)
