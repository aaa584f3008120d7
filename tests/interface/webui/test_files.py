"""Files: known by what is in them, never run, for those alone whose chat it is."""

import pytest

from rekku.interface.webui.files import plain_name, sniff
from rekku.testing import Bot
from tests.interface.suite import OGG, PNG, Giver, asked, does
from tests.interface.webui.visitor import Visitor

SCRIPT = b"<html><script>alert(1)</script></html>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def test_a_picture_goes_to_the_model_and_comes_back_as_it_was(bot: Bot, owner: Visitor) -> None:
    status, kept = await owner.post("/web/files?name=cat.png", PNG, content_type="text/html")
    assert (status, kept["kind"], kept["mime"]) == (200, "image", "image/png")
    bot.model_says("A cat!")
    page = await owner.open()
    await page.say("look", files=[kept["id"]])
    await page.until(lambda: page.texts() == ["A cat!"])

    assert "image" in asked(bot)["input"]["payload"]["attachments"][0]
    async with owner.http.get(f"/web/files/{kept['id']}") as response:
        assert await response.read() == PNG
        assert response.headers["cache-control"] == "no-store"  # after logging out it is not in the browser either


async def test_what_rekku_sends_stands_on_the_page(bot: Bot, owner: Visitor) -> None:
    bot.add(Giver())
    await bot.settle()
    bot.model_says(does("give_picture"), does("give_sound"))
    page = await owner.open()
    await page.say("/help")
    await page.say("show me")
    await page.until(lambda: any(line.get("files") for line in page.lines.values()))
    (file,) = next(line["files"] for line in page.lines.values() if line.get("files"))
    assert (file["kind"], file["name"]) == ("image", "cat.png")
    assert (await owner.get(f"/web/files/{file['id']}"))[1] == PNG


@pytest.mark.parametrize("data", [SCRIPT, DRAWING, b"%PDF-1.7 (script)", b"\x00" * 100, b""])
async def test_what_a_browser_might_run_is_only_saved(owner: Visitor, data: bytes) -> None:
    _, kept = await owner.post("/web/files?name=x.svg", data, content_type="image/svg+xml")
    async with owner.http.get(f"/web/files/{kept['id']}") as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["content-disposition"].startswith("attachment")
        assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert await response.read() == data


async def test_a_player_asks_for_a_part_of_a_recording(bot: Bot, owner: Visitor) -> None:
    _, kept = await owner.post("/web/files?name=song.ogg", OGG)
    async with owner.http.get(f"/web/files/{kept['id']}", headers={"range": "bytes=1-3"}) as response:
        assert (response.status, await response.read()) == (206, OGG[1:4])
        assert response.headers["content-range"] == f"bytes 1-3/{len(OGG)}"
        assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    (bot.home / "data" / "webui" / kept["id"]).unlink()
    assert (await owner.get(f"/web/files/{kept['id']}"))[0] == 404


async def test_a_file_that_is_too_large_is_not_kept(bot: Bot, owner: Visitor) -> None:
    async def endless() -> object:
        for _ in range(30):
            yield b"x" * 1_000_000

    head = {"origin": owner.base, "x-rekku-csrf": owner.csrf}
    async with owner.http.post("/web/files?name=big", data=endless(), headers=head) as response:
        assert response.status == 413
    assert not list((bot.home / "data" / "webui").iterdir())


@pytest.mark.parametrize("number", ["../../rekku.db", "%2e%2e%2frekku.db", "0" * 32, "A" * 32, "0" * 31])
async def test_no_other_file_can_be_had(owner: Visitor, number: str) -> None:
    assert (await owner.get(f"/web/files/{number}"))[0] in (404, 405)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.txt", "b.txt"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", "file"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ],
)
def test_a_name_is_only_a_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_what_a_file_is_stands_in_its_first_bytes() -> None:
    assert sniff(PNG) == ("image", "image/png")
    assert sniff(OGG) == ("audio", "audio/ogg")
    assert sniff(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == ("image", "image/webp")
    assert sniff(SCRIPT) == ("file", "application/octet-stream")
