"""The weekly digest: facts computed once, and every format a view of them."""

from bot.digest.document import Digest, build

__all__ = ["Digest", "build"]
