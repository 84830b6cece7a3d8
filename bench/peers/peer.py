"""A peer's side of the bench: does what is asked on standard input, a JSON object a line.

Runs in the peer's own environment, so it needs nothing but Python.

    serve(Peer(*sys.argv[1:]))     # {"do": "search", "question": "..."} calls peer.search(...)
"""

import json
import os
import re
import sys
import time
from pathlib import Path


def serve(peer: object) -> None:
    """Answer each line with {"value" or "error", "seconds", "cpu_seconds", "peak_mb"}."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no reply
    for line in sys.stdin:
        asked = json.loads(line)
        do, began, cpu = asked.pop("do"), time.monotonic(), time.process_time()
        try:
            reply = {"value": getattr(peer, do)(**asked) if do != "rest" else {}}
        except Exception as error:  # of somebody's library: it is what the peer gives
            reply = {"error": f"{type(error).__name__}: {error}"}
        reply |= {"seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu}
        # Not getrusage, which counts what the process was forked from.
        peak = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
        print(json.dumps(reply | {"peak_mb": int(peak[1]) / 1024}), file=replies, flush=True)


def articles_in(file: str) -> dict[str, dict]:
    """The articles of a JSON Lines file by their ids."""
    with open(file, encoding="utf-8") as lines:
        return {article["id"]: article for article in map(json.loads, lines)}


def passage(article: dict, text: str, **more: object) -> dict[str, object]:
    """A passage of an article, by the harness's names."""
    known = {key: article[key] for key in ("outlet", "title", "published", "url")}
    return {"article_id": article["id"], "text": text, **known, **more}


def cited(number: int, found: dict) -> dict[str, object]:
    """A passage as the citation of this number."""
    kept = {key: value for key, value in found.items() if key not in ("text", "score")}
    return {"number": number, "quote": found["text"], **kept}
