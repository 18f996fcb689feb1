"""PyInstaller: the embedded models, and what runs them."""

from pathlib import PurePosixPath

from PyInstaller.utils.hooks import copy_metadata  # pyright: ignore[reportMissingModuleSource]

from openrouter_rerank._pyinstaller import find_model_files

hiddenimports = ["onnxruntime"]
found = find_model_files()
datas = [(path, str(PurePosixPath(file.path).parent)) for file, path in found.items()]
for distribution in sorted({file.distribution for file in found}):
    datas += copy_metadata(distribution)
