"""Reading no more of a long text than its tokens need: a tokenizer takes 540 bytes a character."""

from collections.abc import Callable
from typing import Protocol

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

STEP_CHARS = 1024
"""How much of a text is read at once; a page of English has 256 tokens in one or two steps."""

MAX_TOKEN_CHARS = 32
"""Of a text that cannot be read in steps, this many characters are read for each token."""


class Shortener(Protocol):
    """Finds the beginning of a text that its first tokens are made of."""

    def shorten(
        self, text: str, max_tokens: int, checkpoint: Callable[[], None]
    ) -> tuple[str, bool]:
        """
        Find a short text whose first `max_tokens` tokens are those of the whole.

        It gives more tokens than that if the whole does.

        Args:
            text: The text.
            max_tokens: How many tokens are wanted, without the marks at its ends.
            checkpoint: Called between bounded steps; it raises to stop.

        Returns:
            The short text, and whether something was left out that could have given one of these
            tokens.
        """
        ...


class WordShortener:
    """
    Reads texts for BERT's tokenizers, word by word.

    The normalizer works on each character by itself, so a step may end anywhere: it only changes
    the order of accents, and words with those that it keeps are unknown in any order. A step may
    end within a word, whose rest the next step brings. Every word gives a token or more, so one
    word more than the tokens that are wanted is enough.
    """

    def __init__(
        self, normalizer: BertNormalizer, splitter: BertPreTokenizer, max_word_chars: int
    ) -> None:
        """
        Take what the tokenizer works with.

        Args:
            normalizer: Its normalizer.
            splitter: What splits its texts into words.
            max_word_chars: A longer word is one unknown token, whatever its characters are.
        """
        self._normalizer = normalizer
        self._splitter = splitter
        self._max_word_chars = max_word_chars

    def shorten(
        self, text: str, max_tokens: int, checkpoint: Callable[[], None]
    ) -> tuple[str, bool]:
        """Leave nothing out that could give one of these tokens."""
        if len(text) <= STEP_CHARS:
            return text, False
        words: list[str] = []
        unfinished = ""
        for start in range(0, len(text), STEP_CHARS):
            checkpoint()
            step = text[start : start + STEP_CHARS]
            if len(unfinished) > self._max_word_chars and step.isascii() and step.isalnum():
                continue  # More of a word that is too long already.
            normalized = unfinished + self._normalizer.normalize_str(step)
            found = [word for word, _ in self._splitter.pre_tokenize_str(normalized)]
            is_open = bool(found) and not normalized.endswith(" ")
            unfinished = found.pop()[: self._max_word_chars + 1] if is_open else ""
            words += [word[: self._max_word_chars + 1] for word in found]
            if len(words) > max_tokens:
                break
        return " ".join([*words, unfinished][: max_tokens + 1]), False


class PrefixShortener:
    """Reads the beginning of texts for any tokenizer: `MAX_TOKEN_CHARS` characters a token."""

    def shorten(
        self, text: str, max_tokens: int, checkpoint: Callable[[], None]
    ) -> tuple[str, bool]:
        """Leave out what is beyond, which matters where the tokens are longer than that."""
        checkpoint()
        most = max_tokens * MAX_TOKEN_CHARS
        return text[:most], len(text) > most


def choose_shortener(tokenizer: Tokenizer) -> Shortener:
    """Choose what reads long texts for a tokenizer."""
    normalizer, splitter, model = tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.model
    if (
        isinstance(normalizer, BertNormalizer)
        and isinstance(splitter, BertPreTokenizer)
        and isinstance(model, WordPiece)
    ):
        return WordShortener(normalizer, splitter, model.max_input_chars_per_word)
    return PrefixShortener()
