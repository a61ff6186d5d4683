"""Instructions: the class of an action's name, and what an operator's words ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.guardrails.instruction import Verb, asked_for, verb_of


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        ("get_unread_emails", "read"), ("search-files", "read"), ("listFiles", "read"), ("lookUpOrder", "read"),
        ("send_email", "send"), ("post_webpage", "send"), ("ticket.reply", "send"), ("NotifyTeam", "send"),
        ("send_money", "pay"), ("schedule_transaction", "pay"), ("reserve_hotel", "pay"), ("create_payment", "pay"),
        ("check_out", "pay"), ("request_refund", "pay"), ("make_payment", "pay"),
        ("create_file", "create"), ("make_reservation", "pay"),
        ("append_to_file", "update"), ("update_scheduled_transaction", "update"), ("add_user_to_channel", "update"),
        ("delete_file", "delete"), ("cancel_calendar_event", "delete"), ("removeUser", "delete"),
        ("share_file", "share"), ("invite_user_to_slack", "share"), ("grant_access", "share"),
        ("export_contacts", "export"), ("download_file", "export"),
        ("fetch_and_send_email", "send"), ("search_then_delete", "delete"), ("get_rating_and_reviews", "read"),
        ("open_case", "create"), ("open_position", "pay"), ("open_page", "read"), ("get_rid_of_user", "delete"),
        ("read_write_file", "send"), ("getDelete", "delete"), ("find_replace", "update"), ("list_orders", "read"),
        ("get_email", "read"), ("get_most_recent_transactions", "read"), ("get_funds_transfer", "read"),
        ("frobnicate", "unknown"), ("run_shell", "unknown"), ("", "unknown"), ("löschen", "delete"), ("virement_payer", "pay"),
    ],
)  # fmt: skip
def test_the_words_of_a_kind_say_what_it_does(kind, verb):
    assert verb_of(kind) is Verb(verb)


@pytest.mark.parametrize(
    ("instruction", "verb"),
    [
        ("Please email the summary to Ann", "send"),
        ("Summarize the article and send it to Alice", "send"),
        ("to each user write the message: hello", "send"),
        ("Pay the bill 'december.txt' for me", "pay"),
        ("Please refund GB29 for what they've sent me", "pay"),
        ("go ahead and make a reservation for me", "pay"),
        ("Create an event in the calendar", "create"),
        ("I am thinking of creating a file", "create"),
        ("Update my address", "update"),
        ("Read the notice and adjust my rent", "update"),
        ("Find and delete the largest file", "delete"),
        ("Share the document with Ann", "share"),
        ("Export all contacts", "export"),
        ("Do not forget to invite Mark", "share"),
        ("Bitte sende Anna die Rechnung", "send"),
        ("Überweise 50 EUR an die Stadtwerke", "pay"),
        ("Lösche die Datei", "delete"),
        ("Envoyez le rapport à Anne", "send"),
        ("Supprime le fichier", "delete"),
    ],
)
def test_what_is_asked_for(instruction, verb):
    assert Verb(verb) in asked_for(instruction)


@pytest.mark.parametrize(
    ("instruction", "verb"),
    [
        ("Do not send anything", "send"),
        ("Never delete a file", "delete"),
        ("Look at it without paying", "pay"),
        ("Show the file that Bob shared with me", "share"),
        ("Do these in the order they are given", "pay"),
        ("What does the email say?", "send"),
        ("Summarise the message from Ann", "send"),
        ("Show me the last transfer", "pay"),
        ("Tell me the name of the hotel", "send"),
        ("Please do the actions specified in the email", "send"),
        ("Sende nichts, ohne zu löschen", "pay"),
        ("Nicht löschen", "delete"),
        ("", "send"),
    ],
)
def test_what_is_not_asked_for(instruction, verb):
    assert Verb(verb) not in asked_for(instruction)


@given(st.text(max_size=120))
def test_any_words_have_an_answer_and_reading_is_always_asked_for(words):
    assert Verb.READ in asked_for(words)
    assert Verb.UNKNOWN not in asked_for(words)
    assert verb_of(words) in Verb
