"""A web site that serves an archive, as badly as a test tells it to."""

import hashlib
import random
import re
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

CONTENT = random.Random(1).randbytes(500_000)
SIZE = len(CONTENT)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Site(ThreadingTCPServer):  # an HTTPServer would ask DNS for its own name
    """Serves `content` at any path but /moved and /missing, as badly as it is told to.

    drops: after how many bytes the next answers end; answers: (status, headers) of the next
    ones; extra: headers of all; stalls: the answers that stop half-way until `go_on`.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/data.zip"
        self.content, self.announces, self.ranges = CONTENT, True, True
        self.drops, self.answers, self.stalls, self.extra = [], [], 0, {}
        self.asked, self.served, self.go_on = [], 0, threading.Event()
        self.was_waited_for = False

    def handle_error(self, request, client_address):
        """A client that goes away is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        """Keep the tests' output clean."""

    def do_GET(self):
        site, wanted = self.server, self.headers.get("Range")
        site.asked.append(wanted)
        if self.headers["Accept-Encoding"] != "identity":
            return self.head(406, {"Content-Length": 0})
        if self.path == "/moved":
            return self.head(302, {"Location": "/data.zip", "Content-Length": 0})
        if self.path == "/missing":
            return self.head(404, {"Content-Length": 0})
        if site.answers:
            status, headers = site.answers.pop(0)
            return self.head(status, {"Content-Length": 0} | headers)
        begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and site.ranges else 0
        body, total = site.content[begin:], len(site.content)
        headers = {"Content-Length": len(body)} if site.announces else {}
        if begin >= total:
            return self.head(416, {"Content-Range": f"bytes */{total}", "Content-Length": 0})
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{total - 1}/{total}"
        self.head(206 if begin else 200, headers | site.extra)
        if site.stalls:
            site.stalls -= 1
            self.send(body[: len(body) // 2])
            site.was_waited_for = not site.go_on.wait(10)
            return None
        self.send(body[: site.drops.pop(0)] if site.drops else body)

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send(self, body):
        self.server.served += len(body)
        self.wfile.write(body)
