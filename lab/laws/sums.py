"""When all is quiet the ledger's sums are Keepa's."""

import sqlite3

from keepahead.simulator.bucket import Bucket

_SUMS = """SELECT
    coalesce(sum(CASE kind WHEN 'settled' THEN tokens END), 0),
    coalesce(sum(CASE kind WHEN 'absorbed' THEN charged END), 0),
    coalesce(sum(external_tokens), 0),
    coalesce(sum(kind = 'lost'), 0),
    coalesce(sum(kind IN ('lost', 'observed')), 0)
FROM entries"""


def check_sums(connection: sqlite3.Connection, bucket: Bucket, kinds: frozenset[str], overlap: int) -> str | None:
    """Law "the sums agree", when all is quiet and every lost call has been found in a meter.

    - Where nothing was lost, what is charged is what Keepa took for our calls, and nothing was found.
    - What is charged and what somebody else has spent are together no more than Keepa took from the bucket, whoever it
      was, and with what lost calls were found to have cost about as much: it may be more by the `overlap`, the tokens
      of calls that were under way when a lost one was found, as nobody can say from which of them a meter's shortfall
      is; and less by a lump for each meter that showed a shortfall, as a lump that may have come hides as much. Not so
      where a plan or a clock changed or the bucket has spilled: what the meters show of that is told apart from
      spending by nobody; there what is charged is no more than Keepa took.
    - Where nobody else spends nothing is put down to others.
    """
    charged, found, external, lost, shortfalls = connection.execute(_SUMS).fetchone()
    told = f"{charged} charged, {found} found, {external} by others; Keepa: {bucket.consumed}, by others "
    told += str(bucket.consumed_by_outsider)
    if not lost and (found or charged != bucket.consumed):
        return f"nothing was lost, and yet {told}"
    if kinds & {"plans", "clocks"} or bucket.expired:
        return f"more than was taken: {told}" if charged > bucket.consumed else None
    taken, told_of = bucket.consumed + bucket.consumed_by_outsider, charged + external
    hidden = bucket.rate * shortfalls
    if not (told_of <= taken and taken - hidden <= told_of + found <= taken + overlap):
        return f"the sums do not agree: {told}"
    if "outsiders" not in kinds and external:
        return f"nobody else has spent: {told}"
    return None
