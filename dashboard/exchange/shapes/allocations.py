"""Which suppliers may deliver which share of a target group, in whole percent."""

from dashboard.exchange.shapes.base import Body, Count, Id, Identified, Rate, Shape


class Supplier(Identified, frozen=True, kw_only=True, gc=False):
    """A supplier; of a launched group with its counts (`SupplierResponseWithCompletes`)."""

    id: Id | None = None
    name: str | None = None
    completes: Count | None = None
    pre_screens: Count | None = None


Suppliers = list[Supplier | str | int]
"""Suppliers as objects, or by id alone, as in some of the published examples."""


class AllocationGroup(Identified, frozen=True, kw_only=True, gc=False):
    """A named share of several suppliers (open exchange) or of one (private exchange)."""

    group_id: Id | None = None
    group_name: str | None = None
    min_percentage: Count | None = None
    max_percentage: Count | None = None
    suppliers: Suppliers = []
    supplier: Supplier | str | int | None = None
    conversion_rate: Rate | None = None
    completes: Count | None = None
    prescreens: Count | None = None
    total_remaining: Count | None = None

    _ids = ("group_id", "supplier")


class OpenExchangeAllocations(Shape, frozen=True, kw_only=True, gc=False):
    exchange_suppliers: Suppliers = []
    blocked_suppliers: Suppliers = []
    exchange_min_percentage: Count | None = None
    exchange_max_percentage: Count | None = None
    groups: list[AllocationGroup] = []


class PrivateExchangeAllocations(Shape, frozen=True, kw_only=True, gc=False):
    blocked_suppliers: Suppliers = []
    groups: list[AllocationGroup] = []


class SupplyAllocation(Shape, frozen=True, kw_only=True, gc=False):
    """The shares of both exchanges, for a draft or a launched group."""

    open_exchange_allocations: OpenExchangeAllocations | None = None
    private_exchange_allocations: PrivateExchangeAllocations | None = None

    _strict = frozenset({"open_exchange_allocations", "private_exchange_allocations"})

    def as_request(self) -> "AllocationsRequest":
        """The same shares as a draft sends them."""
        open_ = self.open_exchange_allocations or OpenExchangeAllocations()
        private = self.private_exchange_allocations or PrivateExchangeAllocations()
        low, high = open_.exchange_min_percentage, open_.exchange_max_percentage
        return AllocationsRequest(
            open_exchange_allocations=OpenAllocationsRequest(
                blocked_supplier_ids=_ids_of(open_.blocked_suppliers),
                exchange_min_percentage=0 if low is None else low,
                exchange_max_percentage=100 if high is None else high,
                groups=[
                    OpenGroupRequest(
                        group_name=group.group_name or "",
                        min_percentage=group.min_percentage or 0,
                        max_percentage=(
                            100 if group.max_percentage is None else group.max_percentage
                        ),
                        suppliers=_ids_of(group.suppliers),
                    )
                    for group in open_.groups
                ],
            ),
            private_exchange_allocations=PrivateAllocationsRequest(
                blocked_supplier_ids=_ids_of(private.blocked_suppliers),
                groups=[
                    PrivateGroupRequest(
                        group_name=group.group_name or "",
                        min_percentage=group.min_percentage or 0,
                        max_percentage=(
                            100 if group.max_percentage is None else group.max_percentage
                        ),
                        supplier_id="".join(_ids_of([group.supplier] if group.supplier else [])),
                    )
                    for group in private.groups
                ],
            ),
        )


class OpenGroupRequest(Body, kw_only=True):
    group_name: str
    min_percentage: int
    max_percentage: int
    suppliers: list[str]


class OpenAllocationsRequest(Body, kw_only=True):
    blocked_supplier_ids: list[str] = []
    exchange_min_percentage: int = 0
    exchange_max_percentage: int = 100
    groups: list[OpenGroupRequest] = []


class PrivateGroupRequest(Body, kw_only=True):
    group_name: str
    min_percentage: int
    max_percentage: int
    supplier_id: str


class PrivateAllocationsRequest(Body, kw_only=True):
    blocked_supplier_ids: list[str] = []
    groups: list[PrivateGroupRequest] = []


class AllocationsRequest(Body, kw_only=True):
    """The shares of a draft; by default all of the open exchange."""

    open_exchange_allocations: OpenAllocationsRequest
    private_exchange_allocations: PrivateAllocationsRequest


def _ids_of(suppliers: Suppliers) -> list[str]:
    ids = [
        supplier.id if isinstance(supplier, Supplier) else str(supplier) for supplier in suppliers
    ]
    return [supplier_id for supplier_id in ids if supplier_id is not None]
