"""Whose time an upload takes: the client's is its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from triune.pods.upload import Upload


async def pieces(*pauses: float) -> AsyncIterator[bytes]:
    for pause in pauses:
        await asyncio.sleep(pause)
        yield b"x"


async def test_a_slow_client_is_not_held_against_the_pod() -> None:
    async with asyncio.timeout(0.02) as limit:
        upload = Upload(pieces(0.05, 0.05), limit, stall=0.02, answer=1)
        assert [piece async for piece in upload.stream()] == [b"x", b"x"]


async def test_a_pod_that_does_not_take_a_piece_is() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            upload = Upload(pieces(0, 0), limit, stall=0.02, answer=1)
            async for _ in upload.stream():
                await asyncio.sleep(1)


async def test_the_answer_has_its_deadline_after_the_last_piece() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            upload = Upload(pieces(0), limit, stall=1, answer=0.02)
            async for _ in upload.stream():
                pass
            await asyncio.sleep(1)


async def test_the_sources_error_is_kept() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ValueError("gone")

    async with asyncio.timeout(1) as limit:
        upload = Upload(broken(), limit, stall=1, answer=1)
        with pytest.raises(ValueError, match="gone"):
            async for _ in upload.stream():
                pass
    assert isinstance(upload.error, ValueError)
