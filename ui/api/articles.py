"""The articles over HTTP: list, read, retract, kill, remove. Adding is in adding.py.

curl '127.0.0.1:8000/v1/articles?limit=20&outlet=The%20Ledger'
curl 127.0.0.1:8000/v1/articles/https%3A%2F%2Fledger.example%2Ffire/versions
"""

import asyncio
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, Field
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ...desk import Desk
from ...errors import NotFound
from ...index.article import Article
from ...index.rights import within
from ..history import history_json
from ..terminal import copy_of
from . import models
from .problems import INDEX, responses
from .records import ArticleRecord, Articles, Removed, Versions, given

_PREFIX = b"/v1/articles/"
ArticleId = Annotated[
    str,
    Path(
        description="The article's id, URL-encoded: its slashes are %2F.",
        examples=["https%3A%2F%2Fledger.example%2Ffire"],
    ),
    AfterValidator(unquote),
]
_READ = responses(404, 422, *INDEX)
_WRITE = responses(400, 404, 415, 422, *INDEX)


class Encoded:
    """Has ids that are addresses or paths reach their route as they were encoded, slashes and all.

    A server decodes a path before it is routed, and an id ends where the next slash is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request by what stands in its address."""
        raw = scope.get("raw_path") or b""
        if scope["type"] == "http" and raw.startswith(_PREFIX):
            scope = {**scope, "path": raw.decode("ascii", "replace")}
        await self._app(scope, receive, send)


class RetractRequest(models.Request):
    """Why an article is retracted."""

    reason: str = Field(
        min_length=1,
        max_length=1000,
        description="It is shown with every citation.",
        examples=["The figures were wrong."],
    )


def articles(desk: Desk) -> APIRouter:
    """`/v1/articles` of a desk."""
    router = APIRouter(prefix="/v1", tags=["Articles"], dependencies=models.CHECKS)

    @router.get("/articles", responses=given(Articles) | responses(422, *INDEX))
    async def list_articles(
        q: Annotated[
            str | None, Query(max_length=200, description="Words that headline or text have, all.")
        ] = None,
        since: Annotated[str | None, Query(description="Published then or later.")] = None,
        until: Annotated[str | None, Query(description="Published then or earlier.")] = None,
        outlet: Annotated[list[str], Query(description="Only these outlets.")] = [],  # noqa: B006
        as_of: Annotated[str | None, Query(description="As the collection was then.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[
            str | None, Query(max_length=4000, description="`next_cursor` of the page before.")
        ] = None,
    ) -> Response:
        """Articles that match, the newest first; retracted ones carry their notice."""
        asked = {"words": q, "since": since, "until": until, "outlets": outlet, "as_of": as_of}
        return JSONResponse(await asyncio.to_thread(_page, desk, limit, cursor, asked))

    @router.get("/articles/{article_id}/versions", responses=given(Versions) | _READ)
    async def list_versions(article_id: ArticleId) -> Response:
        """The versions of an article and what each changed."""
        found = await asyncio.to_thread(desk.articles.history, article_id)
        return JSONResponse({"versions": history_json(found)})

    @router.get("/articles/{article_id}", responses=given(ArticleRecord) | _READ)
    async def get_article(
        article_id: ArticleId,
        version: Annotated[str | None, Query(description="An earlier version.")] = None,
    ) -> Response:
        """An article with its text as stored, or as much of it as its rights allow."""
        return JSONResponse(await asyncio.to_thread(_article, desk, article_id, version))

    @router.post("/articles/{article_id}/retract", responses=given(ArticleRecord) | _WRITE)
    async def retract_article(article_id: ArticleId, why: RetractRequest) -> Response:
        """It is kept, and no evidence from now on unless asked for."""
        await asyncio.to_thread(desk.articles.retract, article_id, why.reason)
        return JSONResponse(await asyncio.to_thread(_article, desk, article_id))

    @router.delete("/articles/{article_id}/retract", responses=given(ArticleRecord) | _WRITE)
    async def restore_article(article_id: ArticleId) -> Response:
        """Let a retracted article stand again."""
        await asyncio.to_thread(desk.articles.retract, article_id, undo=True)
        return JSONResponse(await asyncio.to_thread(_article, desk, article_id))

    @router.post("/articles/{article_id}/kill", status_code=204, responses=_WRITE)
    async def kill_article(article_id: ArticleId) -> None:
        """Show it nowhere from now on; it stays in the index, and no source revives it."""
        await asyncio.to_thread(desk.articles.kill, article_id)

    @router.delete("/articles/{article_id}/kill", status_code=204, responses=_WRITE)
    async def revive_article(article_id: ArticleId) -> None:
        """Let a killed article be shown again."""
        await asyncio.to_thread(desk.articles.kill, article_id, undo=True)

    @router.delete("/articles/{article_id}", responses=given(Removed) | _WRITE)
    async def delete_article(
        article_id: ArticleId,
        erase: Annotated[
            bool,
            Query(
                description="Erase it from every file of the index, stored answers that quote it "
                "included; nothing brings it back but `byline add --erased-too`."
            ),
        ] = False,
    ) -> Response:
        """Take it out with all its versions; a source that is read again brings it back."""
        if erase:
            gone = (await asyncio.to_thread(desk.articles.erase, article_id)).to_dict()
            return JSONResponse({"removed": gone.pop("ids"), "erased": True, **gone})
        await asyncio.to_thread(desk.articles.remove, article_id)
        return JSONResponse(Removed(removed=[article_id], erased=False).model_dump())

    return router


def _page(desk: Desk, limit: int, cursor: str | None, asked: dict[str, Any]) -> dict[str, Any]:
    found, after = desk.articles.page(limit, cursor=cursor, **asked)
    origins = desk.articles.origins([article.id for article in found])
    shown = [_listed(article) | copy_of(origins.get(article.id)) for article in found]
    return {"total": len(desk.articles), "articles": shown, "next_cursor": after}


def _listed(article: Article) -> dict[str, Any]:
    """An article without its text, its notice in no more words than may be quoted."""
    listed = article.to_dict(with_text=False)
    return listed | {"notice": within(article).to_dict()["notice"]}


def _article(desk: Desk, article_id: str, version: str | None = None) -> dict[str, Any]:
    """An article within its rights, those of now also where an earlier version allowed more."""
    held = {one["version"]: one for one in history_json(desk.articles.history(article_id))}
    version = version or next(v for v, one in held.items() if one["is_published"])
    if version not in held:
        raise NotFound(
            f"There is no version '{version}' of article '{article_id}': there are "
            f"{', '.join(held)}."
        )
    origin = desk.articles.origins([article_id]).get(article_id)
    return {**held[version]["article"], "version": version, **copy_of(origin)}
