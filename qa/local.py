"""Runs a language model in this process: a llama.cpp server on loopback, with the `local` extra.

model = LocalModel("/models/a.gguf", context_window=8192); model.base_url; model.close()
"""

import os
from pathlib import Path
from typing import Any

from ..errors import SettingsError


class LocalModel:
    """A .gguf file that answers at `base_url`, until closed."""

    def __init__(self, path: str, context_window: int) -> None:
        file = Path(path).expanduser()
        if not file.is_file():
            raise SettingsError(f"There is no model file {file}: correct BYLINE_LLM (gguf:/path).")
        try:
            from xllamacpp import CommonParams, Server
        except ImportError:
            raise SettingsError(
                "gguf: models need the extra `local`: run `pip install 'byline[local]'`."
            ) from None
        params = CommonParams()
        params.model.path = str(file)
        params.n_ctx, params.n_parallel = context_window, 1
        # One core is left to the rest: spinning threads stall where a core is shared.
        params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) - 1)
        params.port, params.ui, params.verbosity = 0, False, -1
        try:
            self._server: Any = Server(params)
        except RuntimeError as error:
            raise SettingsError(f"{file} cannot be loaded as a model: {error}.") from None
        self.base_url = f"{self._server.listening_address}/v1"

    def close(self) -> None:
        """Stop the server and free the model."""
        self._server = None
