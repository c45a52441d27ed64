"""A state file lets the same world go on, however its process ended."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.journal import Journal
from dashboard.simulator.server.run import Options, make_exchange
from tests.simulator.caller import Caller


def _picture(caller: Caller, group: dict[str, Any]) -> list[Any]:
    path = caller.group_path(group)
    series = caller.get(f"{path}/completes-aggregated-by-interval", aggregation_interval="PT1H")
    return [
        caller.get(f"{path}/changelog"),
        caller.get(f"{path}/re-entry-configuration"),
        caller.get(f"{path}/overview")["current_cost_per_interview"],
        series["aggregated_completes_intervals"][:-2],
    ]


def test_a_killed_world_goes_on_where_it_was(tmp_path: Path) -> None:
    state = tmp_path / "field.journal"
    with Simulator(process=True, state=state, groups=12, history_days=3, speed=0) as simulator:
        caller = Caller(simulator)
        group = simulator.groups(status="live", pricing_model="dynamic")[0]
        path = caller.group_path(group)
        price = {"value": "9.87", "currency_code": group["currency_code"]}
        caller.put(f"{path}/cost-per-interview", {"target_group_cpi": price})
        simulator.advance(hours=5)
        settings = caller.get(f"{path}/re-entry-configuration")
        settings["completes"]["client_side"]["allow_for_other_target_groups"] = True
        caller.put(f"{path}/re-entry-configuration", settings)
        simulator.force(group["id"], "completes", add=11)
        before = _picture(caller, group), simulator.groups(), simulator.control("GET", "clock")
        simulator.kill()
        simulator.start()
        after = _picture(caller, group), simulator.groups(), simulator.control("GET", "clock")
        assert after == before


def test_what_was_made_keeps_its_id_and_secret(tmp_path: Path) -> None:
    with Simulator(state=tmp_path / "j", groups=4, history_days=1) as simulator:
        caller = Caller(simulator)
        body = {"url": "https://hooks.example.com/", "events": ["target-group-updated"]}
        hook = caller.post("/accounts/101/webhooks", body, expect=201)
        simulator.stop()
        simulator.start()
        shown = {name: value for name, value in hook.items() if name != "secret"}
        assert caller.get("/accounts/101/webhooks")["webhooks"] == [shown]
    again = make_exchange(Options(state=tmp_path / "j"))
    again.journal.close()
    assert again.world.webhooks[hook["id"]].secret == hook["secret"]


def test_a_half_written_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    journal.write("clock", wall=1.0, field=2, speed=3.0)
    journal.close()
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        again = Journal(path)
        again.close()
        assert len(again.lines) == 1
        assert path.read_bytes() == whole


def test_another_speed_goes_on_from_the_same_moment(tmp_path: Path) -> None:
    wall = [1_790_000_000.0]
    options: dict[str, Any] = {
        "projects": 1,
        "groups": 3,
        "history_days": 1,
        "state": tmp_path / "j",
    }
    make_exchange(Options(**options), wall=lambda: wall[0]).journal.close()
    wall[0] += 100
    faster = make_exchange(Options(**options, speed=60), wall=lambda: wall[0])
    faster.journal.close()
    assert faster.world.clock.now() == 1_790_000_100_000
    wall[0] += 10
    again = make_exchange(Options(**options), wall=lambda: wall[0])
    again.journal.close()
    assert again.world.clock.now() == 1_790_000_700_000


def test_the_process_says_when_it_is_ready_and_stops_when_told() -> None:
    command = [sys.executable, "-m", "dashboard.simulator", "--port", "0", "--groups", "3"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        child.terminate()
        assert child.wait(10) == 0
    assert line.startswith("simulator ready: http://127.0.0.1:")
    assert line.endswith(" account 101\n")


@pytest.mark.parametrize("words", [["--faults", "gremlins"], ["--client-id", "x"]])
def test_wrong_options_are_explained(words: list[str]) -> None:
    command = [sys.executable, "-m", "dashboard.simulator", "--port", "0", *words]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert ended.returncode == 2
    assert "error:" in ended.stderr


def test_a_soft_launch_that_the_exchange_ended_ends_again(tmp_path: Path) -> None:
    with Simulator(state=tmp_path / "j", groups=12, history_days=1, speed=0) as simulator:
        caller = Caller(simulator)
        group = simulator.groups(status="live")[0]
        path = f"{caller.group_path(group)}/fielding-assistant-assignment"
        launch = {
            "end_at": "2099-01-01T00:00:00.000Z",
            "filling_goal_percentage": 1,
            "demographics_strictness_percentage": 0,
        }
        caller.put(path, {"soft_launch": launch}, expect=204)
        simulator.force(group["id"], "completes", add=group["goal"])
        simulator.advance(hours=2)
        assert "soft_launch" not in caller.get(path)
        quotas = {"quota_overlay": {"prevent_overfill": True, "balance_fill": False}}
        caller.put(path, quotas, expect=204, headers={"If-Match": caller.headers["ETag"]})
        simulator.stop()
        simulator.start()
        assert caller.get(path) == quotas
