"""PyInstaller: the data of the two packages."""

from PyInstaller.utils.hooks import collect_data_files  # pyright: ignore[reportMissingModuleSource]

datas = [*collect_data_files("openrouter_rerank"), *collect_data_files("openrouter_rerank_api")]
