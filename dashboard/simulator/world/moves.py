"""A target group that moves to another project."""

from dashboard.simulator.world.changes import log_changes
from dashboard.simulator.world.group import Actor, SimulatedGroup
from dashboard.simulator.world.messages import not_found
from dashboard.simulator.world.world import World


def move_group(world: World, group: SimulatedGroup, *, project_id: str, at: int, by: Actor) -> None:
    """Put a group into another project, of another account too, and log it in its changelog."""
    target = world.projects.get(project_id)
    if target is None:
        raise not_found("the project")
    if target.id == group.project_id:
        return
    world.projects[group.project_id].groups.remove(group)
    target.groups.append(group)
    target.groups.sort(key=lambda each: each.id)  # lists run by id
    change = {
        "object": "project_id_change",
        "old_value": group.project_id,
        "new_value": target.id,
    }
    group.project_id, group.account_id = target.id, target.account_id
    log_changes(group, [change], at=at, by=by)
