"""Rows of loaders that run Python files or native code of a repository, a model folder or a configuration."""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.named_imports import (
    guard_diffusers_module,
    guard_model_folder,
    guard_named_imports,
)
from jupyter_modelguard.hooks.opaque_loaders import guard_opaque
from jupyter_modelguard.hooks.python_configs import guard_named_file
from jupyter_modelguard.hooks.remote_code import guard_code_call
from jupyter_modelguard.hooks.row import Row, wrap

__all__ = ["REPOSITORIES"]

_CODE = "Python files of the repository"
_NATIVE = "native code"


def _sentence_transformers(module: str, owner: str) -> Row:
    name = f"sentence_transformers.{owner}"
    build = wrap(guard_code_call, name, "model_name_or_path")
    return Row(f"sentence_transformers.{module}", f"{owner}.__init__", build, name, _CODE, name)


def _diffusers(module: str, owner: str) -> Row:
    name = f"diffusers.{owner}.from_pretrained"
    build = wrap(guard_code_call, "diffusers.{class}.from_pretrained", "pretrained_model_name_or_path")
    return Row(f"diffusers.{module}", f"{owner}.from_pretrained", build, name, _CODE)


def _kernels(module: str) -> tuple[Row, ...]:
    """Every way to a kernel: a configuration (`attn_implementation`) and layers come by these, without `trust_remote_code`."""

    def row(function: str, parameter: str, does: str) -> Row:
        name = f"kernels.{function}"
        return Row(f"kernels.{module}", function, wrap(guard_opaque, name, does, 0, parameter), name, _NATIVE, name)

    return (
        row("get_kernel", "repo_id", "downloads native code from the hub and runs it"),
        row("get_locked_kernel", "repo_id", "downloads native code from the hub and runs it"),
        row("load_kernel", "repo_id", "runs native code that was downloaded from the hub"),
        row("get_local_kernel", "repo_path", "runs native code of a folder"),
    )


REPOSITORIES: Final[tuple[Row, ...]] = (
    _diffusers("pipelines.pipeline_utils", "DiffusionPipeline"),
    _diffusers("models.modeling_utils", "ModelMixin"),
    _diffusers("modular_pipelines.modular_pipeline", "ModularPipelineBlocks"),
    _diffusers("modular_pipelines.modular_pipeline", "ModularPipeline"),
    Row("diffusers.utils.dynamic_modules_utils", "get_cached_module_file", wrap(guard_diffusers_module)),
    _sentence_transformers("sentence_transformer.model", "SentenceTransformer"),
    _sentence_transformers("cross_encoder.model", "CrossEncoder"),
    _sentence_transformers("sparse_encoder.model", "SparseEncoder"),
    _sentence_transformers("SentenceTransformer", "SentenceTransformer"),  # before version 6
    Row(
        "sentence_transformers.util.misc",
        "import_from_string",
        wrap(guard_named_imports, "sentence_transformers"),
        either="import_from_string",
    ),
    Row(
        "sentence_transformers.util",
        "import_from_string",
        wrap(guard_named_imports, "sentence_transformers"),
        either="import_from_string",
    ),
    Row(
        "transformers.generation.utils",
        "GenerationMixin.load_custom_generate",
        wrap(guard_code_call, "transformers.{class}.load_custom_generate", "pretrained_model_name_or_path"),
        "transformers.GenerationMixin.generate(custom_generate=…)",
        _CODE,
    ),
    *_kernels("utils"),
    *_kernels("load"),
    Row(
        "mlflow.pyfunc",
        "load_model",
        wrap(guard_call, "mlflow.pyfunc.load_model", 0, "model_uri"),
        "mlflow.pyfunc.load_model",
        "a pickle's, and Python files of the model",
    ),
    Row(
        "mlflow.utils.model_utils",
        "_add_code_to_system_path",
        wrap(guard_model_folder, "mlflow.pyfunc.load_model", 0, "code_path"),
    ),
    Row("mlflow.models.utils", "_load_model_code_path", wrap(guard_named_file, "mlflow.pyfunc.load_model", 0, "code_path")),
    Row("evaluate.loading", "import_main_class", wrap(guard_named_imports, "evaluate.load"), "evaluate.load", _CODE),
    Row("datasets.load", "import_main_class", wrap(guard_named_imports, "datasets.load_dataset")),  # before version 4
    Row("spacy", "load", wrap(guard_call, "spacy.load", 0, "name"), "spacy.load", "Python files of the package"),
    Row("spacy.util", "load_model_from_package", wrap(guard_named_imports, "spacy.load")),
    Row("spacy.util", "import_file", wrap(guard_named_file, "spacy", 1, "loc")),
    Row(
        "onnxruntime.capi.onnxruntime_pybind11_state",
        "SessionOptions.register_custom_ops_library",
        wrap(guard_opaque, "onnxruntime.SessionOptions.register_custom_ops_library", "loads a native library, which runs it"),
        "onnxruntime.SessionOptions.register_custom_ops_library",
        _NATIVE,
    ),
    Row(
        "tensorflow.python.framework.load_library",
        "load_op_library",
        wrap(guard_opaque, "tensorflow.load_op_library", "loads a native library, which runs it", 0, "library_filename"),
        "tensorflow.load_op_library",
        _NATIVE,
    ),
    Row(
        "tensorflow.python.saved_model.load",
        "load",
        wrap(
            guard_opaque,
            "tensorflow.saved_model.load",
            "restores a graph, whose operations can read and write files",
            0,
            "export_dir",
        ),
        "tensorflow.saved_model.load",
        "operations of a graph",
    ),
)
