"""The image of a LlamaIndex node, as the API takes it: a URL or a data URI."""

from base64 import b64encode
from pathlib import Path

from llama_index.core.schema import BaseNode, ImageNode, MediaResource, Node

_URL_SCHEMES = ("http://", "https://", "data:image/")


def read_image(node: BaseNode) -> str | None:
    """
    Return a node's image; None if it has none.

    A file is read and sent as a data URI (RFC 2397).

    Raises:
        ValueError: The image cannot be read or sent; the message names the node and the reason.
    """
    source = find_image(node)
    if source is None:
        return None
    url = None if source.url is None else str(source.url)
    if source.data is None and url is not None:
        if url.startswith(_URL_SCHEMES):
            return url
        raise ValueError(f"node {node.node_id}: an image's URL begins with http or data:image")
    mime_type = source.mimetype or ""
    if not mime_type.startswith("image/"):
        raise ValueError(f"node {node.node_id}: {mime_type or 'unknown'} is no type of an image")
    return f"data:{mime_type};base64,{read_data(source, node.node_id)}"


def find_image(node: BaseNode) -> MediaResource | None:
    """Return where a node's image is; None if it has none."""
    source: MediaResource | None = None
    if isinstance(node, Node):
        source = node.image_resource
    elif isinstance(node, ImageNode) and node.image is not None:
        if node.image.startswith("data:"):
            # Not through AnyUrl's check, which is slow for a long one.
            return MediaResource.model_construct(url=node.image)
        source = MediaResource(data=node.image.encode(), mimetype=node.image_mimetype)
    elif isinstance(node, ImageNode) and node.image_url:
        return MediaResource.model_construct(url=node.image_url)
    elif isinstance(node, ImageNode) and node.image_path:
        source = MediaResource(path=Path(node.image_path), mimetype=node.image_mimetype)
    if source is None or (source.data is None and source.url is None and source.path is None):
        return None
    return source


def read_data(source: MediaResource, node_id: str) -> str:
    """Return the image in base64."""
    if source.data is not None:
        return source.data.decode("ascii")
    path = Path(str(source.path))
    try:
        return b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise ValueError(f"node {node_id}: cannot read {path}: {error.strerror}") from error
