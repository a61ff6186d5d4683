"""The shop's facts: what the records say about one call, looked up, joined and counted; `guard_retail.yaml` alone decides.

`changed` is the shop after a call, so that the next call of the same conversation is judged on facts that are read anew.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from ..core.money import Money
from .guard_records import Call, Item, Line, Method, Order, Shop

ITEM_CHANGES = frozenset({"modify_pending_order_items", "exchange_delivered_order_items"})
_AFTER = {
    "cancel_pending_order": "cancelled",
    "modify_pending_order_items": "pending (item modified)",
    "exchange_delivered_order_items": "exchange requested",
    "return_delivered_order_items": "return requested",
}


def retail_facts(shop: Shop, call: Call) -> dict[str, Any]:
    """The facts about one call; one that the records do not hold is left out."""
    said = call.conversation
    facts: dict[str, Any] = {"customer_authenticated": said.authenticated, "user_confirmed": said.confirmed}
    if call.tool == "modify_user_address":
        facts["record_of_customer"] = call.arguments.get("user_id") == said.customer
        return facts
    order = shop.orders.get(str(call.arguments.get("order_id")))
    facts["order_known"] = order is not None
    if order is None:
        return facts
    facts |= {"record_of_customer": order.customer == said.customer, "order_status": order.status}
    facts |= {"item_changes_before": order.changes, "cancel_reason": call.arguments.get("reason")}
    if "item_ids" in call.arguments:
        facts |= _items(shop, order, call)
    if "payment_method_id" in call.arguments:
        facts |= _payment(shop, order, call)
    return facts


def retail_amount(shop: Shop, call: Call) -> Money | None:
    """The money that the call would move; None where it moves none or the records do not tell."""
    order = shop.orders.get(str(call.arguments.get("order_id")))
    if order is None or call.tool.endswith("_address"):
        return None
    if call.tool == "return_delivered_order_items":
        return _dollars(sum((line.price for line in _lines(order, call)), Decimal(0)))
    due = _due(shop, order, call)
    return None if due is None else _dollars(abs(due))


def _dollars(amount: Decimal) -> Money:
    return Money(amount=amount, currency="USD")


def _listed(call: Call, name: str) -> list[str]:
    found = call.arguments.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []


def _lines(order: Order, call: Call) -> list[Line]:
    """The lines of the order that the call names, each at most once."""
    left = list(order.lines)
    found: list[Line] = []
    for item in _listed(call, "item_ids"):
        line = next((one for one in left if one.item == item), None)
        if line is not None:
            left.remove(line)
            found.append(line)
    return found


def _items(shop: Shop, order: Order, call: Call) -> dict[str, Any]:
    old, new = _listed(call, "item_ids"), _listed(call, "new_item_ids")
    beyond = Counter(old) - Counter(line.item for line in order.lines)
    facts: dict[str, Any] = {"items_listed": len(old), "items_not_in_order": beyond.total()}
    if call.tool not in ITEM_CHANGES:
        return facts
    pairs = list(zip(old, new, strict=False))
    chosen = [shop.items.get(item) for item in new]
    known = [item for item in chosen if item is not None]
    return facts | {
        "items_without_partner": abs(len(old) - len(new)),
        "new_items_unknown": len(chosen) - len(known),
        "new_items_unavailable": sum(not item.available for item in known),
        "new_items_unchanged": sum(one == other for one, other in pairs),
        "new_items_of_another_product": sum(_product(shop, order, one) != _new(shop, other) for one, other in pairs),
    }


def _product(shop: Shop, order: Order, item: str) -> str:
    return next((line.product for line in order.lines if line.item == item), _new(shop, item))


def _new(shop: Shop, item: str) -> str:
    found: Item | None = shop.items.get(item)
    return found.product if found else ""


def _payment(shop: Shop, order: Order, call: Call) -> dict[str, Any]:
    wanted = str(call.arguments["payment_method_id"])
    method = _method(shop, call, wanted)
    facts: dict[str, Any] = {
        "payment_method_of_customer": method is not None,
        "payment_method_is_original": wanted == order.paid_by,
    }
    if method is None:
        return facts
    facts["payment_source"] = method.source
    due = _due(shop, order, call)
    if method.balance is not None and due is not None:
        facts["gift_card_left"] = _dollars(method.balance - due)
    return facts


def _method(shop: Shop, call: Call, wanted: str) -> Method | None:
    owner = shop.customers.get(call.conversation.customer)
    return owner.methods.get(wanted) if owner else None


def _due(shop: Shop, order: Order, call: Call) -> Decimal | None:
    """What the customer would pay, below zero for a refund; None where a price is not known."""
    if call.tool not in ITEM_CHANGES:
        return order.total
    chosen = [shop.items.get(item) for item in _listed(call, "new_item_ids")]
    if any(item is None for item in chosen):
        return None
    paid = sum((line.price for line in _lines(order, call)), Decimal(0))
    return sum((item.price for item in chosen if item is not None), Decimal(0)) - paid


def changed_shop(shop: Shop, call: Call) -> Shop:
    """The shop after the call went through."""
    name = str(call.arguments.get("order_id"))
    order = shop.orders.get(name)
    if order is None:
        return shop
    update: dict[str, Any] = {"status": _AFTER.get(call.tool, order.status)}
    if call.tool in ITEM_CHANGES:
        update["changes"] = order.changes + 1
    if call.tool == "modify_pending_order_payment":
        update["paid_by"] = call.arguments.get("payment_method_id")
    after = order.model_copy(update=update)
    return shop.model_copy(update={"orders": {**shop.orders, name: after}, "customers": _paid(shop, order, call)})


def _paid(shop: Shop, order: Order, call: Call) -> dict[str, Any]:
    """The customers after a gift card paid or received a difference."""
    wanted = str(call.arguments.get("payment_method_id"))
    method, due = _method(shop, call, wanted), _due(shop, order, call)
    if call.tool != "modify_pending_order_items" or method is None or method.balance is None or due is None:
        return shop.customers
    owner = shop.customers[call.conversation.customer]
    left = method.model_copy(update={"balance": method.balance - due})
    methods = {**owner.methods, wanted: left}
    return {**shop.customers, call.conversation.customer: owner.model_copy(update={"methods": methods})}
