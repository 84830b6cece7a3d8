"""Servers in a thread of this process, on a free port: for tests, and for what is measured."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import uvicorn


@contextmanager
def serving(app: Any, **config: Any) -> Iterator[str]:
    """The address of an ASGI application, or of a uvicorn.Server, which a signal ends then."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        given = {"log_level": "error", "timeout_graceful_shutdown": 1} | config
        server = app
        if not isinstance(app, uvicorn.Server):
            server = uvicorn.Server(uvicorn.Config(app, **given))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            if server is app:
                server.handle_exit(signal.SIGTERM, None)
            else:  # after a signal sse_starlette ends every later stream of this process
                server.should_exit = True
            thread.join(20)
        assert not thread.is_alive()


class Silent(BaseHTTPRequestHandler):
    """What answers to `answering`, and logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server of plain HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
