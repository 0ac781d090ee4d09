"""A hub of models on this machine, as far as the client libraries of Hugging Face ask it: files by commit, branches and answers about both.

What it serves is what a test committed. It keeps a list of all that was asked.
"""

import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

__all__ = ["FakeHub"]


class Repository:
    """Files by commit, and which commit a branch names."""

    def __init__(self):
        self.commits = {}
        self.refs = {}
        self.discussions = []

    def at(self, revision):
        """The commit that a revision names, and its files; None for what there is not."""
        sha = self.refs.get(revision, revision)
        return (sha, self.commits[sha]) if sha in self.commits else (None, None)


class FakeHub:
    """Serves repositories on loopback.

    Attributes
    ----------
    url
        Where it listens.
    asked
        Each request so far: "HEAD /acme/tiny/resolve/main/config.json".
    """

    def __init__(self):
        self.repositories = {}
        self.asked = []
        self.before = None  # called with the path before each answer: a hub that changes, hangs or fails
        hub = self

        class Handler(_Handler):
            served = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def commit(self, name, files, *, branch="main", alone=False):
        """Put files on a branch of a repository, beside those that it has unless `alone`; give the commit."""
        repository = self.repositories.setdefault(name, Repository())
        _, before = repository.at(branch)
        content = {} if alone else dict(before or {})
        content |= {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
        listed = json.dumps([[path, hashlib.sha1(data).hexdigest()] for path, data in sorted(content.items())])
        sha = hashlib.sha1(f"{name} {len(repository.commits)} {listed}".encode()).hexdigest()
        repository.commits[sha] = content
        repository.refs[branch] = sha
        return sha

    def fetched(self, name):
        """The files of a repository that somebody got, by their names."""
        start = f"GET /{name}/resolve/"
        return [asked.removeprefix(start).partition("/")[2] for asked in self.asked if asked.startswith(start)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served = None

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def _answer(self):
        path = unquote(urlsplit(self.path).path)
        self.served.asked.append(f"{self.command} {path}")
        if self.served.before is not None:
            self.served.before(path)
        parts = path.strip("/").split("/")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if parts[:2] == ["api", "models"] and len(parts) > 3:
                self._about("/".join(parts[2:4]), parts[4:])
            elif len(parts) > 4 and parts[2] == "resolve":
                self._file("/".join(parts[:2]), parts[3:])
            else:
                self._say(404, {"error": "no such page"}, **{"X-Error-Code": "RepoNotFound"})

    def _found(self, name, rest):
        """What a repository has at the revision that begins `rest`, and what follows; says so itself where there is none."""
        repository = self.served.repositories.get(name)
        if repository is None:
            self._say(404, {"error": "Repository not found"}, **{"X-Error-Code": "RepoNotFound"})
            return None
        for count in range(1, len(rest) + 1):  # a branch may have slashes in its name
            sha, files = repository.at("/".join(rest[:count]))
            if sha is not None:
                return sha, files, "/".join(rest[count:])
        self._say(404, {"error": f"Invalid rev id: {rest[0]}"}, **{"X-Error-Code": "RevisionNotFound"})
        return None

    def _about(self, name, rest):
        if rest[:1] == ["discussions"]:
            repository = self.served.repositories.get(name)
            listed = [] if repository is None else repository.discussions
            self._say(200, {"discussions": listed, "count": len(listed), "start": 0})
            return
        found = self._found(name, rest[1:] or ["main"])
        if found is None:
            return
        sha, files, folder = found
        if rest[:1] == ["tree"]:
            inside = {path: data for path, data in sorted(files.items()) if not folder or path.startswith(f"{folder}/")}
            if folder and not inside:
                self._no_entry(sha)
                return
            self._say(
                200,
                [{"type": "file", "path": path, "size": len(data), "oid": _oid(data)} for path, data in inside.items()],
            )
            return
        siblings = [{"rfilename": path, "size": len(data), "blobId": _oid(data)} for path, data in sorted(files.items())]
        about = {"id": name, "modelId": name, "sha": sha, "private": False, "gated": False, "tags": [], "siblings": siblings}
        self._say(200, about, **{"X-Repo-Commit": sha})

    def _file(self, name, rest):
        found = self._found(name, rest)
        if found is None:
            return
        sha, files, path = found
        if path not in files:
            self._no_entry(sha)
            return
        data = files[path]
        self._send(200, data, "application/octet-stream", **{"ETag": f'"{_oid(data)}"', "X-Repo-Commit": sha})

    def _no_entry(self, sha):
        self._say(404, {"error": "Entry not found"}, **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha})

    def _say(self, status, value, **headers):
        self._send(status, json.dumps(value).encode(), "application/json", **headers)

    def _send(self, status, data, kind, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _oid(data):
    """As git names a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
