"""Archives of repositories as GitHub hands them out, served from this machine to the real torch.hub."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Archives", "archive"]


def archive(files, top="acme-tiny-0a1b2c3"):
    """Zip files into one folder named by a commit, that folder's own entry first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(f"{top}/", "")
        for name, text in files.items():
            made.writestr(f"{top}/{name}", text)
    return buffer.getvalue()


class Archives:
    """A server on loopback; each repository's archive by `owner/name/ref`, and what was asked for."""

    def __init__(self):
        self.of = {}
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                content = outer.of.get(self.path.strip("/"))
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def link(self, owner, name, ref):
        """Say where an archive is, in the place of `torch.hub._git_archive_link`."""
        return f"http://127.0.0.1:{self._server.server_port}/{owner}/{name}/{ref}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
