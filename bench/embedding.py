"""Throughput of an embeddings endpoint that takes a fixed time a request, by size and number.

    python bench/embedding.py

A fake endpoint on this machine takes a quarter of a second for each request, as one whose time is
its batch's; texts have 200 words and come by 192, as `add` sends them.
"""

import time

import sets
from byline.index.embed import openai_embedder
from byline.tests.fakes import embedding

_TEXTS, _OF_A_BATCH, _SECONDS = 1024, 192, 0.25
_WAYS = ((10, 1), (64, 1), (64, 4), (256, 1), (16, 8))


def main() -> None:
    """Print a table."""
    texts = [f"{number} {'word ' * 200}" for number in range(_TEXTS)]
    rows = []
    for batch, at_once in _WAYS:
        with embedding(seconds=_SECONDS, dimension=384) as endpoint:
            embedder = openai_embedder("tiny", endpoint.address, None, batch=batch, at_once=at_once)
            began = time.monotonic()
            for at in range(0, _TEXTS, _OF_A_BATCH):
                embedder.embed(texts[at : at + _OF_A_BATCH])
            rate = _TEXTS / (time.monotonic() - began)
            embedder.close()
        rows.append([batch, at_once, len(endpoint.sizes), f"{rate:.0f}"])
    print(sets.markdown(["texts a request", "at once", "requests", "texts a second"], rows))


if __name__ == "__main__":
    main()
