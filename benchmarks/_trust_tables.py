"""Whether the textbook law of a measured table is on the front, and chosen."""

from argparse import Namespace

from _recovery import in_parallel
from _trust import Part
from measured import measure, names_of

CHOSEN = 0.75


def tables(options: Namespace) -> Part:
    """The judgement of the suite ``measured``, one search a table."""
    search = Namespace(seconds=options.seconds, units=False, raw=False)
    outcomes = in_parallel(
        measure, [("tables", name, 0, search) for name in names_of("tables")], options.jobs
    )
    rows = [
        {
            "table": o.name,
            "law": o.law,
            "on front": o.on_front,
            "chosen": o.is_chosen,
            "formula": o.formula[:70],
            "seconds": o.seconds,
        }
        for o in outcomes
    ]
    on_front, is_chosen = (sum(row[key] for row in rows) for key in ("on front", "chosen"))
    sentence = (
        f"of {len(rows)} textbook laws {on_front} on the front (asked: all), {is_chosen} chosen"
        f" (asked: {CHOSEN:.0%})"
    )
    return Part("measured tables", rows, sentence, on_front == len(rows) and is_chosen >= CHOSEN * len(rows))
