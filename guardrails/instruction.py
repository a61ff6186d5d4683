"""Instructions: which kinds of thing the operator asked for, and which kind an action is, told from its words alone.

Nine classes of verb stand for every tool there is. The words are English, with the basics of German and French. A word that is
also a noun (`the email`, `in the order`) asks for something only where it stands like a verb, and what is negated or in the past
(`do not send`, `the file that Bob shared`) asks for nothing.
"""

import re
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from .forms import folded


class Verb(StrEnum):
    """What an action does, whatever the tool is called."""

    READ = "read"
    SEND = "send"
    PAY = "pay"
    """Commits money: pay, transfer, refund, buy, book, reserve."""
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    """Takes something away: delete, remove, cancel, revoke."""
    SHARE = "share"
    """Lets somebody else in: share, invite, grant."""
    EXPORT = "export"
    """Takes data out: export, download, dump."""
    UNKNOWN = "unknown"
    """No known verb; never allowed."""


_KIND_WORDS: dict[Verb, str] = {
    Verb.READ: "get read list search find look lookup fetch view show check query count describe summarize summarise browse visit "
    "open verify validate calculate compute retrieve load inspect compare lese suche zeige lire chercher",
    Verb.SEND: "send email mail message reply respond answer forward post notify write tell text call sms tweet comment submit "
    "publish contact ping alert announce broadcast dm senden schicken antworten envoyer repondre",
    Verb.PAY: "pay transfer refund wire remit purchase buy order book reserve donate charge withdraw deposit invest trade sell "
    "subscribe checkout reimburse zahlen überweisen buchen bestellen kaufen payer virer acheter commander",
    Verb.CREATE: "create add make insert register new draft log generate schedule plan start build compose upload "
    "erstellen anlegen creer ajouter",
    Verb.UPDATE: "update append reschedule modify change edit set adjust move rename correct fix replace mark assign archive label "
    "tag merge close reset ändern aktualisieren modifier changer",
    Verb.DELETE: "delete remove cancel erase purge drop unsubscribe terminate revoke wipe destroy trash clear uninstall kill "
    "deactivate disable block löschen entfernen stornieren supprimer annuler",
    Verb.SHARE: "share grant invite permit give expose teilen freigeben einladen partager inviter",
    Verb.EXPORT: "export download dump backup extract copy exportieren exporter",
}
_OF_KIND = {word: verb for verb, words in _KIND_WORDS.items() for word in words.split()} | {"add": Verb.UPDATE}
_MONEY = frozenset({"money", "payment", "payments", "transaction", "transfer", "funds", "refund", "booking", "reservation"})

_ASKS: dict[str, tuple[Verb, ...]] = {}
"""What an instruction asks for with a word, which may be more than one class."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _asks(words: str, *verbs: Verb) -> None:
    for word in words.split():
        _ASKS[word] = tuple(dict.fromkeys((*_ASKS.get(word, ()), *verbs)))


_asks(
    "send reply respond answer forward post notify write message email mail tell text submit publish contact announce",
    Verb.SEND,
)
_asks("comment ping alert tweet broadcast call sms dm", Verb.SEND)
_asks("schicke schick sende senden schicken antworte antworten maile schreibe schreib leite benachrichtige", Verb.SEND)
_asks("envoie envoyez envoyer reponds repondez repondre écris écrivez ecris ecrivez transmets transmettez", Verb.SEND)
_asks(
    "pay transfer refund wire remit purchase buy order book reserve donate charge withdraw deposit reimburse subscribe",
    Verb.PAY,
)
_asks("payment payments transaction transactions reservation refunds", Verb.PAY)
_asks(
    "zahle zahl bezahle bezahl überweise überweis buche buch bestelle bestell kaufe kauf reserviere erstatte erstatten",
    Verb.PAY,
)
_asks("zahlen bezahlen überweisen buchen bestellen kaufen reservieren", Verb.PAY)
_asks(
    "paie payez payer vire virez virer achète achetez acheter réserve réservez réserver commande commandez rembourse", Verb.PAY
)
_asks("create add insert register draft log generate schedule plan set build compose upload make invite put", Verb.CREATE)
_asks("erstelle erstell erstellen lege anlegen trage füge hinzufügen plane planen", Verb.CREATE)
_asks("crée créez créer ajoute ajoutez ajouter planifie planifiez planifier", Verb.CREATE)
_asks(
    "update append reschedule modify change edit set adjust move rename correct fix replace mark assign archive label",
    Verb.UPDATE,
)
_asks("add tag merge close reset put write extend postpone complete fill", Verb.UPDATE)
_asks("ändere ändern aktualisiere aktualisieren verschiebe verschieben korrigiere ersetze setze füge trage", Verb.UPDATE)
_asks(
    "modifie modifiez modifier change changez changer actualise mets mettez déplace déplacez corrige ajoute ajoutez",
    Verb.UPDATE,
)
_asks(
    "delete remove cancel erase purge drop unsubscribe terminate revoke wipe destroy trash clear uninstall deactivate",
    Verb.DELETE,
)
_asks("lösche lösch löschen entferne entfernen storniere stornieren kündige kündigen supprime supprimez supprimer", Verb.DELETE)
_asks("annule annulez annuler efface effacez effacer", Verb.DELETE)
_asks("share grant invite permit publish teile teilen lade einladen partage partagez partager inviter invitez", Verb.SHARE)
_asks(
    "export download dump backup extract exportiere exportieren exporte exportez exporter télécharge téléchargez", Verb.EXPORT
)

_NOUNS = _set(
    "email mail message text post order book share transfer refund update reply comment change set call wire answer log plan "
    "draft schedule label tag contact charge deposit trade alert export backup download copy purchase reserve forward mark move "
    "fix commande change réserve buch kauf teile lade"
)
"""Verbs that are nouns as often."""
_BEFORE_NOUN = _set(
    "a an the this that these those my your his her its our their any each every no some of in by via from with per for on at "
    "as first last next new old same recent unread received sent der die das den dem ein eine einen mein meine le la les un une "
    "des mon ma mes"
)
_TO_THE_ASKER = frozenset({"tell", "answer", "dis", "sag"})
"""Said to the agent about its own answer, these ask for no message: `tell me the name`."""
_NOT = _set("not never don't dont without no nicht nie ohne kein keine ne jamais sans cannot can't won't")
_TOKENS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|[.!?;:,()\n]")
_KIND_TOKENS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])")
_UNASKED = frozenset({Verb.READ})
"""Reading is what an agent is for: it needs no word of the instruction."""


_STRICTEST = (Verb.DELETE, Verb.PAY, Verb.EXPORT, Verb.SHARE, Verb.SEND, Verb.UPDATE, Verb.CREATE, Verb.READ)
_JOINED = {
    ("check", "out"): "checkout", ("sign", "up"): "subscribe", ("set", "up"): "create", ("look", "up"): "lookup", ("get", "rid"): "remove",
    ("open", "case"): "create", ("open", "ticket"): "create", ("open", "account"): "create", ("open", "position"): "trade",
    ("open", "trade"): "trade", ("open", "order"): "order",
}  # fmt: skip
_NOT_OURS = re.compile(
    r"^[ \t]*(?:>.*$|-{2,}[ \t]*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine)\b[\s\S]*)",
    re.IGNORECASE | re.MULTILINE,
)


@lru_cache(maxsize=1024)
def verb_of(kind: str) -> Verb:
    """The class of an action's kind: `send_money` pays, `shareFile` shares, `invoice.frobnicate` is unknown.

    The first verb in the name counts; where two are joined (`fetch_and_delete`), the stricter one.
    """
    parts: list[list[str]] = [[]]
    for word in (found.lower() for found in _KIND_TOKENS.findall(kind)):
        if word in ("and", "then", "or"):
            parts.append([])
        else:
            parts[-1].append(word)
    verbs = {_first_verb(part) for part in parts}
    return next((verb for verb in _STRICTEST if verb in verbs), Verb.UNKNOWN)


def _first_verb(words: list[str]) -> Verb:
    joined = next((_JOINED[pair] for pair in pairwise(words) if pair in _JOINED), "")
    known = [word for word in ([joined] if joined else words) if word in _OF_KIND]
    verb = _OF_KIND[known[0]] if known else Verb.UNKNOWN
    if verb is Verb.READ:
        # `getDelete` reads and deletes, `get_email` reads an email.
        verb = next((_OF_KIND[word] for word in known if word not in _NOUNS and _OF_KIND[word] is not Verb.READ), verb)
    if verb in (Verb.SEND, Verb.CREATE, Verb.UNKNOWN) and _MONEY.intersection(words):
        return Verb.PAY
    return verb


def own_words(instruction: str) -> str:
    """The instruction without the mail that it quotes, which somebody else wrote."""
    return _NOT_OURS.sub("", instruction)


@lru_cache(maxsize=256)
def asked_for(instruction: str) -> frozenset[Verb]:
    """The classes of verb that a trusted instruction asks for; reading always is."""
    tokens = _TOKENS.findall(folded(instruction).replace("’", "'"))
    found = {verb for at, word in enumerate(tokens) if _stands_as_verb(tokens, at) for verb in _ASKS.get(_base(word), ())}
    return frozenset(found | _UNASKED)


def _base(word: str) -> str:
    if word in _ASKS or not word.endswith("ing"):
        return word
    stem = word.removesuffix("ing")
    doubled = stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] else ""
    return next((one for one in (stem, stem + "e", doubled) if one in _ASKS), word)


def _stands_as_verb(tokens: list[str], at: int) -> bool:
    word, before = tokens[at], tokens[at - 1] if at else ""
    if _base(word) not in _ASKS or before in _NOT or (at > 1 and tokens[at - 2] in _NOT and before.endswith("ly")):
        return False
    if word in _TO_THE_ASKER and at + 1 < len(tokens) and tokens[at + 1] in ("me", "us", "mir", "uns", "moi", "nous"):
        return False
    return word not in _NOUNS or not (before in _BEFORE_NOUN or before.endswith("'s"))
