"""Byline in a LlamaIndex program: `Desk.ask`, `stream` and `search` as its own contracts.

    engine = desk.as_query_engine(outlets=["The Ledger"])
    response = engine.query("Who resigned?")    # str(response), response.source_nodes, .metadata

Nothing is retrieved, written or checked here. See docs/decisions/0017-llamaindex-face.md.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, cast

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import (
    AsyncStreamingResponse,
    Response,
    StreamingResponse,
)
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from .events import Answer, Event, to_json
from .retrieve import Hit

if TYPE_CHECKING:
    from ..desk import Desk

_FOR_MODELS = ("outlet", "title", "published", "speaker")  # of a node's metadata
_OF_ARTICLES = ("version", "outlet", "title", "authors", "published", "updated", "url")


class DeskQueryEngine(BaseQueryEngine):
    """Asks a desk. The response's text is the Answer's, its metadata the whole Answer as JSON.

    There is one source node for each citation, in their order: node n is [n]. Streamed, the pieces
    joined are the text; source nodes and metadata are there once the stream was read to its end.
    Raises BylineError as `Desk.ask` does, for options that are not usable at once.
    """

    def __init__(
        self,
        desk: "Desk",
        *,
        streaming: bool = False,
        callback_manager: CallbackManager | None = None,
        **options: Any,
    ) -> None:
        super().__init__(callback_manager)
        desk.stream("news", checked=True, **options)  # is not read: it refuses wrong options
        self._desk, self._streaming, self._options = desk, streaming, options

    def _get_prompt_modules(self) -> dict[str, Any]:
        return {}

    def _query(self, query_bundle: QueryBundle) -> Response | StreamingResponse:
        asked = query_bundle.query_str
        if not self._streaming:
            return _response(self._desk.ask(asked, **self._options))
        nodes, metadata = _to_come(asked)
        events = self._desk.stream(asked, checked=True, **self._options)
        return StreamingResponse(_pieces(events, nodes, metadata), nodes, metadata)

    async def _aquery(self, query_bundle: QueryBundle) -> Response | AsyncStreamingResponse:
        asked = query_bundle.query_str
        if not self._streaming:
            return _response(await self._desk.aask(asked, **self._options))
        nodes, metadata = _to_come(asked)
        events = self._desk.astream(asked, checked=True, **self._options)
        return AsyncStreamingResponse(_apieces(events, nodes, metadata), nodes, metadata)


class DeskRetriever(BaseRetriever):
    """Searches a desk: one node for each passage, the best first, with the scores of the search.

    Of a QueryBundle only the question counts: vectors and texts to embed in it are of models that
    the index was not built with. Raises BylineError as `Desk.search` does, for options that are not
    usable at once.
    """

    def __init__(
        self, desk: "Desk", *, callback_manager: CallbackManager | None = None, **options: Any
    ) -> None:
        super().__init__(callback_manager)
        desk.search("news", **options)  # what is found does not matter: it refuses wrong options
        self._desk, self._options = desk, options

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_found(hit) for hit in self._desk.search(query_bundle.query_str, **self._options)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def source_nodes(answer: Answer) -> list[NodeWithScore]:
    """A node for each citation, in order: its quote, its record, and the verdicts it is part of.

    Its score is the best that the check gave a statement that cites it, None where none was given.
    """
    nodes = []
    for cited in answer.citations:
        using = [one for one in answer.statements if cited.number in one.citations]
        verdicts = [statement.verdict for statement in using]
        scores = [statement.score for statement in using if statement.score is not None]
        record = to_json(cited) | {"verdicts": verdicts, "question": answer.question}
        nodes.append(_node(cited.quote, record, max(scores, default=None)))
    return nodes


def _found(hit: Hit) -> NodeWithScore:
    article = {name: to_json(getattr(hit.article, name)) for name in _OF_ARTICLES}
    place = {"article_id": hit.article_id, "start": hit.start, "end": hit.end}
    return _node(hit.text, article | place, hit.score)


def _node(text: str, record: dict[str, Any], score: float | None) -> NodeWithScore:
    """A node whose id says which span of which version it is: the same span has the same id."""
    article_id, start, end = record["article_id"], record["start"], record["end"]
    hidden = [name for name in record if name not in _FOR_MODELS or record[name] is None]
    node = TextNode(
        id_=f"{article_id}@{record['version']}:{start}-{end}",
        text=text,
        start_char_idx=start,
        end_char_idx=end,
        metadata=record,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=article_id)},
    )
    return NodeWithScore(node=node, score=score)


def _response(answer: Answer) -> Response:
    return Response(answer.text, source_nodes(answer), answer.to_dict())


def _to_come(asked: str) -> tuple[list[NodeWithScore], dict[str, Any]]:
    """What a stream fills at its end. A router would put another in the place of an empty dict."""
    return [], {"question": asked}


def _piece(event: Event, nodes: list[NodeWithScore], metadata: dict[str, Any]) -> str | None:
    if isinstance(event, Answer):
        nodes += source_nodes(event)
        metadata.update(event.to_dict())
    return event if isinstance(event, str) else None


def _pieces(
    events: Iterator[Event], nodes: list[NodeWithScore], metadata: dict[str, Any]
) -> Generator[str, None, None]:
    with closing(cast("Generator[Event, None, None]", events)):
        for event in events:
            if piece := _piece(event, nodes, metadata):
                yield piece


async def _apieces(
    events: AsyncIterator[Event], nodes: list[NodeWithScore], metadata: dict[str, Any]
) -> AsyncGenerator[str, None]:
    async with aclosing(cast("AsyncGenerator[Event, None]", events)):
        async for event in events:
            if piece := _piece(event, nodes, metadata):
                yield piece
