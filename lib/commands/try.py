"""``python -m lib try``: a page on this machine where one's own photo becomes a sketch, and a drawing a photo."""

from __future__ import annotations

import argparse

from lib.commands import arguments
from lib.commands.sketch import MORE, add_network_arguments, network_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.set_epilog(parser, MORE)
    parser.add_argument("--port", type=int, default=8765, help="of the address; 0 for any free one (default: 8765)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    add_network_arguments(parser)


def run(options: argparse.Namespace) -> int:
    import webbrowser

    from lib.base.errors import StudyError
    from lib.evaluation.try_page.server import PageServer

    if not 0 <= options.port < 65536:
        raise StudyError(f"--port {options.port}: give a number from 0 to 65535.")
    with PageServer(network_of(options), options.port) as server:
        print(f"Open {server.address}   (Ctrl-C ends it; pictures stay on this machine)", flush=True)
        if not options.no_browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0
