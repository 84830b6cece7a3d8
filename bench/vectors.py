"""MiniLM that remembers: benchmark sets are embedded once, their vectors kept by content.

    embedder = Remembering(Path("bench/cache/vectors.db"))

Only for measuring what finding and answering are worth; ingest is measured with the bare embedder.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from byline.index.embed import MiniLM, Vectors


class Remembering(MiniLM):
    """Embeds only texts that it has not seen; a question always, as latency counts it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See Embedder."""
        keys = [self._key(text) for text in texts]
        known = {key: self._known(key) for key in keys}
        new = [text for key, text in zip(keys, texts, strict=True) if known[key] is None]
        for text, vector in zip(new, super().embed(new) if new else (), strict=True):
            known[self._key(text)] = vector
            self._db.execute(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)", (self._key(text), vector.tobytes())
            )
        self._db.commit()
        return np.array([known[key] for key in keys], np.float32)

    def _key(self, text: str) -> bytes:
        return hashlib.blake2b(f"{self.name}\0{text}".encode(), digest_size=16).digest()

    def _known(self, key: bytes) -> Vectors | None:
        row = self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return np.frombuffer(row[0], np.float32) if row else None
