package market

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestBadJobPost(t *testing.T) {
	type p = JobPost
	refuses(t, goodPost, func(v JobPost) error { return v.Validate(morning) }, slices.Concat(
		text("title", 2, 60, func(v *p, s string) { v.Title = s }),
		text("duties", 5, 2000, func(v *p, s string) { v.Duties = s }),
		text("requirements", 1, 1000, func(v *p, s string) { v.Requirements = s }),
		text("source", 0, 200, func(v *p, s string) { v.Source = s }),
		oneOf("trade", func(v *p, s string) { v.Trade = s }),
		within("headcount", 1, 1000, func(v *p, n int) { v.Headcount = n }),
		measure("hours_per_day", func(v *p, x float64) { v.HoursPerDay = x }, 0, 0.25, 0.49, 7.75, 12.5, 24, math.SmallestNonzeroFloat64),
		pay("pay", func(v *p) *Pay { return &v.Pay }),
		site("site", func(v *p) *Site { return &v.Site }),
		conditions("conditions", func(v *p) *Conditions { return &v.Conditions }),
		date("period.from", func(v *p, d Date) { v.Period.From = d }, "2026-02-28"),
		date("period.to", func(v *p, d Date) { v.Period.To = d }, "2026-03-09", "2027-03-11", "9999-12-31"),
		[]bad[p]{
			{"period.from", "over a year from now", func(v *p) { v.Period = Period{"2027-03-03", "2027-03-04"} }},
			{"deadline", "missing", func(v *p) { v.Deadline = time.Time{} }},
			{"deadline", "now", func(v *p) { v.Deadline = morning }},
			{"deadline", "past", func(v *p) { v.Deadline = morning.Add(-time.Nanosecond) }},
			{"deadline", "after the work", func(v *p) { v.Deadline = v.Period.End().Add(time.Nanosecond) }},
			{"deadline", "in a thousand years", func(v *p) { v.Deadline = morning.AddDate(1000, 0, 0) }},
		},
	))
}

// TestJobPostNamesEveryFault: a form is corrected in one go.
func TestJobPostNamesEveryFault(t *testing.T) {
	names := map[string]bool{}
	collect(names, JobPost{}.Validate(morning))
	for _, f := range []string{
		"title", "trade", "duties", "requirements", "headcount", "period.from", "hours_per_day", "pay.amount_fen", "site.place",
		"conditions.meals", "conditions.lodging", "conditions.transport", "deadline",
	} {
		if !names[f] {
			t.Errorf("an empty post is not told of %s", f)
		}
	}
}

func TestGoodPosts(t *testing.T) {
	for name, change := range map[string]func(*JobPost){
		"today, to its end": func(p *JobPost) {
			p.Period = Period{"2026-03-01", "2026-03-01"}
			p.Deadline = p.Period.End()
		},
		"a year from now, for a year": func(p *JobPost) {
			p.Period = Period{"2027-03-02", "2028-03-01"}
			p.Deadline = p.Period.Start()
		},
		"a leap day":       func(p *JobPost) { p.Period = Period{"2026-03-10", "2026-03-31"} },
		"half an hour":     func(p *JobPost) { p.HoursPerDay = 0.5 },
		"twelve hours":     func(p *JobPost) { p.HoursPerDay = 12 },
		"a town, no point": func(p *JobPost) { p.Site = Site{Place: "371502001"} },
		"many lines":       func(p *JobPost) { p.Duties = "一、摘梨\n二、装箱\t三、过秤" },
		"a span of pay": func(p *JobPost) {
			p.Requirements = "日薪 150-180 元，2026-03-10 至 2026-03-14，每天 8:00-17:00"
		},
		"two dates and a time": func(p *JobPost) { p.Requirements = "2026-03-10 2026-03-14 10点" },
		"a long number":        func(p *JobPost) { p.Requirements = "公告第 2026037150200001 号" },
		"a service line":       func(p *JobPost) { p.Requirements = "投诉 12333，市场 0635-8241234" },
		"rare characters":      func(p *JobPost) { p.Title = "𠮷林摘梨" },
	} {
		p := goodPost()
		change(&p)
		if err := p.Validate(morning); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadTeamPost(t *testing.T) {
	type p = TeamPost
	many := func(n int) []Period {
		out := make([]Period, n)
		for i := range out {
			d := Date("2026-03-01").Add(2 * i)
			out[i] = Period{d, d}
		}
		return out
	}
	refuses(t, goodTeam, func(v TeamPost) error { return v.Validate(morning) }, slices.Concat(
		text("name", 2, 40, func(v *p, s string) { v.Name = s }),
		text("about", 0, 500, func(v *p, s string) { v.About = s }),
		oneOf("trades[1]", func(v *p, s string) { v.Trades[1] = s }),
		within("smallest_group", 1, 12, func(v *p, n int) { v.Smallest = n }),
		measure("radius_km", func(v *p, x float64) { v.RadiusKm = x }, 0, 0.99, 500.01),
		within("lowest_pay_fen", 0, 100_000_000, func(v *p, n int) { v.LowestPay = Fen(n) }),
		site("base", func(v *p) *Site { return &v.Base }),
		date("free[0].from", func(v *p, d Date) { v.Free[0].From = d }),
		date("free[0].to", func(v *p, d Date) { v.Free[0].To = d }, "2026-02-28", "2027-03-03"),
		[]bad[p]{
			{"trades", "none", func(v *p) { v.Trades = nil }},
			{"trades", "too many", func(v *p) {
				v.Trades = nil
				for _, trade := range Trades()[:11] {
					v.Trades = append(v.Trades, trade.Code)
				}
			}},
			{"trades[1]", "twice", func(v *p) { v.Trades[1] = v.Trades[0] }},
			{"headcount", "0", func(v *p) { v.Headcount = 1001 }},
			{"free", "none", func(v *p) { v.Free = nil }},
			{"free", "too many", func(v *p) { v.Free = many(21) }},
			{"free[1]", "overlap", func(v *p) { v.Free = []Period{{"2026-03-05", "2026-03-09"}, {"2026-03-01", "2026-03-05"}} }},
			{"free[0].to", "past", func(v *p) { v.Free = []Period{{"2026-02-01", "2026-02-28"}} }},
		},
	))
}

func TestGoodTeams(t *testing.T) {
	for name, change := range map[string]func(*TeamPost){
		"goes whole":         func(p *TeamPost) { p.Smallest = p.Headcount },
		"for any pay":        func(p *TeamPost) { p.LowestPay = 0 },
		"free to today":      func(p *TeamPost) { p.Free = []Period{{"2026-01-01", "2026-03-01"}} },
		"free day after day": func(p *TeamPost) { p.Free = []Period{{"2026-03-02", "2026-03-03"}, {"2026-03-01", "2026-03-01"}} },
		"of a town":          func(p *TeamPost) { p.Base.Place = "371502001" },
	} {
		p := goodTeam()
		change(&p)
		if err := p.Validate(morning); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
