"""Servers on a free port of this machine, for tests and for what is measured.

Those of Python run in a thread of this process, PostgreSQL and Chroma in processes of their own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
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


def postgres_programs() -> Path | None:
    """Where PostgreSQL's initdb and postgres are; Debian has them on no path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_release)
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _release(program: Path) -> float:
    return float(program.parent.parent.name)


@contextmanager
def postgres(**options: str) -> Iterator[str]:
    """The address of a new PostgreSQL with an empty database; gone afterwards, and with us.

    `postgresql+psycopg://byline:PASSWORD@127.0.0.1:PORT/byline`, of a role that may do anything.
    `options` are its settings. What it writes is not brought to the disk: a test's may be lost.
    """
    programs = postgres_programs()
    assert programs is not None
    port, is_root = free_port(), os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="byline-postgres-") as name:
        folder, data = Path(name), Path(name) / "data"
        (folder / "password").write_text("open-sesame")
        as_other = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if is_root else []
        if is_root:  # as whom it does not start
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        alone = ["setpriv", *as_other, "--pdeathsig=INT", "--"]
        made = [programs / "initdb", "-D", data, "-U", "byline", "--pwfile", folder / "password"]
        made += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        told = {"cwd": folder, "stdin": subprocess.DEVNULL}
        subprocess.run([*alone, *made], check=True, capture_output=True, **told)
        given = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)}
        given |= {"port": str(port), "max_connections": "200", "log_min_messages": "fatal"}
        given |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", **options}
        settings = [part for one in given.items() for part in ("-c", "=".join(one))]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*alone, programs / "postgres", "-D", data, *settings], stderr=log, **told
            )
        try:
            _until_ready(server, programs / "pg_isready", port, folder / "log")
            address = f"postgresql+psycopg://byline:open-sesame@127.0.0.1:{port}"
            made = [programs / "createdb", "-h", folder, "-p", str(port), "-U", "byline", "byline"]
            known = os.environ | {"PGPASSWORD": "open-sesame"}
            subprocess.run(made, check=True, capture_output=True, env=known, **told)
            yield f"{address}/byline"
        finally:
            server.send_signal(signal.SIGQUIT)  # it waits for nobody, and writes nothing more
            server.wait(30)


@contextmanager
def chroma(folder: Path, port: int = 0) -> Iterator[str]:
    """The address of a Chroma server over a folder; it ends with us."""
    port = port or free_port()
    program = Path(sys.executable).with_name("chroma")
    command = [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        told: Any = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        server = subprocess.Popen(["setpriv", "--pdeathsig=TERM", "--", *command], **told)
        try:
            for _ in range(300):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert server.poll() is None, log.seek(0) or log.read()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait(30)


def free_port() -> int:
    """A port where nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _until_ready(server: "subprocess.Popen[bytes]", asks: Path, port: int, log: Path) -> None:
    for _ in range(300):
        asked = [asks, "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(asked, check=False).returncode == 0:
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"PostgreSQL does not answer: {log.read_text()}")
