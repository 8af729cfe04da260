"""The numbers of HTML lists, which a browser shows."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<ol><li>Stop<li>Lock<li>Test</ol>See step 3.", "1. Stop\n2. Lock\n3. Test\n\nSee step 3."),
        ("<ol start=4><li>a</li><li>b</li></ol>", "4. a\n5. b"),
        ("<ol start=-1><li>a<li>b<li>c</ol>", "-1. a\n0. b\n1. c"),
        ("<ol reversed><li>a<li>b<li>c</ol>", "3. a\n2. b\n1. c"),
        ("<ol reversed><li>a<ol><li>x<li>y</ol><li>b</ol>", "2. a\n\n1. x\n2. y\n\n1. b"),
        ("<ol reversed start=10><li>a<li>b</ol>", "10. a\n9. b"),
        ('<ol type="a"><li>a<li>b</ol>', "a. a\nb. b"),
        ("<ol type=I start=3><li>a<li>b</ol>", "III. a\nIV. b"),
        ("<ol type=A><li>a<li type=1>b</ol>", "A. a\n2. b"),
        ("<ol><li>a<li value=7>b<li>c</ol>", "1. a\n7. b\n8. c"),
        ("<ol><li value=x>a<li value=''>b</ol>", "1. a\n2. b"),
        ('<ol style="color:red; list-style-type: lower-roman"><li>a<li>b</ol>', "i. a\nii. b"),
        ('<ol style="list-style:none"><li>a<li>b</ol>', "- a\n- b"),
        ('<ol style="list-style: upper-alpha inside"><li>a</ol>', "A. a"),
        ("<ol><li><p>One</p><p>more</p><li><p>Two</p></ol>", "1. One\n\nmore\n\n2. Two"),
        ("<ul><li>a<ol><li>x</ol><li>b</ul><ol><li>c</ol>", "- a\n\n1. x\n\n- b\n\n1. c"),
        ("<li>a<li>b", "- a\n- b"),
        ("<menu><li>a</menu>", "- a"),
        ("<ol><li>a</li><div><li>b</li></div></ol>", "1. a\n\n2. b"),
        ("<ol><li>a<table><tr><td><h2>T</h2><ol start=8><li>x</ol></table><li>b</ol>", "1. a\n\n## T\n\n8. x\n\n2. b"),
        ("<p>12.</p><p>Text</p>", "12.\n\nText"),
        ("<p>-</p><p>Text</p>", "-\n\nText"),
        ("<table><tr><th>Do<th>How<tr><td>Start<td><ol><li>Plug<li>Press</ol></table>",
         "| Do | How |\n|-|-|\n| Start | 1. Plug 2. Press |"),
    ],
)  # fmt: skip
def test_the_items_of_a_list_have_the_numbers_that_a_browser_shows(load, markup, text):
    [document] = load("a.html", markup)
    assert document.text == text


def test_many_items_without_end_tags_end(load):
    [document] = load("a.html", f"<ol>{'<li>x' * 5000}</ol>")
    assert document.text.endswith("\n5000. x")


NESTED = [
    (
        "<table><tr><td>Menu<td><table><tr><th>Year<th>Tax<tr><td>2023<td>10</table><tr><td>Foot<td>Contact</table>",
        ["Menu", "Year", "Tax", "2023", "10", "Foot", "Contact"],
    ),
    (
        "<table><tr><td><table><tr><td><table><tr><td>Dear customer,</td></tr><tr><td>your invoice is due.</td></tr>"
        "</table></td></tr></table></td></tr></table>",
        ["Dear customer,", "your invoice is due."],
    ),
    (
        "<table><tr><td>before<table><tr><td>k</td><td>v</td></tr></table>after</td><td>right</td></tr></table>",
        ["before", "k", "v", "after", "right"],
    ),
]


@pytest.mark.parametrize(("markup", "cells"), NESTED)
def test_a_table_in_a_table_loses_and_repeats_no_cell(load, markup, cells):
    [document] = load("a.html", markup)
    lines = [cell.strip() for line in document.text.split("\n") for cell in line.split("|")]
    assert [cell for cell in lines if cell and cell != "-"] == cells
