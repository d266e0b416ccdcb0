"""A web server for one archive, as unreliable as a test asks."""

import contextlib
import random
import re
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

CONTENT = random.Random(1).randbytes(500_000)


class ArchiveServer(ThreadingTCPServer):  # an HTTPServer would ask DNS for its own name
    """Serves `content`; `requests` are the ranges that were asked for.

    Settings: `ranges`, whether the server can continue; `lengths`, whether it announces them; and
    of the next answers, `statuses` without content, `drops` (after how many bytes the connection
    is lost) and `stalls` (how many stop halfway until `resume` is set).
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/data.zip"
        self.content, self.type = CONTENT, "application/zip"
        self.ranges, self.lengths = True, True
        self.statuses, self.drops, self.stalls = [], [], 0
        self.requests, self.resume = [], threading.Event()

    def handle_error(self, request, client_address):
        """Ignore clients that go away."""

    @classmethod
    @contextlib.contextmanager
    def running(cls):
        with cls() as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield server
            server.resume.set()
            server.shutdown()
            thread.join()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        """Keep the tests' output clean."""

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.requests.append(wanted)
        if server.statuses:
            return self.send_head(server.statuses.pop(0), 0)
        begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and server.ranges else 0
        body = server.content[begin:]
        self.send_head(206 if begin else 200, len(body))
        if server.stalls:
            server.stalls -= 1
            self.wfile.write(body[: len(body) // 2])
            server.resume.wait(10)
        else:
            self.wfile.write(body[: server.drops.pop(0)] if server.drops else body)

    def send_head(self, status, length):
        self.send_response(status)
        self.send_header("Content-Type", self.server.type)
        if self.server.lengths:
            self.send_header("Content-Length", str(length))
        self.end_headers()
