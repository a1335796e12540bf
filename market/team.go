package market

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// TeamState is where a team is in its life. The set is closed.
type TeamState string

// The states of a team.
const (
	TeamDraft  TeamState = "draft"
	TeamOpen   TeamState = "open"   // it is on the market
	TeamClosed TeamState = "closed" // its owner took it off; what it has promised stays
)

// Team (劳务队) is people who are free together, and all that decides whether they
// can be promised once more.
type Team struct {
	Market  string          `json:"market"`
	Owner   string          `json:"owner"` // party id
	Tier    int             `json:"tier"`  // of its owner, when the team was last put on the market
	Post    TeamPost        `json:"post"`
	State   TeamState       `json:"state"`
	Holds   map[string]Hold `json:"holds,omitempty"` // by handshake
	Created time.Time       `json:"created"`
	Opened  time.Time       `json:"opened,omitzero"`
}

// TeamPost is what the owner writes.
type TeamPost struct {
	Name      string   `json:"name" minLength:"2" maxLength:"40" doc:"What the team is called"`
	Trades    []string `json:"trades" minItems:"1" maxItems:"10" doc:"Codes of its trades, from /v1/trades"`
	Headcount int      `json:"headcount" minimum:"1" maximum:"1000" doc:"People in the team"`
	Smallest  int      `json:"smallest_group" minimum:"1" maximum:"1000" doc:"The smallest group that goes alone; the headcount if the team goes whole"`
	Free      []Period `json:"free" minItems:"1" maxItems:"20" doc:"When it is free; periods that do not overlap"`
	Base      Site     `json:"base" doc:"Where it comes from"`
	RadiusKm  float64  `json:"radius_km" minimum:"1" maximum:"500" doc:"How far it goes, km"`
	LowestPay Fen      `json:"lowest_pay_fen" minimum:"0" maximum:"100000000" doc:"The lowest pay it goes for, fen a person and day"`
	About     string   `json:"about,omitempty" maxLength:"500" doc:"What it has done, what it brings"`
}

// Hold is a promise of people to a handshake. It is released only after the
// handshake has ended, and stays as a mark until its days are past, so that
// somebody who is late cannot promise the people to the ended handshake again.
type Hold struct {
	People int    `json:"people"` // 0 where nothing was ever promised
	Period Period `json:"period"`
	Over   bool   `json:"over,omitempty"`
	// Asked is the newest of the handshake's requests that was answered, and
	// Refused why, if it was refused; what was promised before then stands.
	Asked   int    `json:"asked,omitempty"`
	Refused string `json:"refused,omitempty"`
}

// Validate reports every field that is wrong.
func (p TeamPost) Validate(now time.Time) error {
	errs := []error{
		checkText("name", p.Name, 2, 40),
		checkPeople("headcount", p.Headcount),
		p.Base.Validate("base"),
		checkText("about", p.About, 0, 500),
	}
	if len(p.Trades) < 1 || len(p.Trades) > 10 {
		errs = append(errs, fault.Field("trades", "a team names 1 to 10 trades", "take codes from /v1/trades"))
	}
	for i, t := range p.Trades {
		errs = append(errs, checkTrade(fmt.Sprintf("trades[%d]", i), t))
		if slices.Contains(p.Trades[:i], t) {
			errs = append(errs, fault.Field(fmt.Sprintf("trades[%d]", i), "this trade is named twice", "name each trade once"))
		}
	}
	if p.Smallest < 1 || p.Smallest > p.Headcount {
		errs = append(errs, fault.Field("smallest_group", "the smallest group is not between 1 and the headcount", "give the headcount if the team goes whole"))
	}
	if !(p.RadiusKm >= 1 && p.RadiusKm <= 500) {
		errs = append(errs, fault.Field("radius_km", "the radius is out of range", "give 1 to 500 km"))
	}
	if p.LowestPay < 0 || p.LowestPay > 100_000_000 {
		errs = append(errs, fault.Field("lowest_pay_fen", "the pay is out of range", "give 0 to 100,000,000 fen"))
	}
	errs = append(errs, p.validateFree(now))
	return errors.Join(errs...)
}

func (p TeamPost) validateFree(now time.Time) error {
	if len(p.Free) < 1 || len(p.Free) > 20 {
		return fault.Field("free", "a team names 1 to 20 free periods", "join what follows on one another")
	}
	var errs []error
	for i, f := range p.Free {
		path := fmt.Sprintf("free[%d]", i)
		if err := f.Validate(path); err != nil {
			errs = append(errs, err)
			continue
		}
		if f.To < DateOf(now) {
			errs = append(errs, fault.Field(path+".to", "the period is over", "name days to come"))
		}
		if slices.ContainsFunc(p.Free[:i], f.Overlaps) {
			errs = append(errs, fault.Field(path, "the period overlaps an earlier one", "join them into one"))
		}
	}
	return errors.Join(errs...)
}

// Edit changes a team. What it has promised must stay possible.
func (t *Team) Edit(p TeamPost, now time.Time) ([]store.Entry, error) {
	if err := p.Validate(now); err != nil {
		return nil, err
	}
	before := t.Post
	t.Post = p
	for _, h := range t.Holds {
		if h.Over || h.Period.To < DateOf(now) {
			continue
		}
		if most := t.promised(h.Period, ""); most > p.Headcount {
			t.Post = before
			return nil, fault.Field("headcount", fmt.Sprintf("%d people are promised on one day already", most), "keep at least as many")
		}
	}
	entries := []store.Entry{store.Audit("team.edit", "", map[string]int{"before": before.Headcount, "after": p.Headcount})}
	if t.State == TeamOpen {
		entries = append(entries, t.feed("team.changed"))
	}
	return entries, nil
}

// Open puts the team on the market.
func (t *Team) Open(tier int, now time.Time) ([]store.Entry, error) {
	if t.State == TeamOpen && t.Tier == tier {
		return nil, nil
	}
	if err := t.Post.validateFree(now); err != nil {
		return nil, err
	}
	t.State, t.Tier, t.Opened = TeamOpen, tier, now.UTC()
	return []store.Entry{store.Audit("team.open", "", map[string]int{"tier": tier}), t.feed("team.opened")}, nil
}

// Close takes the team off the market. What it has promised stays.
func (t *Team) Close(reason string) ([]store.Entry, error) {
	if t.State == TeamClosed {
		return nil, nil
	}
	if err := CheckReason(reason); err != nil {
		return nil, err
	}
	t.State = TeamClosed
	return []store.Entry{store.Audit("team.close", reason, nil), t.feed("team.closed")}, nil
}

// Available gives how many people are free on every day of a period, beside the
// promise to one handshake; 0 where the team has not said that it is free.
func (t *Team) Available(p Period, beside string) int {
	if !t.Post.FreeOn(p) {
		return 0
	}
	return max(0, t.Post.Headcount-t.promised(p, beside))
}

// FreeOn reports whether the team has said that it is free on every day of a
// period; free periods that follow on one another count as one.
func (p TeamPost) FreeOn(days Period) bool {
	free := slices.SortedFunc(slices.Values(p.Free), func(a, b Period) int { return cmp.Compare(a.From, b.From) })
	next := days.From // the first day that is not known to be free
	for _, f := range free {
		if f.From <= next && next <= f.To {
			next = f.To.Add(1)
		}
	}
	return next > days.To
}

// promised gives the most people that are promised on one day of a period.
func (t *Team) promised(p Period, beside string) int {
	most := 0
	// The number changes only where a promise begins: its first day, or p's.
	for _, day := range t.firstDays(p) {
		n := 0
		for id, h := range t.Holds {
			if id != beside && !h.Over && h.Period.From <= day && day <= h.Period.To {
				n += h.People
			}
		}
		most = max(most, n)
	}
	return most
}

func (t *Team) firstDays(p Period) []Date {
	days := []Date{p.From}
	for _, h := range t.Holds {
		if p.From < h.Period.From && h.Period.From <= p.To {
			days = append(days, h.Period.From)
		}
	}
	return days
}

func (t *Team) feed(kind string) store.Entry {
	return store.Entry{Log: PostsFeed(t.Market), Kind: kind}
}
