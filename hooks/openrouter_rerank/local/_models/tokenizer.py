"""From text to token ids, as BERT's uncased models expect them."""

from collections.abc import Sequence
from importlib import resources

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing

VOCABULARY_FILE = "data/bert-uncased-vocab.txt"
MAX_TOKENS = 256
"""The most tokens to read of one text, its two end marks included; the model's own limit."""

BEGINNING_CHARS = 4096
UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"

TokenIds = tuple[int, ...]


class BertTokenizer:
    """
    The tokenizer of BERT's uncased models.

    A marker such as `[SEP]` in a text is read as plain characters.
    """

    def __init__(self) -> None:
        ids = _read_vocabulary()
        tokenizer = Tokenizer(WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
        tokenizer.normalizer = BertNormalizer(lowercase=True, strip_accents=True)
        tokenizer.pre_tokenizer = BertPreTokenizer()
        tokenizer.post_processor = BertProcessing((END, ids[END]), (START, ids[START]))
        tokenizer.enable_truncation(MAX_TOKENS)  # pyright: ignore[reportUnknownMemberType]
        self._tokenizer = tokenizer

    def tokenize(self, texts: Sequence[str]) -> list[TokenIds]:
        """Turn each text into token ids, cut at `MAX_TOKENS`; an empty text gives two."""
        # The tokenizer reads a text to its end before it cuts: 15 MB took 19 s. A beginning
        # that ends between two words and fills the limit gives the same tokens.
        beginnings = [_cut_beginning(text) for text in texts]
        tokenized = self._encode(beginnings)
        for number, (text, beginning) in enumerate(zip(texts, beginnings, strict=True)):
            if len(tokenized[number]) < MAX_TOKENS and len(beginning) < len(text):
                tokenized[number] = self._encode([text])[0]
        return tokenized

    def _encode(self, texts: list[str]) -> list[TokenIds]:
        # The tokenizer's method for one text holds the interpreter's lock; this one releases it.
        return [tuple(encoding.ids) for encoding in self._tokenizer.encode_batch(texts)]


def _cut_beginning(text: str) -> str:
    """Cut a long text at the first space after `BEGINNING_CHARS`."""
    end = text.find(" ", BEGINNING_CHARS)
    return text if end < 0 else text[:end]


def _read_vocabulary() -> dict[str, int]:
    """Map each token to its id: its line in the file, counted from 0."""
    file = resources.files("openrouter_rerank.local").joinpath(VOCABULARY_FILE)
    lines = file.read_text(encoding="utf-8").splitlines()
    return {token: number for number, token in enumerate(lines)}
