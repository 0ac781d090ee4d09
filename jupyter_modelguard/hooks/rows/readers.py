"""Rows of loaders that read pickles, or that read formats without any code: each names the call that a person wrote.

What is inside a call's files goes through the readers that are guarded anyway, and those ask in the name of the call. A format without
code is recorded, so that the history is whole.
"""

from __future__ import annotations

import functools
from typing import Final

from jupyter_modelguard.hooks.lazy_readers import guard_member, named_unpickler
from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.pickle_loaders import guard_load, guard_loads
from jupyter_modelguard.hooks.row import Row, wrap

__all__ = ["READERS"]

_PICKLE = "a pickle's"
_NOTHING = "nothing"


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


def _call(module: str, attribute: str, loader: str, runs: str = _PICKLE, position: int = 0, parameter: str = "") -> Row:
    factory = functools.partial(
        guard_call, holds_code=False
    )  # these run the person's own classes, and import nothing a file names
    return Row(module, attribute, wrap(factory, loader, position, parameter), loader, runs)


def _data(module: str, attribute: str, loader: str, position: int = 0, parameter: str = "") -> Row:
    return _call(module, attribute, loader, _NOTHING, position, parameter)


_PICKLES: Final[tuple[Row, ...]] = (
    # The pickle module under other names.
    *_pickle_rows("joblib.externals.cloudpickle.cloudpickle", "cloudpickle"),
    *_pickle_rows("joblib.externals.cloudpickle", "cloudpickle"),
    *_pickle_rows("srsly.cloudpickle.cloudpickle", "srsly.cloudpickle"),
    *_pickle_rows("srsly.cloudpickle", "srsly.cloudpickle"),
    *_pickle_rows("pyspark.cloudpickle.cloudpickle", "pyspark.cloudpickle"),
    *_pickle_rows("pyspark.cloudpickle", "pyspark.cloudpickle"),
    *_pickle_rows("pickle5", "pickle5"),
    *_pickle_rows("pickle5.pickle", "pickle5"),
    Row("shelve", "Unpickler", named_unpickler("shelve.open"), "shelve.open", _PICKLE),
    # these import the module that the file says it is of, before they read it
    Row("dill.session", "load_module", wrap(guard_call, "dill.load_module", 0, "filename"), "dill.load_module", _PICKLE),
    Row(
        "dill.session",
        "load_module_asdict",
        wrap(guard_call, "dill.load_module_asdict", 0, "filename"),
        "dill.load_module_asdict",
        _PICKLE,
    ),
    _call("hickle.hickle", "load", "hickle.load", _PICKLE, 0, "file_obj"),
    _call("klepto.archives", "file_archive.load", "klepto.archives.file_archive.load"),
    # Members that are read later.
    *(
        Row(module, "NpzFile.__getitem__", wrap(guard_member, "numpy.load", "zip.filename", "fid"))
        for module in ("numpy.lib._npyio_impl", "numpy.lib.npyio")  # the second before numpy 2
    ),
    Row("pandas.io.pytables", "HDFStore.get", wrap(guard_member, "pandas.HDFStore", "_path"), "pandas.HDFStore", _PICKLE),
    Row("pandas.io.pytables", "HDFStore.select", wrap(guard_member, "pandas.HDFStore", "_path")),
    _call("pandas.io.pytables", "read_hdf", "pandas.read_hdf", _PICKLE, 0, "path_or_buf"),
    # Libraries whose files are pickles.
    _call("stable_baselines3.common.base_class", "BaseAlgorithm.load", "stable_baselines3.{class}.load", _PICKLE, 0, "path"),
    _call("stable_baselines3.common.save_util", "load_from_pkl", "stable_baselines3.load_from_pkl", _PICKLE, 0, "path"),
    _call(
        "stable_baselines3.common.save_util", "load_from_zip_file", "stable_baselines3.load_from_zip_file", parameter="load_path"
    ),
    _call("stable_baselines3.common.policies", "BaseModel.load", "stable_baselines3.{class}.load", _PICKLE, 0, "path"),
    _call(
        "stable_baselines3.common.vec_env.vec_normalize",
        "VecNormalize.load",
        "stable_baselines3.VecNormalize.load",
        parameter="load_path",
    ),
    *(
        _call(module, "_load_from_checkpoint", "pytorch_lightning.load_from_checkpoint", _PICKLE, 1, "checkpoint_path")
        for module in ("pytorch_lightning.core.saving", "lightning.pytorch.core.saving")
    ),
    _call("lightning_fabric.utilities.cloud_io", "_load", "lightning_fabric.load", _PICKLE, 0, "path_or_url"),
    _call("gensim.utils", "SaveLoad.load", "gensim.{class}.load", _PICKLE, 0, "fname"),
    _call("gensim.utils", "unpickle", "gensim.utils.unpickle", _PICKLE, 0, "fname"),
    _call("statsmodels.iolib.smpickle", "load_pickle", "statsmodels.load_pickle", _PICKLE, 0, "fname"),
    _call("fastai.learner", "load_learner", "fastai.load_learner", _PICKLE, 0, "fname"),
    _call("fastai.learner", "load_model", "fastai.load_model", _PICKLE, 0, "file"),
    _call("flair.nn.model", "Model.load", "flair.{class}.load", _PICKLE, 0, "model_path"),
    _call("flair.file_utils", "load_torch_state", "flair.load_torch_state", _PICKLE, 0, "model_file"),
    _call(
        "nemo.core.classes.modelPT",
        "ModelPT.restore_from",
        "nemo.{class}.restore_from",
        "a pickle's, and classes that its YAML names",
    ),
    _call("nemo.core.classes.modelPT", "ModelPT.load_from_checkpoint", "nemo.{class}.load_from_checkpoint"),
    _call("ultralytics.nn.tasks", "torch_safe_load", "ultralytics.YOLO", _PICKLE, 0, "weight"),
    _call("timm.models._helpers", "load_state_dict", "timm.load_checkpoint", _PICKLE, 0, "checkpoint_path"),
    _call("peft.utils.save_and_load", "load_peft_weights", "peft.load_peft_weights", _PICKLE, 0, "model_id"),
    _call("huggingface_hub.hub_mixin", "ModelHubMixin.from_pretrained", "huggingface_hub.{class}.from_pretrained"),
    _call("nltk.data", "load", "nltk.data.load", _PICKLE, 0, "resource_url"),
    _call("pyspark.mllib.util", "JavaLoader.load", "pyspark.{class}.load", "nothing", 1, "path"),
    _call("accelerate.accelerator", "Accelerator.load_state", "accelerate.Accelerator.load_state", _PICKLE, 0, "input_dir"),
    _call("darts.models.forecasting.forecasting_model", "ForecastingModel.load", "darts.{class}.load", _PICKLE, 0, "path"),
    _call("fairseq.checkpoint_utils", "load_checkpoint_to_cpu", "fairseq.load_checkpoint_to_cpu", _PICKLE, 0, "path"),
    _call("open_clip.factory", "load_state_dict", "open_clip.load_state_dict", _PICKLE, 0, "checkpoint_path"),
    _call("paddle.framework.io", "load", "paddle.load", _PICKLE, 0, "path"),
    _call("sktime.base._serialize", "load", "sktime.base.load", _PICKLE, 0, "serial"),
    _call("surprise.dump", "load", "surprise.dump.load", _PICKLE, 0, "file_name"),
    _call("whisper", "load_model", "whisper.load_model", _PICKLE, 0, "name"),
)
_FORMATS: Final[tuple[Row, ...]] = (
    # Formats without Python code; native parsers read them.
    _data("safetensors.torch", "load_file", "safetensors.torch.load_file", 0, "filename"),
    _data("safetensors.numpy", "load_file", "safetensors.numpy.load_file", 0, "filename"),
    _data("skops.io._persist", "load", "skops.io.load", 0, "file"),  # makes only types that the person lists as trusted
    _data("scipy.io.matlab._mio", "loadmat", "scipy.io.loadmat", 0, "file_name"),
    _data("scipy.io._idl", "readsav", "scipy.io.readsav", 0, "file_name"),
    _data("scipy.sparse._matrix_io", "load_npz", "scipy.sparse.load_npz", 0, "file"),
    _data("xgboost.core", "Booster.load_model", "xgboost.Booster.load_model", 0, "fname"),
    _data("xgboost.sklearn", "XGBModel.load_model", "xgboost.{class}.load_model", 0, "fname"),
    _data("lightgbm.basic", "Booster.__init__", "lightgbm.Booster", 2, "model_file"),
    _data("catboost.core", "CatBoost.load_model", "catboost.{class}.load_model", 0, "fname"),
    _data("onnx", "load", "onnx.load", 0, "f"),
    _data("onnx", "load_model", "onnx.load_model", 0, "f"),
    _data(
        "onnxruntime.capi.onnxruntime_inference_collection",
        "InferenceSession.__init__",
        "onnxruntime.InferenceSession",
        0,
        "path_or_bytes",
    ),
    _data("llama_cpp.llama", "Llama.__init__", "llama_cpp.Llama", 0, "model_path"),  # its chat template runs in Jinja's sandbox
)
READERS: Final[tuple[Row, ...]] = (*_PICKLES, *_FORMATS)
