"""Whether the service lives, and what it answers from.

curl 127.0.0.1:8000/readyz
"""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ... import __version__
from ...desk import Desk
from .problems import responses


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=[__version__])


class Ready(Alive):
    """Questions can be asked."""

    articles: int = Field(description="Articles that can be asked about now.")
    index_version: int = Field(description="Grows with every change of the index.")


def status(desk: Desk) -> APIRouter:
    """`/healthz` and `/readyz` of a desk."""
    router = APIRouter(tags=["Status"])

    @router.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Alive:
        return Alive(status="ok", version=__version__)

    @router.get("/readyz", summary="Whether questions can be asked", responses=responses(500, 503))
    async def readyz() -> Ready:
        library = await asyncio.to_thread(desk.library)
        articles = library.archive.count()[0]
        version = library.archive.generation
        return Ready(status="ok", version=__version__, articles=articles, index_version=version)

    return router
