"""What the configurations of models have others import, call, evaluate or fetch.

Each rule is that of the program which reads such a file: transformers' `auto_map` and `custom_pipelines`, diffusers' `model_index.json`,
sentence-transformers' `modules.json`, Hydra's `_target_`, NeMo's and latent diffusion's `target`, jsonargparse's `class_path`, MONAI's `$`
expressions, MLflow's `MLmodel`, PEFT's `auto_mapping`, and chat templates wherever they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from jupyter_modelguard.policy.chat_templates import may_be_template, template_findings
from jupyter_modelguard.policy.config_expressions import judge_expression
from jupyter_modelguard.policy.config_names import is_dotted, pipeline_libraries, target_use
from jupyter_modelguard.policy.findings import finding
from jupyter_modelguard.policy.named import named_finding
from jupyter_modelguard.types import Judgement, QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jupyter_modelguard.types import Finding, GlobalUse

__all__ = ["MARKS", "judge_config"]

MARKS: Final = (  # one of which stands in every document that has anything to judge
    *(
        b"auto_map",
        b"custom_pipelines",
        b"_target_",
        b"class_path",
        b"target",
        b"trust_remote_code",
        b"attn_implementation",
        b"template",
    ),
    *(
        b"_class_name",
        b"sentence_transformers",
        b"modules",
        b"loader_module",
        b"parent_library",
        b"tool_class",
        b"pip",
        b'"type"',
        b"model_code_path",
    ),
)
_REFERENCE: Final = re.compile(r"(?:[\w./-]+--)?[\w./-]+\.\w+")
_KERNEL: Final = re.compile(r"[\w.-]+/[\w.-]+(?:@[\w./-]+)?(?::[\w.-]+)?")
_INTERPOLATED: Final = re.compile(r"\$\{([\w.]+)\}")
_ELSEWHERE: Final = re.compile(r"(?:[\w.\[\],-]+\s*@\s*)?(?:git\+|https?://|file://)|--(?:extra-)?index-url|-i\s|--find-links")
_TRUE: Final = (True, "true", "True", "yes", "on")
_LONGEST: Final = 200


def judge_config(root: Any, line_of: Callable[[str], int]) -> tuple[tuple[GlobalUse, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Judge a document.

    Parameters
    ----------
    root
        Dictionaries, lists and texts, as JSON and YAML have them; parts may stand in it more than once.
    line_of
        Says on which line of the file a text stands first; 0 if it is not known.

    Returns
    -------
    tuple
        What it names, what was found where, and a sentence for each part that could not be read.
    """
    judge = _Judge(root, line_of)
    judge.walk()
    return tuple(judge.uses.values()), tuple(dict.fromkeys(judge.findings)), tuple(judge.missed)


class _Judge:
    def __init__(self, root: Any, line_of: Callable[[str], int]) -> None:
        self._root = root
        self._line_of = line_of
        self.uses: dict[QualifiedName, GlobalUse] = {}
        self.findings: list[Finding] = []
        self.missed: list[str] = []
        self._librarys: Counter[str] = Counter()
        self._builds = False  # whether anything names what it builds
        self._expressions: list[tuple[str, str]] = []

    def walk(self) -> None:
        """Look at every dictionary once, however often it stands there and however deep."""
        waiting: list[tuple[Any, str]] = [(self._root, "")]
        seen: set[int] = set()
        while waiting:
            value, path = waiting.pop()
            if isinstance(value, str):
                if value.startswith("$") and len(value) > 1:
                    self._expressions.append((value, path))
                continue
            if not isinstance(value, (dict, list)) or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, dict):
                self._dictionary(value, path)
                waiting += ((inner, f"{path}.{key}"[-_LONGEST:].lstrip(".")) for key, inner in value.items() if _leads_on(inner))
            else:
                self._modules(value, path)
                waiting += ((inner, f"{path}[{number}]"[-_LONGEST:]) for number, inner in enumerate(value) if _leads_on(inner))
        if self._builds:
            for expression, path in self._expressions:
                self._expression(expression, path)
        if self._librarys:
            shown = ", ".join(list(self._librarys)[:3])
            title = f"names {sum(self._librarys.values())} classes of known libraries, which whoever builds it makes: {shown}"
            self.findings.append(finding("config-library-classes", title))

    def _dictionary(self, value: Mapping[Any, Any], path: str) -> None:  # noqa: C901, PLR0912 one branch a key
        trusting = value.get("trust_remote_code") in _TRUE
        if trusting:
            self._finding(path, "config-trust", "says that code of the model's own may run", "trust_remote_code")
        if "auto_map" in value:
            for reference in _texts(value["auto_map"]):
                self._own(reference, path, "auto_map")
        for key in ("custom_pipelines", "tool_class"):
            if key in value:
                for reference in _texts(
                    value[key].get("impl") if isinstance(value[key], dict) and "impl" in value[key] else value[key]
                ):
                    self._own(reference, path, key)
        for key in ("_attn_implementation", "attn_implementation", "_attn_implementation_internal"):
            for name in _texts(value.get(key)):
                if _KERNEL.fullmatch(name.removeprefix("paged|")):
                    self._finding(
                        path,
                        "config-kernel",
                        f"has attention computed by native code of {name[:80]}, fetched from there",
                        key,
                        name,
                    )
        self._targets(value, path, trusting=trusting)
        self._diffusers(value, path)
        self._mlflow(value, path)
        self._templates(value, path)
        mapping = value.get("auto_mapping")
        if (
            isinstance(mapping, dict)
            and isinstance(mapping.get("parent_library"), str)
            and mapping["parent_library"] != "__main__"
        ):
            library = mapping["parent_library"]
            if library.startswith("transformers_modules."):
                return  # of a base model, which says so itself
            self._target(f"{library}.{mapping.get('base_model_class') or 'Model'}", path, "auto_mapping")
        for line in value["pip"] if isinstance(value.get("pip"), list) else ():
            if isinstance(line, str) and _ELSEWHERE.match(line):
                self._finding(path, "config-download", f"asks for a package from elsewhere: {line[:80]}", "pip", line)

    def _targets(self, value: Mapping[Any, Any], path: str, *, trusting: bool) -> None:
        if "_target_" in value:
            self._builds = True
            for name in _texts(value["_target_"]):
                self._target(name, path, "_target_", trusting=trusting)
        if isinstance(value.get("class_path"), str) and ("init_args" in value or is_dotted(value["class_path"])):
            self._target(value["class_path"], path, "class_path", trusting=trusting)
        target = value.get("target")
        if isinstance(target, str) and is_dotted(target):
            builds = not {"params", "nemo_version", "cfg"}.isdisjoint(value)
            use = target_use(target)
            if builds or (use is not None and use.judgement is Judgement.DANGEROUS):
                self._target(target, path, "target", trusting=trusting)

    def _target(self, name: str, path: str, key: str, *, trusting: bool = False) -> None:
        resolved = _INTERPOLATED.sub(self._looked_up, name)
        use = target_use(resolved, trusting=trusting)
        if use is None:
            self._librarys[resolved] += 1
            return
        before = self.uses.get(use.name)
        self.uses[use.name] = use if before is None else replace(before, count=before.count + 1)
        if before is None:
            self.findings.append(named_finding("config-target", use, self._place(path, key, name), f"{key}: {name}"[:_LONGEST]))

    def _looked_up(self, match: re.Match[str]) -> str:
        """Follow an interpolation to a text of the same file."""
        value = self._root
        for part in match.group(1).split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value if isinstance(value, str) and "${" not in value else match.group()

    def _diffusers(self, value: Mapping[Any, Any], path: str) -> None:
        named = value.get("_class_name")
        if named is None or path:
            return
        if isinstance(named, list):
            self._own(".".join(map(str, named)), path, "_class_name")
        for key, entry in value.items():
            if not (isinstance(entry, list) and len(entry) == 2 and all(isinstance(one, str) for one in entry)):  # noqa: PLR2004 library and class
                continue
            library, name = entry
            if key.startswith("_") or not name.isidentifier() or library.partition(".")[0] in pipeline_libraries():
                continue
            use = target_use(f"{library}.{name}")
            if use is not None and use.judgement is Judgement.DANGEROUS:
                self._target(f"{library}.{name}", path, str(key))
            elif use is not None:
                self._own(f"{library}.{name}", path, str(key))

    def _modules(self, value: list[Any], path: str) -> None:
        """Judge sentence-transformers' list of modules."""
        for number, entry in enumerate(value):
            if isinstance(entry, dict) and {"idx", "name", "path", "type"} <= entry.keys() and isinstance(entry["type"], str):
                name = entry["type"]
                if not name.startswith("sentence_transformers."):
                    use = target_use(name)
                    if use is not None and use.judgement is Judgement.DANGEROUS:
                        self._target(name, f"{path}[{number}]", "type")
                    else:
                        self._own(name, f"{path}[{number}]", "type")

    def _mlflow(self, value: Mapping[Any, Any], path: str) -> None:
        loader = value.get("loader_module")
        if isinstance(loader, str):
            if not loader.startswith("mlflow."):
                self._own(loader if "." in loader else f"{loader}.py", path, "loader_module")
            if value.get("code") not in (None, "", "null", "~"):
                title = f"has the code in the folder {str(value['code'])[:80]} imported"
                self._finding(path, "config-own-code", title, "code", str(value["code"]))
        script = value.get("model_code_path")
        if isinstance(script, str) and script not in ("", "null", "~"):
            self._own(script, path, "model_code_path")

    def _templates(self, value: Mapping[Any, Any], path: str) -> None:
        if "chat_template[" in path:
            return  # one of a list, which was looked at there
        for key, entry in value.items():
            if not (isinstance(key, str) and "template" in key):
                continue
            named = entry if isinstance(entry, list) else [entry]
            texts: list[tuple[str, str]] = []
            for one in named:
                if isinstance(one, str):
                    texts.append((key, one))
                elif isinstance(one, dict):
                    texts += [(f"{key}.{one.get('name', inner)}", text) for inner, text in one.items() if isinstance(text, str)]
            for name, text in texts:
                if may_be_template(text):
                    found, unread = template_findings(text, f"{path}.{name}".lstrip("."))
                    self.findings += found
                    self.missed += unread if key.startswith("chat_template") else ()

    def _expression(self, expression: str, path: str) -> None:
        """Judge a text that MONAI evaluates: it begins with a dollar sign in a file that builds things."""
        judged = judge_expression(expression)
        if judged is not None:
            title, severity = judged
            place = self._place(path, "", expression)
            self.findings.append(finding("config-expression", title, place, expression[:_LONGEST], severity))

    def _own(self, reference: str, path: str, key: str) -> None:
        if not _REFERENCE.fullmatch(reference):
            return
        repository, split, module = reference.rpartition("--")
        whose = f"of the repository {repository}" if split else "of the model's own"
        self._finding(path, "config-own-code", f"has code {whose} imported: {module[:80]}", key, reference)

    def _finding(self, path: str, rule: str, title: str, key: str, value: str = "") -> None:
        location = self._place(path, key, value or key)
        code = f"{key}: {value}"[:_LONGEST] if value else key
        self.findings.append(finding(rule, title, location, code))

    def _place(self, path: str, key: str, value: str) -> str:
        line = self._line_of(value)
        where = f"{path}.{key}".strip(".") if key else path
        return f"{where} (line {line})" if line else where


def _leads_on(value: Any) -> bool:
    kind = type(value)
    return kind is dict or kind is list or (kind is str and value[:1] == "$")


def _texts(value: Any) -> Iterator[str]:
    """Give the texts of a value, however they are nested."""
    waiting = [value]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, (dict, list)) and id(one) not in seen:
            seen.add(id(one))
            waiting += one.values() if isinstance(one, dict) else one
