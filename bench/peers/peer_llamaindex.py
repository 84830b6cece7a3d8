"""LlamaIndex's CitationQueryEngine over Chroma, with its defaults or with BM25 beside vectors."""

import re
import sys
import time

import chromadb
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.chroma import ChromaVectorStore
from peer import articles_in, cited, passage, serve

_TOP_K = 2  # llama_index.core.constants.DEFAULT_SIMILARITY_TOP_K
_ABOUT = ("title", "outlet", "published")


class LlamaIndex:
    """Its index stands in `folder`; articles are documents with what is known as metadata."""

    def __init__(self, folder: str, served: str, _: str, __: str, kind: str) -> None:
        self._folder, self._is_hybrid = folder, kind == "-hybrid"
        self._embedder = OpenAILikeEmbedding("minilm", api_base=served, api_key="none")
        reached = {"api_base": served, "api_key": "none", "timeout": 900, "max_retries": 0}
        about = {"is_chat_model": True, "context_window": 8192, "temperature": 0}
        self._llm = OpenAILike("local", **reached, **about)

    def index(self, articles: str, source: str) -> dict[str, int]:
        """Split, embed and store the articles."""
        self._articles = articles_in(articles)
        documents = [
            Document(text=a["text"], id_=a["id"], metadata={k: a[k] for k in _ABOUT if a[k]})
            for a in self._articles.values()
        ]
        nodes = SentenceSplitter().get_nodes_from_documents(documents)
        collection = chromadb.PersistentClient(self._folder).get_or_create_collection("articles")
        storage = StorageContext.from_defaults(vector_store=ChromaVectorStore(collection))
        self._index = VectorStoreIndex(nodes, storage_context=storage, embed_model=self._embedder)
        if self._is_hybrid:
            self._bm25 = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=10)
            self._bm25.persist(f"{self._folder}/bm25")
        return {"passages": len(nodes)}

    def _retriever(self, top_k: int):
        if not self._is_hybrid:
            return self._index.as_retriever(similarity_top_k=top_k)
        return QueryFusionRetriever(
            [self._index.as_retriever(similarity_top_k=10), self._bm25],
            llm=MockLLM(),  # it asks for one; with a single query it is never called
            num_queries=1,
            mode="reciprocal_rerank",
            similarity_top_k=top_k,
            use_async=False,
        )

    def search(self, question: str, as_of: str | None = None) -> dict[str, object]:
        """The ten best passages."""
        return {"hits": [self._passage(found) for found in self._retriever(10).retrieve(question)]}

    def answer(self, question: str, as_of: str | None) -> dict[str, object]:
        """The engine's answer; [n] is its n-th source."""
        began, first, text = time.monotonic(), None, ""
        engine = CitationQueryEngine.from_args(
            self._index, llm=self._llm, retriever=self._retriever(_TOP_K), streaming=True
        )
        reply = engine.query(question)
        for piece in reply.response_gen:
            first, text = first or time.monotonic() - began, text + piece
        hits = [self._passage(found) for found in reply.source_nodes]
        used = {int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(",")}
        citations = [cited(n, one) for n, one in enumerate(hits, 1) if n in used]
        about = {"hits": hits, "handed": len(hits), "timings": {"first_token": first}}
        return {"text": text, "citations": citations, **about}

    def _passage(self, found) -> dict[str, object]:
        node, text = found.node, re.sub(r"^Source \d+:\n", "", found.node.get_content())
        span = {}
        if node.start_char_idx is not None:
            span = {"start": node.start_char_idx, "end": node.end_char_idx}
        return passage(self._articles[node.ref_doc_id], text.strip(), score=found.score, **span)


serve(LlamaIndex(*sys.argv[1:]))
