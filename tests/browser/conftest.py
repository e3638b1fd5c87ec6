"""One real system, seeded once, and one Chromium for all browser tests: ``make web-test``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ
from tests.browser.stack import Stack, seeded
from tests.browser.visits import Visits, launch_options
from tests.story.world import running_world

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep-screens", action="store_true", help="write docs/screens")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(600))  # the first one waits for the whole system


@pytest.fixture(scope="session")
def stack(
    postgres: Postgres, rabbitmq: RabbitMQ, s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    logs = tmp_path_factory.mktemp("logs")
    with running_world(postgres, rabbitmq.create_vhost("browser"), s3, logs) as world:
        yield seeded(world)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(**launch_options())
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Visits]:
    """``page("marker", "/exams", theme="dark")``. Whatever the console said fails the test when it ends."""
    visits = Visits(browser, stack)
    yield visits
    visits.end()
