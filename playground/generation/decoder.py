"""Reading a growing text token by token over a key-value cache, in one or several rows. Knows nothing of how tokens
are chosen.
"""

import copy
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from playground.generation.batch_trial import empty_cache, keeps_all, may_batch_prompts, why_unbatched
from playground.generation.cached_steps import cached_steps
from playground.generation.chunked_prefill import PREFILL_CHUNK, supports_chunked_prefill
from playground.generation.joined_attention import UnreadTokens
from playground.generation.kv_cache import PrefixCaches, croppable_layers, cropped
from playground.models.decoder_start import decoder_start
from playground.models.families import takes_argument
from playground.models.input_checks import check_ids
from playground.models.loaded_model import CapturedStep, LoadedModel
from playground.recording.edits.editing import Plan

SHORT_PROMPT = 32
"""Tokens of a prompt, at most, that are read in one pass with other texts. A longer one takes so long that the others'
texts would stand still."""


class IncrementalDecoder:
    """One text that grows in one or several rows; gives the logits after each row's last token."""

    def __init__(
        self,
        model: LoadedModel,
        ids: Sequence[int],
        continuation: Sequence[int] = (),
        rows: int = 1,
        prefixes: PrefixCaches | None = None,
        start: Sequence[int] = (),
        plan: Plan | None = None,
    ):
        """
        Parameters:
            ids: the text, or what the encoder of an encoder-decoder reads.
            continuation: tokens already written after it.
            rows: continuations at once, all alike at first.
            start: what the decoder of an encoder-decoder begins with, by default without a choice of language.
            prefixes: caches of earlier texts, to start from and to add this text's to.
            plan: of edits of the model. An edited text shares no cache and no captured step with others, and is read whole.
        """
        self._edits = plan.run() if plan else None
        self._loaded, self._model = model, model.model
        self._is_encoder_decoder = bool(self._model.config.is_encoder_decoder)
        self._steps = cached_steps(model)
        self._options: dict[str, object] = {"return_dict": True}
        if takes_argument(self._model, "logits_to_keep"):
            self._options["logits_to_keep"] = 1  # of a long prompt only the last row is needed
        if self._steps.cache_name is None and takes_argument(self._model, "use_cache"):
            self._options["use_cache"] = False  # RecurrentGemma would keep a state in the model, which visitors share
        check_ids(model, ids)
        check_ids(model, continuation, target=self._is_encoder_decoder)
        self._source: tuple[int, ...] = ()
        text = [*ids, *continuation]
        if self._is_encoder_decoder:
            self._source, text = tuple(ids), [*(start or decoder_start(model)), *continuation]
            self._encode(ids)
        self._rows, self._rows_are_alike = rows, True
        self.ids = torch.tensor([text], device=model.input_device)
        """(rows, T); one row as long as all rows are alike."""
        prefixes = self._prefixes = prefixes if self._steps.in_chunks and not plan else None
        length, self._cache = prefixes.find(model, self._source, text) if prefixes else (0, None)
        self._unread = self.ids[:, length:]
        self._chunk_size, self._plan = PREFILL_CHUNK, plan
        self._graph: CapturedStep | None = None
        """One of the model's captured steps, while this text has it."""
        self._stored = 0
        """Tokens of the cache last stored in `prefixes`."""

    def _encode(self, ids: Sequence[int]) -> None:
        with torch.inference_mode(), self._edited(0):
            self._encoded = self._model.get_encoder()(
                input_ids=torch.tensor([list(ids)], device=self._loaded.input_device)
            )

    def _edited(self, start: int) -> AbstractContextManager[None]:
        """The context of a pass over tokens that follow `start` tokens in the cache."""
        return self._edits.applied(start) if self._edits else nullcontext()

    @property
    def tokens_read(self) -> int:
        """Tokens in the cache: all that need not be read again, and at most all but the last."""
        return self.ids.shape[1] - self._unread.shape[1]

    @property
    def has_chunks_left(self) -> bool:
        """Whether a long prompt has chunks to be read before the last one, which `next_logits` reads."""
        is_long = self.unread_count > self._chunk_size and not self._source and not self._plan
        return is_long and supports_chunked_prefill(self._loaded)

    @property
    def unread_count(self) -> int:
        """Tokens that the next logits wait for."""
        return self._unread.shape[1]

    @property
    def unread_size(self) -> int:
        """Tokens that the next pass reads, of all rows."""
        return self._unread.numel()

    def limit_chunks(self, size: int) -> None:
        """Makes the chunks of a long prompt shorter, of at most so many tokens."""
        self._chunk_size = min(size, PREFILL_CHUNK)

    @property
    def model(self) -> LoadedModel:
        """The model that reads."""
        return self._loaded

    @property
    def may_join(self) -> bool:
        """Whether what is unread may be read in one pass with that of other texts: the last token of each row, or a short
        prompt; no edit changes the pass, and the model allows it."""
        if self._edits is not None or self._source or len(self._unread) != self._rows_left:
            return False
        if self._unread.shape[1] == 1 and self._cache is not None:
            return not why_unbatched(self._loaded)
        is_short = self._rows == 1 and self._unread.shape[1] <= SHORT_PROMPT
        return is_short and may_batch_prompts(self._loaded) and (self._cache is None or keeps_all(self._cache))

    def unread_tokens(self) -> UnreadTokens:
        """What is unread, to be read in place of `next_logits`. For a decoder that `may_join`."""
        self._release_graph()
        if self._cache is None:
            self._cache = empty_cache(self._loaded)
        return UnreadTokens(self._unread, self.tokens_read, self._cache)

    @torch.inference_mode()
    def prefill_chunk(self) -> tuple[int, int]:
        """Reads the next chunk of a long prompt. Returns how many tokens have been read, and how many there are."""
        chunks = math.ceil(self.unread_count / self._chunk_size)
        size = math.ceil(self.unread_count / chunks)  # equal chunks: a short one costs as much
        chunk, start = self._unread[:, :size], self.tokens_read
        self._unread = self._unread[:, size:]
        self._forward(chunk, start)
        return self.tokens_read, self.ids.shape[1]

    @property
    def _rows_left(self) -> int:
        """Rows that are read apart; those that are alike are read as one, and are split after that."""
        return 0 if self._rows_are_alike and self._rows > 1 else len(self.ids)

    @torch.inference_mode()
    def next_logits(self) -> Tensor:
        """(rows, V) float32 after each row's last token."""
        graph = self._captured_step()
        if graph is not None:
            return graph.read(self._unread)
        logits = self._forward(self._unread, self.tokens_read)
        if self._rows_are_alike and self._rows > 1:
            logits = self._split_rows(logits)
        return logits

    def _forward(self, ids: Tensor, start: int) -> Tensor:
        """(rows, V) after the last of these ids (rows, T), which follow the `start` tokens in the cache."""
        name = "decoder_input_ids" if self._source else "input_ids"
        options = dict(self._options)
        if self._source:
            options["encoder_outputs"] = self._encoded
        if self._steps.cache_name is None:
            if self._source:  # FSMT's decoder would see later tokens without them
                options["input_ids"] = torch.tensor([self._source], device=ids.device).expand(len(self.ids), -1)
            with self._edited(0):
                outputs = self._model(**{name: self.ids}, **options)
        else:
            arguments = self._steps.arguments(self._cache, start, ids)
            with self._edited(start):
                outputs = self._model(**{name: ids}, **options, **arguments)
            self._cache = outputs.get(self._steps.cache_name)
        return outputs.logits[:, -1].float().to(self.ids.device)  # the last layers may be on another GPU

    def _captured_step(self) -> CapturedStep | None:
        """The shortest of the model's captured steps that is ready, free and long enough for the next token. It is released
        for a longer one where its cache is full."""
        if self._graph is not None and self._graph.full:
            self._release_graph()
        one_token = self._rows == 1 and self._unread.shape[1] == 1
        if self._graph is None and self._edits is None and self._cache is not None and one_token:
            cache = self._cache
            self._graph = next((graph for graph in self._loaded.graphs if graph.acquire(cache)), None)
        return self._graph

    def _release_graph(self) -> None:
        """Goes on without the captured step, over a cache of all that was read."""
        if self._graph is not None and self._cache is not None:
            graph, self._graph = self._graph, None  # released once, also if the copy fails
            self._cache = graph.release(self._cache)

    def _split_rows(self, logits: Tensor) -> Tensor:
        """Makes one row into many, once the text before them has been read. Returns logits (rows, V)."""
        self.store_prefix()
        self._rows_are_alike = False
        self.ids = self.ids.repeat(self._rows, 1)
        first = torch.zeros(self._rows, dtype=torch.long, device=self.ids.device)
        if self._cache is not None:
            self._cache = cropped(self._cache, 0) if croppable_layers(self._cache) is not None else self._cache
            self._cache.reorder_cache(cast(torch.LongTensor, first))  # recurrent states have this method too
        if self._source:
            self._select_encoded(first)
        return logits.expand(self._rows, -1)

    def _select_encoded(self, rows: Tensor) -> None:
        self._encoded = copy.copy(self._encoded)
        self._encoded["last_hidden_state"] = self._encoded.last_hidden_state[rows]

    @torch.inference_mode()
    def append(self, token_ids: Sequence[int], rows: Sequence[int] | None = None) -> None:
        """Adds a token to each row; `rows` are the numbers of those that go on, all if None."""
        if rows is not None and len(rows) < len(self.ids):
            selected = torch.tensor(rows, device=self.ids.device)
            self.ids = self.ids[selected]
            if self._cache is not None:
                self._cache.reorder_cache(cast(torch.LongTensor, selected))
            if self._source:
                self._select_encoded(selected)
        self._unread = torch.tensor(token_ids, device=self.ids.device)[:, None]
        self.ids = torch.cat([self.ids, self._unread], dim=1)

    def store_prefix(self) -> None:
        """Stores the cache in `prefixes`, for continuations from here or from any token before."""
        self._release_graph()
        cache: Cache | None = self._cache
        if self._prefixes is None or cache is None or not self._rows_are_alike or croppable_layers(cache) is None:
            return
        count = cache.get_seq_length()
        if count > self._stored:
            self._prefixes.put(self._loaded, self._source, self.ids[0, :count].tolist(), cache)
            self._stored = count
