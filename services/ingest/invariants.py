"""What must hold in ingest's database, whatever happened: no page is lost, none is there twice."""

from __future__ import annotations

from chassis.invariants import Check, Subjects, objects_in

_COUNTS = """
    SELECT u.id, format('%s of %s sides are counted as cut; %s sides with %s pages are there, %s without a booklet',
        u.sides_done, u.sides, s.sides, s.pages, s.loose)
    FROM uploads u CROSS JOIN LATERAL (
        SELECT count(*) AS pages, count(DISTINCT side_no) AS sides, coalesce(max(side_no), 0) AS last,
            count(*) FILTER (WHERE booklet_id IS NULL) AS loose
        FROM pages WHERE upload_id = u.id
    ) s
    WHERE {u.id} AND (
        s.sides <> u.sides_done OR s.pages <> u.pages OR s.last > u.sides
        OR u.status = 'ready' AND (s.sides <> u.sides OR s.loose > 0)
    )
"""

_HALVES = """
    SELECT upload_id, format('side %s is there as: %s', side_no, string_agg(half, ', ' ORDER BY half))
    FROM pages WHERE {upload_id}
    GROUP BY upload_id, side_no
    HAVING string_agg(half, ' ' ORDER BY half) NOT IN ('whole', 'left right')
"""

_PLACES = """
    SELECT b.id, format('its %s pages have places from %s to %s', count(p.id), min(p.place), max(p.place))
    FROM booklets b LEFT JOIN pages p ON p.booklet_id = b.id
    WHERE {b.id}
    GROUP BY b.id
    HAVING count(p.id) = 0 AND NOT EXISTS (SELECT 1 FROM staging_acts a WHERE b.id = ANY(a.booklet_ids))
        OR min(p.place) <> 1 OR max(p.place) <> count(p.id) OR min(p.side_no) <> b.first_side
"""

_ASSEMBLED = """
    SELECT a.copy_id, format('it was assembled of %s pages, its booklets have %s', a.page_count, count(p.id))
    FROM assemblies a
    LEFT JOIN booklets b ON b.copy_id = a.copy_id
    LEFT JOIN pages p ON p.booklet_id = b.id AND NOT p.dropped
    WHERE {a.copy_id}
    GROUP BY a.copy_id HAVING count(p.id) <> a.page_count
"""

SUBJECTS = (
    Subjects(
        "uploads",
        checks=(
            Check("I13", "every side is cut once and every page is in a booklet", _COUNTS),
            Check("I13", "a side is one whole page or two halves", _HALVES),
        ),
        objects=(objects_in("uploads", "object"),),
    ),
    Subjects("archives", objects=(objects_in("archives", "object"),)),
    Subjects("booklets", checks=(Check("I13", "a booklet's pages have places without holes", _PLACES),)),
    Subjects("pages", objects=(objects_in("pages", "images", "masked", "header_image"),)),
    Subjects(
        "assemblies",
        key="copy_id",
        checks=(Check("I13", "a copy has all pages of its booklets that were not dropped", _ASSEMBLED),),
        objects=(objects_in("assemblies", "manifest", "frozen", key="copy_id"),),
    ),
    Subjects("full_images", key="page_id", objects=(objects_in("full_images", "image", key="page_id"),)),
)
