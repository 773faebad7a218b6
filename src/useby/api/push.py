"""Route of the key with which browsers subscribe to Web Push."""

from fastapi import APIRouter

from useby.api.context import ContextDep
from useby.schemas.push import PushKeyOut

router = APIRouter(prefix="/api/push", tags=["channels"])


@router.get("/key", operation_id="getPushKey")
async def get_push_key(node: ContextDep) -> PushKeyOut:
    """Return the public key that a browser's `pushManager.subscribe` needs; it needs no token."""
    return PushKeyOut(key=node.push_key)
