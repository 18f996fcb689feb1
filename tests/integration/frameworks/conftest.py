"""What holds for all the frameworks: none of them reports to its makers."""

import os

# Haystack reads it when it is imported, which the test modules do.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
