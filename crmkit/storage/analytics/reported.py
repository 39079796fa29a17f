"""Contacts by what advertising platforms were told of them."""

from crmkit.model.record import Kind
from crmkit.storage.analytics.span import Span
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement


def by_status(
    connection: Connection, kind: Kind, conversions: Kind, workspace_id: str, span: Span, platform: str = ""
) -> dict[str | None, int]:
    """Return how many live contacts that were created in the span have which status of their newest conversion.

    None is the status of those that have none. With a platform only those of its ads count.
    """
    link = next(field for field in conversions.fields if field.name == kind.activity_link)
    newest = Statement(
        f"(SELECT v.status FROM {quoted(conversions.plural)} AS v WHERE v.workspace_id = r.workspace_id "
        f"AND v.{quoted(link.compared)} = r.id ORDER BY v.updated_at DESC, v.id DESC"
    )
    newest += Statement(f" {connection.dialect.limit})", (1,))
    sql = Statement("SELECT status, count(*) FROM (SELECT ") + newest
    sql += Statement(f" AS status FROM {quoted(kind.plural)} AS r WHERE r.workspace_id = ?", (workspace_id,))
    sql += span.holds("r.created_at")
    if platform:
        field = kind.by_name["ad_platform"]
        sql += Statement(f" AND r.{quoted(field.compared)} = ?", (field.type.key(platform),))
    return dict((sql + Statement(") AS q GROUP BY status")).run(connection).fetchall())
