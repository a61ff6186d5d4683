"""What a message to a debtor says between its figures, read from the text itself: threats, charges, admissions, the way out.

The words are those of the approved languages. They only make an action stricter, so a word too many costs a look and no harm.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from ..core.lookalikes import CAPITALS, CONFUSABLE, without_invisible
from .wording import spoken

_THREATS = (
    r"court\b|lawsuit|litigat|legal (?:action|proceeding|step|measure)|\bsue(?:d|s)?\b|\bsuing\b|bailiff|attorney|solicitor|lawyer",
    r"debt collect|collection agency|credit (?:bureau|report|rating|score|reference)|garnish|repossess|\bseiz|\barrest|\bpolice\b|insolvency petition",
    r"gericht|\bklage|verklag|mahnbescheid|inkasso|schufa|auskunftei|zwangsvollstreck|pfänd|gerichtsvollzieher|anwalt|anwält|rechtliche schritte",
    r"tribunal|poursuites? (?:judiciaires?|en justice)|en justice|huissier|commissaire de justice|saisie|\bavocat|contentieux|recouvrement judiciaire|fichage",
)
_ADMISSIONS = (
    r"\b(?:acknowledge|admit|recogni[sz]e|confirm)\b[^.!?\n]{0,40}\b(?:debt|owe|owing|liab|amount due)",
    r"schuldanerkenn|anerk[ae]nn\w*[^.!?\n]{0,40}(?:schuld|forderung|betrag)|(?:schuld|forderung)[^.!?\n]{0,40}anerk[ae]nn",
    r"\berkenn\w*[^.!?\n]{0,40}(?:schuld|forderung)[^.!?\n]{0,20}\ban\b",
    r"reconnai\w*[^.!?\n]{0,40}(?:dette|devoir|créance)",
)
_CHARGES = (
    r"\binterest\b|late (?:fee|charge|payment (?:fee|charge))|\bpenalt|\bsurcharge|recovery costs?|default charge|compensation",
    r"zinsen|\bmahngebühr|mahnkosten|säumnis|verzugs(?:schaden|pauschale)|bearbeitungsgebühr|pauschale",
    r"intérêts?\b|pénalit|indemnité|frais de (?:retard|relance|recouvrement)|majoration",
)
_WAYS_OUT = (
    r"\b(?:reply|answer|respond|text)(?: with| by writing)? [\"'“]?stop\b|\bunsubscribe\b|\bopt[ -]?out\b",
    r"\bantworten(?: sie)?(?: bitte)? mit [\"'„]?stopp?\b|\babmelden\b|\babbestellen\b",
    r"\brépond(?:ez|re)(?: par)? [\"'«]? ?stop\b|\bdésabonner\b|\bdésinscri",
)


def threat_in_text(text: str, names: Iterable[str] = ()) -> bool:
    """Whether it threatens with a court, an agency, a credit report or the like; `names` may hold such words and are left out."""
    return _says(_THREATS, text, names)


def admission_in_text(text: str, names: Iterable[str] = ()) -> bool:
    """Whether it makes the debtor admit the debt."""
    return _says(_ADMISSIONS, text, names)


def charges_claimed(text: str, names: Iterable[str] = ()) -> bool:
    """Whether it speaks of interest, fees or damages."""
    return _says(_CHARGES, text, names)


def opt_out_offered(text: str, names: Iterable[str] = ()) -> bool:
    """Whether it says how to stop further messages."""
    return _says(_WAYS_OUT, text, names)


def text_facts(subject: str, body: str, *, written_in: str, language: str, names: Iterable[str] = ()) -> dict[str, Any]:
    """The facts about a message's words; `written_in` is its language, `language` the debtor's."""
    text, names = f"{subject}\n\n{body}", tuple(names)
    return {
        "threat_in_text": threat_in_text(text, names),
        "admission_in_text": admission_in_text(text, names),
        "charges_claimed": charges_claimed(text, names),
        "opt_out_offered": opt_out_offered(text, names),
        "language_matches": spoken(written_in) == written_in == language[:2].lower(),
    }


def _says(patterns: Iterable[str], text: str, names: Iterable[str]) -> bool:
    read = _read(text)
    # A name of one word stays, so that nobody called Court can hide one.
    for name in sorted((name for name in map(_read, names) if " " in name), key=len, reverse=True):
        read = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", read)
    return any(re.search(pattern, read) for pattern in patterns)


def _read(text: str) -> str:
    """The text as a reader sees it: look-alike and invisible signs undone, small letters, one line for each paragraph."""
    seen = without_invisible(unicodedata.normalize("NFKC", text)).translate(CAPITALS)
    plain = seen.casefold().translate(CONFUSABLE)
    return "\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", plain)).strip()
