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
    workspace_number: int  # the storage's own number of the workspace
    plan: str
    is_app: int = 0  # 1 where the token was given to an app that its user let in
    must_confirm: bool = False  # True where this request needs a code mailed to the user

    def reaches(self, workspace_id: str) -> bool:
        """Tell whether the token may name a workspace: an app's only its own, others all of their user's."""
        return not self.is_app or workspace_id == self.workspace_id
