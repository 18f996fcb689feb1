"""From text to token ids, as BERT's uncased models expect them."""

from collections.abc import Callable, Sequence
from importlib import resources

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

VOCABULARY_FILE = "data/bert-uncased-vocab.txt"
MAX_TOKENS = 256
"""The most tokens to read of one text, its two end marks included; the model's own limit."""

MAX_WORD_CHARS = 100
"""A longer word is one unknown token, whatever its characters are."""

STEP_CHARS = 1024
"""How much of a text is read at once; a page of English has 256 tokens in one or two steps."""

BATCH_SIZE = 8
"""Texts to tokenize at once. The tokenizer takes 540 bytes for each character that it is given."""

COUNT_CHARS = 8192
"""How much of a text is counted at once."""

UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
END_MARKS = (START, END)

TokenIds = tuple[int, ...]


class BertTokenizer:
    """
    The tokenizer of BERT's uncased models.

    A marker such as `[SEP]` in a text is read as plain characters.
    """

    def __init__(self) -> None:
        ids = read_vocabulary()
        self._normalizer = BertNormalizer(lowercase=True, strip_accents=True)
        self._splitter = BertPreTokenizer()
        model = WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=MAX_WORD_CHARS)
        tokenizer = Tokenizer(model)
        tokenizer.normalizer = self._normalizer
        tokenizer.pre_tokenizer = self._splitter
        tokenizer.post_processor = BertProcessing((END, ids[END]), (START, ids[START]))
        tokenizer.enable_truncation(MAX_TOKENS)  # pyright: ignore[reportUnknownMemberType]
        self._tokenizer = tokenizer

    def tokenize(self, texts: Sequence[str], checkpoint: Callable[[], None]) -> list[TokenIds]:
        """
        Turn each text into token ids, cut at `MAX_TOKENS`; an empty text gives two.

        Args:
            texts: The texts; only the beginning of a long one is read.
            checkpoint: Called between bounded steps; it raises to stop.
        """
        tokenized: list[TokenIds] = []
        for start in range(0, len(texts), BATCH_SIZE):
            checkpoint()
            batch = [self._shorten(text, checkpoint) for text in texts[start : start + BATCH_SIZE]]
            # The tokenizer's method for one text holds the interpreter's lock; this releases it.
            tokenized += [tuple(encoding.ids) for encoding in self._tokenizer.encode_batch(batch)]
        return tokenized

    def count(self, text: str) -> int:
        """
        Count all tokens of a text, its two end marks included.

        A long text is counted in steps. A word in which one ends counts as two.
        """
        tokens = len(END_MARKS)
        for start in range(0, len(text), COUNT_CHARS):
            (found,) = self._tokenizer.encode_batch([text[start : start + COUNT_CHARS]])
            # What is beyond `MAX_TOKENS` is there, too.
            parts = [found, *found.overflowing]
            tokens += sum(len(part.ids) - len(END_MARKS) for part in parts)
        return tokens

    def _shorten(self, text: str, checkpoint: Callable[[], None]) -> str:
        """
        Find a short text with the same tokens, reading no further than they need.

        The normalizer works on each character by itself, so a step may end anywhere: it only
        changes the order of accents, and words with those that it keeps are unknown in any order.
        A step may end within a word, whose rest the next step brings. Every word gives a token
        or more, so `MAX_TOKENS` words are enough.
        """
        if len(text) <= STEP_CHARS:
            return text
        words: list[str] = []
        unfinished = ""
        for start in range(0, len(text), STEP_CHARS):
            checkpoint()
            step = text[start : start + STEP_CHARS]
            if len(unfinished) > MAX_WORD_CHARS and step.isascii() and step.isalnum():
                continue  # More of a word that is too long already.
            normalized = unfinished + self._normalizer.normalize_str(step)
            found = [word for word, _ in self._splitter.pre_tokenize_str(normalized)]
            is_open = bool(found) and not normalized.endswith(" ")
            unfinished = found.pop()[: MAX_WORD_CHARS + 1] if is_open else ""
            words += [word[: MAX_WORD_CHARS + 1] for word in found]
            if len(words) >= MAX_TOKENS:
                break
        return " ".join([*words, unfinished][:MAX_TOKENS])


def read_vocabulary() -> dict[str, int]:
    """Map each token to its id: its line in the file, counted from 0."""
    file = resources.files("openrouter_rerank.local").joinpath(VOCABULARY_FILE)
    lines = file.read_text(encoding="utf-8").splitlines()
    return {token: number for number, token in enumerate(lines)}
