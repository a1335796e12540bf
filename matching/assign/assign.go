// Package assign decides which teams go to which jobs: numbers in, an assignment
// out. It does no I/O and knows no clock, no store and no person.
//
// The objective is lexicographic: person-days of tier 1, then of tier 2, then of
// tier 3, then score.
package assign

import (
	"cmp"
	"slices"
)

// Problem is one assignment problem. Days are whole and both ends count.
type Problem struct {
	Jobs  []Job
	Teams []Team
	Pairs []Pair // the feasible ones: trade, distance, days and pay already agree
}

// Job wants at most Demand people on each day from Start to End.
type Job struct{ Demand, Start, End int }

// Team has Headcount people, of whom a group of Smallest or more goes to a job.
// Tier is 1 to 3; 1 are cooperatives.
type Team struct{ Tier, Headcount, Smallest int }

// Pair says that a team could do a job, and how well: points a person.
type Pair struct{ Team, Job, Score int }

// Assignment sends Count people of Team to Job for all of its days.
type Assignment struct{ Team, Job, Count int }

// Greedy takes the pairs in the order of tier, then score, then index, and sends
// as many people as fit. It is deterministic: the same problem has the same answer.
func Greedy(p Problem) []Assignment {
	order := make([]int, len(p.Pairs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := p.Pairs[a], p.Pairs[b]
		return cmp.Or(cmp.Compare(p.Teams[x.Team].Tier, p.Teams[y.Team].Tier), cmp.Compare(y.Score, x.Score), cmp.Compare(a, b))
	})
	open := make([]int, len(p.Jobs)) // places left
	for j := range p.Jobs {
		open[j] = p.Jobs[j].Demand
	}
	sent := make([][]Assignment, len(p.Teams)) // by team
	var out []Assignment
	for _, i := range order {
		pair := p.Pairs[i]
		t, j := p.Teams[pair.Team], p.Jobs[pair.Job]
		n := min(open[pair.Job], t.Headcount-busiest(p, sent[pair.Team], j))
		if n < t.Smallest || n < 1 || sentTo(sent[pair.Team], pair.Job) {
			continue
		}
		a := Assignment{pair.Team, pair.Job, n}
		open[pair.Job] -= n
		sent[pair.Team] = append(sent[pair.Team], a)
		out = append(out, a)
	}
	return out
}

// busiest gives the most people of a team that are out on one of a job's days.
func busiest(p Problem, out []Assignment, j Job) int {
	most := 0
	for _, first := range out {
		// The number rises only where an assignment begins, or on j's first day.
		day := max(j.Start, p.Jobs[first.Job].Start)
		n := 0
		for _, a := range out {
			if o := p.Jobs[a.Job]; o.Start <= day && day <= o.End && day <= j.End {
				n += a.Count
			}
		}
		most = max(most, n)
	}
	return most
}

func sentTo(out []Assignment, job int) bool {
	return slices.ContainsFunc(out, func(a Assignment) bool { return a.Job == job })
}
