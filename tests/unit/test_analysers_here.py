"""A person sees which analysers would be asked about a model's own code, and what keeps one from it."""

import pytest

from jupyter_modelguard.engines.code_opinions import present
from jupyter_modelguard.engines.code_opinions.settings import Program, Settings
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.ipython.doctor import _analysers

NOTHING = Settings()


@pytest.fixture
def here(monkeypatch):
    def set_up(*modules, semgrep="", switched_on=NOTHING):
        def asked():
            if isinstance(switched_on, Exception):
                raise switched_on
            return switched_on

        monkeypatch.setattr(present, "is_there", lambda module: module in modules)
        monkeypatch.setattr(present, "semgrep", lambda: semgrep)
        monkeypatch.setattr(present, "settings", asked)
        monkeypatch.setattr(present, "version_of", lambda _: "1.0")

    return set_up


def test_each_is_named_with_when_it_is_asked(here, tmp_path):
    programs = (Program("codeql", ("x", "{folder}")),)
    here("bandit.core.node_visitor", "yara_x", semgrep="/bin/semgrep", switched_on=Settings(tmp_path, programs))
    well, text = _analysers()
    assert well
    assert f"bandit 1.0 and yara-x 1.0 (also with the rules of {tmp_path}) before you decide" in text
    assert "semgrep and codeql when a scan wants second opinions" in text


def test_absent_ones_are_named_with_how_to_have_them(here):
    here("bandit.core.node_visitor")
    well, text = _analysers()
    assert well
    assert 'not here: yara-x (pip install "jupyter-modelguard[yara]"), semgrep (' in text


def test_what_keeps_one_from_being_asked_is_said(here):
    here()
    assert _analysers() == (False, "An analyser cannot be asked about a model's own code. bandit is missing: pip install bandit")
    here("bandit.core.node_visitor", switched_on=ConfigurationError("analysers.toml cannot be understood"))
    well, text = _analysers()
    assert not well
    assert "cannot be understood" in text
