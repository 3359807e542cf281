"""Which agent did what in the made-up past, and for whom: values only."""

from __future__ import annotations

from dataclasses import dataclass

from .cast import ALICE, BOB, CHARLIE, DANA, ERIN, GINA, HUGO, Person

MARK = "(synthetic)"
"""Begins every text of the made-up past."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model, its usual duration, and how many tokens it usually reads and writes."""

    provider: str
    name: str
    median_ms: int
    reads: int
    writes: int


MINI = Model("openai", "gpt-4o-mini", 900, 3_200, 240)
LARGE = Model("openai", "gpt-4o", 2_300, 4_800, 380)
CLAUDE = Model("anthropic", "claude-sonnet-4-5", 3_100, 5_600, 620)
FAST = Model("groq", "llama-3.3-70b-versatile", 450, 2_400, 210)
OWN = Model("openai_compatible", "own-llama", 1_700, 2_800, 300)
"""On a server of the company: nobody knows what it costs."""

ACME = {BOB: 9, DANA: 6, ERIN: 3, ALICE: 2}
GLOBEX = {GINA: 5, CHARLIE: 3, HUGO: 1}
EVERYBODY = {BOB: 4, DANA: 2, ALICE: 2, GINA: 2, CHARLIE: 3}
"""Who asks, and how often beside the others."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an agent does on a working day, for whom, and on which models."""

    agent: str
    tenant_id: str | None
    people: dict[Person, int]
    runs_a_day: int
    models: dict[Model, int]
    talks: tuple[tuple[str, str], ...]
    """Questions and answers; ``{}`` is a number."""
    tool: str = ""
    until_days_ago: int = 0
    """How long ago it stopped."""
    long: float = 0
    """The share of its requests that are too long to be kept whole."""


FEEDBACK = {
    "action": "feedback",
    "source": "client",
    "request_data": {"rating": 5, "comment": f"{MARK} That helped, thank you."},
}
"""What the platform's own page recorded of a reader."""

WORK = (
    Work(
        "Order desk",
        "acme",
        ACME,
        26,
        {MINI: 8, LARGE: 2},
        (
            ("Where is my parcel {}?", "Parcel {} is on its way and should arrive tomorrow."),
            ("Has order {} been paid?", "Order {} has been paid."),
            ("Can I still change the address of order {}?", "Order {} has been shipped, so that it is too late."),
        ),
        tool="order_status",
    ),
    Work(
        "Product writer",
        "acme",
        {DANA: 5, ALICE: 3, ERIN: 1},
        8,
        {CLAUDE: 7, LARGE: 3},
        (
            ("Write the page of tent {}.", "Tent {}: light, dry, and up in four minutes."),
            ("Make the page of stove {} shorter.", "Stove {}: boils a litre in three minutes."),
        ),
    ),
    Work(
        "Review reader",
        "acme",
        ACME,
        14,
        {FAST: 9, MINI: 1},
        (
            (
                "Review {}: Warm, but the zip is stiff.",
                "Review {} praises the warmth and complains about the zip.",
            ),
            ("Review {}: Came late, fits well.", "Review {} praises the fit and complains about the delivery."),
        ),
    ),
    Work(
        "Returns desk",
        "acme",
        ACME,
        8,
        {MINI: 1},
        (("How do I send order {} back?", "Print the label of order {} and take the parcel to any post office."),),
        until_days_ago=24,
    ),
    Work(
        "Book adviser",
        "globex",
        GLOBEX,
        16,
        {LARGE: 6, MINI: 3, CLAUDE: 1},
        (
            ("What shall I read after book {}?", "After book {}, try the second volume."),
            ("A present for somebody who liked book {}?", "Whoever liked book {} will like the atlas of rivers."),
        ),
    ),
    Work(
        "Shelf planner",
        "globex",
        GLOBEX,
        6,
        {CLAUDE: 1},
        (("Where do the books of delivery {} belong?", "Delivery {} belongs to travel, on the second shelf."),),
    ),
    Work(
        "Helpful assistant",
        None,
        EVERYBODY,
        10,
        {MINI: 7, OWN: 3},
        (
            ("What does form {} ask for?", "Form {} asks for the name, the date and a signature."),
            ("Write a polite reminder of invoice {}.", "May we remind you of invoice {}?"),
        ),
    ),
    Work(
        "Summarizer",
        None,
        EVERYBODY,
        8,
        {OWN: 4, FAST: 6},
        (("Sum report {} up.", "Report {}: sales are up, returns are down, and the lease ends in May."),),
        long=0.03,
    ),
)
