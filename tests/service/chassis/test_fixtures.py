"""What tests rely on: that nothing of one test is left for the next."""

from __future__ import annotations

import kombu
import pytest
import sqlalchemy as sa

from chassis import migrations

SERVICE = migrations.services()[0]


@pytest.mark.parametrize("round", [1, 2])
def test_a_database_is_migrated_and_empty_each_time(round, database):
    mine, other = database(SERVICE), database(SERVICE)
    with mine.transaction() as work:
        work.sql.execute(sa.text("INSERT INTO inbox VALUES ('a', gen_random_uuid())"))
    count = sa.text("SELECT count(*) FROM inbox")
    with mine.reading() as connection, other.reading() as another:
        assert connection.execute(count).scalar() == 1  # 2 if the rounds shared a database
        assert another.execute(count).scalar() == 0


@pytest.mark.parametrize("round", [1, 2])
def test_the_bucket_is_empty_each_time(round, objects):
    assert list(objects.list()) == []
    objects.put("page", b"left behind", "text/plain")


def test_the_vhost_takes_connections(vhost):
    with kombu.Connection(vhost) as connection:
        connection.connect()
        assert connection.virtual_host != "/"
