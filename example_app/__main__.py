"""``python -m example_app``: prepare, serve on this machine, and say what to try.

The port is taken first, so that of two starts only one goes on; ``demo.json`` is written when it serves.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
from functools import partial

from flask import Flask
from werkzeug.serving import make_server

from . import create_app
from .demo import announce, demo_path, kept_keys, runs, write
from .seed import api_keys, prepare

_POLL_S = 0.1
"""How often the server looks whether it shall stop."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; the exit code says whether that went well."""
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000"))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    app = create_app()
    try:
        listener = _listen(host, port)
    except OSError as error:
        return _give_way(app, host, port, error)
    with listener:
        prepare(app, partial(print, flush=True))
        keys = api_keys(app, kept_keys(app))
        server = make_server(host, port, app, threaded=True, fd=listener.fileno())
        threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="server", daemon=True).start()
        announce(write(app, host, server.port, keys), demo_path(app))
        stopped.wait()
        server.shutdown()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def _give_way(app: Flask, host: str, port: int, error: OSError) -> int:
    if error.errno == errno.EADDRINUSE and runs(app, port):
        print(f"The demo already runs on port {port}; {demo_path(app)} says how to reach it.")  # noqa: T201
        return 0
    print(f"Cannot serve on {host}:{port}: {error.strerror}. Try PORT={port + 1}.", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
