"""What the embedded company promises about its records, and who answers for each."""

from datetime import timedelta

from .contracts import DataContract

CONTRACTS: tuple[DataContract, ...] = (
    DataContract(
        record="ticket",
        owner="service desk",
        on_call="service-desk@company.example",
        required=("requester", "body"),
        allowed={"status": ("new", "open", "waiting", "on_hold", "solved", "closed"), "priority": ("1", "2", "3", "4")},
    ),
    DataContract(
        record="invoice",
        owner="accounts payable and billing",
        on_call="erp-support@company.example",
        required=("number", "party_name"),
        allowed={
            "status": ("draft", "held", "posted", "part_paid", "paid", "rejected", "blocked", "void"),
            "direction": ("supplier", "customer"),
        },
    ),
    DataContract(
        record="customer",
        owner="sales operations",
        on_call="master-data@company.example",
        required=("name", "timezone"),
    ),
    DataContract(
        record="receivable",
        owner="treasury",
        on_call="treasury@company.example",
        required=("invoice_number",),
        allowed={"status": ("open", "paid", "credited", "written_off", "agency")},
        fresh_within=timedelta(days=45),
    ),
)
"""One contract for each kind of record that comes in with a ticket."""
