"""Which language a ticket is written in, well enough to route it: function words and letter patterns, no dependency."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from ..core.noun import Noun

OTHER = "other"
_MAX_CHARACTERS = 4_000
_SURE_FROM = 6.0
"""How many function words' worth of evidence makes a full case."""
_LEAST = 0.1
"""Below it the best guess is no better than none."""
_ENDING = 0.35
"""What a typical ending or letter counts, where a function word counts 1."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NOISE = re.compile(r"[^\s@]{1,64}@\S+|https?://\S+|\b[^\W\d]{0,32}\d\w*")

_FUNCTION_WORDS = {
    "en": "the and to of is are was were a an i we you your our my have has not with for this that it be been can could would will "
    "please what when where how why do does did from on at by there here they them their hello hi thanks thank dear regards if but or "
    "me no any get got still about which who am need want should just already it's i'm don't can't invoice order "
    "card money payment every pls",
    "de": "der die das und ist nicht wir ich sie mit von zu den dem ein eine einen einem für auf im wird wurde haben hat bitte uns "
    "unsere unser ihre ihr ihnen mir mich mein meine noch auch aber oder wenn wie was wann wo warum bei nach aus über sind war kann "
    "können möchte möchten danke hallo guten grüße freundlichen sehr geehrte vielen dass zur zum am es schon keine kein rechnung als um vom",
    "fr": "le la les des un une et est pas nous vous je il elle que qui dans pour avec sur du au aux ce cette ces mon ma mes notre "
    "nos votre vos ne sont été être avoir avez avons ai a à merci bonjour cordialement mais ou où comment pourquoi quand plus "
    "encore déjà si c'est j'ai n'est l'ai d'un d'une facture veuillez s'il plaît par en y se leur monsieur madame",
    "es": "el la los las un una y es no nosotros usted ustedes yo que en para con por del al este esta esto mi mis nuestra nuestro "
    "su sus se ha han he hemos son ser está están fue tengo tiene gracias hola saludos pero o cómo cuándo dónde qué porque más ya "
    "todavía si lo le les me nos factura favor puede pueden quiero quisiera cuando buenos días sin de a como muy",
    "it": "il lo la i gli le un una e è non noi voi io che in per con su del della dei delle al alla questo questa mio mia nostro "
    "nostra vostro vostra si ha hanno ho abbiamo sono essere stato stata grazie buongiorno salve saluti ma o come quando dove perché "
    "più già ancora se mi ci vi fattura favore può potete vorrei cosa nel nella di a da dal anche cordiali avete",
    "nl": "de het een en is niet wij we ik u jullie met van te voor op in dat die dit deze zijn was waren wordt hebben heeft heb "
    "ons onze mijn uw je jij nog ook maar of als hoe wat wanneer waar waarom bij naar uit over kan kunnen graag bedankt hallo "
    "goedendag groet groeten vriendelijke geachte geen er aan al om moet wil zou factuur alstublieft door dan nu",
}  # fmt: skip
_ENDINGS = {
    "en": ("ing", "tion", "ough", "ly", "'s", "ould", "wh"),
    "de": ("ung", "lich", "keit", "sch", "ß", "ä", "ü", "ö", "cht", "eit"),
    "fr": ("eux", "ment", "ç", "ê", "eau", "aient", "è", "œ", "ille", "qu'"),
    "es": ("ción", "ñ", "ado", "ido", "dad", "¿", "mos", "ía", "ó", "ll"),
    "it": ("zione", "ità", "gli", "zz", "etto", "ò", "ù", "cch", "ggi", "tto"),
    "nl": ("ij", "aa", "oo", "heid", "isch", "uu", "oe", "tje", "lijk", "ee"),
}
_FOREIGN_LETTERS = frozenset("ąćęłńśźżčďěňřšťůžőűğışåæøþðãõ")
"""Letters that none of the six languages needs."""


class Language(Noun):
    """A language and how sure that is."""

    code: str
    """en, de, fr, es, it, nl, or other."""
    confidence: float
    """Between 0 and 1; low for a short or mixed text."""


def _index(lists: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for code, listed in lists.items():
        for word in set(listed.split()):
            found[word] = (*found.get(word, ()), code)
    return MappingProxyType(found)


_LANGUAGES_OF = _index(_FUNCTION_WORDS)


def language_of(text: str) -> Language:
    """The language of `text`; `other` with its own confidence where none of the six fits."""
    cleaned = unicodedata.normalize("NFC", _NOISE.sub(" ", text[:_MAX_CHARACTERS].lower())).replace("’", "'")
    words = _WORD.findall(cleaned)
    if not words:
        return Language(code=OTHER, confidence=0.0)
    strange = _strange_share(words)
    points = _points(words)
    ranked = sorted(points, key=lambda code: (-points[code], code))
    best, second = ranked[0], ranked[1]
    if strange > 0.5 or points[best] < 0.08 * len(words):
        return Language(code=OTHER, confidence=round(min(max(strange, len(words) / 40), 0.95), 4))
    lead = (points[best] - points[second]) / points[best]
    density = min(1.0, points[best] / (0.3 * len(words)))
    amount = min(1.0, (points[best] - points[second]) / _SURE_FROM)
    confidence = (0.4 + 0.6 * amount) * min(1.0, 2 * lead) * density * (1 - strange)
    confidence = round(min(max(confidence, 0.0), 1.0), 4)
    return Language(code=best if confidence >= _LEAST else OTHER, confidence=confidence)


def _points(words: list[str]) -> dict[str, float]:
    points = dict.fromkeys(_FUNCTION_WORDS, 0.0)
    for word in words:
        codes = _LANGUAGES_OF.get(word, ())
        for code in codes:
            # A word that several languages share tells less.
            points[code] += 1 / len(codes)
        if not codes:
            for code, endings in _ENDINGS.items():
                points[code] += _ENDING * any(ending in word for ending in endings)
    return points


def _strange_share(words: list[str]) -> float:
    """The share of words with letters of other alphabets, or of Latin ones that none of the six uses."""
    return sum(any(letter in _FOREIGN_LETTERS or ord(letter) > 0x24F for letter in word) for word in words) / len(words)
