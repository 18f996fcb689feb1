"""PyInstaller: the modules that an evaluation imports when it needs them."""

from openrouter_rerank._pyinstaller import list_evaluation_modules

hiddenimports = list_evaluation_modules()
