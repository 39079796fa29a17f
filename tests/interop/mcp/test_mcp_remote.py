"""mcp-remote, through which desktop clients without OAuth connect."""

from pathlib import Path

import pytest

from tests.house import Process
from tests.interop.foreign import node, run


@pytest.mark.parametrize(
    ("place", "tools"),
    [("/mcp", ("read", "write", "request")), ("/mcp/typed", ("list_contacts", "create_deal", "log_activity"))],
)
def test_its_user_signs_in_and_it_lists_the_tools(
    served: Process, tmp_path: Path, email: str, place: str, tools: tuple[str, ...]
) -> None:
    ended = run(node("mcp-remote", "dist/client.js", f"{served.url}{place}"), tmp_path, email)
    assert ended.status == 0, ended.printed
    assert ended.signins == 1
    for tool in tools:
        assert f'"name": "{tool}"' in ended.printed
