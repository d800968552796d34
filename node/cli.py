"""`shoal`, the console command.

Rules: whatever happens, results alone are on stdout, a mistake is one sentence on stderr with its documented exit
code, and a reader that goes away (`| head -1`) is no error worth a word. What a command does is in `node.commands`;
nothing is imported here before Ctrl-C is caught.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""`ExitCode.INTERRUPTED`, which isn't loaded yet when somebody is that quick."""


def main(argv: list[str] | None = None) -> int:
    """Run the command in `argv` (default: the process's arguments) and return its exit code."""
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        if words[:1] == ["__complete"]:  # somebody waits with a finger on Tab: nothing else is loaded
            from node.commands.completion import answer

            return answer(words[1:])
        from node.commands.main import run

        return run(words)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
