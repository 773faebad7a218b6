"""Routes that fill a new account with sample products, and remove them again."""

from http import HTTPStatus

from fastapi import APIRouter

from useby.actions import samples
from useby.api.context import ContextDep
from useby.api.errors import problem_responses
from useby.api.stock_caller import CurrentStock
from useby.schemas.samples import SamplesAdded, SamplesRemoved

router = APIRouter(prefix="/api/samples", tags=["products"])


@router.post(
    "",
    operation_id="addSamples",
    status_code=HTTPStatus.CREATED,
    responses=problem_responses(401, 409),
)
async def add_samples(node: ContextDep, caller: CurrentStock) -> SamplesAdded:
    """Add a dozen sample products, dated from today on; those that are there stay as they are.

    Their `externalId` begins with `sample-`.
    """
    now, actor = node.now(), caller.actor
    added = await node.database.write(lambda t: samples.add(t, actor, node.settings.limits, now))
    return SamplesAdded(added=added)


@router.delete("", operation_id="removeSamples", responses=problem_responses(401))
async def remove_samples(node: ContextDep, caller: CurrentStock) -> SamplesRemoved:
    """Delete the sample products with their lots, and nothing else."""
    now, actor = node.now(), caller.actor
    removed = await node.database.write(lambda t: samples.remove(t, actor, now))
    return SamplesRemoved(removed=removed)
