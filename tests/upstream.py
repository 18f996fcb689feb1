"""A whole document in upstream's manner, with every trap that upstream sets."""

from typing import Any

Json = dict[str, Any]
ERRORS = {
    "400": "Malformed", "401": "Unknown", "402": "Unpaid", "404": "Missing", "429": "Hasty",
    "500": "Broken", "502": "Foreign", "503": "Closed", "524": "Silent", "529": "Crowded",
}  # fmt: skip
UNRELATED_SCHEMAS = 300


def ref(name: str) -> Json:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def obj(*required: str, **properties: Any) -> Json:
    """Describe an object."""
    described: Json = {"type": "object", "properties": properties}
    return {**described, "required": list(required)} if required else described


def text(**more: Any) -> Json:
    """Describe a string."""
    return {"type": "string", "description": "Words of theirs", "example": "one", **more}


def nullable(kind: str, **more: Any) -> Json:
    """Describe a value that may be null."""
    return {"type": [kind, "null"], "description": "Words of theirs", **more}


def json_body(schema: Json, **more: Any) -> Json:
    """Describe a JSON body."""
    return {"content": {"application/json": {"schema": schema, "example": {"any": 1}}}, **more}


def build_provider_schemas() -> Json:
    """Describe the preferences for providers, every trap included."""
    slugs = nullable("array", items={"anyOf": [ref("Vendor"), {"type": "string"}]})
    quantiles = {name: nullable("number", format="double") for name in ("p50", "p75", "p90", "p99")}
    sorts = ["price", "throughput", "latency", "exacto"]
    preferences = obj(
        allow_fallbacks=nullable("boolean"),
        data_collection=nullable("string", enum=["deny", "allow", None]),
        enforce_distillable_text=nullable("boolean"),
        ignore=slugs,
        max_price=obj(
            **dict.fromkeys(("audio", "completion", "image", "prompt", "request"), text())
        ),
        only=slugs,
        order=slugs,
        preferred_max_latency=ref("LatencyWish"),
        preferred_min_throughput=ref("ThroughputWish"),
        quantizations=nullable("array", items=ref("Precision")),
        require_parameters=nullable("boolean"),
        sort={"anyOf": [ref("Sorting"), ref("SortingWish"), {"type": "null"}]},
        zdr=nullable("boolean"),
    )
    number = {"type": "number", "format": "double"}
    return {
        "Preferences": {**preferences, "type": ["object", "null"], "additionalProperties": False},
        "Vendor": text(enum=["Zeta", "Alpha", "Mid"]),
        "Precision": text(enum=["int8", "fp16"]),
        "Sorting": text(enum=sorts),
        "SortingWish": obj(
            by=nullable("string", enum=[*sorts, None]),
            partition=nullable("string", enum=["model", "none", None]),
        ),
        "LatencyWish": {"anyOf": [number, ref("LatencyQuantiles"), {"type": "null"}]},
        "ThroughputWish": {"anyOf": [number, ref("ThroughputQuantiles"), {"type": "null"}]},
        "LatencyQuantiles": obj(**quantiles),
        "ThroughputQuantiles": obj(**quantiles),
    }


def build_error_schemas() -> Json:
    """Describe one error envelope for each status, all alike."""
    schemas: Json = {}
    for name in ERRORS.values():
        free = nullable("object", additionalProperties={})
        schemas[f"{name}Reply"] = obj(
            "error", error=ref(f"{name}Data"), openrouter_metadata=free, user_id=nullable("string")
        )
        schemas[f"{name}Data"] = obj(
            "code", "message", code={"type": "integer"}, message=text(), metadata=free
        )
    return schemas


def build_operation() -> Json:
    """Describe the operation, with its request and its success inline."""
    document = obj(image=text(), text=text())
    request = obj(
        "model", "query", "documents",
        documents={
            "type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, document]},
        },
        model=text(),
        provider={"allOf": [ref("Preferences"), {"description": "Words of theirs"}]},
        query=text(),
        top_n={"type": "integer", "minimum": 1, "default": 3},
    )  # fmt: skip
    result = obj(
        "index", "relevance_score", "document",
        document=document,
        index={"type": "integer"},
        relevance_score={"type": "number", "format": "double"},
    )  # fmt: skip
    usage = obj(
        cost={"type": "number", "format": "double"},
        search_units={"type": "integer"},
        total_tokens={"type": "integer"},
    )
    success = json_body(
        obj(
            "model", "results",
            id=text(), model=text(), provider=text(), usage=usage,
            results={"type": "array", "items": result},
        ),
        description="Words of theirs",
    )  # fmt: skip
    success["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    errors = {
        status: json_body(ref(f"{name}Reply"), description="Words of theirs")
        for status, name in ERRORS.items()
    }
    return {
        "operationId": "createRerank",
        "tags": ["Rerank"],
        "summary": "Words of theirs",
        "x-foreign-extension": True,
        "requestBody": json_body(request, required=True),
        "responses": {"200": success, **errors},
    }


def build_upstream() -> Json:
    """Return a whole document of several paths and hundreds of schemas."""
    unrelated = {
        f"Unrelated{n}": obj(next=ref(f"Unrelated{n + 1}")) for n in range(UNRELATED_SCHEMAS)
    }
    unrelated[f"Unrelated{UNRELATED_SCHEMAS}"] = text()
    return {
        "openapi": "3.1.0",
        "info": {"title": "Theirs", "version": "1.0.0", "description": "Words of theirs"},
        "servers": [{"url": "https://api.example.com/v1", "description": "Words of theirs"}],
        "security": [{"key": []}],
        "tags": [{"name": "Other"}, {"name": "Rerank", "description": "Words of theirs"}],
        "x-retry-strategy": {"type": "exponential", "maxAttempts": 3},
        "x-speakeasy-retries": {"strategy": "backoff", "statusCodes": ["5XX"]},
        "x-foreign-extension": "/",
        "paths": {
            "/other": {"get": {"responses": {"200": json_body(ref("Unrelated0"), description="")}}},
            "/rerank": {"post": build_operation()},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Words of theirs"},
                "other": {"type": "apiKey", "in": "header", "name": "X-Key"},
            },
            "schemas": {**build_provider_schemas(), **build_error_schemas(), **unrelated},
        },
    }


def get_operation(document: Json) -> Json:
    """Return the rerank operation."""
    operation: Json = document["paths"]["/rerank"]["post"]
    return operation


def get_request(document: Json) -> Json:
    """Return the request's schema, which upstream writes inline."""
    schema: Json = get_operation(document)["requestBody"]["content"]["application/json"]["schema"]
    return schema


def get_reply(document: Json, status: str = "200") -> Json:
    """Return a reply's schema."""
    content = get_operation(document)["responses"][status]["content"]
    schema: Json = content["application/json"]["schema"]
    return schema


def get_schemas(document: Json) -> Json:
    """Return the components' schemas."""
    schemas: Json = document["components"]["schemas"]
    return schemas
