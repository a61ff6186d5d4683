"""The workers: graphs, brains, playbooks and the runtime."""

from typing import TYPE_CHECKING

from ..core.doors import door

if TYPE_CHECKING:
    from .brain import Brain, EmbeddedBrain, make_brain
    from .collections import Collections
    from .crew import Crew, open_crew
    from .invoices import Invoices
    from .llm import chat_model
    from .playbook import Playbook, load_playbook
    from .runner import Runner
    from .scripted import ScriptedModel
    from .text_brain import TextBrain
    from .triage import Triage
    from .worker import Assessment, Worker

__all__ = [
    "Assessment",
    "Brain",
    "Collections",
    "Crew",
    "EmbeddedBrain",
    "Invoices",
    "Playbook",
    "Runner",
    "ScriptedModel",
    "TextBrain",
    "Triage",
    "Worker",
    "chat_model",
    "load_playbook",
    "make_brain",
    "open_crew",
]

__getattr__ = door(
    __name__,
    {
        "Assessment": "worker",
        "Brain": "brain",
        "Collections": "collections",
        "Crew": "crew",
        "EmbeddedBrain": "brain",
        "Invoices": "invoices",
        "Playbook": "playbook",
        "Runner": "runner",
        "ScriptedModel": "scripted",
        "TextBrain": "text_brain",
        "Triage": "triage",
        "Worker": "worker",
        "chat_model": "llm",
        "load_playbook": "playbook",
        "make_brain": "brain",
        "open_crew": "crew",
    },
)
