"""What somebody wrote himself in a mail: without the mail that he answers, without greeting and signature."""

import re

_QUOTE_HEAD = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|ursprüngliche nachricht|forwarded message)\b.*"
    r"|(?:on|am|le)\b.{4,120}\b(?:wrote|schrieb|a écrit)\s*:?\s*"
    r"|_{8,}|from:\s.+|von:\s.+)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s*>")
_GREETING = re.compile(
    r"^\s*(?:hello|hi|hey|hallo|dear|good (?:morning|afternoon|evening|day)|to whom it may concern|greetings)\b[^.!?:;]{0,50}?[,!:]?\s*$",
    re.IGNORECASE,
)
_GREETED = re.compile(
    r"^\s*(?:(?:hello|hi|hey)(?: there| all| team| [A-Z][\w.-]*(?: [A-Z][\w.-]*)?)?"
    r"|dear (?:sir or madam|sirs?|madam|team|all|customer service|[\w.]+(?: [\w.-]+){0,3})|good (?:morning|afternoon|evening))\s*[,!]\s+(?=\S)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?i:(?:best|kind|kindest|warm) (?:regards|wishes)|regards|best|br|mfg|cheers|thanks|thank you|many thanks(?: in advance)?|sincerely"
    r"|yours(?: sincerely| faithfully| truly)?|sent from my \w+|--)[\s,.!]*(?:(?:[A-Z][\w.'-]*[ ,]+){0,3}[A-Z][\w.'-]*[ ,]*)?$"
)
"""A name under it has capital letters: "Thanks, will pay Monday" says something. Its parts end at a blank, so that no line, however
long, can be cut into names in more than one way."""
_MOST_AFTER_CLOSING = 8
"""A closing with more lines under it closes nothing."""


def own_words(text: str) -> str:
    """The part of a mail that its writer wrote; all of it where nothing else would be left."""
    lines = _unquoted(text.splitlines())
    lines = _without_closing(lines)
    while lines and (not lines[0].strip() or (len(lines) > 1 and _GREETING.match(lines[0]))):
        lines = lines[1:]
    found = "\n".join(lines).strip()
    found = _GREETED.sub("", found, count=1)
    return found or text.strip()


def _unquoted(lines: list[str]) -> list[str]:
    for place, line in enumerate(lines):
        if place and _QUOTE_HEAD.match(line):
            lines = lines[:place]
            break
    return [line for line in lines if not _QUOTED.match(line)]


def _without_closing(lines: list[str]) -> list[str]:
    for place in range(len(lines) - 1, 0, -1):
        if len([line for line in lines[place:] if line.strip()]) > _MOST_AFTER_CLOSING:
            break
        if _CLOSING.match(lines[place]) and any(line.strip() for line in lines[:place]):
            return _without_closing(lines[:place])
    return lines
