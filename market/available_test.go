package market

import (
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// prove runs a property a hundred times, or many more where all is to be proven.
func prove(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	n := 1
	if os.Getenv("HEZUO_PROVE") == "full" {
		n = 200
	}
	for range n {
		rapid.Check(t, property)
	}
}

const firstDay = Date("2026-12-01") // so that days run over the end of a year

func drawPeriod(t *rapid.T, label string) Period {
	from := rapid.IntRange(0, 60).Draw(t, label)
	return Period{firstDay.Add(from), firstDay.Add(from + rapid.IntRange(0, 20).Draw(t, label+" length"))}
}

// TestAvailableDayByDay compares what is free with a count of each day.
func TestAvailableDayByDay(t *testing.T) {
	prove(t, func(t *rapid.T) {
		team := &Team{State: TeamOpen, Post: TeamPost{Headcount: rapid.IntRange(1, 20).Draw(t, "headcount"), Smallest: 1}, Holds: map[string]Hold{}}
		for i := range rapid.IntRange(1, 5).Draw(t, "free periods") {
			team.Post.Free = append(team.Post.Free, drawPeriod(t, fmt.Sprint("free ", i)))
		}
		for i := range rapid.IntRange(0, 8).Draw(t, "holds") {
			team.Holds[fmt.Sprint("h", i)] = Hold{
				People: rapid.IntRange(0, 6).Draw(t, "people"), Period: drawPeriod(t, "hold"), Over: rapid.Bool().Draw(t, "over"),
			}
		}
		p, beside := drawPeriod(t, "asked"), rapid.SampledFrom([]string{"", "h0", "h1"}).Draw(t, "beside")
		want := team.Post.Headcount
		for day := p.From; day <= p.To; day = day.Add(1) {
			free := false
			for _, f := range team.Post.Free {
				free = free || f.From <= day && day <= f.To
			}
			left := team.Post.Headcount
			for id, h := range team.Holds {
				if id != beside && !h.Over && h.Period.From <= day && day <= h.Period.To {
					left -= h.People
				}
			}
			if !free {
				left = 0
			}
			want = min(want, max(0, left))
		}
		if got := team.Available(p, beside); got != want {
			t.Fatalf("%d are free from %s to %s, want %d", got, p.From, p.To, want)
		}
	})
}

// TestNeverOverpromised: whatever is asked, given back and changed, no day is
// promised beyond the headcount.
func TestNeverOverpromised(t *testing.T) {
	prove(t, func(t *rapid.T) {
		team := &Team{State: TeamOpen, Post: goodTeam()}
		team.Post.Free = []Period{{firstDay, firstDay.Add(90)}}
		asked := 0
		for range rapid.IntRange(1, 30).Draw(t, "acts") {
			id := fmt.Sprint("h", rapid.IntRange(0, 5).Draw(t, "handshake"))
			switch rapid.IntRange(0, 5).Draw(t, "act") {
			case 0:
				_, _ = team.Release(id, drawPeriod(t, "released"), firstDay.Start())
			case 1:
				post := team.Post
				post.Headcount = rapid.IntRange(2, 20).Draw(t, "headcount")
				_, _ = team.Edit(post, morning)
			case 2:
				_, _ = team.Close("harvest at home")
			case 3:
				_, _ = team.Open(1, morning)
			default:
				asked++
				team.Ask(id, asked, rapid.IntRange(1, 13).Draw(t, "people"), drawPeriod(t, "held"))
			}
			for day := firstDay; day <= firstDay.Add(90); day = day.Add(1) {
				n := 0
				for _, h := range team.Holds {
					if !h.Over && h.Period.From <= day && day <= h.Period.To {
						n += h.People
					}
				}
				if n > team.Post.Headcount {
					t.Fatalf("%d of %d are promised on %s", n, team.Post.Headcount, day)
				}
			}
		}
	})
}

func TestPeriodDayByDay(t *testing.T) {
	prove(t, func(t *rapid.T) {
		p, q := drawPeriod(t, "p"), drawPeriod(t, "q")
		days, shared, outside := 0, false, false
		for day := p.From; day <= p.To; day = day.Add(1) {
			days++
			shared = shared || q.From <= day && day <= q.To
			if day.Start().Before(p.Start()) || !day.Start().Before(p.End()) {
				t.Fatalf("%s is not within %v", day, p)
			}
		}
		for day := q.From; day <= q.To; day = day.Add(1) {
			outside = outside || day < p.From || p.To < day
		}
		if p.Days() != days || p.Overlaps(q) != shared || p.Covers(q) == outside {
			t.Fatalf("%v has %d days, overlaps %v, covers %v: %v", p, p.Days(), p.Overlaps(q), p.Covers(q), q)
		}
		if DateOf(p.Start()) != p.From || DateOf(p.End()) != p.To.Add(1) || DateOf(p.End().Add(-1)) != p.To {
			t.Fatalf("%v begins or ends on another day", p)
		}
	})
}

// TestDateIsOfShanghai: a day begins at 16:00 UTC of the day before, in every month.
func TestDateIsOfShanghai(t *testing.T) {
	for _, d := range []Date{"2026-01-01", "2026-03-01", "2028-02-29", "2026-12-31", "2026-07-01"} {
		if got := d.Start().UTC().Format("15:04:05"); got != "16:00:00" {
			t.Errorf("%s begins at %s UTC", d, got)
		}
		if DateOf(d.Start()) != d || DateOf(d.Start().Add(-1)) != d.Add(-1) {
			t.Errorf("%s does not begin where the day before ends", d)
		}
	}
	if Date("2027-02-28").Add(1) != "2027-03-01" || Date("2028-02-28").Add(1) != "2028-02-29" || Date("2026-12-31").Add(1) != "2027-01-01" {
		t.Error("days do not follow on one another")
	}
}
