"""Drift: a change is found soon, and a stream that stays the same is left alone."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.core.errors import BadInput
from shiftlead.guardrails.drift import Adwin, kolmogorov_smirnov, mmd, psi


def fed(window, values):
    return [index for index, value in enumerate(values) if window.learn(value)]


def corrections(seed, rate, cases):
    random = Random(seed)
    return [random.random() < rate for _ in range(cases)]


class TestAdwin:
    def test_a_rate_that_rises_is_found_and_the_past_forgotten(self):
        window = Adwin()
        assert fed(window, corrections(1, 0.05, 1000)) == []
        alarms = fed(window, corrections(2, 0.3, 200))
        assert alarms
        assert alarms[0] <= 120
        assert window.n < 500
        assert window.mean > 0.2

    def test_a_rate_that_falls_is_no_alarm_and_forgotten_too(self):
        window = Adwin()
        fed(window, corrections(1, 0.4, 1000))
        assert fed(window, corrections(2, 0.02, 500)) == []
        assert window.mean < 0.1

    def test_ten_thousand_cases_of_the_same_kind_raise_no_alarm(self):
        assert fed(Adwin(), corrections(3, 0.1, 10_000)) == []

    def test_memory_grows_with_the_logarithm(self):
        window = Adwin()
        fed(window, corrections(4, 0.1, 20_000))
        assert window.n == 20_000
        assert len(window.to_json()) < 1000

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.floats(0, 1), max_size=200))
    def test_the_window_counts_what_is_in_it_and_goes_on_where_its_text_was_kept(self, values):
        window = Adwin(sensitivity=0.3)
        for value in values:
            window.learn(value)
            again = Adwin.from_json(window.to_json())
            assert again.n == window.n
            assert again.total == pytest.approx(window.total)
        assert window.total == pytest.approx(sum(values[len(values) - window.n :]))

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
    def test_a_value_outside_zero_and_one_is_refused(self, value):
        with pytest.raises(BadInput):
            Adwin().learn(value)

    @pytest.mark.parametrize("text", ["", "1", "[]", "[0.1,[[null]]]", "[2,[[]]]"])
    def test_a_damaged_text_is_refused(self, text):
        with pytest.raises(BadInput):
            Adwin.from_json(text)


class TestNumbers:
    SAME = [step / 200 for step in range(200)]

    def test_psi_of_equal_samples_is_nothing_and_of_a_shift_is_much(self):
        assert psi(self.SAME, self.SAME) == pytest.approx(0.0)
        assert psi(self.SAME, [value + 0.3 for value in self.SAME]) > 0.25

    def test_psi_of_samples_without_a_common_value_is_finite(self):
        assert 1 < psi([0.0] * 50, [1.0] * 50) < 100 or psi([0.0] * 50, [1.0] * 50) == pytest.approx(0.0)
        assert psi(self.SAME, [9.0] * 50) > 1

    def test_kolmogorov_smirnov_from_the_tables(self):
        # for large samples the 5 % point is 1.358 * sqrt((m + n) / (m * n))
        old, new = [float(step) for step in range(1000)], [step + 60.75 for step in range(1000)]
        found = kolmogorov_smirnov(old, new)
        assert found.distance == pytest.approx(0.061)
        assert found.p == pytest.approx(0.05, abs=0.01)

    def test_kolmogorov_smirnov_of_equal_and_of_strange_samples(self):
        assert kolmogorov_smirnov(self.SAME, self.SAME) == (0.0, 1.0)
        apart = kolmogorov_smirnov(self.SAME, [value + 2 for value in self.SAME])
        assert apart.distance == 1.0
        assert apart.p < 1e-12

    @pytest.mark.parametrize("compare", [psi, kolmogorov_smirnov])
    @pytest.mark.parametrize(("before", "now"), [([], [1.0]), ([1.0], []), ([1.0], [float("nan")])])
    def test_nothing_and_no_numbers_are_refused(self, compare, before, now):
        with pytest.raises(BadInput):
            compare(before, now)


class TestMeaning:
    """Texts as embeddings: eight numbers, around a centre that moves when they come to mean something else."""

    @staticmethod
    def texts(seed, n, moved=0.0):
        import numpy as np

        rows = np.random.default_rng(seed).normal(size=(n, 8))
        rows[:, 0] += moved
        return rows

    def test_a_shift_is_found_and_sameness_is_not(self):
        reference = self.texts(0, 200)
        assert mmd(reference, self.texts(1, 60, moved=1.0), permutations=499).p <= 0.004
        assert mmd(reference, self.texts(2, 60), permutations=499).p > 0.01

    def test_its_p_value_is_honest(self):
        """Where nothing changed, as many p-values lie below a fifth as should; 22 of 60 would be one in five hundred."""
        low = sum(mmd(self.texts(seed, 60), self.texts(1000 + seed, 30), permutations=49).p <= 0.2 for seed in range(60))
        assert 2 <= low <= 22

    @pytest.mark.parametrize(("columns", "rows"), [(7, 10), (8, 1)])
    def test_shapes_that_do_not_go_together_are_refused(self, columns, rows):
        with pytest.raises(BadInput):
            mmd(self.texts(0, 10), self.texts(1, rows)[:, :columns])

    def test_numbers_that_are_none_are_refused(self):
        bad = self.texts(1, 10)
        bad[3, 3] = float("nan")
        with pytest.raises(BadInput):
            mmd(self.texts(0, 10), bad)
