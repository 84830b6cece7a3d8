"""haiku.rag with its defaults over LanceDB; the tokenizer that it would fetch is given to it."""

import asyncio
import sys
import time

from haiku.rag.client import HaikuRAG
from haiku.rag.config.models import AppConfig
from peer import articles_in, cited, passage, serve


class Haiku:
    """Its database stands in `folder`; an article is Markdown with headline, outlet and date."""

    def __init__(self, folder: str, served: str, tokenizer: str, *_: str) -> None:
        openai = {"provider": "openai", "api_key": "none"}
        embedder = openai | {"name": "minilm", "vector_dim": 384, "base_url": served}
        model = openai | {"name": "local", "base_url": served, "temperature": 0}
        config = {
            "embeddings": {"model": embedder},
            "qa": {"model": model},
            "processing": {"chunking_tokenizer": tokenizer, "pictures": "none"},
        }
        self._run = asyncio.new_event_loop().run_until_complete
        client = HaikuRAG(f"{folder}/a.lancedb", AppConfig.model_validate(config), create=True)
        self._client = self._run(client.__aenter__())

    def index(self, articles: str, source: str) -> dict[str, int]:
        """Convert, split, embed and store the articles."""
        self._articles = articles_in(articles)
        for article in self._articles.values():
            text = f"# {article['title']}\n\n{_dated(article)}\n\n{article['text']}"
            made = self._client.create_document(text, uri=article["id"], title=article["title"])
            self._run(made)
        return {}

    def search(self, question: str, as_of: str | None = None) -> dict[str, object]:
        """The ten best chunks of its hybrid search."""
        return {"hits": self._passages(self._run(self._client.search(question, limit=10)))}

    def answer(self, question: str, as_of: str | None) -> dict[str, object]:
        """The answer of its agent, with what it cites for all of it."""
        began = time.monotonic()
        text, found = self._run(self._client.ask(question))
        citations = [cited(n, one) for n, one in enumerate(self._passages(found), 1)]
        return {
            "text": text,
            "statements": [{"text": text, "citations": [c["number"] for c in citations]}],
            "citations": citations,
            "timings": {"first_token": time.monotonic() - began},
        }

    def _passages(self, found: list) -> list[dict]:
        known = [(self._articles[one.document_uri], one.content) for one in found]
        return [passage(a, text.removeprefix(_dated(a)).strip()) for a, text in known]


def _dated(article: dict) -> str:
    return ", ".join(filter(None, (article["outlet"], article["published"])))


serve(Haiku(*sys.argv[1:]))
