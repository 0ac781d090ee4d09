"""A small ModelScope and a small OpenCSG on this machine's loopback, for their real SDKs."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["OtherHubs"]

COMMIT = "5d4c3b2" + "0" * 33


class OtherHubs:
    """Both hubs at one address.

    Attributes
    ----------
    of
        The files of each repository, `owner/name` to name to content.
    asked
        The paths that were asked for.
    """

    def __init__(self):
        self.of = {}
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                content = outer.answer(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content or b"")

            do_HEAD = do_GET  # noqa: N815 http.server looks for this name

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target):
        """Say what is at an address of either hub; None if nothing is."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "csg":
            return self._of_opencsg(parts[1:])
        if parts[:3] == ["api", "v1", "models"] and "/".join(parts[3:5]) in self.of:
            return self._of_modelscope("/".join(parts[3:5]), parts[5:], query)
        return None

    def _of_modelscope(self, name, parts, query):
        files = self.of[name]
        if parts == []:
            owner, _, own = name.partition("/")
            return _data({"Owner": owner, "Name": own, "Path": owner, "Id": 1})
        if parts == ["revisions"]:
            return _data({"RevisionMap": {"Branches": [{"Revision": "master"}], "Tags": []}})
        if parts == ["repo", "files"]:
            return _data({"Files": [_entry(file, files[file]) for file in files]})
        if parts == ["repo"]:
            return files.get(query["FilePath"][0])
        return None

    def _of_opencsg(self, parts):
        if parts[:2] == ["api", "models"]:
            name = "/".join(parts[2:4])
            if name not in self.of:
                return None
            siblings = [{"rfilename": file} for file in self.of[name]]
            return json.dumps({"id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}).encode()
        name, verb, *_rest = "/".join(parts[:2]), parts[2], parts[3:]
        return self.of.get(name, {}).get("/".join(parts[4:])) if verb == "resolve" else None


def _data(value):
    return json.dumps({"Code": 200, "Success": True, "Message": "", "Data": value}).encode()


def _entry(name, content):
    return {
        "Name": name.rpartition("/")[2],
        "Path": name,
        "Type": "blob",
        "Size": len(content),
        "Sha256": hashlib.sha256(content).hexdigest(),
        "Revision": COMMIT,
        "IsLFS": False,
    }
