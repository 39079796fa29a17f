"""View: the path of a list that a workspace keeps under a name."""

from typing import Annotated

from crmkit.model.form import REQUIRED
from crmkit.model.paths.views import ListPath, ViewName
from crmkit.model.record import Tracked, index, kind_of, unique


class View(Tracked, frozen=True):
    """A list that the workspace keeps under a name."""

    name: Annotated[str, ViewName(), REQUIRED, "stands for its id"]
    path: Annotated[str, ListPath(), REQUIRED, "of a list, with its query"]


VIEW = kind_of(
    View,
    name="view",
    plural="views",
    prefix="v",
    indexes=(unique("name"), index("updated_at")),
    is_setting=True,
    is_capped=False,
)
