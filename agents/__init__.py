"""The workers: graphs, brains, playbooks and the runtime."""
