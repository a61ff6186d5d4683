"""Look-alikes: letters that a reader takes for Latin ones, and characters that nobody sees."""

import re

CONFUSABLE = str.maketrans(
    "аеорсухіјѕԁһвмнткёοαερυχικντηωγβρցոսօհɑɡıǀⅼοѵԛԝѡζμ",
    "aeopcyxijsdhbmhtkeoaepuxikvtnwybpgnuohagillovqwwzu",
)
"""Small letters of other scripts and the Latin ones they are taken for."""

CAPITALS = str.maketrans("АВЕЗКМНОРСТУХІЈЅԁΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABE3KMHOPCTYXIJSDABEZHIKMNOPTYX")
"""Capitals, whose small letters may look like another letter: Greek Ν like N, but ν like v."""

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that take no room and hide words from whoever reads or matches a text."""


def without_invisible(text: str) -> str:
    """`text` without characters that nobody sees."""
    return INVISIBLE.sub("", text)
