"""Chat templates: those of real families are data, and what leads an unsandboxed renderer to Python's insides is found."""

import contextlib
import json
from pathlib import Path

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from jupyter_modelguard.engines.content import Content
from jupyter_modelguard.engines.scanner import Scanner
from jupyter_modelguard.policy.chat_templates import template_findings
from jupyter_modelguard.policy.evaluate import evaluate
from jupyter_modelguard.types import RiskLevel

HONEST = sorted(Path(__file__).with_name("templates").glob("*.jinja"))

# Each runs `command` in a renderer without a sandbox.
ATTACKS = {
    "globals": "{{ cycler.__init__.__globals__.os.system(command) }}",
    "subscripts": "{{ cycler['__init__']['__globals__']['os']['system'](command) }}",
    "concatenation": "{{ cycler['__in' ~ 'it__']['__glo' + 'bals__'].os.system(command) }}",
    "attr filter": "{{ (cycler|attr('__init__')|attr('__globals__')).os.system(command) }}",
    "escapes": r"{{ cycler['\x5f\x5finit\x5f\x5f']['\x5f\x5fglobals\x5f\x5f'].os.system(command) }}",
    "variables": "{% set u = '__' %}{% set i = u ~ 'init' ~ u %}{% set g = u ~ 'globals' ~ u %}{{ cycler[i][g].os.system(command) }}",
    "reversed": "{{ cycler['__tini__'[::-1]]['__slabolg__'[::-1]].os.system(command) }}",
    "percent": "{{ cycler['%s%s' % ('__in', 'it__')]['%c_globals__' % ('_',)].os.system(command) }}",
    "joined": "{{ cycler[['__in', 'it__']|join][['__globals', '__']|join].os.system(command) }}",
    "keyword": "{{ cycler[dict(__init__=1)|first][dict(__globals__=1)|first].os.system(command) }}",
    "mapped": "{{ ([cycler]|map(attribute='__init__.__globals__')|first).os.system(command) }}",
    "block set": "{% set i %}__init__{% endset %}{% set g %}__globals__{% endset %}{{ cycler[i|string][g|string].os.system(command) }}",
    "namespace": "{% set n = namespace(i='__init__') %}{% set n.g = '__globals__' %}{{ cycler[n.i][n.g].os.system(command) }}",
    "looked up at rendering": "{% set o = cycler[names.i][names.g]['os'] %}{{ o[names.p](command) }}",
    "looked up and called as a method": "{{ cycler[names.i][names.g]['os'].system(command) }}",
    "looked up in a loop": "{% for p in [cycler[names.i][names.g]['os'][names.p]] %}{{ p(command) }}{% endfor %}",
    "carried by a namespace": "{% set n = namespace(get=joiner[names.i][names.g]['os'][names.p]) %}{{ n.get(command) }}",
    "subclasses": "{% for c in ''.__class__.__mro__[1].__subclasses__() if c.__name__ == 'Popen' %}{{ c(command, shell=true).wait() }}{% endfor %}",  # noqa: E501 one line, as such files are written
}
NAMES = {"i": "__init__", "g": "__globals__", "p": "system"}


def level(text):
    findings, missed = template_findings(text, "chat_template")
    assert not missed
    return {finding.severity.value for finding in findings}


@pytest.mark.parametrize("path", HONEST, ids=lambda path: path.stem)
def test_template_of_a_real_family_is_data(path):
    text = path.read_text(encoding="utf-8")
    assert template_findings(text, path.name) == ((), ())
    configuration = json.dumps({"chat_template": text, "tokenizer_class": "PreTrainedTokenizerFast"}).encode()
    assert evaluate(Scanner().scan(Content.of_bytes(configuration))).level is RiskLevel.DATA_ONLY


@pytest.mark.parametrize("attack", ATTACKS)
def test_template_that_runs_code_without_a_sandbox_is_found(attack, tmp_path):
    canary = tmp_path / "canary"
    given = {"command": f"touch {canary}", "names": NAMES}
    jinja2.Environment().from_string(ATTACKS[attack]).render(given)
    assert canary.exists()
    assert level(ATTACKS[attack]) & {"high", "critical"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_renderer_of_transformers_stops_the_same_template(attack, tmp_path):
    canary = tmp_path / "canary"
    given = {"command": f"touch {canary}", "names": NAMES}
    with contextlib.suppress(jinja2.exceptions.SecurityError, jinja2.exceptions.UndefinedError):
        ImmutableSandboxedEnvironment().from_string(ATTACKS[attack]).render(given)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ x|attr(messages[0].content) }}", "high"),
        ("{{ [x]|map(messages[0].content)|list }}", "high"),
        ("{% set range = x[k] %}{{ range(1) }}", "high"),
        ("{% macro m(f) %}{{ f(1) }}{% endmacro %}{{ m(x[k]) }}", "high"),
        ("{{ (messages|select).gi_frame.f_builtins }}", "critical"),
        ("{{ '{0.__class__}'.format(x) }}", "critical"),
        ("{{ (lipsum|string)[18] }}", "high"),
        ("{% call x[k]() %}{% endcall %}", "high"),
        ("{% include 'other' %}", "medium"),
        ("{% for i in range(10 ** 12) %}{% endfor %}", "low"),
        ("{{ 'a' * 9999999999 }}", "low"),
    ],
)
def test_template_that_reaches_further_than_a_chat_needs(text, expected):
    assert expected in level(text)


def test_template_that_cannot_be_read_was_not_inspected():
    assert template_findings("{% unheard of %}", "chat_template")[1]
    assert template_findings("{{" + "(" * 5000 + ")" * 5000 + "}}", "chat_template")[1]


def test_text_about_templates_is_text():
    text = "# Injection\n\nNever render `{{ ''.__class__.__mro__ }}` without a sandbox.\n"
    assert evaluate(Scanner().scan(Content.of_bytes(text.encode()))).level is RiskLevel.DATA_ONLY


def test_file_that_is_a_template_is_judged(tmp_path):
    text = b"{% for m in messages %}{{ m.__class__ }}{% endfor %}"
    assert evaluate(Scanner().scan(Content.of_bytes(text))).level is RiskLevel.DANGEROUS
    assert evaluate(Scanner().scan(Content.of_bytes(b"{{ m.__class__ }}", "chat_template.jinja"))).level is RiskLevel.DANGEROUS
