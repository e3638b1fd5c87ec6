"""Poison on a real broker: it stops nobody, ends among the dead, is seen, and can be sent again or given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from chassis import letters as command
from chassis import outbox
from chassis.bus import letters
from chassis.bus.depth import Depth
from chassis.bus.letters import Letter
from chassis.bus.publisher import Publisher, connect
from chassis.bus.topology import DELIVERY_LIMIT
from contracts.errors import Unavailable
from oversight import command as operators
from tests.bus.conftest import ProbeProcess
from tests.bus.probe import RETRY_DELAYS_S
from tests.bus.watching import MESSAGE, QUEUE, Watch, until

_, inbox = outbox.tables(sa.MetaData())


@pytest.fixture(scope="module")
def service(vhost: str, probe_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeProcess]:
    process = ProbeProcess(vhost, probe_database_url, tmp_path_factory.mktemp("probe") / "log")
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def running(vhost: str, service: ProbeProcess, watching: Callable[[str], Watch]) -> Watch:
    return watching(vhost)


@pytest.fixture
def watch(running: Watch) -> Watch:
    running.dead()  # takes what another test left
    return running


def every(letter: Letter) -> bool:
    return True


def waiting(watch: Watch, count: int) -> list[Letter]:
    found = until(lambda: len(found := letters.all_of(watch.url, [QUEUE])) == count and found, what=f"{count} letters")
    assert isinstance(found, list)
    return found


def heard(watch: Watch, message_id: UUID) -> int:
    with watch.db.reading() as sql:
        query = sa.select(sa.func.count()).where(inbox.c.consumer == QUEUE, inbox.c.message_id == message_id)
        return int(sql.execute(query).scalar_one())


def poison(watch: Watch) -> Letter:
    """A dead letter whose failure was recorded by its owner."""
    watch.send("fail 99")
    (letter,) = waiting(watch, 1)
    return letter


def upload_of(letter: Letter) -> UUID:
    return UUID(letter.subject)


def test_poison_stops_nobody_and_is_seen(watch: Watch) -> None:
    bad = [watch.send("fail 99"), watch.send("refuse")]
    watch.publish(b"not even JSON, says Louise DA SILVA")
    good = watch.send("do", times=5)
    until(lambda: watch.effects(good) == ["split"] * 5)
    found = {letter.reason: letter for letter in waiting(watch, 3)}
    failed, refused, malformed = (found[reason] for reason in ("exhausted", "refused", "malformed"))
    assert (upload_of(failed), failed.error, failed.attempt) == (bad[0], "ValueError", 4)
    assert (upload_of(refused), refused.error, refused.attempt) == (bad[1], "probe.not_today", 1)
    assert (malformed.message_id, malformed.error) == (None, "ValidationError")
    assert (failed.consumer, failed.type, failed.sent_at is not None) == ("ingest", MESSAGE.type, True)
    Depth(watch.url, "ingest", RETRY_DELAYS_S).measure()
    labels = {"service": "ingest", "queue": f"{QUEUE}.dead"}
    assert REGISTRY.get_sample_value("korrigo_queue_messages", labels) == 3  # what the alert asks for


def test_to_look_changes_nothing(watch: Watch) -> None:
    """Put back one by one they would change their order; if looks were counted, the broker would drop them."""
    uploads = {watch.send("fail 99") for _ in range(4)}
    before = waiting(watch, 4)
    for _ in range(DELIVERY_LIMIT + 5):
        assert letters.all_of(watch.url, [QUEUE]) == before
    assert {upload_of(letter) for letter in before} == uploads


def test_sent_again_it_has_its_effect_once_the_cause_is_gone(watch: Watch) -> None:
    """The inbox holds the old id since the owner recorded the failure: under it the message would do nothing."""
    letter = poison(watch)
    upload = upload_of(letter)
    assert watch.effects(upload) == ["exhausted ValueError"]
    watch.plan("do", upload)
    assert letters.replay(watch.url, every, [QUEUE]) == [letter]
    until(lambda: watch.effects(upload) == ["exhausted ValueError", "split"])
    assert letters.all_of(watch.url, [QUEUE]) == []
    assert watch.calls(upload) == [1, 1, 2, 3, 4]  # its attempts are counted anew


def test_sent_again_twice_it_has_one_effect(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever replays dies after the confirm: the letter and its successor are both there."""
    letter = poison(watch)
    upload = upload_of(letter)
    watch.plan("do", upload)
    published = Publisher.publish

    def publish_and_die(*args: Any, **more: Any) -> None:
        published(*args, **more)
        raise Unavailable("bus", "killed")

    with monkeypatch.context() as patched:
        patched.setattr(Publisher, "publish", publish_and_die)
        with pytest.raises(Unavailable):
            letters.replay(watch.url, every, [QUEUE])
    until(lambda: "split" in watch.effects(upload))
    assert waiting(watch, 1) == [letter]
    letters.replay(watch.url, every, [QUEUE])
    marker = watch.send("do")  # behind it in the queue
    until(lambda: watch.effects(marker))
    assert sorted(watch.effects(upload)) == ["exhausted ValueError", "split"]


def test_still_poison_it_comes_back_as_another_letter(watch: Watch) -> None:
    letter = poison(watch)
    assert letter.message_id is not None
    letters.replay(watch.url, every, [QUEUE])
    (again,) = waiting(watch, 1)
    assert again.message_id == outbox.replayed_id(letter.message_id)
    assert again.subject == letter.subject


def test_what_killed_its_consumer_too_often_is_dead_though_nobody_was_told(watch: Watch, service: ProbeProcess) -> None:
    """The broker alone counts such deliveries. Played here by a consumer that leaves with the message in hand."""
    service.stop()
    upload = watch.plan("do")
    watch.publish(watch.event(upload))
    for _ in range(DELIVERY_LIMIT + 1):
        with connect(watch.url) as connection:
            until(partial(connection.channel().basic_get, QUEUE, no_ack=False))
    (letter,) = waiting(watch, 1)
    assert (letter.reason, letter.error) == ("delivery_limit", "")
    assert letter.message_id is not None
    assert heard(watch, letter.message_id) == 0
    service.start()
    letters.replay(watch.url, every, [QUEUE])
    until(lambda: watch.effects(upload) == ["split"])


def test_given_up_it_counts_as_handled(watch: Watch, service: ProbeProcess) -> None:
    service.stop()
    watch.publish(watch.event(upload := watch.plan("do")))
    with connect(watch.url) as connection:  # dead without its owner knowing
        channel = connection.channel()
        channel.basic_reject(until(lambda: channel.basic_get(QUEUE, no_ack=False)).delivery_tag, requeue=False)
    (letter,) = waiting(watch, 1)
    assert letter.message_id is not None
    given_up = letters.discard(watch.url, every, "a test", lambda _: watch.db, [QUEUE])
    assert (given_up, letters.all_of(watch.url, [QUEUE])) == ([letter], [])
    assert heard(watch, letter.message_id) == 1
    service.start()
    assert watch.effects(upload) == []


# the command


@pytest.fixture
def korrigo(
    watch: Watch, probe_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """``korrigo("list")``: exit status, and what was printed or logged."""
    monkeypatch.setenv("KORRIGO_BUS_URL", watch.url)
    monkeypatch.setenv("KORRIGO_DATABASE_URL", probe_database_url)

    def run(*arguments: str) -> tuple[int, str]:
        status = command.main(arguments)
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_the_operators_command_has_it_and_asks_for_no_more_than_the_bus(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = poison(watch)
    assert operators.main(["letters", "show", str(letter.message_id)], {"KORRIGO_BUS_URL": watch.url}) == 0
    assert json.loads(capsys.readouterr().out)["message_id"] == str(letter.message_id)
    assert operators.main(["letters", "list"], {}) == 2
    assert "KORRIGO_BUS_URL" in capsys.readouterr().err


def test_the_list_names_no_person(watch: Watch, korrigo: Callable[..., tuple[int, str]]) -> None:
    letter = poison(watch)
    event = json.loads(watch.event(uuid4())) | {
        "type": "x",
        "subject": "Louise DA SILVA",
        "time": "2026-11-25T08:00:00",
    }
    watch.publish(json.dumps(event).encode())
    watch.publish(b"Louise DA SILVA")
    waiting(watch, 3)
    status, said = korrigo("list")
    assert status == 0
    assert f"{QUEUE}: 3\n" in said
    assert f"{letter.message_id} subject={letter.subject} age_s=" in said
    assert "attempt=4 reason=exhausted error=ValueError" in said
    assert "Louise" not in said


def test_one_letter_is_shown_without_its_texts(watch: Watch, korrigo: Callable[..., tuple[int, str]]) -> None:
    event = json.loads(watch.event(uuid4()))
    event["data"] |= {"first_side": 0, "lines": [{"text": "Louise DA SILVA", "confidence": 0.5}]}
    watch.publish(json.dumps(event).encode())
    waiting(watch, 1)
    status, said = korrigo("show", event["id"])
    assert status == 0
    shown = json.loads(said)
    assert (shown["reason"], shown["data"]["first_side"]) == ("malformed", 0)
    assert shown["data"]["upload_id"] == event["data"]["upload_id"]
    assert shown["data"]["lines"] == [{"text": "[withheld]", "confidence": 0.5}]


def test_one_letter_is_sent_again(watch: Watch, korrigo: Callable[..., tuple[int, str]]) -> None:
    letter, other = poison(watch), watch.send("refuse")
    waiting(watch, 2)
    watch.plan("do", upload_of(letter))
    status, said = korrigo("replay", "--id", str(letter.message_id))
    assert (status, "1 sent again" in said) == (0, True)
    until(lambda: "split" in watch.effects(upload_of(letter)))
    assert [upload_of(left) for left in waiting(watch, 1)] == [other]
    assert korrigo("replay", "--id", str(letter.message_id))[0] == 1


def test_to_give_up_takes_a_reason_and_is_in_the_audit_log(
    watch: Watch, korrigo: Callable[..., tuple[int, str]]
) -> None:
    letter = poison(watch)
    with pytest.raises(SystemExit):
        korrigo("discard", "--queue", QUEUE)
    assert waiting(watch, 1) == [letter]
    status, said = korrigo("discard", "--queue", QUEUE, "--reason", "the scan was made again")
    assert (status, "1 discarded" in said) == (0, True)
    logged = next(line for line in said.splitlines() if "dead_letter_discarded" in line)
    assert str(letter.message_id) in logged
    assert "the scan was made again" in logged


def test_without_a_database_nothing_is_given_up(
    watch: Watch, korrigo: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = poison(watch)
    monkeypatch.delenv("KORRIGO_DATABASE_URL")
    assert korrigo("discard", "--all", "--reason", "x")[0] == 2
    assert waiting(watch, 1) == [letter]


def test_the_bus_inside_one_process_has_no_letters_for_others(
    korrigo: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORRIGO_BUS_URL", "inproc://")
    assert korrigo("list")[0] == 0


def test_a_bus_that_is_away_is_said_to_be(
    korrigo: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KORRIGO_BUS_URL", "amqp://guest:guest@127.0.0.1:1//")
    status, said = korrigo("list")
    assert (status, "bus" in said) == (2, True)
