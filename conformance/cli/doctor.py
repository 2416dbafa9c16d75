"""`kandian doctor`: tell lab faults from device faults before a run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from conformance.cli.user_errors import user_errors
from specs.declaration import LoadedDeclaration


@click.command("doctor")
@click.option("--declaration", type=click.Path(path_type=Path), help="Declaration (ICS) of the device.")
@click.option("--target", metavar="URL", help="rtsp:// URL of a stream, http:// URL of an ONVIF service.")
@click.option("--profile", metavar="ID", help="Certification profile (tells the role of a --target).")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def command(declaration: Path | None, target: str | None, profile: str | None, lang: str) -> None:
    """Check address, credentials and stream; exit 0 when a run can begin, 10 with the reason when not."""
    from conformance.model.subject import choose_subject
    from specs.loader import load_catalogue

    with user_errors():
        loaded, _ = choose_subject(load_catalogue(), declaration, target, profile)
    sys.exit(asyncio.run(examine(loaded, lang)))


async def examine(loaded: LoadedDeclaration, language: str) -> int:
    """Run the checks one by one and print each. Returns the exit code."""
    from conformance.peers.bench import Bench
    from conformance.peers.faults import BenchFault, DeviceFault
    from conformance.peers.players import Players
    from conformance.plugin.preflight import preflight
    from conformance.protocols.violation import CodecError
    from conformance.wire import LiveWire, WireError
    from specs.loader import load_catalogue

    def tell(good: bool, zh: str, en: str) -> None:
        click.echo(f"{'ok  ' if good else 'FAULT'}  {zh if language == 'zh' else en}")

    async with LiveWire() as wire:
        bench = Bench(wire, load_catalogue(), loaded)
        try:
            await bench.start()
            for name, url in bench.addresses.items():
                tell(True, f"测试台监听 {name}: {url}", f"the bench listens, {name}: {url}")
            await preflight(bench)
            tell(True, "设备可达，凭证相符", "the device can be reached, its credentials fit")
            if not (bench.speaks_tykd or bench.media_url):
                return 0
            players = Players(bench)
            player = players()
            await player.start("tcp", kinds=("video",))
            track = player.video
            seconds = bench.limits["connect_wait"].seconds
            decodable = track is not None and await player.wait_idr(track, seconds) is not None
            await players.close()
            tell(decodable, "码流含可解码的关键帧", "the stream has a key frame that can be decoded")
            return 0 if decodable else 10
        except BenchFault as fault:
            tell(False, fault.text.zh, fault.text.en)
        except DeviceFault as fault:
            tell(False, fault.text.zh, fault.text.en)
        except WireError as error:
            tell(False, error.explain("zh"), error.explain("en"))
        except CodecError as error:
            tell(False, f"设备应答无法解析: {error}", f"the device answers something unreadable: {error}")
        finally:
            await bench.stop()
    return 10
