"""What must hold in grading's database, whatever happened. The numbers are those of docs/reliability.md.

I10, the sealed trail and the tables against it, is in ``store/integrity.py``: it needs the key and a snapshot.
"""

from __future__ import annotations

from chassis.invariants import Check, Subjects, objects_in

_FENCES = """
    WITH written AS (
        SELECT copy_id, fence, updated_by AS by FROM marks WHERE {copy_id}
        UNION SELECT copy_id, fence, updated_by FROM annotations WHERE {copy_id}
        UNION SELECT copy_id, fence, owner_id FROM drafts WHERE {copy_id}
        UNION SELECT copy_id, fence, owner_id FROM draft_saves WHERE {copy_id}
        UNION SELECT copy_id, fence, owner_id FROM operations WHERE {copy_id}
    )
    SELECT w.copy_id, format('something was written under lock %s, which its writer did not hold', w.fence)
    FROM written w
    JOIN copies c ON c.id = w.copy_id
    LEFT JOIN audit a ON a.subject_id = w.copy_id AND a.action = 'LOCK'
        AND (a.details ->> 'fence')::bigint = w.fence AND a.actor_id = w.by
    WHERE w.fence > c.fence OR a.seq IS NULL
"""

_FENCES_GO_BACK = """
    SELECT DISTINCT copy_id, 'a draft was saved under an older lock than the save before it' FROM (
        SELECT copy_id, fence < lag(fence) OVER (PARTITION BY copy_id, owner_id ORDER BY version) AS back
        FROM draft_saves WHERE version IS NOT NULL AND {copy_id}
    ) saves WHERE back
"""

_LOCKS = """
    SELECT c.id, format('it is %s, and its lock says otherwise', c.status)
    FROM copies c LEFT JOIN locks l ON l.copy_id = c.id
    WHERE {c.id} AND (
        (c.status = 'LOCKED') <> (l.copy_id IS NOT NULL)
        OR l.fence <> c.fence OR l.owner_id IS DISTINCT FROM c.owner_id AND l.copy_id IS NOT NULL
    )
"""

_DOCUMENTS = """
    SELECT c.id, format('it is %s at revision %s, and its document or its result says otherwise', c.status, c.revision)
    FROM copies c LEFT JOIN results r ON r.copy_id = c.id AND r.revision = c.revision
    WHERE {c.id} AND (
        (c.status = 'GRADED') <> (r.copy_id IS NOT NULL)
        OR (c.status = 'GRADED') <> (num_nonnulls(c.final_key, c.final_sha256, c.final_size, c.total, c.graded_at) = 5)
        OR r.document ->> 'key' IS DISTINCT FROM c.final_key
        OR r.document ->> 'sha256' IS DISTINCT FROM c.final_sha256
        OR (r.document ->> 'size')::bigint IS DISTINCT FROM c.final_size
        OR right(c.final_key, 64) IS DISTINCT FROM c.final_sha256
        OR r.record <> c.record OR r.graded_at <> c.graded_at
    )
    UNION ALL
    SELECT copy_id, format('it has a result of revision %s, which it has not reached', r.revision)
    FROM results r JOIN copies c ON c.id = r.copy_id WHERE {r.copy_id} AND r.revision > c.revision
"""

_TOTALS = """
    SELECT c.id, 'its totals differ between the copy, its record and its result'
    FROM copies c LEFT JOIN results r ON r.copy_id = c.id AND r.revision = c.revision
    WHERE {c.id} AND (c.total <> c.record_total OR r.total <> c.total)
"""

_DRAFTS = """
    SELECT coalesce(d.copy_id, k.copy_id), 'a draft is not the last save that was accepted, or a save is missing'
    FROM (SELECT * FROM drafts WHERE {copy_id}) d
    FULL JOIN (
        SELECT copy_id, owner_id, count(*) AS saves, min(version) AS first, max(version) AS last,
            bool_or(base_version <> version - 1) AS gap
        FROM draft_saves WHERE version IS NOT NULL AND {copy_id} GROUP BY copy_id, owner_id
    ) k ON k.copy_id = d.copy_id AND k.owner_id = d.owner_id
    LEFT JOIN draft_saves s ON s.copy_id = d.copy_id AND s.owner_id = d.owner_id AND s.version = d.version
    WHERE d.copy_id IS NULL OR k.copy_id IS NULL OR s.id IS NULL
        OR k.first <> 1 OR k.last <> k.saves OR k.last <> d.version OR k.gap
        OR s.client_id <> d.client_id OR s.fence <> d.fence OR s.payload <> d.payload
"""

_OPERATIONS = """
    SELECT o.copy_id, 'an operation was done, and its annotation does not know of it'
    FROM operations o LEFT JOIN annotations a ON a.id = o.annotation_id AND a.copy_id = o.copy_id
    WHERE {o.copy_id} AND o.outcome = 'done' AND o.annotation_id IS NOT NULL
        AND (a.id IS NULL OR o.version IS NULL OR a.version < o.version)
    UNION
    SELECT o.copy_id, 'an operation was done, and the marks do not know of it'
    FROM operations o LEFT JOIN marks m ON m.copy_id = o.copy_id
    WHERE {o.copy_id} AND o.outcome = 'done' AND o.annotation_id IS NULL
        AND (o.version IS NULL OR coalesce(m.version, 0) < o.version)
    UNION
    SELECT copy_id, 'one operation has two answers' FROM operations
    WHERE {copy_id} AND problem ->> 'code' IS DISTINCT FROM 'grading.operation_reused'
    GROUP BY copy_id, op_id HAVING count(*) > 1
"""

_ENDS = """
    SELECT c.id, 'it was finalised long ago and is neither graded nor failed'
    FROM copies c
    WHERE {c.id} AND c.status = 'GRADING_IN_PROGRESS' AND coalesce(
        (SELECT max(a.at) FROM audit a WHERE a.subject_id = c.id AND a.action = 'FINALISE'), c.attempted_at
    ) < clock_timestamp() - make_interval(secs => :unended_after_s)
    UNION ALL
    SELECT c.id, 'making its document failed without a reason'
    FROM copies c
    WHERE {c.id} AND c.status = 'GRADING_FAILED'
        AND (coalesce(c.error_code, '') = '' OR coalesce(c.error_message, '') = '')
"""

_ONCE = """
    SELECT copy_id, format('it was finalised twice as attempt %s of revision %s', attempt, revision)
    FROM audit WHERE {copy_id} AND action = 'FINALISE' GROUP BY copy_id, revision, attempt HAVING count(*) > 1
    UNION ALL
    SELECT coalesce(g.copy_id, r.copy_id), format('revision %s has %s results and %s events say that it was graded',
        coalesce(g.revision, r.revision), count(r.copy_id), count(g.copy_id))
    FROM (SELECT copy_id, revision FROM audit WHERE {copy_id} AND action = 'GRADE') g
    FULL JOIN (SELECT copy_id, revision FROM results WHERE {copy_id}) r
        ON r.copy_id = g.copy_id AND r.revision = g.revision
    GROUP BY coalesce(g.copy_id, r.copy_id), coalesce(g.revision, r.revision)
    HAVING count(r.copy_id) <> 1 OR count(g.copy_id) <> 1
    UNION ALL
    SELECT c.id, format('it is at attempt %s, and %s attempts were recorded', c.attempt, count(a.seq))
    FROM copies c LEFT JOIN audit a ON a.subject_id = c.id AND a.revision = c.revision
        AND a.action IN ('FINALISE', 'TRY_AGAIN')
    WHERE {c.id} AND c.status IN ('GRADING_IN_PROGRESS', 'GRADED', 'GRADING_FAILED')
    GROUP BY c.id HAVING count(a.seq) <> c.attempt
"""

_CANDIDATES = """
    SELECT c.id, 'its candidate has another copy of the same exam, or sits another exam'
    FROM copies c LEFT JOIN candidates k ON k.id = c.candidate_id
    WHERE {c.id} AND c.candidate_id IS NOT NULL AND (
        k.exam_id IS DISTINCT FROM c.exam_id OR EXISTS (
            SELECT 1 FROM copies o WHERE o.candidate_id = c.candidate_id AND o.exam_id = c.exam_id AND o.id <> c.id
        )
    )
"""

_ANSWERABLE = """
    SELECT c.id, 'nobody is answerable for its candidate, or the matching for its having none'
    FROM copies c LEFT JOIN identifications i ON i.copy_id = c.id
    WHERE {c.id} AND (
        c.candidate_id IS NOT NULL AND i.decided_by IS NULL OR c.candidate_id IS NULL AND i.decided_by = 'machine'
    )
"""

_PUBLISHED = """
    SELECT p.copy_id, format('what was published of revision %s is not what was graded', p.revision)
    FROM published_copies p
    LEFT JOIN results r ON r.copy_id = p.copy_id AND r.revision = p.revision
    LEFT JOIN audit g ON g.subject_id = p.copy_id AND g.revision = p.revision AND g.action = 'GRADE'
    WHERE {p.copy_id} AND (
        g.details ->> 'document' IS DISTINCT FROM r.document ->> 'sha256'
        OR (g.details ->> 'total')::numeric IS DISTINCT FROM r.total
    )
    UNION ALL
    SELECT p.copy_id, 'it changed while its results are out'
    FROM published_copies p
    JOIN exams e ON e.id = p.exam_id AND e.publication = p.publication AND e.published_at IS NOT NULL
    JOIN copies c ON c.id = p.copy_id
    LEFT JOIN candidates k ON k.id = p.candidate_id
    WHERE {p.copy_id} AND (
        c.status <> 'GRADED' OR c.revision <> p.revision OR c.candidate_id IS DISTINCT FROM p.candidate_id
        OR k.person_id IS DISTINCT FROM p.person_id OR k.exam_id IS DISTINCT FROM p.exam_id
    )
"""

_CHANGED = """
    SELECT p.copy_id, format('revision %s was out, and changed without a reason or a second person', p.revision)
    FROM (SELECT DISTINCT copy_id, revision FROM published_copies WHERE {copy_id}) p
    JOIN copies c ON c.id = p.copy_id AND c.revision > p.revision
    LEFT JOIN reopenings r ON r.copy_id = p.copy_id AND r.revision = p.revision + 1
    WHERE r.copy_id IS NULL OR EXISTS (
        SELECT 1 FROM audit a WHERE a.subject_id = p.copy_id AND a.action = 'FINALISE' AND a.revision = p.revision
            AND a.details -> 'again' IS NULL AND a.actor_id = r.reopened_by
    )
"""

_PUBLICATIONS = """
    SELECT e.id, 'its publications do not count up to the one it is at, or one is open that should not be'
    FROM exams e LEFT JOIN publications p ON p.exam_id = e.id
    WHERE {e.id}
    GROUP BY e.id
    HAVING count(p.exam_id) <> e.publication OR coalesce(max(p.publication), 0) <> e.publication
        OR count(p.exam_id) FILTER (WHERE p.withdrawn_at IS NULL) <> (e.published_at IS NOT NULL)::integer
        OR bool_or(p.withdrawn_at IS NULL AND p.publication <> e.publication)
"""

_ROSTERS = """
    SELECT exam_id, 'two of its candidates are one' FROM candidates
    WHERE {exam_id} GROUP BY exam_id, candidate_key HAVING count(*) > 1
    UNION
    SELECT exam_id, 'two of its candidates are one person' FROM candidates
    WHERE {exam_id} GROUP BY exam_id, person_id HAVING count(*) > 1
    UNION
    SELECT exam_id, 'two of its candidates have one INE' FROM candidates
    WHERE {exam_id} AND ine IS NOT NULL GROUP BY exam_id, ine HAVING count(*) > 1
    UNION
    SELECT exam_id, 'one of its candidates is nobody' FROM candidates k
    WHERE {exam_id} AND NOT EXISTS (SELECT 1 FROM persons p WHERE p.id = k.person_id)
"""

SUBJECTS = (
    Subjects(
        "exams",
        checks=(
            Check("I15", "each candidate of an exam is one person, once", _ROSTERS),
            Check("I17", "publications are counted and at most the last is open", _PUBLICATIONS),
        ),
        objects=(objects_in("sheet_models", "sample", key="exam_id"),),
    ),
    Subjects(
        "copies",
        checks=(
            Check("I1", "whoever wrote held the lock of that number", _FENCES),
            Check("I1", "locks only grow", _FENCES_GO_BACK),
            Check("I1", "a copy is locked when it has a lock, of its number and owner", _LOCKS),
            Check("I2", "a copy is graded when it has a document and a result", _DOCUMENTS),
            Check("I3", "copy, record and result have one total", _TOTALS),
            Check("I4", "a draft is the last save that was accepted, and none is missing", _DRAFTS),
            Check("I4", "an operation that was done is in the marks, once", _OPERATIONS),
            Check("I5", "what was finalised comes to an end, with a reason if it failed", _ENDS),
            Check("I6", "each attempt was asked once, each revision graded once", _ONCE),
            Check("I14", "a candidate has one copy of their exam", _CANDIDATES),
            Check("I14", "a person or the matching is answerable for a copy's candidate", _ANSWERABLE),
            Check("I17", "what is published stays as it was graded", _PUBLISHED),
            Check("I17", "what was published changes with a reason, by somebody else than its marker", _CHANGED),
        ),
        objects=(
            objects_in("copies", "manifest", "pages", "record"),
            "SELECT id::text, final_key, final_size FROM copies WHERE {id} AND final_key IS NOT NULL",
            objects_in("results", "record", "document", key="copy_id"),
        ),
    ),
)
