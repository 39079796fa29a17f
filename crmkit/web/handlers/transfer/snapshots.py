"""The route of a whole workspace as an archive."""

from crmkit.core.people.workspaces import workspace_id
from crmkit.core.transfer.snapshots import leave
from crmkit.render.formats import Format
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response
from crmkit.web.route import read

ZIP = Format("zip", "application/zip", "application/zip", is_whole_record=True, by_handler=True, is_binary=True)


@read(
    "/workspaces/{id}/export",
    name="export_workspace",
    summary="all of it, in a ZIP file that crmkit workspace import takes (admin)",
    area="workspace",
    also=("*.read",),
    formats=(ZIP,),
)
async def export(call: HttpCall, id: str) -> Response:
    bare = workspace_id(call.crm, id)
    if call.is_tool:  # it is told what it may not before it is told that it can show no ZIP file
        await call.read(leave.find, call.actor, bare)
    filename = f"{bare}-{call.now[:10]}.zip"
    work = (leave.for_admin, call.crm.kinds, call.now, call.actor, bare)
    return await call.spooled(*work, content_type=ZIP.content_type, filename=filename)


ROUTES = [export]
