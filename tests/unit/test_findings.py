"""One table says what every rule is about: no engine has a rule that is not in it, and none stands there for nothing."""

import ast
import tomllib
from pathlib import Path

import jupyter_modelguard
from jupyter_modelguard.policy.code_opinions import kinds
from jupyter_modelguard.policy.findings import finding_rules

PACKAGE = Path(jupyter_modelguard.__file__).parent
MAKERS = {"finding": 0, "named_finding": 0, "Finding": 0, "_finding": 1, "Use": 0}
NAMED = ("_RULE",)


def rules_in(path):
    """Collect the names of rules that a module makes findings of."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in MAKERS:
                yield from (one.value for one in node.args[: MAKERS[name] + 1] if isinstance(one, ast.Constant))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(target, "id", "") in NAMED for target in targets):
                yield node.value.value
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if getattr(target, "id", "") == "_RULES":  # a table of them
                yield from (one.value for one in node.value.values if isinstance(one, ast.Constant))


# What was missed is no engine's finding, and the history of earlier versions has what is called by more exact names now.
WITHOUT_ENGINE = {"not-inspected", "remote-code-capability"}
CAPABILITIES = tomllib.loads((PACKAGE / "policy" / "code_capabilities.toml").read_text(encoding="utf-8"))["capability"]


def test_table_has_the_rules_of_all_engines_and_no_others():
    used = {rule for path in PACKAGE.rglob("*.py") for rule in rules_in(path) if isinstance(rule, str)}
    used |= {row["rule"] for row in CAPABILITIES}
    used |= {kind.rule for kind in kinds()}
    assert used == set(finding_rules()) - WITHOUT_ENGINE
