"""Dead-letter queues of an installation: which there are, what is in them, and sending it to its functions again.

1. A letter is deleted only after Lambda has taken its event over, which then is Lambda's to try and to keep.
2. So an end at any moment loses nothing: at worst a function gets an event twice, as every function may.
3. Whoever holds letters hides them from others for `HIDDEN` seconds, and lets go of those that it leaves: two at once share
   what there is.
4. One run takes each letter up once, and none that came after it began: what fails again is for the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from cygni.operator.account import Account, OperatorError, aws_errors, error_code
from cygni.operator.letters import PREFIX, Letter, read_letter

HIDDEN = 120
"""Seconds that a letter in hand is hidden from others; one that its holder dropped comes back after so long."""
SUFFIX = "dead-letters"
_BATCH = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """A dead-letter queue; `waiting` is SQS's own estimate of letters that can be taken, `held` of those in hands."""

    name: str
    url: str
    arn: str
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a letter: taken over by its function, or left for a reason."""

    letter: Letter
    left: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queues of one account and region. An empty queue is waited at for `wait` seconds.

    On AWS it must be one at least: then all servers of a queue are asked, and none of its letters is missed.
    """

    sqs: Any
    functions: Any
    wait: int = 1
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, account: Account, now: Callable[[], datetime], wait: int = 1) -> Self:
        """Those of an account. Raises OperatorError when its clients cannot be made."""
        return cls(account.client("sqs"), account.client("lambda"), wait, now)

    def queues(self, name: str | None = None) -> list[Queue]:
        """All of them by name, or the one of this name. Raises OperatorError when it is not there."""
        with aws_errors():
            pages = self.sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name or PREFIX)
            urls = sorted(url for page in pages for url in page.get("QueueUrls", ()))
            found = [self._queue(url) for url in urls if url.endswith(SUFFIX) and name in (None, url.rpartition("/")[2])]
        if name is not None and not found:
            remedy = "`cygni admin replay` lists the queues; --region and the credentials say whose."
            raise OperatorError(f"There is no dead-letter queue named {name}.", remedy=remedy, kind="missing")
        return found

    def letters(self, queue: Queue, *, most: int) -> list[Letter]:
        """Up to `most` letters, oldest first as far as SQS has an order; all of them stay in the queue."""
        found: list[Letter] = []
        with aws_errors():
            try:
                for letter in self._take(queue, most):
                    found.append(letter)
            finally:
                for letter in found:
                    self._let_go(queue, letter)
        return sorted(found, key=lambda each: each.sent_at)

    def replay(self, queue: Queue, *, most: int) -> Iterator[Sent]:
        """Hands up to `most` letters to their functions again, each with its event as it was."""
        with aws_errors():
            left: list[Letter] = []
            try:
                for letter in self._take(queue, most):
                    done = self._send(queue, letter)
                    if done.left:
                        left.append(letter)
                    yield done
            finally:
                for letter in left:
                    self._let_go(queue, letter)

    def _send(self, queue: Queue, letter: Letter) -> Sent:
        if letter.fault:
            return Sent(letter, letter.fault)
        try:
            to = {"Qualifier": letter.qualifier} if letter.qualifier else {}
            self.functions.invoke(FunctionName=letter.function, InvocationType="Event", Payload=letter.event.encode(), **to)
        except self.functions.exceptions.ClientError as error:
            return Sent(letter, error_code(error))
        self.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
        return Sent(letter)

    def _take(self, queue: Queue, most: int) -> Iterator[Letter]:
        begun, seen = self.now(), set[str]()
        while len(seen) < most:
            answer = self.sqs.receive_message(
                QueueUrl=queue.url,
                MaxNumberOfMessages=min(_BATCH, most - len(seen)),
                VisibilityTimeout=HIDDEN,
                WaitTimeSeconds=self.wait,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            letters = [read_letter(each, queue.name, queue.arn) for each in answer.get("Messages", ())]
            fresh = [each for each in letters if each.id not in seen and each.sent_at <= begun]
            for each in letters:
                if each not in fresh:
                    self._let_go(queue, each)
            if not fresh:
                return
            seen.update(each.id for each in fresh)
            yield from fresh

    def _let_go(self, queue: Queue, letter: Letter) -> None:
        self.sqs.change_message_visibility(QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)

    def _queue(self, url: str) -> Queue:
        names = ["QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        waiting, held = (int(found.get(name, 0)) for name in names[1:])
        return Queue(url.rpartition("/")[2], url, found["QueueArn"], waiting, held)
