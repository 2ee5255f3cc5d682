"""What is logged, and how."""

import logging
import subprocess
import sys
import textwrap


def logged(what: str) -> str:
    """What a process with Triune's logging writes; the settings of logging are a process's own."""
    program = f"""
        import logging
        from triune import conf, log
        settings = conf.new()
        settings([])
        settings.set_override("use_stderr", True)
        log.setup(settings)
        def broken(name):
            try:
                raise OSError("lost connection")
            except OSError:
                logging.getLogger(name).error("Exception during reset", exc_info=True)
        {what}
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stderr


def test_a_connection_that_broke_is_a_line() -> None:
    (line,) = logged("broken('sqlalchemy.pool.impl.AsyncAdaptedQueuePool')").splitlines()
    assert line.endswith("Exception during reset: OSError: lost connection")
    assert logging.getLevelName(logging.ERROR) in line


def test_what_is_no_broken_connection_has_its_stack() -> None:
    assert "Traceback" in logged("broken('triune.gateway.app')")


def test_lines_carry_the_id_of_their_request() -> None:
    what = "with log.request_context('req-1', 'req-0'): logging.getLogger('triune.x').warning('here')"
    assert "req-1" in logged(what)
