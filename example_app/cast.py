"""Who and what the seed makes: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_aiagents import Principal, Role

TENANTS = {"acme": "Acme Outdoor", "globex": "Globex Books"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo; the password is for a server on this machine alone."""

    username: str
    tenant_id: str | None
    role: Role

    @property
    def password(self) -> str:
        return f"{self.username}-demo"

    @property
    def principal(self) -> Principal:
        return Principal(self.username, self.tenant_id, self.role)


ALICE = Person("alice", "acme", Role.TENANT_ADMIN)
BOB = Person("bob", "acme", Role.USER)
CHARLIE = Person("charlie", "globex", Role.TENANT_ADMIN)
ROOT = Person("root", None, Role.SUPER_ADMIN)
PEOPLE = (ALICE, BOB, CHARLIE, ROOT)

DANA = Person("dana", "acme", Role.USER)
ERIN = Person("erin", "acme", Role.USER)
GINA = Person("gina", "globex", Role.USER)
HUGO = Person("hugo", "globex", Role.USER)
COLLEAGUES = (DANA, ERIN, GINA, HUGO)
"""They log in as well, but have no API key."""

ORDERS = (
    (1001, "acme", "Tent, two persons", "shipped on Monday"),
    (1002, "acme", "Rain jacket, green", "waiting for payment"),
    (1003, "acme", "Camping stove", "delivered"),
    (2001, "globex", "Atlas of rivers", "being packed"),
    (2002, "globex", "Cookbook", "delivered"),
)
"""Number, tenant, item, status."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """An agent to make; ``maker`` decides whose it is."""

    maker: Person
    name: str
    description: str
    agent_type: str
    capabilities: tuple[str, ...]
    prompt: str
    tools: tuple[str, ...] = ()
    status: str = "active"

    def data(self, model: dict[str, Any]) -> dict[str, Any]:
        """What ``agents.create`` is given."""
        config = model | {"system_prompt": self.prompt} | ({"tools": list(self.tools)} if self.tools else {})
        return {
            "name": self.name,
            "description": self.description,
            "agent_type": self.agent_type,
            "capabilities": list(self.capabilities),
            "model_config": config,
            "status": self.status,
        }


RECIPES = (
    Recipe(
        ROOT,
        "Helpful assistant",
        "Answers questions of any kind. Every tenant has it.",
        "assistant",
        ("chat", "question_answering"),
        "You are a helpful assistant. Answer in at most three sentences.",
    ),
    Recipe(
        ROOT,
        "Summarizer",
        "Sums a text up in three points. Every tenant has it.",
        "summarizer",
        ("summarization", "text_generation"),
        "Sum the user's text up in three short points.",
    ),
    Recipe(
        ALICE,
        "Order desk",
        "Knows where an order is: ask it for the order status of 1001.",
        "customer_support",
        ("chat", "tool_use"),
        "You work at the order desk of Acme Outdoor. Look orders up with order_status before you answer.",
        ("order_status",),
    ),
    Recipe(
        ALICE,
        "Product writer",
        "Writes the text of a product page.",
        "writer",
        ("content_creation", "text_generation"),
        "Write a product page of at most 80 words for an outdoor shop.",
    ),
    Recipe(
        ALICE,
        "Review reader",
        "Reads a customer's review and says in a sentence what it praises and what it complains about.",
        "classifier",
        ("classification", "extraction"),
        "Say in one sentence what the review praises and what it complains about.",
    ),
    Recipe(
        ALICE,
        "Returns desk",
        "Explained how to send things back. Retired: the order desk does it now.",
        "customer_support",
        ("chat",),
        "You explain how customers of Acme Outdoor send things back.",
        status="inactive",
    ),
    Recipe(
        CHARLIE,
        "Shelf planner",
        "Finds the shelf where new arrivals belong, and says why.",
        "analyst",
        ("planning", "data_analysis"),
        "You know the shelves of Globex Books. Say where the books belong, and why.",
    ),
    Recipe(
        CHARLIE,
        "Book adviser",
        "Recommends books.",
        "assistant",
        ("chat", "question_answering"),
        "You advise readers at Globex Books. Recommend at most three books.",
    ),
)
