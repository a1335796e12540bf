package assign

import (
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func prove(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	n := 1
	if os.Getenv("HEZUO_PROVE") == "full" {
		n = 500
	}
	for range n {
		rapid.Check(t, property)
	}
}

func draw(t *rapid.T) Problem {
	var p Problem
	for range rapid.IntRange(0, 5).Draw(t, "jobs") {
		start := rapid.IntRange(0, 10).Draw(t, "start")
		p.Jobs = append(p.Jobs, Job{Demand: rapid.IntRange(-1, 20).Draw(t, "demand"), Start: start, End: start + rapid.IntRange(0, 6).Draw(t, "days")})
	}
	for range rapid.IntRange(0, 6).Draw(t, "teams") {
		n := rapid.IntRange(0, 15).Draw(t, "headcount")
		p.Teams = append(p.Teams, Team{Tier: rapid.IntRange(1, 3).Draw(t, "tier"), Headcount: n, Smallest: rapid.IntRange(0, n+2).Draw(t, "smallest")})
	}
	if len(p.Jobs) == 0 || len(p.Teams) == 0 {
		return p
	}
	for range rapid.IntRange(0, 20).Draw(t, "pairs") {
		p.Pairs = append(p.Pairs, Pair{
			Team: rapid.IntRange(0, len(p.Teams)-1).Draw(t, "team"), Job: rapid.IntRange(0, len(p.Jobs)-1).Draw(t, "job"),
			Score: rapid.IntRange(0, 5).Draw(t, "score"),
		})
	}
	return p
}

// feasible says what is wrong with an assignment, counted day by day.
func feasible(p Problem, out []Assignment) string {
	for _, a := range out {
		if !slices.ContainsFunc(p.Pairs, func(q Pair) bool { return q.Team == a.Team && q.Job == a.Job }) {
			return "a team is sent where it cannot go"
		}
		if a.Count < 1 || a.Count < p.Teams[a.Team].Smallest {
			return "a group is too small"
		}
	}
	for j, job := range p.Jobs {
		n := 0
		for _, a := range out {
			if a.Job == j {
				n += a.Count
			}
		}
		if n > max(0, job.Demand) {
			return "a job has more people than it wants"
		}
	}
	for i, team := range p.Teams {
		for day := range 20 {
			n := 0
			for _, a := range out {
				if job := p.Jobs[a.Job]; a.Team == i && job.Start <= day && day <= job.End {
					n += a.Count
				}
			}
			if n > team.Headcount {
				return "a team sends more people than it has"
			}
		}
	}
	for i, a := range out {
		for _, b := range out[:i] {
			if a.Team == b.Team && a.Job == b.Job {
				return "a team is sent to one job twice"
			}
		}
	}
	return ""
}

func TestGreedy(t *testing.T) {
	prove(t, func(t *rapid.T) {
		p := draw(t)
		out := Greedy(p)
		if why := feasible(p, out); why != "" {
			t.Fatalf("%s: %v", why, out)
		}
		if !slices.IsSortedFunc(out, func(a, b Assignment) int { return p.Teams[a.Team].Tier - p.Teams[b.Team].Tier }) {
			t.Fatalf("a lower tier goes first: %v", out)
		}
		if again := Greedy(p); !slices.Equal(out, again) {
			t.Fatalf("the same problem has another answer: %v, %v", out, again)
		}
		// Nothing is left that could still be done: one more pair, with all that fits.
		for _, q := range p.Pairs {
			if slices.ContainsFunc(out, func(a Assignment) bool { return a.Team == q.Team && a.Job == q.Job }) {
				continue
			}
			n := max(1, p.Teams[q.Team].Smallest)
			if feasible(p, append(slices.Clone(out), Assignment{q.Team, q.Job, n})) == "" {
				t.Fatalf("%d of team %d could still go to job %d: %v", n, q.Team, q.Job, out)
			}
		}
	})
}

// TestLowerTierTakesNothing: without the teams of lower tiers those above have the
// very same.
func TestLowerTierTakesNothing(t *testing.T) {
	prove(t, func(t *rapid.T) {
		p := draw(t)
		above := Problem{Jobs: p.Jobs, Teams: p.Teams}
		tier := rapid.IntRange(1, 3).Draw(t, "tier")
		for _, q := range p.Pairs {
			if p.Teams[q.Team].Tier <= tier {
				above.Pairs = append(above.Pairs, q)
			}
		}
		with := slices.DeleteFunc(Greedy(p), func(a Assignment) bool { return p.Teams[a.Team].Tier > tier })
		if alone := Greedy(above); !slices.Equal(with, alone) {
			t.Fatalf("with the lower tiers %v, without %v", with, alone)
		}
	})
}
