"""LlamaIndex's CitationQueryEngine over Byline's own collection and model, as a system under test.

    BYLINE_LLM=... BYLINE_LLM_BASE_URL=... BYLINE_INDEX=eval-sample \
    byline eval run sample --index eval-sample --limit 25 \
      --system byline --system llamaindex:bench.citation_engine:engine

It gets as many passages as Byline hands to its model, found in the same Chroma collection by the
same embedder; its prompt, its splitting into sources and its reading of the reply are LlamaIndex's.
"""

from byline import Desk
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


class CollectionRetriever(BaseRetriever):
    """The passages whose vectors in Chroma are nearest to the question's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        library, most = self._desk.library(), self._desk.settings.max_passages
        vector = library.embedder.embed_question(query_bundle.query_str)
        nearest = library.store.nearest(vector, most)
        passages = library.archive.passages(nearest)
        return [
            NodeWithScore(
                node=TextNode(
                    text=passage.text,
                    metadata={
                        "article_id": passage.article.id,
                        "outlet": passage.article.outlet,
                        "title": passage.article.title,
                        "published": str(passage.article.published or "") or None,
                        "start": passage.start,
                        "end": passage.end,
                    },
                ),
                score=1 / rank,
            )
            for rank, passage in enumerate(passages, 1)
        ]


def engine() -> CitationQueryEngine:
    """The engine over the index that BYLINE_INDEX names, with the model that BYLINE_LLM names."""
    desk = Desk()
    if desk.llm is None:
        raise SystemExit("CitationQueryEngine needs a model: set BYLINE_LLM.")
    return CitationQueryEngine.from_args(None, llm=desk.llm, retriever=CollectionRetriever(desk))
