from __future__ import annotations

import threading
import time

from chassis.ids import uuid7


def test_ids_sort_by_the_time_they_were_made_even_within_one_tick():
    made = [uuid7() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == 5_000


def test_an_id_is_a_version_7_uuid_of_this_millisecond():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after + 5  # the burst above may have run a little ahead of the clock


def test_threads_never_share_an_id():
    made: list[object] = []
    threads = [threading.Thread(target=lambda: made.extend(uuid7() for _ in range(1_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


def test_a_clock_set_back_does_not_repeat_or_reorder(monkeypatch):
    ahead = uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert uuid7() > ahead
