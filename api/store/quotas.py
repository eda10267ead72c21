"""What both stores say where a quota of files is reached."""

from typing import Final

USER_REACHED: Final = "You have no space left for this file: delete messages with files that nobody needs"
ALL_REACHED: Final = "This server has no space left for this file"
