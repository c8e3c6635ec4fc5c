"""A server on this machine that stands for a model behind an address."""

import http.server
import json
import threading
import time


class Server:
    """Answers every request as it is told, and remembers what it was asked."""

    def __init__(self):
        self.status, self.headers, self.body, self.wait = 200, {}, b"{}", 0
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append((self.path, dict(self.headers), content))
                time.sleep(outer.wait)
                try:
                    self.send_response(outer.status)
                    for name, value in outer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(outer.body)))
                    self.end_headers()
                    self.wfile.write(outer.body)
                except OSError:  # the client has gone
                    pass

            do_GET = do_POST  # where a redirect that is followed would arrive

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def says(self, answer):
        self.body = json.dumps(answer).encode()

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
