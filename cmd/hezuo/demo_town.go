package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"hezuo/market"
)

// size is how much there is in a town.
type size struct {
	cooperatives, teams int // teams of cooperatives
	employers, jobs     int
	agencies            int // of the second tier
	outsiders           int // owners of the third, of whom four are agencies
}

// liaocheng is the size of the demonstration.
var liaocheng = size{cooperatives: 60, teams: 200, employers: 150, jobs: 300, agencies: 5, outsiders: 7}

// town is a made-up Liaocheng before any of it is in a store. All of it follows
// from the seed and the moment: nobody in it exists.
type town struct {
	size   size
	now    time.Time
	rand   *rand.Rand
	phones phones
	codes  codes

	admin, auditor resident
	operators      map[string]resident // by county
	houses         []*household
	cast           cast
}

// resident is a person.
type resident struct{ phone, name string }

// household is a party with the person who acts for it, and what it posts.
type household struct {
	person     resident
	form       market.PartyForm
	registered time.Time
	decision   *market.Decision // nil: it still waits for an operator
	decided    time.Time
	teams      []teamPlan
	jobs       []jobPlan
}

// verified reports whether the household may post.
func (h *household) verified() bool { return h.decision != nil && h.decision.Approve }

type teamPlan struct {
	post   market.TeamPost
	opened time.Time // zero: it stays a draft
	closed bool
}

// fate is what becomes of a job.
type fate string

const (
	fateOpen    fate = "open"
	fateTalk    fate = "talk"   // open, with talks under way
	fateFilled  fate = "filled" // as far as somebody agrees on all of it
	fateDraft   fate = "draft"
	fateReview  fate = "in review"
	fateRefused fate = "refused" // sent back to draft
	fateClosed  fate = "closed"
	fateRemoved fate = "removed"
	fateExpired fate = "expired"
)

// early reports whether the job's story is over before the market opens.
func (f fate) early() bool { return f != fateOpen && f != fateTalk && f != fateFilled }

type jobPlan struct {
	post     market.JobPost
	fate     fate
	written  time.Time
	reviewed time.Time
}

// village is where a household is. Its name and position are made up, its town is
// not.
type village struct {
	county, town market.Place
	name         string
	point        market.Point
}

// newTown makes the town of a seed.
func newTown(seed uint64, size size, now time.Time) (*town, error) {
	t := &town{size: size, now: now.UTC().Truncate(time.Second), rand: rand.New(rand.NewPCG(seed, seed)), operators: map[string]resident{}} //nolint:gosec // the same seed is to give the same town
	t.admin, t.auditor = t.resident(), t.resident()
	counties := market.Counties()
	for _, c := range counties {
		t.operators[c.Code] = t.resident()
	}
	if err := t.castStory(); err != nil {
		return nil, err
	}
	for _, build := range []func([]market.Place) error{t.buildCooperatives, t.buildAgencies, t.buildEmployers} {
		if err := build(counties); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *town) resident() resident { return resident{t.phones.next(), personName(t.rand)} }

func (t *town) today() market.Date { return market.DateOf(t.now) }

// ago gives a moment between two distances from now.
func (t *town) ago(least, most time.Duration) time.Time {
	return t.now.Add(-least - time.Duration(t.rand.Int64N(int64(most-least)))).Truncate(time.Second)
}

// village makes a village of a county, so far from its seat, km.
func (t *town) village(county market.Place, least, most float64) village {
	towns := market.Towns(county.Code)
	v := village{county: county, name: villageName(t.rand)}
	for v.town.Code == "" || !strings.HasSuffix(v.town.Name, "镇") && !strings.HasSuffix(v.town.Name, "乡") {
		v.town = pick(t.rand, towns)
	}
	v.point = beside(market.Point{Lat: county.Lat, Lon: county.Lon}, least+(most-least)*t.rand.Float64(), 2*math.Pi*t.rand.Float64())
	return v
}

// beside gives the point so many km away in a direction, to four decimals.
func beside(p market.Point, km, angle float64) market.Point {
	const degree = 111.2 // km of latitude
	round := func(x float64) float64 { return math.Round(x*1e4) / 1e4 }
	return market.Point{
		Lat: round(p.Lat + km*math.Cos(angle)/degree),
		Lon: round(p.Lon + km*math.Sin(angle)/degree/math.Cos(p.Lat*math.Pi/180)),
	}
}

func (v village) site(detail string) market.Site {
	return market.Site{Place: v.town.Code, Detail: v.name + detail, Point: &v.point}
}

// newcomer makes a household that registered some weeks ago and was verified.
func (t *town) newcomer(kind market.PartyKind, county, name, reason string) (*household, error) {
	h := &household{person: t.resident(), registered: t.ago(20*24*time.Hour, 45*24*time.Hour)}
	h.decided = h.registered.Add(6*time.Hour + time.Duration(t.rand.Int64N(int64(24*time.Hour))))
	h.decision = &market.Decision{Approve: true, Reason: reason}
	h.form = market.PartyForm{Kind: kind, Market: county, Name: name, ContactName: h.person.name, ContactPhone: h.person.phone}
	if kind == market.Individual {
		h.form.Name, h.form.IdentityNumber = h.person.name, t.codes.identityNumber(t.rand)
		return h, nil
	}
	authority := "91"
	if kind == market.Cooperative {
		authority = "93"
	}
	h.form.Representative = h.person.name
	var err error
	h.form.CreditCode, err = t.codes.creditCode(authority, county)
	return h, err
}

// cooperative makes a village's cooperative.
func (t *town) cooperative(v village) (*household, error) {
	name := v.county.Name + v.town.Name + v.name + "农村劳务专业合作社"
	h, err := t.newcomer(market.Cooperative, v.county.Code, name, "")
	if err != nil {
		return nil, err
	}
	h.form.Members, h.form.FarmerShare = 18+t.rand.IntN(90), 85+t.rand.IntN(16)
	h.decision.Reason = fmt.Sprintf("营业执照、社员名册核对一致：社员%d人，农民占%d%%", h.form.Members, h.form.FarmerShare)
	return h, nil
}

// agency makes a licensed agency.
func (t *town) agency(county market.Place, partnered bool) (*household, error) {
	h, err := t.newcomer(market.Agency, county.Code, county.Name+pick(t.rand, firmWords)+"人力资源服务有限公司", "人力资源服务许可证核对一致，尚无与合作社合作的记录")
	if err != nil {
		return nil, err
	}
	h.form.Licence = &market.Licence{Number: fmt.Sprintf("（演示）鲁聊人服证字第%04d号", int(t.codes)), Expires: t.today().Add(400 + t.rand.IntN(400))}
	if partnered {
		h.decision.Partnered, h.decision.Reason = true, "人力资源服务许可证及与合作社的合作协议核对一致"
	}
	return h, nil
}

// team makes a team of a village for a work.
func (t *town) team(v village, w work) teamPlan {
	people := 8 + t.rand.IntN(23)
	low := market.Fen(tradeOf(w.trade).ExampleDayLowFen)
	p := market.TeamPost{
		Name: v.name + tradeOf(w.trade).Name + "队", Trades: w.tradesBeside(t.rand),
		Headcount: people, Smallest: 1 + t.rand.IntN(people/2),
		Base: v.site(""), RadiusKm: float64(15 + 5*t.rand.IntN(6)),
		LowestPay: (low + low*market.Fen(t.rand.IntN(20))/100) / 500 * 500,
		About:     pick(t.rand, []string{"队员多为本村社员，会骑电动车，能早出晚归。", "常年外出做工，自带常用工具。", "农闲时全员可出，农忙时出一半。", ""}),
	}
	from, to := t.today().Add(-t.rand.IntN(6)), t.today().Add(30+t.rand.IntN(60))
	p.Free = []market.Period{{From: from, To: to}}
	if t.rand.IntN(3) == 0 { // away for a while in between
		gap := t.today().Add(6 + t.rand.IntN(15))
		p.Free = []market.Period{{From: from, To: gap}, {From: gap.Add(4), To: to}}
	}
	return teamPlan{post: p, opened: t.ago(time.Hour, 15*24*time.Hour)}
}

// anyWork draws a work: mostly one of the season.
func (t *town) anyWork() work {
	if t.rand.IntN(5) == 0 {
		return pick(t.rand, works)
	}
	return pick(t.rand, inSeason(t.now.In(market.Shanghai).Month()))
}
