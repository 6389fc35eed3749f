"""What a command refuses: exit code 2, the argument and what was expected, nothing on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

# the words of a command, an argument, values it refuses, and a word of what it expects
REFUSED: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("pools", "--days", ("0", "3661", "1.5", "-7", "week", "", "1_0"), "1 to 3,660"),
    ("study hosting", "--left-for-good", ("101%", "1.01", "-1%", "nan", "a lot", "5%%"), "0%"),
    ("study hosting", "--left-for-good", ("96%", "0.951"), "95%"),
    ("study hosting", "--offer", ("cheap", "nan", "-5"), "USD per MWh"),
    ("study hosting", "--power-price", ("cheap", "50", "0.45 CNY"), "--power-price"),
    ("forecast hashprice", "--price", ("0", "-5", "nan", "inf", "1e12", "60k"), "US dollars"),
    ("forecast hashprice", "--seed", ("-1", "1.5", "9223372036854775808"), "2**63 - 1"),
    ("study supply", "--seed", ("-1", "many", "٣"), "2**63 - 1"),
    ("study selling", "--seed", ("-1", "many"), "2**63 - 1"),
    ("metric show price", "--rows", ("0", "-3"), "1 or more"),
    ("metric show price", "--at", ("someday", "2026-13-01", "2126-01-01"), "--at"),
    ("metric show price", "--start", ("someday", "2026-02-30"), "--start"),
    ("cost", "--power-price", ("-0.05", "free", "11"), "--power-price"),
    ("shutdown", "--fee-share", ("1", "-0.1", "1.5"), "--fee-share"),
    ("metric show", "", ("hashrate.sma31",), "hashrate.sma30"),
)
# what argparse itself refuses, and a word of what it says
MISREAD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("study", "luck", "--span", "0.5"), "days from 1 to 36525"),
    (("study", "luck", "--span", "36526"), "days from 1 to 36525"),
    (("study", "luck", "--span", "nan"), "days from 1 to 36525"),
    (("study", "drops", "--one-in", "0.009"), "years from 0.01 to 1000"),
    (("study", "drops", "--one-in", "often"), "years from 0.01 to 1000"),
    (("pools", "--by", "country"), "group"),
    (("study", "hosting", "--who", "mine"), "dearest"),
    (("episodes", "--show", "none"), "--show"),
    (("forecast", "retarget", "--height", "tip"), "--height"),
    (("forecast",), "COMMAND"),
    (("metric", "show"), "NAME"),
    (("export",), "DIR"),
    (("load",), "PATH"),
    (("pools", "--dayz", "7"), "--dayz"),
)


def refused(call: Run, capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What is said of words that are refused, by the parser or by what reads them, on one line."""
    try:
        done = call(*words)
        code, out, err = done.returncode, done.stdout, done.stderr
    except SystemExit as ended:
        code, (out, err) = ended.code, capsys.readouterr()
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert len(err.splitlines()) < 6
    return " ".join(err.split())


@pytest.mark.parametrize(
    ("words", "argument", "value", "expected"),
    [
        (words, argument, value, expected)
        for words, argument, values, expected in REFUSED
        for value in values
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_was_expected(
    call: Run,
    capsys: pytest.CaptureFixture[str],
    lake: Path,
    words: str,
    argument: str,
    value: str,
    expected: str,
) -> None:
    given = [f"{argument}={value}"] if argument else [value]
    said = refused(call, capsys, "--home", lake, *words.split(), *given)
    assert expected in said
    assert argument in said


@pytest.mark.parametrize(("words", "said"), MISREAD)
def test_what_no_command_has_is_refused_and_where_its_help_is(
    call: Run, lake: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    printed = refused(call, capsys, "--home", lake, *words)
    assert said in printed
    assert "--help`" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("study", "supply", "--show", "own"), "--fleet"),
        (("cost", "--start", "2021-01-01"), "--history"),
        (("cost", "--end", "2021-01-01"), "--history"),
        (("shutdown", "--drift", "0.1"), "--volatility"),
        (("shutdown", "--fee-share", "0.1", "--fees-to-subsidy", "0.1"), "--fees-to-subsidy"),
        (("metric", "show", "price", "difficulty.epoch"), "one grain"),
        (("shutdown", "--rig", "Abacus 3000"), "Abacus 3000"),
    ],
)
def test_what_does_not_go_together_is_refused(
    call: Run, capsys: pytest.CaptureFixture[str], lake: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(call, capsys, "--home", lake, *words)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("cost", "--assumptions"),
        ("cost", "--published"),
        ("rigs", "--rigs"),
        ("explain drop", "--causes"),
        ("explain drop", "--regions"),
        ("study supply", "--fleet"),
        ("study hosting", "--contracts"),
        ("shutdown", "--power-prices"),
    ],
)
def test_a_file_that_is_not_there_is_named(
    call: Run, capsys: pytest.CaptureFixture[str], lake: Path, words: str, option: str
) -> None:
    given = ("--home", lake, *words.split(), option, "/nowhere/mine.toml")
    assert "/nowhere/mine.toml" in refused(call, capsys, *given)


@pytest.mark.parametrize(
    ("words", "value"),
    [("pools", "--days=1"), ("study hosting", "--left-for-good=95%"), ("pools", "--days=007")],
)
def test_the_ends_of_what_is_expected_are_taken(
    call: Run, lake: Path, words: str, value: str
) -> None:
    done = call("--home", lake, *words.split(), value, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")
