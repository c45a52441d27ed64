"""What pages, files, charts and metrics say, as a reader takes it from them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from tests.web.white_space import fold_white_space

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
TAG = re.compile(r"<[^>]*>")
NUMBER = r"([\u2212\d][\d,]*)"

Row = dict[str, str]


def page(client: Client, address: str) -> str:
    """A page without the line breaks of its layout."""
    response = client.get(address)
    assert response.status_code == 200, address
    return fold_white_space(response.content.decode())


def number(text: str) -> int:
    """A count as it is written: 1,204 or −3."""
    return int(text.replace(",", "").replace("\u2212", "-"))


def number_in(text: str, pattern: str) -> int:
    """The count that a pattern finds in a text."""
    found = re.search(pattern, text)
    assert found, (pattern, text)
    return number(found[1])


def text_of(html: str) -> str:
    """HTML as it reads."""
    text = TAG.sub(" ", html)
    for entity, sign in (("&amp;", "&"), ("&#x27;", "'"), ("&quot;", '"'), ("&nbsp;", " ")):
        text = text.replace(entity, sign)
    return " ".join(text.split())


def strip_of(html: str) -> Row:
    """The figures above a page: what stands below each label."""
    figures = {}
    for label, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html.partition("<dialog")[0]):
        figures[text_of(label.partition('<span class="hint')[0])] = text_of(value)
    return figures


def cells_of(html: str, link: str) -> Row:
    """The cells of the table's row with a link, by their labels."""
    row = html.partition(link)[2].partition("</tr>")[0]
    found = re.findall(r'<td[^>]*data-label="([^"]*)"[^>]*>(.*?)</td>', row)
    return {label: text_of(cell) for label, cell in found}


def csv_rows(client: Client, address: str) -> list[Row]:
    """The rows of a file for a spreadsheet, as text."""
    response: Any = client.get(address)
    assert response.status_code == 200, address
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def xlsx_rows(client: Client, address: str) -> list[dict[str, str | float]]:
    """The rows of a workbook: numbers as numbers."""
    response: Any = client.get(address)
    assert response.status_code == 200, address
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    rows = [
        {
            re.sub(r"\d", "", cell.attrib["r"]): _value_of(cell)
            for cell in row.iter(f"{MAIN}c")
            if cell.find(f"{MAIN}v") is not None or cell.get("t") == "inlineStr"
        }
        for row in sheet.iter(f"{MAIN}row")
    ]
    headings = rows[0]
    return [{str(headings[column]): value for column, value in row.items()} for row in rows[1:]]


def _value_of(cell: ElementTree.Element) -> str | float:
    text = "".join(cell.itertext())
    return text if cell.get("t") == "inlineStr" else float(text)


def chart(client: Client, address: str) -> dict[str, Any]:
    """The traces of a chart by name, the stacked ones under "stack"."""
    response = client.get(address)
    assert response.status_code == 200, address
    traces: dict[str, Any] = {"stack": []}
    for trace in response.json()["data"]:
        if trace.get("stackgroup"):
            traces["stack"].append(trace)
        else:
            traces[trace["name"]] = trace
    return traces


def metrics(client: Client) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by its name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }
