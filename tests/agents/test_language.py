import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.agents.language import language_of

TEXTS = [
    ("en", "Hello, where is my delivery? I have been waiting for two weeks."),
    ("en", "Please send us a copy of the invoice."),
    ("en", "my card does not work"),
    ("de", "Guten Tag, wo bleibt meine Lieferung? Ich warte seit zwei Wochen."),
    ("de", "Rechnung falsch, bitte korrigieren"),
    ("de", "Wir zahlen am Freitag."),
    ("fr", "Bonjour, je n'ai pas reçu ma commande."),
    ("fr", "Nous contestons le montant de cette facture."),
    ("fr", "Nous avons déjà payé"),
    ("es", "Hola, ¿dónde está mi pedido?"),
    ("es", "Ya hemos pagado la factura el lunes"),
    ("es", "El importe no es correcto"),
    ("it", "Buongiorno, dov'è il mio ordine?"),
    ("it", "Abbiamo già pagato la fattura"),
    ("it", "La merce è arrivata danneggiata"),
    ("nl", "Goedendag, waar is mijn bestelling?"),
    ("nl", "Graag ontvang ik een kopie van de factuur"),
    ("nl", "Mijn kaart werkt niet"),
    ("other", "Добрый день, где мой заказ?"),
    ("other", "您好，我的订单在哪里"),
    ("other", "Dzień dobry, nie otrzymałem faktury"),
    ("other", "Faturayı henüz almadım"),
]


@pytest.mark.parametrize(("code", "text"), TEXTS)
def test_tells_the_language_of_a_sentence(code, text):
    found = language_of(text)
    assert found.code == code
    assert found.confidence >= 0.4 or code == "other"


@pytest.mark.parametrize("text", ["", "?", "ok", "INV-2026-00123", "a@b.de https://x.fr", "Thanks merci danke gracias"])
def test_too_little_or_mixed_text_is_not_sure(text):
    assert language_of(text).confidence < 0.3


def test_a_mixture_is_less_sure_than_either_part():
    english, german = "Hello, the invoice is wrong and we want a new one.", "Die Rechnung ist falsch und wir möchten eine neue."
    mixed = language_of(f"{english} {german}").confidence
    assert mixed < min(language_of(english).confidence, language_of(german).confidence)


def test_numbers_and_addresses_do_not_count():
    assert language_of("Wo ist die Ware? the@and.to INV-12") == language_of("Wo ist die Ware?")


@given(st.text())
def test_any_text_has_a_language_and_a_confidence(text):
    found = language_of(text)
    assert found.code in {"en", "de", "fr", "es", "it", "nl", "other"}
    assert 0 <= found.confidence <= 1
