"""Tools: functions that the model calls while you talk to it. Run it, then try:

    "What is the weather in Lakeview?" · "Add milk to the shopping list." · "Order a large pizza." (approve it on the
    page) · "Search the archive for old maps." (takes eight seconds; go on talking)

Without an API key the practice server answers, which recognises these tools by their words. The same functions work
with the program itself: python main.py --tools examples/tools.py
"""

import asyncio
from typing import Annotated, Literal

from nicegui import ui
from pydantic import Field

from voice_ui import ToolContext, VoicePanel, tool

SKIES = {"lakeview": "sunny, 24 °C", "stonebridge": "light rain, 15 °C"}

shopping: list[str] = []  # shown on the page; in a real program, one for each user


@tool
def get_weather(town: Annotated[str, Field(description="Lakeview or Stonebridge")]) -> str:
    """Return the weather of a made-up town."""
    if town.lower() not in SKIES:
        raise ValueError(f"there is no town called {town}; there are Lakeview and Stonebridge")
    return SKIES[town.lower()]


@tool
async def add_to_shopping_list(item: str, amount: int = 1) -> list[str]:
    """Add something to the shopping list.

    Args:
        item: What to buy.
        amount: How many of it.
    """
    shopping.append(f"{amount} × {item}" if amount > 1 else item)
    shopping_list.refresh()
    return shopping


@tool(approve=True)
async def order_pizza(
    kind: Literal["margherita", "funghi"] = "margherita", size: Literal["small", "large"] = "small"
) -> str:
    """Order a pizza, which costs money: a person has to approve it."""
    return f"One {size} {kind} is on its way."


@tool(timeout=20)
async def search_archive(words: str, context: ToolContext) -> list[str]:
    """Search the archive, which takes eight seconds.

    Args:
        words: What to search for.
    """
    await asyncio.sleep(8)
    return [f"A book about {words}", f"A letter of 1911 about {words} (found in turn {context.turn})"]


@ui.refreshable
def shopping_list() -> None:
    """Show the list."""
    for item in shopping or ["Nothing to buy"]:
        ui.label(item)


if __name__ in {"__main__", "__mp_main__"}:

    @ui.page("/")
    def index() -> None:
        """One tab: the conversation, and the list that the model fills."""
        with ui.row().classes("w-full no-wrap"):
            with ui.card().classes("w-48"):
                ui.label("Shopping list").classes("text-bold")
                shopping_list()
            with ui.card().classes("col").style("height: 90vh"):
                VoicePanel(tools=[get_weather, add_to_shopping_list, order_pizza, search_archive])

    ui.run(host="127.0.0.1", reload=False, title="Tools")
