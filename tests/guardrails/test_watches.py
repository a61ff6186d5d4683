"""Watches: a rate that rises is found soon, one that keeps its ceiling is left alone."""

from random import Random

import pytest

from shiftlead.guardrails.watches import LaneWatch, RateWatch


def until_alarm(watch, rate, ceiling, random, most=20_000):
    for count in range(1, most + 1):
        watch.learn(random.random() < rate, ceiling)
        if watch.alarmed:
            return count
    return most


def test_a_jump_is_found_within_a_hundred_cases_after_a_long_good_past():
    waits = []
    for seed in range(30):
        random, watch = Random(seed), RateWatch(patience=1000)
        for _ in range(1000):
            watch.learn(random.random() < 0.005, 0.02)
        assert not watch.alarmed
        waits.append(until_alarm(watch, 0.12, 0.02, random))
    assert sorted(waits)[15] <= 60
    assert sum(wait <= 100 for wait in waits) >= 25


def test_at_its_ceiling_the_mean_wait_for_a_false_alarm_is_at_least_the_patience():
    waits = [until_alarm(RateWatch(patience=200), 0.1, 0.1, Random(seed)) for seed in range(150)]
    assert sum(waits) / len(waits) > 200


def test_it_goes_on_where_its_state_was_kept():
    random, whole, parted = Random(1), RateWatch(patience=1000), RateWatch(patience=1000)
    for _ in range(300):
        hit = random.random() < 0.03
        whole.learn(hit, 0.02)
        parted = RateWatch(patience=1000, logs=parted.state())
        parted.learn(hit, 0.02)
    assert parted.state() == pytest.approx(whole.state(), abs=1e-6)


def test_a_million_cases_stay_in_numbers():
    watch = RateWatch(patience=1000, logs=[5000.0] * 4)
    watch.learn(True, 0.02)
    assert watch.alarmed


class TestLane:
    """A lane of which 5 % are looked at, while a tenth of the traffic falls below its floor."""

    def flow(self, random, below, cases, error=0.0):
        watch = LaneWatch(0.02, 0.05)
        watch.below = 0.1
        looked_at = 0
        for _ in range(cases):
            if random.random() < below:
                watch.outside()
            elif random.random() < 0.05:
                looked_at += 1
                watch.inside(random.random() >= error, 0.05)
            if watch.why:
                break
        return watch.why, looked_at

    def test_quiet_traffic_stays_open(self):
        assert [self.flow(Random(seed), 0.1, 5000)[0] for seed in range(10)] == [""] * 10

    def test_a_growing_share_below_the_floor_closes_it_before_a_hundred_were_looked_at(self):
        for seed in range(10):
            why, looked_at = self.flow(Random(seed), 0.25, 20_000)
            assert "below the floor" in why
            assert looked_at <= 100

    def test_errors_close_it(self):
        why, looked_at = self.flow(Random(1), 0.1, 20_000, error=0.12)
        assert why == "More than 2.0% of what runs alone is wrong now."
        assert looked_at <= 150

    def test_where_nobody_counted_only_errors_are_watched(self):
        watch = LaneWatch(0.02, 0.05)
        for _ in range(5000):
            watch.outside()
        assert not watch.why
