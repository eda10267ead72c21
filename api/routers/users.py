"""/users: who somebody is."""

from fastapi import APIRouter

from api.deps import IdentityDep, StoreDep
from api.errors import NotFound
from api.http import StrictRoute
from api.schemas import Me, Profile, UserOut

router = APIRouter(prefix="/users", tags=["users"], route_class=StrictRoute)


@router.get("/me")
async def me(identity: IdentityDep) -> Me:
    """Return the caller's own account."""
    return Me.of(identity.user)


@router.patch("/me")
async def change_me(body: Profile, identity: IdentityDep, store: StoreDep) -> Me:
    """Change how the caller is shown."""
    return Me.of(await store.set_display_name(identity.user.id, body.display_name))


@router.get("/{user_id}")
async def user(user_id: str, _identity: IdentityDep, store: StoreDep) -> UserOut:
    """Return a user as others see them."""
    found = await store.user(user_id)
    if found is None:
        raise NotFound
    return UserOut.of(found)
