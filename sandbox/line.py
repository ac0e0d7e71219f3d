"""One phone line: it rings, somebody or something answers, TwiML is carried out, it ends."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from sandbox.customers import Pickup, VoiceBehaviour
from sandbox.progress import Progress
from sandbox.records import CALL_ENDS, Call, CallStatus
from sandbox.twiml import (
    Act,
    Dial,
    Fetch,
    Gather,
    Pause,
    Play,
    Prompt,
    Say,
    TwimlError,
    interpret,
    parse,
    seconds_to_speak,
)
from sandbox.webhooks import WebhookFailed

# Seconds of life, divided by the speed; real ones when a person at the page of phones has the line.
SETUP_SECONDS: Final = 1.0
RINGING_SECONDS: Final = 6.0
REACTION_SECONDS: Final = 1.0
RECORDING_SECONDS: Final = 3.0
CONVERSATION_SECONDS: Final = 20.0
PERSON_CONVERSATION_SECONDS: Final = 600.0
DEFAULT_RING_TIMEOUT_SECONDS: Final = 60.0
HUMAN_DETECTION_SECONDS: Final = 2.0
MACHINE_DETECTION_SECONDS: Final = 4.0
MACHINE_GREETING_SECONDS: Final = 8.0
MAX_DOCUMENTS: Final = 100  # ends a document that redirects to itself for ever
HTTP_RETRIEVAL_FAILURE: Final = 11200

Document = Fetch | str
Connect = Callable[[Call, Dial], "Line"]


class _Redirected(Exception):
    """The application gave the line another document."""


class Line:
    """Lives one call from dialing to its end.

    Args:
        call: the call.
        behaviour: of who is called.
        progress: notes and tells what happens.
        speed: how many times faster than life; a person at the page of phones is never hurried.
        connect: starts another leg for a Dial.
    """

    def __init__(
        self, *, call: Call, behaviour: VoiceBehaviour, progress: Progress, speed: float, connect: Connect
    ) -> None:
        self.call = call
        self._behaviour = behaviour
        self._progress = progress
        self._speed = 1.0 if behaviour.pickup is Pickup.MANUAL else speed
        self._connect = connect
        self._keys = ""
        self._gathers = 0
        self._next: Document | None = None
        self._stirred = asyncio.Event()  # keys were pressed, the phone was picked up, or another document was given
        self._picked_up = False
        self._other_leg: Line | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Dials; gives the task that lives the call."""
        self._task = asyncio.create_task(self._live())
        return self._task

    async def over(self) -> None:
        """Waits for the end of the call."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def pick_up(self) -> None:
        """The person called answers."""
        self._picked_up = True
        self._stirred.set()

    def press(self, keys: str) -> None:
        """The person called presses keys."""
        self._progress.note(self.call, "pressed", keys=keys)
        self._keys += keys
        self._stirred.set()

    def redirect(self, document: Document) -> None:
        """Goes on with another document at once."""
        self._next = document
        self._stirred.set()

    def hang_up(self, unanswered: CallStatus = CallStatus.CANCELED) -> None:
        """Ends the call: `completed` when it was answered, else `unanswered`; nothing happens when it is over."""
        if self.call.status in CALL_ENDS:
            return
        self._end(CallStatus.COMPLETED if self.call.started else unanswered)
        if self._task is not None:
            self._task.cancel()

    def abandon(self) -> None:
        """Stops living without ending the call: the sandbox itself goes down."""
        if self._task is not None:
            self._task.cancel()

    async def _live(self) -> None:
        end = await self._ring()
        if end is None:
            await self._talk()
            end = CallStatus.COMPLETED
        self._end(end)

    def _end(self, status: CallStatus) -> None:
        if self._other_leg is not None:
            self._other_leg.hang_up()
        self._progress.become(self.call, status)

    async def _ring(self) -> CallStatus | None:
        """Rings; gives how the call ended, or None when it was answered."""
        self._progress.tell(self.call, "initiated")
        await self._pass(SETUP_SECONDS)
        pickup = self._behaviour.pickup
        if pickup in {Pickup.FAILED, Pickup.BUSY}:
            return CallStatus(pickup)
        self._progress.become(self.call, CallStatus.RINGING)
        self._progress.tell(self.call, "ringing")
        if not await self._answered(float(self.call.params.get("Timeout", DEFAULT_RING_TIMEOUT_SECONDS))):
            return CallStatus.NO_ANSWER
        self._progress.become(self.call, CallStatus.IN_PROGRESS)
        self._progress.tell(self.call, "answered")
        return None

    async def _answered(self, timeout_seconds: float) -> bool:
        pickup = self._behaviour.pickup
        if pickup is Pickup.MANUAL:
            while not self._picked_up and await self._listen(timeout_seconds):
                pass
            return self._picked_up
        answers = pickup is not Pickup.NO_ANSWER and timeout_seconds >= RINGING_SECONDS
        await self._pass(RINGING_SECONDS if answers else timeout_seconds)
        return answers

    async def _talk(self) -> None:
        if self._behaviour.hangs_up_after_seconds is not None:
            delay = self._behaviour.hangs_up_after_seconds / self._speed
            asyncio.get_running_loop().call_later(delay, self.hang_up)
        if self.call.parent_call_sid:
            person = self._behaviour.pickup is Pickup.MANUAL
            await self._pass(PERSON_CONVERSATION_SECONDS if person else CONVERSATION_SECONDS)
            return
        await self._detect()
        await self._follow()

    async def _detect(self) -> None:
        mode = self.call.params.get("MachineDetection")
        if mode not in {"Enable", "DetectMessageEnd"}:
            return
        answered_by, seconds = _detection(self._behaviour.pickup, mode)
        if self.call.params.get("AsyncAmd", "").lower() == "true":
            asyncio.get_running_loop().call_later(seconds / self._speed, self._tell_detection, answered_by, seconds)
            return
        await self._pass(seconds)
        self._progress.detected(self.call, answered_by)

    def _tell_detection(self, answered_by: str, seconds: float) -> None:
        if self.call.status is CallStatus.IN_PROGRESS:
            self._progress.detected(self.call, answered_by)
            self._progress.tell_detection(self.call, answered_by, seconds)

    async def _follow(self) -> None:
        """Carries out one document after another until none follows."""
        params = self.call.params
        document: Document | None = params.get("Twiml")
        if document is None:
            document = Fetch(params.get("Url", ""), params.get("Method", "POST"), {})
        for _ in range(MAX_DOCUMENTS):
            try:
                document = await self._carry_out(document)
            except _Redirected:
                document, self._next = self._next, None
            except TwimlError as error:
                self._progress.note(self.call, "call_error", code=error.code, reason=str(error))
                return
            except WebhookFailed as error:
                self._progress.note(self.call, "call_error", code=HTTP_RETRIEVAL_FAILURE, reason=str(error))
                return
            if document is None:
                return

    async def _carry_out(self, document: Document) -> Document | None:
        text, url = (document, "") if isinstance(document, str) else await self._fetch(document)
        walk = interpret(parse(text), url)
        try:
            act = next(walk)
            while True:
                act = walk.send(await self._perform(act))
        except StopIteration as stop:
            following: Fetch | None = stop.value
            return following

    async def _fetch(self, document: Fetch) -> tuple[str, str]:
        try:
            return await self._progress.ask(self.call, document.url, document.method, document.params), document.url
        except WebhookFailed:
            fallback = self.call.params.get("FallbackUrl")
            if not fallback:
                raise
            method = self.call.params.get("FallbackMethod", "POST")
            return await self._progress.ask(self.call, fallback, method, document.params), fallback

    async def _perform(self, act: Act) -> Mapping[str, str]:
        match act:
            case Gather():
                return await self._gather(act)
            case Dial():
                return await self._dial(act)
            case _:
                await self._pass(self._prompt_seconds(act))
                return {}

    async def _gather(self, gather: Gather) -> Mapping[str, str]:
        self._keys = ""
        for prompt in gather.prompts:
            if await self._listen(self._prompt_seconds(prompt)):
                break
        await self._react()
        while not gather.complete(self._keys) and await self._listen(gather.timeout_seconds):
            pass
        digits = gather.digits(self._keys)
        finished = gather.finish_on_key if digits != self._keys else ""
        return {"Digits": digits, "FinishedOnKey": finished} if digits else {}

    async def _react(self) -> None:
        """A simulated customer presses what the behaviour says for this Gather; a person does it in their own time."""
        if self._gathers < len(self._behaviour.keys) and not self._keys:
            await self._pass(REACTION_SECONDS)
            if self._behaviour.keys[self._gathers]:
                self.press(self._behaviour.keys[self._gathers])
        self._gathers += 1

    async def _dial(self, dial: Dial) -> Mapping[str, str]:
        self._progress.note(self.call, "dialled", target=dial.target)
        self._other_leg = leg = self._connect(self.call, dial)
        while leg.call.status not in CALL_ENDS:
            await self._until_over(leg)
        self._other_leg = None
        told = {"DialCallSid": leg.call.sid, "DialCallStatus": str(leg.call.status)}
        if leg.call.started:
            told["DialCallDuration"] = str(leg.call.duration_seconds)
        return told

    async def _until_over(self, leg: "Line") -> None:
        """Waits for the other leg; a redirect of this one ends it."""
        ending = asyncio.create_task(leg.over())
        stirring = asyncio.create_task(self._stirred.wait())
        try:
            await asyncio.wait({ending, stirring}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            stirring.cancel()
        if self._stirred.is_set() and self._next is not None:
            leg.hang_up()
        self._heed()

    def _prompt_seconds(self, prompt: Prompt) -> float:
        """Notes what the customer is about to hear and gives how long it takes."""
        match prompt:
            case Say():
                self._progress.note(self.call, "said", text=prompt.text, language=prompt.language, voice=prompt.voice)
                return seconds_to_speak(prompt.text)
            case Play():
                self._progress.note(self.call, "played", url=prompt.url, digits=prompt.digits)
                return RECORDING_SECONDS
            case Pause():
                return prompt.seconds

    async def _pass(self, seconds: float) -> None:
        """Lets time pass; keys pressed meanwhile do not shorten it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds / self._speed
        while (left := deadline - loop.time()) > 0.0:
            await self._listen(left * self._speed)

    async def _listen(self, seconds: float) -> bool:
        """Waits; True as soon as something stirs, False when the time is over."""
        try:
            async with asyncio.timeout(seconds / self._speed):
                await self._stirred.wait()
        except TimeoutError:
            return False
        self._heed()
        return True

    def _heed(self) -> None:
        self._stirred.clear()
        if self._next is not None:
            raise _Redirected


def _detection(pickup: Pickup, mode: str) -> tuple[str, float]:
    """What machine detection finds, and after how many seconds of life."""
    if pickup is not Pickup.MACHINE:
        return "human", HUMAN_DETECTION_SECONDS
    if mode == "DetectMessageEnd":
        return "machine_end_beep", MACHINE_GREETING_SECONDS
    return "machine_start", MACHINE_DETECTION_SECONDS
