"""An English brain asked in other languages: never sure, in either tier; the same requests in English are understood."""

import pytest

from shiftlead.agents.brain_shelf import shipped_text_brain
from shiftlead.agents.text_brain import OUT_OF_SCOPE

REQUESTS = {
    "order_status": "Where is my order? It should have arrived yesterday.",
    "invoice_copy": "Please send me a copy of the invoice.",
    "refund_status": "I want a refund, the goods are damaged.",
    "already_paid": "We have already paid this invoice, see bank statement.",
    "pin_and_passcode": "My password does not work any more.",
}
TRANSLATIONS = {
    "German": (
        "Wo ist meine Bestellung? Sie sollte gestern ankommen.", "Bitte senden Sie mir eine Kopie der Rechnung.",
        "Ich möchte mein Geld zurück, die Ware ist beschädigt.", "Wir haben die Rechnung bereits bezahlt, siehe Kontoauszug.",
        "Mein Passwort funktioniert nicht mehr.",
    ),
    "French": (
        "Où est ma commande ? Elle devait arriver hier.", "Veuillez m'envoyer une copie de la facture.",
        "Je voudrais être remboursé, l'article est endommagé.", "Nous avons déjà payé cette facture.",
        "Mon mot de passe ne fonctionne plus.",
    ),
    "Spanish": (
        "¿Dónde está mi pedido? Debía llegar ayer.", "Por favor envíeme una copia de la factura.",
        "Quiero un reembolso, el producto está dañado.", "Ya hemos pagado esta factura.", "Mi contraseña ya no funciona.",
    ),
    "Italian": (
        "Dov’è il mio ordine? Doveva arrivare ieri.", "Per favore inviatemi una copia della fattura.",
        "Vorrei un rimborso, la merce è danneggiata.", "Abbiamo già pagato questa fattura.", "La mia password non funziona più.",
    ),
    "Dutch": (
        "Waar is mijn bestelling? Die had gisteren moeten komen.", "Stuur mij alstublieft een kopie van de factuur.",
        "Ik wil mijn geld terug.", "Wij hebben deze factuur al betaald.", "Mijn wachtwoord werkt niet meer.",
    ),
    "Polish": ("Gdzie jest moje zamówienie?", "Proszę o przesłanie kopii faktury."),
    "Russian": ("Где мой заказ?", "Пришлите, пожалуйста, копию счёта."),
    "Japanese": ("注文はどこですか？昨日届くはずでした。",),
}  # fmt: skip


def test_the_requests_are_understood_in_english():
    found = [shipped_text_brain("triage").predict(text) for text in REQUESTS.values()]
    assert [one.label for one in found] == list(REQUESTS)
    assert min(one.confidence for one in found) > 0.9


@pytest.mark.parametrize("tier", ["minilm", "ngrams"])
@pytest.mark.parametrize("language", TRANSLATIONS)
def test_it_is_never_sure_of_a_text_in_another_language(language, tier):
    for text in TRANSLATIONS[language]:
        found = shipped_text_brain("triage").in_tier(tier).predict(text)
        assert found.in_scope < 0.5, (text, found)
        assert found.confidence < (0.7 if found.label in OUT_OF_SCOPE else 0.5), (text, found)
        assert found.novelty > 0.6, (text, found)
