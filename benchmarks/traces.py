"""Run by MLflow's own Python: bodies of OTLP requests, each of so many traces of one span, one body a file.

``python traces.py FOLDER BODIES TRACES``
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # pyright: ignore[reportMissingImports]
    ExportTraceServiceRequest,
)


def main(folder: str, bodies: str, traces: str) -> None:
    """What a log of ours says of a call: its name, its time, its model, its tokens."""
    for number in range(int(bodies)):
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        for _ in range(int(traces)):
            now = time.time_ns()
            span = scope.spans.add(trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8), name="call")
            span.start_time_unix_nano, span.end_time_unix_nano = now - 12_000_000, now
            span.status.code = 1
            for name, value in (("model", "m"), ("user_id", "alice")):
                span.attributes.add(key=name).value.string_value = value
            span.attributes.add(key="tokens_used").value.int_value = 100
        (Path(folder) / f"traces-{number}").write_bytes(request.SerializeToString())


if __name__ == "__main__":
    main(*sys.argv[1:])
