"""Rows of the hubs beside Hugging Face, whose own libraries run a repository's code: PyTorch Hub, OpenMMLab, ModelScope, OpenCSG."""

from __future__ import annotations

from typing import Final

from jupyter_modelguard.hooks.installers import guard_installer
from jupyter_modelguard.hooks.named import guard_call
from jupyter_modelguard.hooks.named_imports import guard_model_folder, guard_named_imports
from jupyter_modelguard.hooks.python_configs import (
    guard_config_call,
    guard_consented_file,
    guard_named_file,
    guard_registry_get,
    guard_registry_scope,
)
from jupyter_modelguard.hooks.repository_calls import guard_repository_call, modelscope_page, opencsg_page
from jupyter_modelguard.hooks.row import Row, wrap
from jupyter_modelguard.hooks.torch_hub import (
    github_page,
    guard_hub_fetch,
    guard_hub_import,
    guard_hub_removal,
    guard_hub_trust,
)

__all__ = ["PLATFORMS"]

_CODE = "Python files of the repository"


def _torch_hub(name: str, parameter: str) -> Row:
    loader = f"torch.hub.{name}"
    return Row("torch.hub", name, wrap(guard_repository_call, loader, parameter, 0, github_page), loader, _CODE)


def _modelscope(module: str, attribute: str, name: str, parameter: str, position: int) -> Row:
    build = wrap(guard_repository_call, f"modelscope.{name}", parameter, position, modelscope_page)
    return Row(f"modelscope.{module}", attribute, build, f"modelscope.{attribute}", _CODE)


PLATFORMS: Final[tuple[Row, ...]] = (
    _torch_hub("load", "repo_or_dir"),
    _torch_hub("help", "github"),
    _torch_hub("list", "github"),
    Row("torch.hub", "_check_repo_is_trusted", wrap(guard_hub_trust), since="1.12"),
    Row("torch.hub", "_get_cache_or_reload", wrap(guard_hub_fetch)),
    Row("torch.hub", "_remove_if_exists", wrap(guard_hub_removal)),
    Row("torch.hub", "_import_module", wrap(guard_hub_import)),
    Row(
        "mmengine.config.config",
        "Config.fromfile",
        wrap(guard_config_call, "mmengine.Config.fromfile"),
        "mmengine.Config.fromfile",
        _CODE,
    ),
    Row("mmengine.config.config", "Config._file2dict", wrap(guard_named_file, "mmengine.Config")),
    Row("mmengine.config.config", "Config._parse_lazy_import", wrap(guard_named_file, "mmengine.Config"), since="0.8"),
    Row("mmengine.registry.registry", "Registry.get", wrap(guard_registry_get, "mmengine.Registry.get")),
    Row(
        "mmengine.registry.registry",
        "Registry.switch_scope_and_registry",
        wrap(guard_registry_scope, "mmengine.Registry.build"),
        "mmengine.Registry.build",
        "modules and functions that a configuration names",
    ),
    Row("mmengine.utils.misc", "import_modules_from_strings", wrap(guard_named_imports, "mmengine.Config")),
    Row(
        "mmengine.fileio.io",
        "load",
        wrap(guard_call, "mmengine.fileio.load", 0, "file"),
        "mmengine.fileio.load",
        "a pickle's, or YAML tags",
    ),
    Row(
        "mmengine.runner.checkpoint",
        "load_checkpoint",
        wrap(guard_call, "mmengine.runner.load_checkpoint", 1, "filename"),
        "mmengine.runner.load_checkpoint",
        "a pickle's",
    ),
    Row(
        "mmcv.utils.config",
        "Config.fromfile",
        wrap(guard_config_call, "mmcv.Config.fromfile"),
        "mmcv.Config.fromfile",
        _CODE,
    ),
    Row("mmcv.utils.config", "Config._file2dict", wrap(guard_named_file, "mmcv.Config")),
    Row("mmcv.utils.misc", "import_modules_from_strings", wrap(guard_named_imports, "mmcv.Config")),
    Row(
        "modelscope.utils.plugins",
        "import_module_from_model_dir",
        wrap(guard_model_folder, "modelscope"),
        "modelscope (a model's own code)",
        _CODE,
    ),
    Row("modelscope.utils.plugins", "import_plugins", wrap(guard_named_imports, "modelscope")),
    Row("modelscope.utils.plugins", "import_module_from_file", wrap(guard_named_file, "modelscope", 1, "file_path")),
    Row(
        "modelscope.utils.plugins",
        "PluginsManager.pip_command",
        wrap(guard_installer, "modelscope.install_requirements", "command_args", 1, "install"),
        "modelscope (a model's requirements and plugins)",
        "packages that it installs",
    ),
    Row(
        "modelscope.utils.plugins",
        "get_modules_from_package",
        wrap(guard_installer, "modelscope.install_requirements", "package", 0),
    ),
    Row("modelscope.utils.plugins", "EnvsManager.run_process", wrap(guard_installer, "modelscope.EnvsManager", "cmd", 0)),
    _modelscope("models.base.base_model", "Model.from_pretrained", "{class}.from_pretrained", "model_name_or_path", 0),
    _modelscope("pipelines.builder", "pipeline", "pipeline", "model", 1),
    Row(
        "modelscope.utils.config",
        "Config.from_file",
        wrap(guard_call, "modelscope.Config.from_file", 0, "filename"),
        "modelscope.Config.from_file",
        _CODE,
    ),
    Row("modelscope.utils.config", "Config._file2dict", wrap(guard_consented_file, "modelscope.Config")),
    Row(
        "pycsghub.repo_reader.model.huggingface.model_auto",
        "Auto*.from_pretrained",
        wrap(guard_repository_call, "pycsghub.{class}.from_pretrained", "pretrained_model_name_or_path", 0, opencsg_page),
        "pycsghub.Auto*.from_pretrained",
        _CODE,
    ),
    Row(
        "pycsghub.snapshot_download",
        "snapshot_download",
        wrap(guard_call, "pycsghub.snapshot_download", 0, "repo_id"),
        "pycsghub.snapshot_download",
        "nothing",
    ),
)
