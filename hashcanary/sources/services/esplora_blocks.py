"""Walks the blocks of an esplora or mempool service that the lake does not have.

1. The newest page tells the tip. Wanted are the heights from a first one up to it, without those
   whose rows the lake has, and with those whose block it does not know.
2. They are asked for from below, a page at a time. A page whose first block names a parent that
   nobody knows lies on another branch: the pages below it are fetched, down to the fork.
3. If two pages of one branch do not fit, the service's chain changed meanwhile: all is asked anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.errors import OutOfOrder, StaleService
from hashcanary.sources.feed import Batch
from hashcanary.sources.services.block_pages import Page, parse_page

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from hashcanary.chain.networks import Network
    from hashcanary.sources.feed import Held
    from hashcanary.sources.http.client import Answer, Http

SOURCE = "esplora"
# a service may be a few blocks late, but one that stands still must be told from that
_MOST_BEHIND = 6
# deeper than any reorganisation there was, and than the 144 blocks of a day
_MOST_BACK = 200
_MOST_CHANGES = 5
_ABSENT = frozenset({400, 404, 405})


@dataclass(slots=True)
class Explorer:
    """A service's pages. mempool serves them with extras under ``v1/``, esplora does not."""

    http: Http
    network: Network
    extended: bool = True

    def newest(self) -> Page:
        """The page that ends at the tip."""
        if self.extended:
            answer = self.http.get("v1/blocks", accept=_ABSENT)
            if answer.status not in _ABSENT:
                return self._page(answer)
            self.extended = False
        return self._page(self.http.get("blocks"))

    def up_to(self, height: int) -> Page:
        """The page that ends at ``height``. Raises OutOfOrder where it ends elsewhere."""
        answer = self.http.get(f"{'v1/' if self.extended else ''}blocks/{height}")
        page = self._page(answer)
        if page.top != height:
            raise OutOfOrder(
                url=page.url,
                path="$[0].height",
                expected=f"height {height:,}, as asked",
                found=f"{page.top:,}",
            )
        return page

    def _page(self, answer: Answer) -> Page:
        return parse_page(answer.json(), answer.url, self.network)


@dataclass(slots=True)
class Walk:
    """One walk from ``first`` to the tip. recent: how many blocks are wanted where nothing else
    says from where on; start: the first wanted height, if the user or the cursor names one.
    """

    explorer: Explorer
    held: Held
    recent: int
    start: int | None
    _seen: set[bytes] = field(default_factory=set)
    _wanted: frozenset[int] = frozenset()
    # heights between which all blocks brought by this walk lie
    _began: int = -1
    _reached: int = -1

    def batches(self) -> Iterator[Batch]:
        """What is new, a page a batch. Raises StaleService, OutOfOrder, what pages raise."""
        have = frozenset(self.held.heights_with(SOURCE).tolist())
        for _ in range(_MOST_CHANGES):
            newest = self.explorer.newest()
            if (yield from self._reach(newest, have)):
                return
        raise OutOfOrder(
            url=newest.url,
            path="its pages",
            expected="pages of one chain",
            found=f"another chain in each of {_MOST_CHANGES} attempts",
        )

    def _reach(self, newest: Page, have: frozenset[int]) -> Generator[Batch, None, bool]:
        """Walk to the tip; false where the service's chain changed on the way."""
        notes = self._notes(newest.top)
        left = self._still_wanted(newest, have)
        self._wanted, total = frozenset(left), len(left)
        while left:
            top = min(left[0] + newest.rows.height - 1, newest.top)
            page = newest if newest.lowest <= left[0] else self.explorer.up_to(top)
            run = self._linked(page)
            if run is None:
                return False
            left = [height for height in left if height > page.top]
            for part in run:
                batch = self._batch(part, total - len(left), total, notes)
                if batch is not None:
                    yield batch
                    notes = ()
        return True

    def _notes(self, theirs: int) -> tuple[str, ...]:
        """What is said of the service's reach. Raises StaleService."""
        ours = self.held.tip_height
        if ours is None:
            return ()
        if theirs < ours - _MOST_BEHIND:
            raise StaleService(service=self.explorer.http.service, ours=ours, theirs=theirs)
        if theirs < ours:
            return (f"the service's tip, {theirs:,}, is behind ours, {ours:,}",)
        first = self._first(theirs)
        if first > ours + 1:
            span = f"blocks {ours + 1:,} to {first - 1:,}"
            return (f"{span} were not asked for: set from, or bring their headers otherwise",)
        return ()

    def _first(self, theirs: int) -> int:
        if self.start is not None:
            return self.start
        return max(max(theirs, self.held.tip_height or 0) - self.recent + 1, 0)

    def _still_wanted(self, newest: Page, have: frozenset[int]) -> list[int]:
        """Heights without a row of ours, and those near the tip where another block stands now."""
        first, ours = self._first(newest.top), self.held.tip_height
        wanted = set(range(first, newest.top + 1)) - have
        replaced = zip(newest.rows["height"], newest.rows["hash"], strict=True)
        wanted.update(
            height
            for height, block in replaced
            if (height >= first or (ours is not None and height <= ours)) and not self._known(block)
        )
        return sorted(wanted)

    def _known(self, block: bytes) -> bool:
        return block in self._seen or self.held.height_of(block) is not None

    def _linked(self, page: Page) -> list[Page] | None:
        """A page, and before it those that lead down to a block that is known; None: no chain."""
        run = [page]
        while self._branches_off(run[0]):
            if page.lowest - run[0].lowest > _MOST_BACK:
                raise OutOfOrder(
                    url=run[0].url,
                    path=f"the parent of block {run[0].lowest:,}",
                    expected=f"a block we know, at most {_MOST_BACK} blocks down the chain",
                    found=run[0].parent.hex(),
                )
            below = self.explorer.up_to(run[0].lowest - 1)
            if below.tip != run[0].parent:
                return None
            run.insert(0, below)
        return run

    def _branches_off(self, page: Page) -> bool:
        """Whether we know another block than its parent in its parent's place."""
        if page.lowest == 0 or self._known(page.parent):
            return False
        if self._began < page.lowest <= self._reached + 1:
            return True
        ours = self.held.tip_height
        if ours is None or page.lowest > ours + 1:
            return False
        if self.held.active_from is None:
            return True
        there = self.held.active_from(page.lowest - 1)
        return bool(there.height and there["height"][0] == page.lowest - 1)

    def _batch(self, page: Page, done: int, total: int, notes: tuple[str, ...]) -> Batch | None:
        """What a page has that is new; None where that is nothing."""
        known = pl.Series([self._known(block) for block in page.rows["hash"]], dtype=pl.Boolean)
        again = pl.Series([block in self._seen for block in page.rows["hash"]], dtype=pl.Boolean)
        asked = page.rows["height"].is_in(list(self._wanted))
        new, unheard = page.only(~known | (asked & ~again)), page.only(~known)
        if not new.rows.height:
            return None
        self._seen.update(new.rows["hash"])
        self._began = new.lowest if self._began < 0 else min(self._began, new.lowest)
        self._reached = max(self._reached, page.top)
        facts = [unheard.headers(SOURCE)] if unheard.rows.height else []
        facts.append(new.blocks(SOURCE))
        labels = new.labels(SOURCE)
        if labels.frame.height:
            facts.append(labels)
        cursor: dict[str, object] = {"height": page.top, "hash": page.tip.hex()}
        return Batch(tuple(facts), cursor, done, total, "blocks", notes)
