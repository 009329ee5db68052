"""What is learned of the rows, as it is seen and heard in JupyterLab."""

from __future__ import annotations

import re

import pytest

ROWS = """\
import json, pathlib
import workbench as wb
long = "Pneumonoultramicroscopic" * 12
rows = [{"prompt": f"Who is {i}?\\n\\n\\t{long * (i % 8 == 4)} Say it!", "completion": "Anna, \\u00e9t\\u00e9 <b>now</b>.",
         "remark": "c"} for i in range(12)]
pathlib.Path("looked.jsonl").write_text("".join(json.dumps(row) + "\\n" for row in rows))
recipe = wb.Recipe(data="looked.jsonl", task="instruct", max_length=72)
wb.look(recipe)"""
BENCH = "wb.Bench(recipe)"
NARROW = 900


def fits(page, selector):
    """Tell whether nothing of an element runs out of it sideways."""
    return page.locator(selector).first.evaluate("node => node.scrollWidth <= node.clientWidth + 1")


@pytest.mark.slow
def test_a_look_is_seen_and_heard_and_fits(notebook, expect):
    book = notebook([ROWS, BENCH], name="look.ipynb", width=1440, height=1500)
    page = book.page
    book.run(0)
    look = book.output(0).locator(".wb-look").first
    expect(look.locator(".lk-rows > li")).to_have_count(3)
    # Heard as texts: each stretch of tokens once, none by its tokens.
    heard = look.locator(".lk-rows > li").first.aria_snapshot()
    assert "learned: Anna, été <b>now</b>." in heard
    assert len(re.findall("learned:", heard)) == 1
    assert "target Anna, été <b>now</b>.<|end|>" in heard
    # Seen without colours: what is learned is underlined, what is cut off is crossed out.
    line = "node => getComputedStyle(node)"
    underline = look.locator(".lk-tokens .lk-learned").first.evaluate(f"{line}.borderBottomStyle")
    crossed = look.locator(".lk-tokens .lk-cut").first.evaluate(f"{line}.textDecorationLine")
    assert (underline, crossed) == ("solid", "line-through")
    expect(look.get_by_text("not used: remark")).to_be_visible()
    book.run(1)
    card = page.locator(".wb-rows .lk-tokens").first
    expect(card).to_be_visible()
    for width in (1440, 1280, NARROW):
        page.set_viewport_size({"width": width, "height": 1500})
        assert fits(page, ".wb-look .lk-tokens")
        assert fits(page, ".wb-rows .lk-tokens")
        for theme in ("dark", "light"):
            book.theme(theme)
            look.scroll_into_view_if_needed()
            book.screenshot(f"look-{width}-{theme}")
            card.scroll_into_view_if_needed()
            book.screenshot(f"look-card-{width}-{theme}")
