"""The pytest plugin of the suites: `pytest conformance/suites --declaration FILE`."""
