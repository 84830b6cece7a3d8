"""Adding articles over HTTP: a job in the background, which a kill of the process only delays.

curl 127.0.0.1:8000/v1/articles --json '{"urls": ["https://ledger.example/fire"]}'   # 202, Location
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from pydantic_core import to_json as json_bytes
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import Message

from ...desk import Desk
from ...index.disk import refused
from ...index.jobs import URLS, Job, jobs_of
from ...qa.events import to_json
from . import models
from .problems import INDEX, responses
from .records import JobList, given
from .worker import worker_of

_LARGEST_JSON = 8_000_000  # bytes, which are in memory at once; a file of records has no such bound
_MOST_FILES = 100  # of one form
_LONGEST_NAME = 200  # bytes; most file systems take 255

_Wait = Annotated[
    float, Query(ge=0, le=60, description="Seconds to wait for the job's end before answering.")
]


class AddRequest(models.Request):
    """Articles to add, pages to fetch, or both; at least one."""

    articles: list[dict[str, Any]] = Field(
        [],
        max_length=10_000,
        description="Records with a `text`, and what else is known: `id`, `title`, `outlet`, "
        "`authors`, `published`, `url` ...; other keys are kept as `extra`.",
        examples=[[{"title": "Harbour fire", "text": "Nobody was hurt.", "outlet": "Ledger"}]],
    )
    urls: list[Annotated[str, Field(pattern=r"^https?://\S+$", max_length=4000)]] = Field(
        [], max_length=1000, description="Addresses of pages, each with an article."
    )


_FILES = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "format": "binary"},
    "description": "Files of any kind that `byline add` reads.",
}
_FORM = {"type": "object", "required": ["files"], "properties": {"files": _FILES}}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": AddRequest.model_json_schema()},
        "multipart/form-data": {"schema": _FORM},
    },
}


def adding(desk: Desk) -> APIRouter:
    """`POST /v1/articles` and `/v1/jobs` of a desk; while the application lives, jobs are done."""
    jobs = jobs_of(desk.archive)
    worker = worker_of(desk, jobs)

    @asynccontextmanager
    async def working(_: object) -> AsyncIterator[None]:
        worker.start()
        yield
        await asyncio.to_thread(worker.stop)

    checks = [Depends(models.known_query)]  # of files, too
    router = APIRouter(prefix="/v1", tags=["Articles"], dependencies=checks, lifespan=working)

    async def ended(job: Job, seconds: float) -> Job:
        """The job as it is when it has ended, or the time is over."""
        until = asyncio.get_running_loop().time() + seconds
        while not job.has_ended and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.1)
            job = await asyncio.to_thread(jobs.get, job.id)
        return job

    @router.post(
        "/articles",
        summary="Add articles, pages or files in the background",
        openapi_extra={"requestBody": _BODY},
        status_code=202,
        responses=given(Job, "The job, which is not lost from now on.", 202)
        | given(Job, "The job, which ended within `wait` seconds.")
        | responses(400, 413, 415, 422, *INDEX),
    )
    async def add_articles(request: Request, wait: _Wait = 0) -> Response:
        await asyncio.to_thread(desk.library)  # what forbids adding is said now
        try:
            staged = await asyncio.to_thread(jobs.stage)
            try:
                await _stage(request, staged, desk.settings.max_upload_bytes)
                job = await asyncio.to_thread(jobs.accept, staged)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
        except OSError as error:
            raise refused(error, desk.folder) from None
        worker.look()
        job = await ended(job, wait)
        headers = {"Location": f"/v1/jobs/{job.id}"}
        return JSONResponse(to_json(job), 200 if job.has_ended else 202, headers)

    @router.get("/jobs", responses=given(JobList) | responses(422, *INDEX))
    async def list_jobs(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        """The newest first; of those that have ended the last thousand."""
        return JSONResponse({"jobs": to_json(await asyncio.to_thread(jobs.list, limit))})

    @router.get("/jobs/{job_id}", responses=given(Job) | responses(404, 422, *INDEX))
    async def get_job(job_id: str, wait: _Wait = 0) -> Response:
        """How far a job is."""
        return JSONResponse(to_json(await ended(await asyncio.to_thread(jobs.get, job_id), wait)))

    @router.delete("/jobs/{job_id}", responses=given(Job) | responses(404, 409, 422, *INDEX))
    async def cancel_job(job_id: str) -> Response:
        """Add no more of it: what it has added stays. One that has ended is a conflict."""
        return JSONResponse(to_json(await asyncio.to_thread(jobs.cancel, job_id)))

    return router


async def _stage(request: Request, staged: Path, most_bytes: int) -> None:
    """Write what a request gives into files. Raises HTTPException, RequestValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            raw = await _bounded(request, min(most_bytes, _LARGEST_JSON)).body()
            await asyncio.to_thread(_stage_json, raw, staged)
        elif kind == "multipart/form-data":
            # Starlette writes to disk what of a file is beyond a megabyte.
            form = _bounded(request, most_bytes).form(max_files=_MOST_FILES, max_fields=0)
            async with form as held:
                await asyncio.to_thread(_stage_files, held.getlist("files"), staged)
        else:
            raise HTTPException(415, "Give JSON, or files as multipart/form-data.")
    except ClientDisconnect:  # nobody is there to read this
        raise HTTPException(400, "The request breaks off.") from None


def _bounded(request: Request, most_bytes: int) -> Request:
    """The request, whose body may be read up to so many bytes: then it is a 413."""
    total = 0

    async def receive() -> Message:
        nonlocal total
        message = await request.receive()
        total += len(message.get("body", b""))
        if total > most_bytes:
            raise HTTPException(413, f"Give at most {most_bytes:,} bytes; more in parts.")
        return message

    return Request(request.scope, receive)


def _stage_files(files: Sequence[Any], staged: Path) -> None:
    """Copy uploaded files, each under its own name into a numbered folder."""
    if not files:
        raise HTTPException(400, "The form holds no file of the name `files`.")
    for number, file in enumerate(files):
        (staged / str(number)).mkdir()
        name = file.filename.replace("\\", "/").rpartition("/")[2]
        name = "".join(char if char.isprintable() else "_" for char in name).lstrip(". ")
        shown = name.encode("utf-8", "replace")[-_LONGEST_NAME:].decode("utf-8", "ignore")
        with (staged / str(number) / (shown or "unnamed")).open("wb") as target:
            shutil.copyfileobj(file.file, target, 1 << 20)


def _stage_json(raw: bytes, staged: Path) -> None:
    try:
        asked = AddRequest.model_validate_json(raw)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(faults) from None
    if not (asked.articles or asked.urls):
        raise HTTPException(422, "There is nothing to add: give articles or urls.")
    lines = b"".join(json_bytes(record) + b"\n" for record in asked.articles)
    named = (("articles.jsonl", lines), (URLS, json.dumps(asked.urls).encode()))
    for number, (name, text) in enumerate(named):
        (staged / str(number)).mkdir()
        if text:
            (staged / str(number) / name).write_bytes(text)
