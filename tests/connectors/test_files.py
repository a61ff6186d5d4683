"""The files connector: tables, lines, tickets and e-invoices of a folder, its three queues, and its outbox."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.connectors.base import Pulled
from shiftlead.connectors.contracts import breach
from shiftlead.connectors.files import Files
from shiftlead.connectors.operations import CANONICAL
from shiftlead.connectors.records import Invoice, PurchaseOrder
from shiftlead.core.action import Target
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import BadInput, NotFound, Refused, SettingsError, StaleRecord, Unreachable
from shiftlead.core.receipt import Outcome

CUSTOMERS = "id,name,email,terms_days,key_account,segment,house_bank\nC1,Acme Ltd,ap@acme.test,30,yes,retail,First Bank\n"
RECEIVABLES = (
    "id,customer_id,invoice_number,issue_date,due_date,amount,open_amount,currency\n"
    "R1,C1,2001,2026-07-01,2026-07-31,100.00,100.00,EUR\n"
    "R2,C1,2002,2026-08-01,2026-08-31,50.25,20.25,EUR\n"
    "R3,C1,2003,2026-09-01,2026-10-01,70.00,70.00,EUR\n"
    "R4,C2,2004,2026-07-01,2026-07-31,10.00,0.00,EUR\n"
)
SUPPLIERS = "id,name,aliases,tax_id,iban\nV1,Nordlicht GmbH,Nordlicht|NL Handel,DE 123 456 789,DE02120300000000202051\n"
TICKET = {"id": "T1", "subject": "Where is my refund?", "created_at": "2026-09-14T08:00:00", "requester": "a@acme.test"}
INVOICE = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>{number}</ID>
<IssueDate>2026-09-01</IssueDate><DueDate>2026-10-01</DueDate><Note>Pay at once.</Note><DocumentCurrencyCode>EUR</DocumentCurrencyCode>
<OrderReference><ID>PO-9</ID></OrderReference>
<AccountingSupplierParty><Party><PartyTaxScheme><CompanyID>{tax}</CompanyID><TaxScheme><ID>VAT</ID></TaxScheme></PartyTaxScheme>
<PartyLegalEntity><RegistrationName>{name}</RegistrationName></PartyLegalEntity></Party></AccountingSupplierParty>
<LegalMonetaryTotal><TaxExclusiveAmount>100.00</TaxExclusiveAmount><TaxInclusiveAmount>119.00</TaxInclusiveAmount>
<PayableAmount>119.00</PayableAmount></LegalMonetaryTotal></Invoice>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (tmp_path / "receivables.csv").write_text(RECEIVABLES, encoding="utf-8")
    (tmp_path / "suppliers.csv").write_text(SUPPLIERS, encoding="utf-8")
    (tmp_path / "tickets.jsonl").write_text(json.dumps(TICKET) + "\n", encoding="utf-8")
    (tmp_path / "einvoices").mkdir()
    put_invoice(tmp_path, "a.xml", number="R-17", tax="DE123456789", name="Nordlicht GmbH")
    return tmp_path


@pytest.fixture
def files(folder: Path, clock: FrozenClock) -> Files:
    return Files(folder, clock=clock)


def put_invoice(folder: Path, file: str, *, number: str, tax: str, name: str) -> None:
    path = folder / "einvoices" / file
    path.write_text(INVOICE.format(number=number, tax=tax, name=name), encoding="utf-8")
    os.utime(path, (1_789_000_000, 1_789_000_000))


def pulled(files: Files, queue: str) -> tuple[list[Pulled], list[str]]:
    """The tickets of a queue, and its problems in words."""
    rows = list(files.sources()[queue].pull())
    return [row for row in rows if row.item], [row.problem for row in rows if not row.item]


def write_xlsx(path: Path, *rows: list[object]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


# Tables.


def test_a_row_becomes_a_record_with_its_types(files: Files):
    (customer,) = files.read("customer.get", {"id": "C1"})
    assert (customer.name, customer.terms_days, customer.key_account) == ("Acme Ltd", 30, True)
    assert customer.extra == {"house_bank": "First Bank"}, "a column nobody knows is kept"


@pytest.mark.parametrize(
    "data",
    [
        b"id,name\nC9,\"M\xc3\xbcller, Sohn\"\n",
        b"\xef\xbb\xbfid;name\r\nC9;\"M\xc3\xbcller, Sohn\"\r\n",
        b"ID\tName\nC9\tM\xc3\xbcller, Sohn\n",
        b"\n id , Name ,\nC9,\"M\xc3\xbcller, Sohn\",\n\n,,\n",
    ],
)  # fmt: skip
def test_csv_dialects(folder: Path, files: Files, data: bytes):
    (folder / "customers.csv").write_bytes(data)
    assert [record.name for record in files.read("customer.find", {"name": "müller, sohn"})] == ["Müller, Sohn"]
    assert pulled(files, "receivables")[1] == []


def test_windows_1252_is_refused_with_the_mend(folder: Path, files: Files):
    (folder / "customers.csv").write_bytes("id,name\nC1,Acme\nC2,Müller\n".encode("cp1252"))
    _, problems = pulled(files, "receivables")
    (problem,) = problems
    assert problem.startswith("customers.csv, line 3: expected UTF-8 text, found the byte 0xFC. Save it as 'CSV UTF-8'")
    with pytest.raises(BadInput, match="expected UTF-8"):
        files.read("customer.get", {"id": "C1"})


HEADER = RECEIVABLES.splitlines()[0]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('R9,C1,9,2026-07-01,2026-07-31,"1.234,56",1,EUR', "receivables.csv, row 3, column 'amount': expected a number such as 1234.56, found '1.234,56'. Write 1.234,56 as 1234.56"),
        ('R9,C1,9,2026-07-01,2026-07-31,"1,234.56",1,EUR', "found '1,234.56'"),
        ("R9,C1,9,2026-07-01,2026-07-31,1e3,1,EUR", "column 'amount': expected a number"),
        ("R9,C1,9,2026-07-01,2026-07-31,NaN,1,EUR", "column 'amount': expected a number"),
        ("R9,C1,9,01.07.2026,2026-07-31,1,1,EUR", "column 'issue_date': expected a date such as 2026-01-31, found '01.07.2026'. Write 31.01.2026 as 2026-01-31"),
        ("R9,C1,9,2026-07-01,46234,1,1,EUR", "column 'due_date': expected a date"),
        ("R9,C1,9,2026-07-01,2026-07-31,1,1,Euro", "column 'currency': expected"),
        ("R9,C1,9,2026-07-01,2026-07-31,1,,EUR", "column 'open_amount': expected a value, found nothing"),
        ("R9,C1,9,2026-07-01,2026-07-31,1,1", "receivables.csv, row 3: expected 8 cells, found 7"),
        ('R9,C1,"9"9,2026-07-01,2026-07-31,1,1,EUR', "row 3: it is not valid CSV"),
        ("R1,C1,9,2026-07-01,2026-07-31,1,1,EUR", "row 3, column 'id': 'R1' stands in row 2 already"),
    ],
)  # fmt: skip
def test_a_malformed_row_is_a_problem_and_the_others_go_on(folder: Path, files: Files, row: str, expected: str):
    good = RECEIVABLES.splitlines()
    (folder / "receivables.csv").write_text("\n".join([HEADER, good[1], row, good[2]]), encoding="utf-8")
    tickets, (problem,) = pulled(files, "receivables")
    assert expected in problem
    assert [ticket.item.amount for ticket in tickets] == [Decimal("120.25")]
    assert list(files.sources()["receivables"].pull())[-1].external_id == "receivables.csv:3"


def test_a_quote_that_is_never_closed_is_told_with_its_row(folder: Path, files: Files):
    (folder / "customers.csv").write_text('id,name\nC1,Acme\nC2,"Broken\nC3,Lost\n', encoding="utf-8")
    _, (problem,) = pulled(files, "receivables")
    assert "customers.csv, row 3: it is not valid CSV" in problem
    assert "close every double quote" in problem


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", "customers.csv: it has no header row"),
        ("id,nmae\nC1,Acme\n", "customers.csv, row 1: the column 'name' is missing; found id, nmae. Rename 'nmae' to 'name'."),
        ("id,name,name\nC1,a,b\n", "the column 'name' appears twice"),
        ("id,,name\nC1,a,b\n", "row 1: column 2 has no name"),
    ],
)
def test_a_bad_header_is_one_problem_for_the_file(folder: Path, files: Files, data: str, expected: str):
    (folder / "customers.csv").write_text(data, encoding="utf-8")
    tickets, (problem,) = pulled(files, "receivables")
    assert expected in problem
    assert len(tickets) == 1, "receivables do not wait for the customers' file"


def test_two_files_of_one_kind_are_refused(folder: Path, files: Files):
    write_xlsx(folder / "customers.xlsx", ["id", "name"], ["C1", "Other"])
    with pytest.raises(BadInput, match=r"both customers\.csv and customers\.xlsx"):
        files.read("customer.get", {"id": "C1"})
    assert not files.health().ok


def test_xlsx_numbers_never_pass_through_binary(folder: Path, files: Files):
    (folder / "receivables.csv").unlink()
    write_xlsx(
        folder / "receivables.xlsx",
        [*HEADER.split(","), None],
        ["R1", "C1", 2001, datetime(2026, 7, 1), date(2026, 7, 31), 1234.56, 0.1 + 0.2, "EUR"],  # noqa: DTZ001 - as Excel has it
        [],
        ["R2", "C1", 123456789012, date(2026, 7, 1), date(2026, 7, 31), 1e-7, 5, "EUR"],
        ["R3", "C1", 1234567890123456, date(2026, 7, 1), date(2026, 7, 31), 1, 1, "EUR"],
        ["R4", "C1", 1, date(2026, 7, 1), date(2026, 7, 31), "#REF!", 1, "EUR"],
        ["R5", "C1", 1, date(2026, 7, 1), date(2026, 7, 31), 1, 1, "EUR", "stray"],
    )
    (first,), (second,) = files.read("receivable.get", {"id": "R1"}), files.read("receivable.get", {"id": "R2"})
    assert (first.amount, first.open_amount, first.invoice_number) == (Decimal("1234.56"), Decimal("0.3"), "2001")
    assert (second.amount, second.invoice_number, second.due_date) == (Decimal("0.0000001"), "123456789012", date(2026, 7, 31))
    _, problems = pulled(files, "receivables")
    assert "receivables.xlsx, row 5, column 'invoice_number': expected at most 15 digits" in problems[0]
    assert "receivables.xlsx, row 6, column 'amount': expected a value, found the spreadsheet error #REF!" in problems[1]
    assert "row 7: expected 8 cells, found 9" in problems[2]
    with pytest.raises(BadInput, match="row 5"):
        files.read("receivable.get", {"id": "R3"})


@given(cents=st.integers(-(10**13), 10**13))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_amount_to_the_cent_comes_through_xlsx(tmp_path: Path, cents: int):
    exact = Decimal(cents) / 100
    row = ["R1", "C1", "1", date(2026, 7, 1), date(2026, 7, 31), float(exact), float(exact), "EUR"]
    write_xlsx(tmp_path / "receivables.xlsx", HEADER.split(","), row)
    (record,) = Files(tmp_path, clock=FrozenClock(datetime(2026, 9, 1, tzinfo=UTC))).read("receivable.get", {"id": "R1"})
    assert record.amount == exact


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a workbook", b"\xd0\xcf\x11\xe0 old Excel"])
def test_a_damaged_workbook_is_one_problem(folder: Path, files: Files, data: bytes):
    (folder / "customers.csv").unlink()
    (folder / "customers.xlsx").write_bytes(data)
    _, (problem,) = pulled(files, "receivables")
    assert "customers.xlsx: it cannot be read as an XLSX workbook" in problem


def test_the_old_excel_format_is_refused_with_the_mend(folder: Path, files: Files):
    (folder / "customers.csv").rename(folder / "customers.xls")
    with pytest.raises(BadInput, match="Save it as"):
        files.read("customer.get", {"id": "C1"})


# Lines.

ORDERS = "id,supplier_id,date,currency,match\nPO-9,V1,2026-08-01,EUR,2way\nPO-10,V1,2026-08-02,EUR,\n"
LINES = "purchase_order_id,sku,quantity,price\nPO-9,A,2,10.50\nPO-10,B,1,3\nPO-9,C,1,4.00\n"


def test_lines_from_a_file_of_their_own(folder: Path, files: Files):
    (folder / "purchase_orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "purchase_order_lines.csv").write_text(LINES, encoding="utf-8")
    (order,) = files.read("purchase_order.get", {"id": "PO-9"})
    assert isinstance(order, PurchaseOrder)
    assert [(line.line, line.sku, line.price) for line in order.lines] == [
        (1, "A", Decimal("10.50")),
        (2, "C", Decimal("4.00")),
    ]
    assert order.match.value == "2way"


def test_lines_from_a_json_column_keep_their_exact_numbers(folder: Path, files: Files):
    lines = '"[{""line"": 1, ""quantity"": 0.1, ""price"": 12345678901234.56}]"'
    (folder / "purchase_orders.csv").write_text(
        f"id,supplier_id,date,currency,lines\nPO-1,V1,2026-08-01,EUR,{lines}\n", encoding="utf-8"
    )
    (order,) = files.read("purchase_order.get", {"id": "PO-1"})
    assert (order.lines[0].quantity, order.lines[0].price) == (Decimal("0.1"), Decimal("12345678901234.56"))


@pytest.mark.parametrize(
    "cell", ["12", "[{]", '[{"line": 1, "quantity": NaN, "price": 1}]', '[{"line": 1, "price": 1}]', '["x"]']
)
def test_a_bad_json_column_is_a_problem_of_its_row(folder: Path, files: Files, cell: str):
    quoted = cell.replace('"', '""')
    (folder / "purchase_orders.csv").write_text(
        f'id,supplier_id,date,currency,lines\nPO-1,V1,2026-08-01,EUR,"{quoted}"\n', encoding="utf-8"
    )
    _, (problem,) = pulled(files, "payables")
    assert "purchase_orders.csv, row 2, column 'lines" in problem


def test_a_bad_line_spoils_its_order_alone_and_a_stray_one_is_told(folder: Path, files: Files):
    (folder / "purchase_orders.csv").write_text(ORDERS, encoding="utf-8")
    (folder / "purchase_order_lines.csv").write_text(
        LINES.replace("10.50", "10,50").replace(",10,50", ',"10,50"') + "PO-77,D,1,1\n", encoding="utf-8"
    )
    _, problems = pulled(files, "payables")
    assert "purchase_order_lines.csv, row 2, column 'price': expected a number such as 1234.56, found '10,50'" in problems[0]
    assert (
        "purchase_order_lines.csv, row 5, column 'purchase_order_id': expected the id of a row in purchase_orders.csv"
        in problems[1]
    )
    assert [record.id for record in files.read("purchase_order.get", {"id": "PO-10"})] == ["PO-10"]
    with pytest.raises(BadInput, match="row 2, column 'price'"):
        files.read("purchase_order.get", {"id": "PO-9"})


def test_lines_without_their_main_file_are_told(folder: Path, files: Files):
    (folder / "goods_receipt_lines.csv").write_text("goods_receipt_id,quantity\nG1,2\n", encoding="utf-8")
    _, (problem,) = pulled(files, "payables")
    assert "goods_receipt_lines.csv: there is no goods_receipts.csv" in problem


# Reads.


def test_a_list_refuses_to_answer_where_an_unreadable_row_might_belong_to_it(folder: Path, files: Files):
    rows = "id,number,party_id,issue_date,currency,net,tax,gross,payable,status\nI1,1,V1,2026-08-01,EUR,1,0,1,1,posted\n"
    (folder / "invoices.csv").write_text(rows + "I2,2,V1,2026-08-01,EUR,x,0,1,1,posted\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"invoices\.csv, row 3, column 'net'"):
        files.read("invoice.list", {"party_id": "V1"})
    assert files.read("invoice.list", {"party_id": "V2"}) == []
    assert [record.id for record in files.read("invoice.list", {"number": "1"})] == ["I1"]


def test_invoices_are_the_exported_and_the_electronic_ones(folder: Path, files: Files):
    rows = "id,number,party_id,issue_date,currency,net,tax,gross,payable,status\nI1,R-17,V1,2026-08-01,EUR,1,0,1,1,posted\n"
    (folder / "invoices.csv").write_text(rows, encoding="utf-8")
    assert [record.id for record in files.read("invoice.list", {"party_id": "V1"})] == ["I1", "a.xml"]
    assert [record.id for record in files.read("invoice.list", {"order_id": "po-9"})] == ["a.xml"]


def test_suppliers_by_tax_id_name_or_alias(files: Files):
    for arguments in ({"tax_id": "de123456789"}, {"name": "NORDLICHT GMBH"}, {"name": "nl handel"}, {}):
        assert [record.id for record in files.read("supplier.list", arguments)] == ["V1"], arguments
    assert files.read("supplier.list", {"name": "--"}) == []


def test_activities_come_newest_first(folder: Path, files: Files):
    rows = "id,party_id,type,at\nA1,C1,note,2026-09-01T10:00:00\nA2,C1,call,2026-09-03T09:00:00+02:00\nA3,C1,note,2026-09-02\n"
    (folder / "activities.csv").write_text(rows, encoding="utf-8")
    assert [record.id for record in files.read("activity.list", {"party_id": "C1"})] == ["A2", "A3", "A1"]


def test_every_read_answers_with_no_files_at_all(tmp_path: Path, clock: FrozenClock):
    files = Files(tmp_path, clock=clock)
    for operation in (one for one in CANONICAL.values() if not one.effect):
        field = next(iter(operation.arguments.model_fields))
        if operation.name.endswith(".get"):
            with pytest.raises(NotFound):
                files.read(operation.name, {field: "X"})
        else:
            assert files.read(operation.name, {field: "X"}) == []


def test_a_changed_file_is_read_again(folder: Path, files: Files):
    before = files.version(Target(system="files", kind="customer", id="C1"))
    (folder / "customers.csv").write_text(CUSTOMERS.replace("Acme Ltd", "Acme Limited"), encoding="utf-8")
    assert files.read("customer.get", {"id": "C1"})[0].name == "Acme Limited"
    assert files.version(Target(system="files", kind="customer", id="C1")) != before


def test_wrong_questions(files: Files):
    with pytest.raises(BadInput, match="is an effect"):
        files.read("invoice.post", {})
    with pytest.raises(BadInput, match="at least one"):
        files.read("invoice.list", {})
    with pytest.raises(NotFound):
        files.read("no.such", {})


# Queues.


def test_tickets_are_pulled_and_bad_lines_told(folder: Path, files: Files):
    lines = [
        json.dumps({**TICKET, "id": "T2", "created_at": "2026-09-13T08:00:00Z", "priority": 1, "channel": "chat"}),
        "{broken",
        "[1]",
        json.dumps({"id": "T3", "subject": "no time"}),
        json.dumps({**TICKET, "id": "T4", "status": "solved"}),
        json.dumps(TICKET),
        "",
        json.dumps(TICKET),
        '{"id": "T5", "subject": "x", "created_at": "2026-09-13T08:00:00Z", "priority": NaN}',
    ]
    (folder / "tickets.jsonl").write_bytes("\n".join(lines).encode() + b'\n{"id": "\xff"}\n' + b"[" * 100_000 + b"\n")
    tickets, problems = pulled(files, "tickets")
    assert [(row.external_id, row.item.kind, row.item.priority) for row in tickets] == [
        ("T2", "ticket", 1),
        ("T1", "ticket", 3),
    ]
    assert tickets[0].item.source == "files.tickets"
    assert tickets[1].item.payload["requester"] == "a@acme.test"
    assert files.read("ticket.get", {"id": "T2"})[0].extra == {"channel": "chat"}
    assert [problem.split(":")[0] for problem in problems] == [
        "tickets.jsonl, line 2",
        "tickets.jsonl, line 3",
        "tickets.jsonl, line 4, column 'created_at'",
        "tickets.jsonl, line 8, column 'id'",
        "tickets.jsonl, line 9",
        "tickets.jsonl, line 10",
        "tickets.jsonl, line 11",
    ]


def test_einvoices_become_payables_with_their_supplier(folder: Path, files: Files):
    put_invoice(folder, "b.xml", number="R-18", tax="", name="Nordlicht")
    put_invoice(folder, "c.xml", number="R-19", tax="DE999", name="Unknown AG")
    (folder / "einvoices" / "broken.xml").write_text("<Invoice", encoding="utf-8")
    (folder / "einvoices" / "letter.docx").write_bytes(b"PK")
    tickets, problems = pulled(files, "payables")
    assert {row.external_id: row.raw["party_id"] for row in tickets} == {"a.xml": "V1", "b.xml": "V1", "c.xml": ""}
    item = tickets[0].item
    assert (item.kind, item.amount, item.currency, item.party) == (
        "supplier_invoice",
        Decimal("119.00"),
        "EUR",
        "Nordlicht GmbH",
    )
    assert (item.due_at, item.payload["body"]) == (datetime(2026, 10, 1, tzinfo=UTC), "Pay at once.")
    assert item.payload["ref"] == item.external_id == "a.xml"
    assert any("einvoices/broken.xml, line 1" in problem for problem in problems)
    assert any("einvoices/letter.docx: it is neither XML nor PDF" in problem for problem in problems)
    assert len(problems) == 2


def test_a_supplier_that_could_be_two_is_left_open(folder: Path, files: Files):
    (folder / "suppliers.csv").write_text(SUPPLIERS + SUPPLIERS.splitlines()[1].replace("V1", "V2") + "\n", encoding="utf-8")
    assert pulled(files, "payables")[0][0].raw["party_id"] == ""


def test_draft_invoices_wait_and_posted_ones_do_not(folder: Path, files: Files):
    rows = ["id,number,party_id,direction,issue_date,currency,net,tax,gross,payable,status"]
    for number, (direction, status) in enumerate(
        [
            ("supplier", "draft"),
            ("supplier", "posted"),
            ("customer", "draft"),
            ("supplier", "gebucht"),
            ("supplier", "gebucht"),
        ],
        1,
    ):
        rows.append(f"I{number},{number},V1,{direction},2026-08-01,EUR,1,0,1,1,{status}")
    (folder / "invoices.csv").write_text("\n".join(rows), encoding="utf-8")
    tickets, (problem,) = pulled(files, "payables")
    assert [row.external_id for row in tickets] == ["I1", "a.xml"]
    assert "found 'gebucht' in 2 rows, which do not enter the queue" in problem
    (strange,) = files.read("invoice.get", {"id": "I4"})
    assert (strange.status, strange.native) == ("other", "gebucht")


def test_one_item_for_each_overdue_customer(folder: Path, files: Files, clock: FrozenClock):
    (row,), problems = pulled(files, "receivables")
    assert problems == []
    assert (row.external_id, row.item.kind, row.item.party) == ("C1", "overdue_account", "Acme Ltd")
    assert (row.item.amount, row.item.currency, row.item.subject) == (
        Decimal("120.25"),
        "EUR",
        "2 overdue invoices of Acme Ltd",
    )
    assert row.item.received_at == datetime(2026, 9, 15, tzinfo=UTC)
    assert [kind for kind, _ in row.records] == ["receivable", "receivable"]
    before = row.item.revision
    (folder / "receivables.csv").write_text(RECEIVABLES.replace("20.25", "10.25"), encoding="utf-8")
    assert pulled(files, "receivables")[0][0].item.revision != before, "a payment is a new state of the account"


def test_two_currencies_are_never_added(folder: Path, files: Files):
    (folder / "receivables.csv").write_text(RECEIVABLES.replace("20.25,EUR", "20.25,USD"), encoding="utf-8")
    (row,), _ = pulled(files, "receivables")
    assert (row.item.amount, row.item.currency) == (None, None)


def test_pulling_twice_yields_the_same_and_a_limit_never_hides_tickets(folder: Path, files: Files, clock: FrozenClock):
    (folder / "customers.csv").write_text("id,name\n" + "C1\n" * 5, encoding="utf-8")
    for name, source in files.sources().items():
        whole = list(source.pull())
        assert whole == list(Files(folder, clock=clock).sources()[name].pull())
        assert list(source.pull(limit=1)) == whole[:1]
        assert whole[0].item is not None


def test_pulled_records_hold_their_contracts(files: Files, clock: FrozenClock):
    contracts = {contract.record: contract for contract in files.contracts()}
    for source in files.sources().values():
        for row in source.pull():
            for kind, raw in row.records:
                assert breach(contracts[kind], raw, now=clock.now()) == ""


def test_a_folder_that_went_away_is_not_an_empty_queue(tmp_path: Path, clock: FrozenClock):
    files = Files(tmp_path / "gone", clock=clock)
    for ask in (
        lambda: list(files.sources()["tickets"].pull()),
        lambda: files.read("customer.get", {"id": "C1"}),
        lambda: files.lookup("k"),
        lambda: files.execute("invoice.hold", HOLD, key="k", target=TARGET),
    ):
        with pytest.raises(Unreachable, match="is not there"):
            ask()
    assert not files.health().ok


def test_the_shared_corpus_as_a_folder(shared_data: Path, tmp_path: Path, clock: FrozenClock):
    (tmp_path / "einvoices").symlink_to(shared_data / "invoices" / "zugferd_corpus")
    files = Files(tmp_path, clock=clock)
    tickets, problems = pulled(files, "payables")
    assert len(tickets) == 42 + 15 + 1, "41 valid files with one lot of two, 15 of the others, one that does not validate"
    for row in tickets:
        (record,) = files.read("invoice.get", {"id": row.external_id})
        assert isinstance(record, Invoice)
        assert record.version == row.item.revision
    assert ["LICENSE" in problem or "not well-formed" in problem for problem in problems] == [True, True]


# Effects.

TARGET = Target(system="files", kind="invoice", id="a.xml")
HOLD = {"invoice_id": "a.xml", "reason": "Goods have not arrived."}
POST = {"invoice_id": "a.xml", "amount": "119.00", "currency": "EUR"}


def outbox(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "outbox.jsonl").read_text(encoding="utf-8").splitlines()]


def test_an_effect_is_one_line_and_the_same_key_gets_its_first_receipt(folder: Path, files: Files, clock: FrozenClock):
    first = files.execute("invoice.hold", HOLD, key="k1", target=TARGET)
    assert (first.outcome, first.key) == (Outcome.DONE, "k1")
    assert files.execute("invoice.hold", HOLD, key="k1", target=TARGET) == first
    assert outbox(folder) == [
        {
            "key": "k1",
            "operation": "invoice.hold",
            "target": "invoice/a.xml",
            "arguments": HOLD,
            "at": "2026-09-15T09:00:00+00:00",
        }
    ]
    assert Files(folder, clock=clock).lookup("k1") == first
    assert files.lookup("k2") is None


def test_the_same_key_for_something_else_is_refused(files: Files):
    files.execute("invoice.hold", HOLD, key="k1", target=TARGET)
    with pytest.raises(Refused, match="stands for invoice"):
        files.execute("invoice.hold", {**HOLD, "reason": "Other."}, key="k1", target=TARGET)


def test_an_invoice_is_posted_once_whatever_the_key(folder: Path, files: Files):
    files.execute("invoice.post", POST, key="k1", target=TARGET)
    with pytest.raises(Refused, match="is in the outbox already, as"):
        files.execute("invoice.short_pay", {**POST, "amount": "100.00", "reason": "Short."}, key="k2", target=TARGET)
    files.execute("invoice.hold", HOLD, key="k3", target=TARGET)
    assert [line["key"] for line in outbox(folder)] == ["k1", "k3"]


def test_a_record_that_moved_is_stale_and_one_that_went_too(folder: Path, files: Files):
    seen = files.read("invoice.get", {"id": "a.xml"})[0].version
    files.execute("invoice.hold", HOLD, key="k1", target=TARGET.model_copy(update={"version": seen}))
    put_invoice(folder, "a.xml", number="R-17-changed", tax="DE123456789", name="Nordlicht GmbH")
    with pytest.raises(StaleRecord, match="was read at version"):
        files.execute("invoice.hold", HOLD, key="k2", target=TARGET.model_copy(update={"version": seen}))
    (folder / "einvoices" / "a.xml").unlink()
    with pytest.raises(StaleRecord, match="not in the folder any more"):
        files.execute("invoice.hold", HOLD, key="k2", target=TARGET.model_copy(update={"version": seen}))
    assert files.lookup("k2") is None
    repeated = files.execute("invoice.hold", HOLD, key="k1", target=TARGET.model_copy(update={"version": seen}))
    assert repeated.key == "k1", "what is done stays done, wherever the record went"


def test_wrong_effects_are_refused_before_anything_is_written(folder: Path, files: Files):
    for operation, arguments in (("invoice.get", {"id": "a.xml"}), ("no.such", {}), ("invoice.hold", {"invoice_id": "a.xml"})):
        with pytest.raises(Refused):
            files.execute(operation, arguments, key="k1", target=TARGET)
    assert not (folder / "outbox.jsonl").exists()


def test_a_line_cut_off_by_a_crash_was_never_acknowledged_and_goes(folder: Path, files: Files):
    files.execute("invoice.hold", HOLD, key="k1", target=TARGET)
    path = folder / "outbox.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.replace(b"k1", b"k2")[:40])
    assert files.lookup("k2") is None
    files.execute("invoice.hold", HOLD, key="k3", target=TARGET)
    assert [line["key"] for line in outbox(folder)] == ["k1", "k3"]


def test_a_whole_last_line_without_its_end_still_counts(folder: Path, files: Files):
    first = files.execute("invoice.hold", HOLD, key="k1", target=TARGET)
    path = folder / "outbox.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert files.lookup("k1") == first
    files.execute("invoice.hold", HOLD, key="k2", target=TARGET)
    assert [line["key"] for line in outbox(folder)] == ["k1", "k2"]


def test_an_outbox_changed_by_hand_answers_nothing(folder: Path, files: Files):
    files.execute("invoice.hold", HOLD, key="k1", target=TARGET)
    path = folder / "outbox.jsonl"
    path.write_bytes(b"done!\n" + path.read_bytes())
    for ask in (lambda: files.lookup("k2"), lambda: files.execute("invoice.hold", HOLD, key="k2", target=TARGET)):
        with pytest.raises(Unreachable, match=r"outbox\.jsonl, line 1"):
            ask()


def test_an_outbox_that_cannot_be_written_is_unreachable(folder: Path, files: Files):
    (folder / "outbox.jsonl").mkdir()
    with pytest.raises(Unreachable, match="cannot be opened"):
        files.execute("invoice.hold", HOLD, key="k1", target=TARGET)


RACER = """
import sys
from shiftlead.connectors.files import Files
from shiftlead.core.action import Target
from shiftlead.core.clock import SystemClock
files = Files(sys.argv[1], clock=SystemClock())
target = Target(system="files", kind="invoice", id="a.xml")
for number in range(20):
    files.execute("invoice.hold", {"invoice_id": "a.xml", "reason": "r"}, key=f"k{number}", target=target)
"""


def test_processes_that_race_write_each_key_once(folder: Path):
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(folder)]) for _ in range(3)]
    assert [racer.wait(timeout=120) for racer in racers] == [0, 0, 0]
    assert sorted(str(line["key"]) for line in outbox(folder)) == sorted(f"k{number}" for number in range(20))


def test_a_preview_shows_the_line_that_would_be_written(files: Files):
    (change,) = files.preview("invoice.hold", HOLD, TARGET)
    assert (change.record, change.field, change.after) == ("invoice a.xml", "outbox.jsonl", "invoice.hold")


# Settings.


def test_made_from_settings(folder: Path, clock: FrozenClock):
    files = Files.from_settings({"folder": str(folder), "owner": "Finance"}, clock)
    assert {contract.owner for contract in files.contracts()} == {"Finance"}
    assert files.health().ok
    assert "customers.csv" in files.health().detail


@pytest.mark.parametrize("settings", [{}, {"folder": 7}, {"folder": "x", "fodler": "y"}])
def test_wrong_settings_are_named(settings: dict[str, object], clock: FrozenClock):
    with pytest.raises(SettingsError, match="settings of the files connector are wrong"):
        Files.from_settings(settings, clock)


@given(at=st.integers(0, 10_000), noise=st.binary(max_size=8), name=st.sampled_from(["receivables.csv", "tickets.jsonl"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_in_a_file_never_stops_the_queues(tmp_path: Path, at: int, noise: bytes, name: str):
    (tmp_path / "tickets.jsonl").write_text(json.dumps(TICKET) + "\n", encoding="utf-8")
    (tmp_path / "receivables.csv").write_text(RECEIVABLES, encoding="utf-8")
    data = (tmp_path / name).read_bytes()
    at %= len(data)
    (tmp_path / name).write_bytes(data[:at] + noise + data[at + len(noise) :])
    files = Files(tmp_path, clock=FrozenClock(datetime(2026, 9, 15, tzinfo=UTC)))
    for source in files.sources().values():
        for row in source.pull():
            assert (row.item is None) == bool(row.problem)
