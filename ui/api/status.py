"""Whether the service lives, and what it answers from.

curl 127.0.0.1:8000/readyz
"""

import asyncio
from collections import Counter
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from ... import __version__
from ...desk import Desk
from .problems import INDEX, responses
from .records import Collection, given


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=[__version__])


class Ready(Alive):
    """Questions can be asked."""

    articles: int = Field(description="Articles that can be asked about now.")
    index_version: int = Field(description="Grows with every change of the index.")


def status(desk: Desk) -> APIRouter:
    """`/healthz`, `/readyz` and `/v1/collection` of a desk."""
    router = APIRouter(tags=["Status"])

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Alive:
        return Alive(status="ok", version=__version__)

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", summary="Whether questions can be asked", responses=responses(*INDEX))
    async def readyz() -> Ready:
        library = await asyncio.to_thread(desk.library)
        articles = library.archive.count()[0]
        version = library.archive.generation
        return Ready(status="ok", version=__version__, articles=articles, index_version=version)

    @router.get("/v1/collection", responses=given(Collection) | responses(*INDEX))
    async def get_collection() -> Response:
        """Counts by outlet and day, and how the index is built."""
        return JSONResponse(await asyncio.to_thread(_collection, desk))

    return router


def _collection(desk: Desk) -> dict[str, Any]:
    archive = desk.archive
    articles, passages = archive.count()
    return {
        "index": desk.settings.index,
        "index_version": archive.generation,
        "articles": articles,
        "passages": passages,
        "outlets": archive.outlets(),
        "days": {day.isoformat(): count for day, count in sorted(Counter(archive.days()).items())},
        "embedder": archive.built_with("embedder") or desk.settings.embedder,
        "local_only": desk.local_only,
    }
