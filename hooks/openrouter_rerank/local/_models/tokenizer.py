"""From text to the token ids that a model reads."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

from .long_text import choose_shortener
from .vocabulary import read_vocabulary

MAX_WORD_CHARS = 100
BATCH_SIZE = 8
"""Most texts to tokenize at once. The tokenizer takes 540 bytes for each character."""

BATCH_TOKENS = 4096
"""The most tokens that the texts of a batch may have."""

COUNT_CHARS = 8192
"""How much of a text is counted at once."""

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"

TokenIds = tuple[int, ...]


class Pair(NamedTuple):
    """
    A query and a document, as a cross-encoder reads them.

    Attributes:
        ids: The tokens of both, with the marks around them.
        type_ids: For each token the part that it belongs to, as the model names it.
    """

    ids: TokenIds
    type_ids: TokenIds


class TextTokenizer:
    """
    Turns texts into token ids, and says how many were too long.

    A marker such as `[SEP]` in a text is read as plain characters.

    Args:
        tokenizer: The library's tokenizer. Its own truncation and padding are switched off.
        max_tokens: The most tokens to read of one text, or one pair of texts, marks included.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._shortener = choose_shortener(tokenizer)
        self._max_tokens = max_tokens
        self._batch_size = max(1, min(BATCH_SIZE, BATCH_TOKENS // max_tokens))

    def tokenize(
        self, texts: Sequence[str], checkpoint: Callable[[], None]
    ) -> tuple[list[TokenIds], int]:
        """
        Turn each text into token ids; an empty text gives the marks alone.

        Args:
            texts: The texts; only the beginning of a long one is read.
            checkpoint: Called between bounded steps; it raises to stop.

        Returns:
            The ids of each text, and how many texts were cut.
        """
        room = self._max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        tokenized: list[TokenIds] = []
        cut_count = 0
        for encoding, is_cut in self._encode(texts, room, checkpoint):
            tokenized.append(tuple(self._tokenizer.post_process(encoding).ids))
            cut_count += is_cut
        return tokenized, cut_count

    def tokenize_pairs(
        self, query: str, texts: Sequence[str], checkpoint: Callable[[], None]
    ) -> tuple[list[Pair], int]:
        """
        Turn the query with each text into token ids.

        The text is cut where both are too long. Of the query half of the tokens are read, so that
        a very long one leaves room.

        Args:
            query: The query.
            texts: The texts; only the beginning of a long one is read.
            checkpoint: Called between bounded steps; it raises to stop.

        Returns:
            The ids of each pair, and how many texts were cut.
        """
        room = self._max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=True)
        ((asked, _),) = self._encode([query], room // 2, checkpoint)
        pairs: list[Pair] = []
        cut_count = 0
        for encoding, is_cut in self._encode(texts, room - len(asked), checkpoint):
            pair = self._tokenizer.post_process(asked, encoding)
            pairs.append(Pair(tuple(pair.ids), tuple(pair.type_ids)))
            cut_count += is_cut
        return pairs, cut_count

    def _encode(
        self, texts: Sequence[str], room: int, checkpoint: Callable[[], None]
    ) -> Iterator[tuple[Encoding, bool]]:
        """Encode each text without marks, cut at `room` tokens; yield whether it was cut, too."""
        for start in range(0, len(texts), self._batch_size):
            checkpoint()
            batch = [
                self._shortener.shorten(text, room, checkpoint)
                for text in texts[start : start + self._batch_size]
            ]
            # The tokenizer's method for one text holds the interpreter's lock; this releases it.
            encodings = self._tokenizer.encode_batch(
                [text for text, _ in batch], add_special_tokens=False
            )
            for encoding, (_, is_shorter) in zip(encodings, batch, strict=True):
                is_cut = is_shorter or len(encoding) > room
                encoding.truncate(room)
                yield encoding, is_cut

    def count(self, text: str) -> int:
        """
        Count all tokens of a text, its end marks included.

        A long text is counted in steps. A word in which one ends counts as two.
        """
        tokens = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        for start in range(0, len(text), COUNT_CHARS):
            step = text[start : start + COUNT_CHARS]
            (found,) = self._tokenizer.encode_batch([step], add_special_tokens=False)
            tokens += len(found)
        return tokens


def make_bert_tokenizer() -> Tokenizer:
    """
    Make the tokenizer of BERT's uncased models.

    Raises:
        DataFileError: Its vocabulary is missing from the package.
    """
    ids = read_vocabulary()
    tokenizer = Tokenizer(
        WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=MAX_WORD_CHARS)
    )
    tokenizer.normalizer = BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing((END, ids[END]), (START, ids[START]))
    return tokenizer
