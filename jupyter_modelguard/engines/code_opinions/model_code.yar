/*
  What code that is meant to harm looks like when it hides in the Python files of a model. Written for this package; its licence is the
  package's. A rule names the finding it makes, and its patterns that begin with $line say on which line; the others only have to be there.
  Each is to stay silent on the modelling code of honest libraries: `tests/unit/test_yara_rules.py`.
*/

rule decoded_exec
{
  meta:
    finding = "opinion-eval"
  strings:
    $line_run = /(^|[^\w.])(exec|eval|compile)\s{0,8}\(\s{0,8}[^\n]{0,160}(b16decode|b32decode|b64decode|b85decode|a85decode|fromhex|unhexlify|\.decompress|marshal\.loads|codecs\.decode|pickle\.loads)/
    $line_made = /FunctionType\s{0,8}\(\s{0,8}(marshal|pickle|dill|cloudpickle)\.loads/
    $line_nested = /(^|[^\w.])(exec|eval)\s{0,8}\(\s{0,8}(zlib|gzip|bz2|lzma|base64|binascii|codecs|marshal)\./
  condition:
    any of them
}

rule hidden_exec
{
  meta:
    finding = "opinion-eval"
  strings:
    $line_builtins = /getattr\s{0,4}\(\s{0,4}(__builtins__|builtins|__import__\s{0,2}\(\s{0,2}['"]builtins['"]\s{0,2}\))\s{0,4},/
    $line_subscript = /__builtins__(\.__dict__)?\s{0,4}\[\s{0,4}['"]/
    $line_globals = /globals\(\)\s{0,4}\[\s{0,4}['"]__builtins__['"]/
    $line_import = /__import__\s{0,4}\(\s{0,4}['"](os|posix|nt|subprocess|socket|pty|ctypes|marshal|commands)['"]\s{0,4}\)\s{0,4}\./
    $line_characters = /(chr\s{0,2}\(\s{0,2}(0x[0-9a-fA-F]{1,4}|\d{1,4})\s{0,2}\)\s{0,4}\+\s{0,4}){5}/
    $line_underscores = /(^|[^\w])_{4,}\s{0,4}=\s{0,4}(eval|exec|getattr|__import__|lambda)\b/
    $line_subclasses = /__subclasses__\s{0,4}\(\s{0,4}\)[^\n]{0,80}(__globals__|__init__|popen|system)/
  condition:
    any of them
}

rule hidden_name
{
  meta:
    finding = "opinion-eval"
  strings:
    $line_literal = /\bgetattr\s{0,4}\(\s{0,4}(os|subprocess|shutil|posix|nt|pty|runpy|ctypes|importlib|socket)\s{0,4},\s{0,4}['"](system|popen|Popen|exec\w{0,4}|spawn\w{0,4}|posix_spawn\w?|fork\w{0,3}|run|call|check_\w{4,6}|rmtree|dlopen|CDLL)['"]\s{0,4}\)\s{0,4}\(/
    $line_unsaid = /\bgetattr\s{0,4}\(\s{0,4}(os|subprocess|shutil|posix|nt|pty|runpy)\s{0,4},\s{0,4}(f['"]|['"][^'"\n]{0,20}['"]\s{0,4}[+%.'"]|[^'"\s])/
    $line_inner = /\bgetattr\s{0,4}\(\s{0,4}(getattr\s{0,4}\(|__import__\s{0,4}\()[^\n]{1,200}\)\s{0,4}\(/
    $line_pieces = /\bgetattr\s{0,4}\(\s{0,4}\w{1,40}\s{0,4},\s{0,4}['"]\w{1,8}['"]\s{0,4}\+\s{0,4}['"]\w{1,8}['"]\s{0,4}\)\s{0,4}\(/
    $line_spelled = /\bgetattr\s{0,4}\(\s{0,4}\w{1,40}\s{0,4},[^\n]{0,80}(b64decode|fromhex|unhexlify|rot[_-]?13|\bchr\b)/
    $line_table = /\b(os|subprocess|shutil|posix|pty|builtins)\.__dict__\s{0,4}(\[|\.get\s{0,4}\()/
    $line_vars = /\bvars\s{0,4}\(\s{0,4}(os|subprocess|shutil|posix|pty|builtins)\s{0,4}\)/
    $line_own_table = /\b(locals|vars)\s{0,4}\(\s{0,4}\)\s{0,4}(\[|\.get\s{0,4}\()\s{0,4}['"]__builtins__['"]/
    $line_modules = /\bsys\.modules\s{0,4}(\[|\.get\s{0,4}\()[^\n\])]{1,60}[\])]\s{0,4}\.\s{0,4}(system|popen|Popen|exec\w{0,4}|spawn\w{0,4}|run|call|check_\w{4,6}|eval)\b/
    $line_import = /\bimport_module\s{0,4}\(\s{0,4}['"]\w{0,12}['"]\s{0,4}(\+|\[\s{0,4}::|%|\.format|\.join|['"])/
    $line_reversed = /['"]\w{2,20}['"]\s{0,4}\[\s{0,4}::\s{0,4}-1\s{0,4}\]\s{0,4}\)\s{0,4}\./
    $line_getter = /\b(attrgetter|methodcaller)\s{0,4}\(\s{0,4}['"](system|popen|exec\w{0,4}|spawn\w{0,4}|eval|__globals__|__builtins__|__subclasses__)\b/
    $line_globals = /\.__globals__\s{0,4}(\[|\.get\s{0,4}\()/
  condition:
    any of them
}

rule download_and_run
{
  meta:
    finding = "opinion-download"
  strings:
    $line_python = /(^|[^\w.])(exec|eval)\s{0,4}\(\s{0,4}[^\n]{0,160}(requests\.(get|post)|urlopen|httpx\.(get|post)|urlretrieve|http\.client)/
    $line_pipe = /\b(curl|wget)\s[^\n]{0,200}\|\s{0,4}(sudo\s{1,4})?(\/bin\/|\/usr\/bin\/)?(sh|bash|zsh|dash|python|python3|perl)\b/
    $line_then = /\b(curl|wget)\s[^\n]{0,200}(&&|;)\s{0,4}(chmod\s{1,4}[^\n]{0,60}(\+x|7[0-7][0-7])|sh\s|bash\s|python3?\s|\.\/)/
    $line_powershell = /(IEX|Invoke-Expression)[^\n]{0,120}(DownloadString|Invoke-WebRequest|iwr|WebClient)/ nocase
    $line_encoded = /powershell(\.exe)?[^\n]{0,80}-e(nc|ncodedcommand)?\s{1,4}[A-Za-z0-9+\/=]{40}/ nocase
  condition:
    any of them
}

rule reverse_shell
{
  meta:
    finding = "opinion-malicious"
  strings:
    $line_device = /\/dev\/(tcp|udp)\/[^\s'"]{1,80}\/\d{1,5}/
    $line_bash = /\b(ba|z|da)?sh\s{1,4}-i\s{0,4}(>&|[0-9]?>|<|\|)/
    $line_netcat = /\b(nc|ncat|netcat)\s[^\n]{0,80}\s-(e|c)\s{1,4}(\/bin\/|cmd|sh|bash)/
    $line_fifo = /mkfifo\s[^\n]{0,80}\|\s{0,4}(\/bin\/)?(ba)?sh\b/
    $line_descriptors = /os\.dup2\s{0,4}\([^\n]{0,60}\.fileno\s{0,4}\(\s{0,4}\)\s{0,4},\s{0,4}[012]\s{0,4}\)/
    $line_terminal = /pty\.spawn\s{0,4}\(\s{0,4}[\[(]?\s{0,4}['"]([^'"\n]{0,20}\/)?(ba|z|da)?sh['"]/
  condition:
    any of them
}

rule harvested_secrets
{
  meta:
    finding = "opinion-secrets"
  strings:
    $line_ssh = /\.ssh[\/\\'", ]{1,6}(id_(rsa|dsa|ecdsa|ed25519)|config|known_hosts)/
    $line_clouds = /\.aws[\/\\'", ]{1,6}credentials|\.kube[\/\\'", ]{1,6}config|\.docker[\/\\'", ]{1,6}config\.json|\.config\/gcloud|application_default_credentials\.json/
    $line_files = /[\/\\'"~](\.git-credentials|\.pypirc|\.npmrc|\.pgpass|wallet\.dat|\.netrc)['"]/
    $line_hub = /(\.cache\/)?huggingface[\/\\'", ]{1,6}(stored_tokens|token)['"]/
    $line_browser = /(Chrome|Chromium|Firefox|Edge|Brave)[^\n]{0,80}(Login Data|Cookies|logins\.json|key4\.db)/
    $line_metadata = /169\.254\.169\.254|metadata\.google\.internal/
    $line_shadow = /['"]\/etc\/(shadow|sudoers|master\.passwd)['"]/
    $line_environment = /(json\.dumps|urlencode|repr|str|b64encode)\s{0,4}\(\s{0,4}(dict\s{0,4}\(\s{0,4})?os\.environ\s{0,4}\)/
  condition:
    any of them
}

rule persistence
{
  meta:
    finding = "opinion-malicious"
  strings:
    $line_keys = "authorized_keys"
    $line_cron = /\bcrontab\s{1,4}(-|\/|<)|\/etc\/cron(tab|\.d|\.hourly|\.daily)|\/var\/spool\/cron/
    $line_shell = /[\/~'"]\.(bashrc|zshrc|bash_profile|zprofile|bash_login|profile)['"]/
    $line_site = /(sitecustomize|usercustomize)(\.py)?['"]/
    $line_pth = /(site-packages|getsitepackages|getusersitepackages|purelib)[^\n]{0,120}\.pth['"]/
    $line_service = /\/(systemd\/(user|system)\/|etc\/systemd|etc\/init\.d\/|etc\/rc\.local|etc\/ld\.so\.preload)|Library\/Launch(Agents|Daemons)|CurrentVersion\\{1,2}Run\b/
    $line_notebook = /\.ipython[\/\\'", ]{1,6}profile_\w{1,40}|(ipython_config|ipython_kernel_config|jupyter_(notebook|server|lab)_config)\.py['"]/
    $line_task = /schtasks(\.exe)?\s[^\n]{0,40}\/create/ nocase
  condition:
    any of them
}

rule crypto_miner
{
  meta:
    finding = "opinion-malicious"
  strings:
    $line_protocol = /stratum\+(tcp|ssl|tls|udp):\/\//
    $line_program = /\b(xmrig|minerd|cpuminer|ethminer|nbminer|t-rex-miner|lolminer|phoenixminer)\b/ nocase
    $line_pool = /\b(minexmr|supportxmr|nanopool|moneroocean|nicehash|2miners|f2pool)\.(com|org|stream)\b/ nocase
    $line_option = /--(donate-level|randomx-\w{2,20}|coin[= ](monero|xmr))\b/
  condition:
    any of them
}

rule webhook
{
  meta:
    finding = "opinion-sends"
  strings:
    $line_discord = /discord(app)?\.com\/api\/(v\d{1,2}\/)?webhooks\//
    $line_telegram = "api.telegram.org/bot"
    $line_slack = "hooks.slack.com/services/"
    $line_catchers = /\b(webhook\.site|requestbin\.(com|net)|pipedream\.net|beeceptor\.com|requestcatcher\.com|interact\.sh|oast\.(fun|pro|live|site|online|me)|oastify\.com|burpcollaborator\.net|canarytokens\.com)\b/
    $line_tunnels = /\b[\w-]{1,60}\.(ngrok\.io|ngrok-free\.app|ngrok\.app|trycloudflare\.com|serveo\.net|loca\.lt|localhost\.run)\b/
    $line_pastes = /(pastebin\.com\/(raw|api)|transfer\.sh\/|file\.io\/|anonfiles\.com|0x0\.st|termbin\.com)/
    $line_onion = /\b[a-z2-7]{16,56}\.onion\b/
  condition:
    any of them
}

rule encoded_payload
{
  meta:
    finding = "opinion-malicious"
  strings:
    $line_base64 = /['"][A-Za-z0-9+\/]{500}/
    $line_hexadecimal = /['"][0-9a-f]{600}/ // not both cases in one class: that takes seconds for a long line
    $line_capitals = /['"][0-9A-F]{600}/
    $line_escapes = /(\\x[0-9a-fA-F]{2}){80}/
    $decoded = /b16decode|b32decode|b64decode|b85decode|a85decode|fromhex|unhexlify|\.decompress|marshal\.loads|codecs\.decode|(^|[^\w.])exec\s{0,4}\(/
  condition:
    any of ($line*) and $decoded
}

rule machine_code
{
  meta:
    finding = "opinion-malicious"
  strings:
    $line_windows = /\b(VirtualAlloc(Ex)?|CreateRemoteThread|WriteProcessMemory|RtlMoveMemory)\b/
    $line_mapped = /PROT_EXEC\b|\.mprotect\s{0,4}\(/
    $line_anonymous = /memfd_create\s{0,4}\(/
  condition:
    any of them
}

rule installs_packages
{
  meta:
    finding = "opinion-foreign-code"
  strings:
    $line_shell = /(os\.(system|popen)|subprocess\.\w{2,20}|get_ipython\(\)\.system)\s{0,4}\([^\n]{0,120}\b(pip3?|uv|conda|npm|apt|apt-get)\b[^\n]{0,20}\binstall\b/
    $line_pip = /\bpip(\._internal)?(\.cli)?(\.main)?\s{0,4}(\.main)?\s{0,4}\(\s{0,4}\[\s{0,4}['"]install['"]/
  condition:
    any of them
}
