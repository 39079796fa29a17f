"""mcp-remote, through which desktop clients without OAuth connect."""

from pathlib import Path

from tests.house import Process
from tests.interop.foreign import node, run


def test_its_user_signs_in_and_it_lists_the_tools(served: Process, tmp_path: Path, email: str) -> None:
    ended = run(node("mcp-remote", "dist/client.js", f"{served.url}/mcp"), tmp_path, email)
    assert ended.status == 0, ended.printed
    assert ended.signins == 1
    for tool in ("read", "request"):
        assert f'"name": "{tool}"' in ended.printed
