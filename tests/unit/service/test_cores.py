"""How many workers "auto" is: the cores that we may use, and not those that the machine has."""

import pytest

from mailaccess.service.cores import cores


@pytest.fixture
def group(tmp_path):
    """A control group in another, as /proc and /sys tell of it."""
    (tmp_path / "cgroup").write_text("1:name=systemd:/old\n0::/system.slice/mailaccess.service\n")
    folder = tmp_path / "fs" / "system.slice" / "mailaccess.service"
    folder.mkdir(parents=True)
    return folder


def counted(tmp_path, bound_to=8):
    return cores(tmp_path / "cgroup", tmp_path / "fs", lambda: bound_to)


def test_without_a_quota_they_are_those_the_process_is_bound_to(tmp_path, group):
    assert counted(tmp_path) == 8
    (group / "cpu.max").write_text("max 100000\n")
    assert counted(tmp_path) == 8


@pytest.mark.parametrize(
    "quota, count", [("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("9900000 100000", 8)]
)
def test_a_quota_bounds_them(tmp_path, group, quota, count):
    (group / "cpu.max").write_text(quota + "\n")
    assert counted(tmp_path) == count


def test_the_quota_of_a_group_around_ours_counts_too(tmp_path, group):
    (group / "cpu.max").write_text("400000 100000\n")
    (group.parent / "cpu.max").write_text("300000 100000\n")
    assert counted(tmp_path) == 3


@pytest.mark.parametrize("nonsense", ["", "0 0\n", "many\n", "-1 100000\n"])
def test_what_nobody_can_read_does_not_keep_us_from_serving(tmp_path, group, nonsense):
    (group / "cpu.max").write_text(nonsense)
    assert counted(tmp_path) >= 1


def test_where_there_are_no_control_groups_nothing_is_missing(tmp_path):
    assert counted(tmp_path, bound_to=3) == 3


def test_in_a_container_the_root_is_its_own(tmp_path):
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "fs").mkdir()
    (tmp_path / "fs" / "cpu.max").write_text("100000 100000\n")
    assert counted(tmp_path) == 1
