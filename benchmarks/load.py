"""Load from this process: many requests for one URL at a given concurrency."""

import asyncio
import statistics
import time
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests per second, and latencies in milliseconds."""

    rate: float
    median: float
    p99: float


async def measure(url: str, headers: dict[str, str], concurrency: int, seconds: float) -> Measured:
    """Ask for a URL for some seconds. Raises `RuntimeError` for an answer that is not 200."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        while (began := time.perf_counter()) < end:
            async with session.get(url, headers=headers) as response:
                await response.read()
                if response.status != 200:
                    raise RuntimeError(f"{url} answers {response.status}")
            latencies.append(time.perf_counter() - began)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(concurrency)))
    ordered = sorted(latencies)
    return Measured(
        rate=len(ordered) / seconds,
        median=statistics.median(ordered) * 1000,
        p99=ordered[int(len(ordered) * 0.99)] * 1000,
    )
