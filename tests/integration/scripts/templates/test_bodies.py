"""Requests of other media than JSON: sent as the generator means it, or refused."""

from importlib import import_module
from pathlib import Path

import generate
import pytest
from template_models import load_models

CONTRACT = """\
openapi: 3.1.0
info: {title: Bodies, version: '1'}
servers: [{url: 'https://example.com'}]
paths:
  /form:
    post:
      operationId: sendForm
      tags: [Body]
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Form'}}
      responses: {'204': {description: Nothing}}
  /raw:
    post:
      operationId: sendRaw
      tags: [Body]
      requestBody:
        required: true
        content:
          application/octet-stream: {schema: {type: string, format: binary}}
      responses: {'204': {description: Nothing}}
components:
  schemas:
    Form:
      type: object
      required: [file]
      properties:
        file: {type: string, format: binary}
        other: {type: string, format: binary}
"""


def test_forms_and_files_are_sent(packages_folder: Path) -> None:
    """A form is a model's JSON, and a file is a type that models can hold."""
    spec, package = packages_folder / "bodies.yaml", packages_folder / "bodies"
    spec.write_text(CONTRACT, encoding="utf-8")
    generate.generate(spec, package)
    form = load_models(package).Form.from_dict({"file": b"a"})
    requests = {
        name: import_module(f"bodies.api.body.{name}")._get_kwargs
        for name in ("send_form", "send_raw")
    }

    sent = requests["send_form"](body=form)["data"]

    assert sent == {"file": (None, form.file.payload, None)}
    assert form.file.payload.read() == b"a"
    assert requests["send_raw"](body=form.file)["content"] is form.file.payload


def test_parts_are_refused(tmp_path: Path) -> None:
    """A request of several parts is named: its endpoint would call what no model has."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        CONTRACT.replace("application/x-www-form-urlencoded", "multipart/form-data"),
        encoding="utf-8",
    )

    with pytest.raises(generate.GenerationError, match="send_form takes multipart/form-data"):
        generate.generate(spec, tmp_path / "package")

    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]
