"""What the terminal says when a class begins."""

from playground.classroom.addresses import pupils_address, teachers_address
from playground.components.qr_code import qr_code_in_terminal
from playground.texts import classroom as texts


def announcement(secret: str, port: int) -> str:
    """The addresses for pupils, with a code to photograph, and for the teacher."""
    pupils = pupils_address("", port)
    code = "\n".join(f"    {row}" for row in qr_code_in_terminal(pupils).splitlines())
    return texts.TERMINAL.format(pupils=pupils, code=code, teacher=teachers_address(pupils, secret))
