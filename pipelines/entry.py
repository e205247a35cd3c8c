"""Where the `caregaps` command begins: signals first, and a night as a child of a process that outlives it.

A night that is killed for its memory, or that a library aborts, can say nothing more. Its parent imports next to nothing
before the night has ended, so that it costs little, is nobody's first choice to kill, and still has the last word.
"""

import os
import signal
import sys
import time

NIGHT = "run"
HANDED_ON = (signal.SIGTERM, signal.SIGINT)
# What the process that remembers a killed night says of one that was published before.
PUBLISHED = 3


def command() -> int:
    """Carry the command of this process out, and return its exit status."""
    if sys.argv[1:2] != [NIGHT]:
        return work((signal.SIGINT,))
    # Where it is inherited as ignored, a child that ends would leave no status behind.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    heard = {n for n in (*HANDED_ON, signal.SIGTSTP) if signal.getsignal(n) is not signal.SIG_IGN}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*heard, signal.SIGCHLD})
    began, parent = time.time(), os.getpid()
    night = os.fork()
    if night == 0:
        leave_the_terminal()
        end_with(parent)
        return work(HANDED_ON, before)
    status = outlive(night, {*heard, signal.SIGCHLD})
    return status if status >= 0 else tell(-status, began, before)


def work(numbers: tuple[signal.Signals, ...], mask: set[int] | set[signal.Signals] | None = None) -> int:
    """Carry the command out in this process.

    Args:
        numbers: Signals that end it with one line.
        mask: The signals that were blocked when the command began; what came since is delivered now.
    """
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    from pipelines.cli import main

    # A night imports most of what it needs once its arguments are known, and hears then.
    if mask is None:
        raise_on(numbers)
    return main()


def raise_on(numbers: tuple[signal.Signals, ...]) -> None:
    """Let signals interrupt the command like Ctrl-C, unless whoever began it has them ignored."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def stop(_number: int, _frame: object) -> None:
    """End a command that has only been imported so far: an exception would come out of some import as another one."""
    print("error: interrupted; the night before it is still published", file=sys.stderr, flush=True)
    os._exit(1)


def leave_the_terminal() -> None:
    """Let Ctrl-C reach the night through its parent alone: from the terminal as well it would come twice."""
    os.setpgid(0, 0)
    # A terminal may stop whoever writes to it from the background.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent is: nobody else knows of it."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def outlive(night: int, numbers: set[signal.Signals]) -> int:
    """Hand signals on to the night until it ends, and return its exit status, or minus the signal that ended it."""
    while True:
        number = signal.sigwait(numbers)
        if number == signal.SIGTSTP:
            os.kill(night, signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(night, signal.SIGCONT)
        elif number != signal.SIGCHLD:
            os.kill(night, number)
        else:
            ended, status = os.waitpid(night, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)


def tell(number: int, began: float, mask: set[int] | set[signal.Signals]) -> int:
    """Say what ended the night, and let a process that may fail for itself remember it and notify the operator.

    Args:
        number: The signal that ended it.
        began: When the command began, in seconds since 1970.
        mask: The signals that were blocked then.

    Returns:
        The exit status of the command.
    """
    name = signal.Signals(number).name
    line = (
        f"run: ended by signal {number} ({name}); where memory ran out give the machine more or lower limits.memory_gb, "
        "then run it again"
    )
    teller = os.fork()
    if teller == 0:
        status = 1
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            from pipelines.killed import remember

            status = PUBLISHED if remember(sys.argv[1:], line, began) else 0
        finally:
            os._exit(status)
    if os.waitpid(teller, 0)[1] == PUBLISHED << 8:
        print(f"run: ended by signal {number} ({name}) when the night was published already", file=sys.stderr)
        return 0
    print(f"error: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(command())
