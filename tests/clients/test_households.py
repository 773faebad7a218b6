"""Households through the client, against a real node.

covers: useby.client.households
"""

import pytest
from tests.support.process_node import NodeProcess

from useby.client import Api, Conflict, Forbidden, NotFound


async def test_two_people_share_a_household_until_one_leaves(node: NodeProcess) -> None:
    ada, bob = node.person(), node.person()
    async with Api(node.url, token=ada.token) as hers, Api(node.url, token=bob.token) as his:
        own = await hers.households.change(ada.id, name="Kitchen", time_zone="Europe/Berlin")
        assert (own.id, own.name, own.role, own.time_zone) == (
            ada.id, "Kitchen", "owner", "Europe/Berlin",
        )  # fmt: skip
        invitation = await hers.households.invite(ada.id, "viewer")
        assert invitation.token
        assert invitation.url
        assert invitation.token in invitation.url
        assert (await his.households.invited(invitation.token)).household == "Kitchen"
        assert await his.households.accept(invitation.token) == (await his.households.all())[1]
        with pytest.raises(NotFound):
            await his.households.accept(invitation.token)
        await hers.add_product("Milk", "2090-01-01")

        assert [each.name async for each in his.products()] == []
        his.households.use(ada.id)
        assert [each.name async for each in his.products()] == ["Milk"]
        with pytest.raises(Forbidden):
            await his.add_product("Tea", "2090-01-01")
        member = await hers.households.set_role(ada.id, bob.id, "editor")
        assert member in await hers.households.members(ada.id)
        await his.add_product("Tea", "2090-01-01")

        with pytest.raises(Conflict):
            await hers.households.remove(ada.id, ada.id)
        await his.households.remove(ada.id, bob.id)
        with pytest.raises(NotFound):
            await his.add_product("Salt", "2090-01-01")
        his.households.use(None)
        assert [each.name async for each in his.products()] == []


async def test_an_invitation_is_revoked_and_a_household_deleted(node: NodeProcess) -> None:
    ada = node.person()
    async with Api(node.url, token=ada.token) as hers:
        invitation = await hers.households.invite(ada.id, "kiosk")
        (listed,) = await hers.households.invitations(ada.id)
        assert (listed.id, listed.token) == (invitation.id, None)
        await hers.households.revoke(ada.id, invitation.id)
        assert await hers.households.invitations(ada.id) == []
        await hers.add_product("Milk", "2090-01-01")
        await hers.households.delete(ada.id)
        assert [each.name async for each in hers.products()] == []
        assert (await hers.households.get(ada.id)).role == "owner"
