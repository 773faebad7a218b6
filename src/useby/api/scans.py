"""Route of scanned barcodes."""

from fastapi import APIRouter

from useby.actions import scans
from useby.api.context import ContextDep
from useby.api.errors import problem_responses
from useby.api.stock_caller import CurrentStock
from useby.schemas.scans import ScanIn, ScanOut

router = APIRouter(prefix="/api/scan", tags=["products"])


@router.post("", operation_id="scan", responses=problem_responses(401))
async def scan(node: ContextDep, caller: CurrentStock, scanned: ScanIn) -> ScanOut:
    """Read a scanned barcode, and find the caller's product by it. Nothing is stored.

    A barcode that no product of the caller has gets its name from the node's catalogue, if the
    operator has loaded one. A number for use within a company is not searched for there.
    """
    return await scans.scan(node.database, caller.stock, scanned.data, node.now())
