"""`shiftlead brain`: train what reads and forecasts, ask it, read its card, and set two beside each other."""

from . import cli_brain_compare, cli_brain_predict, cli_brain_show, cli_brain_train, cli_certify, cli_champion, cli_drift
from .cli_session import group

app = group("The embedded brains: train them, ask them, read their cards, compare them.")

cli_brain_train.register(app)
cli_brain_predict.register(app)
cli_brain_show.register(app)
cli_brain_compare.register(app)
cli_champion.register(app)
cli_certify.register(app)
cli_drift.register(app)
