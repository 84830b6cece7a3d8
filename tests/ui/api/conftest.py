"""The service of a desk, asked within the test's own process."""

from collections.abc import Iterator

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import ARTICLES
from byline.tests.servers import serving
from byline.ui.api import api
from fastapi import FastAPI
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM) -> Iterator[Desk]:
    """A desk of three articles, which is not to be written to."""
    home = tmp_path_factory.mktemp("home")
    for name, text in ARTICLES.items():
        (home / name).write_text(text)
    with Desk(home, embedder=minilm) as desk:
        desk.add([home / name for name in ARTICLES])
        yield desk


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A client of that desk."""
    with _client(api(desk)) as client:
        yield client


@pytest.fixture
def own_client(own_desk: Desk) -> Iterator[TestClient]:
    """A client of a desk that may be written to."""
    with _client(api(own_desk)) as client:
        yield client


@pytest.fixture
def address(own_desk: Desk) -> Iterator[str]:
    """A real server of the API."""
    with serving(api(own_desk)) as address:
        yield address


def _client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)
