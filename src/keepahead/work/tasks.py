"""Tasks that run beside all else, and how they are ended."""

import asyncio


async def end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel tasks, and wait until none of them is at work any more; None was never begun."""
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    if begun:
        await asyncio.wait(begun)
