"""Route of what the page must know about its node before anybody signs in."""

from fastapi import APIRouter

from useby.api.context import ContextDep
from useby.schemas.config import ConfigOut

router = APIRouter(prefix="/api", tags=["accounts"])


@router.get("/config", operation_id="getConfig")
async def get_config(node: ContextDep) -> ConfigOut:
    """Return what this node offers; it needs no token."""
    settings = node.settings
    return ConfigOut(
        demo=settings.demo,
        sign_up=settings.signup_open,
        mail=node.mail is not None,
        channel_kinds=sorted(node.senders),
    )
