"""Routes that fill a new account with sample products, and remove them again."""

from http import HTTPStatus

from fastapi import APIRouter

from useby.actions import samples
from useby.api.context import ContextDep, CurrentCaller
from useby.api.errors import problem_responses
from useby.schemas.samples import SamplesAdded, SamplesRemoved

router = APIRouter(prefix="/api/samples", tags=["products"])


@router.post(
    "",
    operation_id="addSamples",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409),
)
async def add_samples(node: ContextDep, caller: CurrentCaller) -> SamplesAdded:
    """Add a dozen sample products, dated from today on; those that are there stay as they are.

    Their `externalId` begins with `sample-`.
    """
    now, user_id = node.now(), caller.user.id
    added = await node.database.write(lambda t: samples.add(t, user_id, node.settings.limits, now))
    return SamplesAdded(added=added)


@router.delete("", operation_id="removeSamples", responses=problem_responses(401))
async def remove_samples(node: ContextDep, caller: CurrentCaller) -> SamplesRemoved:
    """Delete the sample products with their lots, and nothing else."""
    now, user_id = node.now(), caller.user.id
    removed = await node.database.write(lambda t: samples.remove(t, user_id, now))
    return SamplesRemoved(removed=removed)
