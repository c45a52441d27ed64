"""Money as the exchange writes it: a decimal text with its currency, never a float."""

from decimal import Decimal, InvalidOperation

Shown = dict[str, object]

PER_DOLLAR = {
    "USD": Decimal(1),
    "EUR": Decimal("0.92"),
    "GBP": Decimal("0.79"),
    "JPY": Decimal(150),
    "CAD": Decimal("1.36"),
    "AUD": Decimal("1.52"),
}
SCALE = {"JPY": 0}
LIMIT_DOLLARS = Decimal(105)


def currency_scale(currency: str) -> int:
    """How many digits the currency's minor unit has."""
    return SCALE.get(currency, 2)


def cpi_limit(currency: str) -> Decimal:
    """The highest CPI that the exchange takes in this currency."""
    return LIMIT_DOLLARS * PER_DOLLAR.get(currency, Decimal(1))


def in_currency(dollars: float, currency: str) -> Decimal:
    """An amount in dollars as an amount in the currency, to its minor unit."""
    step = Decimal(1).scaleb(-currency_scale(currency))
    return (Decimal(str(round(dollars, 6))) * PER_DOLLAR[currency]).quantize(step)


def monetary_amount(amount: Decimal, currency: str) -> Shown:
    """The amount as the contract's MonetaryAmount."""
    digits = currency_scale(currency)
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and -exponent < digits:
        amount = amount.quantize(Decimal(1).scaleb(-digits))
    return {"value": f"{amount:f}", "currency_code": currency, "currency_scale": digits}


def read_amount(text: object) -> Decimal:
    """The amount of a MonetaryAmount's value; ValueError if it is not a finite plain decimal."""
    if not isinstance(text, str) or not text.isascii() or "_" in text:
        raise ValueError("must be a decimal text")
    try:
        amount = Decimal(text)
    except InvalidOperation as exc:
        raise ValueError("must be a decimal text") from exc
    if not amount.is_finite():
        raise ValueError("must be a finite number")
    return amount
