"""Who acts: the person behind a token, in the one workspace that token works in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    user_id: str
    email: str
    role: str  # admin or member
    token_id: str
    token_name: str
    workspace_id: str
    workspace_name: str
    workspace_number: int  # which the storage gave the workspace
    plan: str
    is_app: int = 0  # 1 if the token belongs to an app that the user connected
    must_confirm: bool = False  # True if this request needs a code mailed to the user

    def reaches(self, workspace_id: str) -> bool:
        """Tell whether a request may concern this workspace: an app's only its own, another token's any of its user."""
        return not self.is_app or workspace_id == self.workspace_id
