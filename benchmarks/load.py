"""Load: wrk for requests, raw sockets for the first byte of streams."""

from __future__ import annotations

import http.client
import re
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from servers import Server

SCRIPT = """
wrk.method = "{method}"
wrk.body = [==[{body}]==]
wrk.headers["Content-Type"] = "application/json"
{headers}
function done(summary, latency, _)
  io.write(string.format("DONE %d %d %f\\n", summary.requests, summary.errors.status, latency:percentile(50)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a burst of requests measured."""

    requests: int
    p50_ms: float
    cpu_ms: float
    """User and system time of the serving processes, a request."""


def wrk(server: Server, folder: Path, connections: int, seconds: float, url: str | None = None) -> Load:
    """Post executions (or get ``url``) for a while; every answer must be a success."""
    headers = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in server.headers.items())
    method, body = ("GET", "") if url else ("POST", server.body)
    script = folder / "wrk.lua"
    script.write_text(SCRIPT.format(method=method, body=body, headers=headers))
    before = server.cpu_s()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), url or server.url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = server.cpu_s() - before
    match = re.search(r"DONE (\d+) (\d+) ([\d.]+)", output)
    if match is None or match[2] != "0" or match[1] == "0":
        raise RuntimeError(f"{server.name} answered with errors: {output}")
    return Load(int(match[1]), float(match[3]) / 1000, cpu / int(match[1]) * 1000)


def first_token_ms(server: Server, connections: int, calls: int = 40) -> float:
    """Median time to the first event of a stream, with this many at once."""
    with ThreadPoolExecutor(connections) as pool:
        return statistics.median(pool.map(lambda _: _first_token(server), range(calls)))


def _first_token(server: Server) -> float:
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    headers = server.headers | {"Content-Type": "application/json", "Accept": "text/event-stream"}
    connection.connect()
    started = time.perf_counter()
    connection.request("POST", url.path, server.stream_body, headers)
    response = connection.getresponse()
    while b'"' not in response.readline():
        pass
    took = (time.perf_counter() - started) * 1000
    response.close()
    connection.close()
    return took
