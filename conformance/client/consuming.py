"""Rules of consumers: what was not acknowledged comes again, and is answered once."""

from typing import Final

from conformance.client.stage import Stage

COUNT: Final = 4


async def consumer(stage: Stage) -> None:
    """What a consumer has not acknowledged is given again, and answered once."""
    server = stage.server
    for number in range(COUNT):
        server.append(body=f"Question {number}")
    answers = [f"You said: Question {number}" for number in range(COUNT)]
    await _consume(stage)
    await stage.until(lambda: _answered(stage) >= 2, "it answers")
    await stage.program.kill()
    stage.shown.restarted()
    await _consume(stage)
    await stage.until(
        lambda: _answered(stage) >= COUNT, f"it answers all {COUNT} messages, after the crash too"
    )
    server.append(body="Question 4")
    await stage.until(lambda: _answered(stage) >= COUNT + 1, "it answers what comes later")
    await stage.quiet(0.2)
    bodies = [one["body"] for one in server.room().entries if one["username"] == "ada"]
    stage.require(
        bodies == [*answers, "You said: Question 4"], "each message has one answer, in their order", bodies
    )


async def consumer_restore(stage: Stage) -> None:
    """A consumer is told of a restore, and goes on."""
    server = stage.server
    for _ in range(COUNT):
        server.append()
    await _consume(stage, answer=False)
    await stage.until(lambda: len(stage.shown.seqs()) >= COUNT, f"it shows {COUNT} entries")
    reader = server.consumers["kit"]
    await stage.until(lambda: reader.acked.get("lobby") == ("epoch-1", COUNT), "it acknowledges them")
    server.room().restore(2)
    reader.forget_tokens()
    server.append(body="After the restore")
    await stage.until(lambda: stage.shown.of("reset", epoch="epoch-2"), "the reset to epoch-2 is shown")
    await stage.until(
        lambda: stage.shown.of("entry", epoch="epoch-2", seq=3), "the entry after the restore is shown"
    )
    await stage.until(lambda: reader.acked.get("lobby") == ("epoch-2", 3), "it is acknowledged")


async def _consume(stage: Stage, *, answer: bool = True) -> None:
    await stage.start()
    stage.needs("consume")
    await stage.program.say(do="consume", name="kit", answer=answer)


def _answered(stage: Stage) -> int:
    return sum(one["username"] == "ada" for one in stage.server.room().entries)


SCENARIOS: Final = (consumer, consumer_restore)
