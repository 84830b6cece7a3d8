"""The service of a desk, asked within the test's own process."""

from collections.abc import Iterator

import pytest
from byline import Desk
from byline.ui.api import api
from fastapi import FastAPI
from fastapi.testclient import TestClient


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A client of the desk of three articles, which is not to be written to."""
    with _client(api(desk)) as client:
        yield client


@pytest.fixture
def own_client(own_desk: Desk) -> Iterator[TestClient]:
    """A client of a desk that may be written to."""
    with _client(api(own_desk)) as client:
        yield client


def _client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)
