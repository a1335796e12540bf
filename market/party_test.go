package market

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// What comes of each event in each state of a party's verification: as in
// jobEvents. lapsed is verified, half a year ago.
const partyEvents = `
                    pending   verified  lapsed    refused   suspended
approve             verified  verified  verified  verified  verified
refuse              refused   refused   refused   refused   refused
approve/mute        inval     inval     inval     inval     inval
approve/own         forbid    forbid    forbid    forbid    forbid
approve/partnered   inval     inval     inval     inval     inval
admit               pending   verified  lapsed    refused   suspended
admit/again         .         .         .         .         .
dismiss             pending   verified  lapsed    refused   suspended
dismiss/last        conf      conf      conf      conf      conf
dismiss/stranger    .         .         .         .         .
`

func partySituation(name string) *Party {
	p := &Party{Kind: Cooperative, Market: "371502", Name: "合作社", People: []string{"p-1", "p-2"}, State: Verification(name), Created: morning}
	p.Checked = &Check{By: "p-o", At: morning, Reason: "papers seen"}
	switch name {
	case "lapsed":
		p.State, p.Checked.Until = Verified, morning
	case "verified":
		p.Checked.Until = morning.AddDate(0, 1, 0)
	}
	return p
}

func partyShape(p *Party) string {
	if p.State == Verified && !morning.Before(p.Checked.Until) {
		return "lapsed"
	}
	return string(p.State)
}

func partyEvent(p *Party, name string) ([]store.Entry, error) {
	d := Decision{Approve: true, Reason: "papers seen"}
	switch name {
	case "approve":
		return p.Decide(d, "p-o", morning.Add(time.Hour))
	case "refuse":
		d.Approve = false
		return p.Decide(d, "p-o", morning.Add(time.Hour))
	case "approve/mute":
		d.Reason = "yes"
		return p.Decide(d, "p-o", morning)
	case "approve/own":
		return p.Decide(d, "p-2", morning)
	case "approve/partnered":
		d.Partnered = true
		return p.Decide(d, "p-o", morning)
	case "admit":
		return p.Admit("p-3")
	case "admit/again":
		return p.Admit("p-2")
	case "dismiss":
		return p.Dismiss("p-2")
	case "dismiss/last":
		p.People = p.People[:1]
		return p.Dismiss("p-1")
	case "dismiss/stranger":
		return p.Dismiss("p-9")
	}
	panic("no event " + name)
}

func TestPartyEveryEvent(t *testing.T) {
	errorCodes["forbid"] = fault.Forbidden
	rows(t, partyEvents, func(e, from, want string) {
		p := partySituation(from)
		if e == "dismiss/last" {
			p.People = p.People[:1]
		}
		before := asJSON(t, p)
		entries, err := partyEvent(p, e)
		came(t, e+" in "+from, want, partyShape(p), before, asJSON(t, p), entries, err)
	})
}

// TestMayPost: who may put something on the market, and in which tier.
func TestMayPost(t *testing.T) {
	day := DateOf(morning)
	agency := func(expires Date, partnered bool) *Party {
		p := partySituation("verified")
		p.Kind, p.Partnered, p.Licence = Agency, partnered, &Licence{Number: "1234", Expires: expires}
		return p
	}
	company := partySituation("verified")
	company.Kind = Company
	unlicensed := agency(day, true)
	unlicensed.Licence = nil
	for name, c := range map[string]struct {
		p    *Party
		may  bool
		tier int
	}{
		"pending":                          {partySituation("pending"), false, 1},
		"refused":                          {partySituation("refused"), false, 1},
		"suspended":                        {partySituation("suspended"), false, 1},
		"lapsed":                           {partySituation("lapsed"), false, 1},
		"cooperative":                      {partySituation("verified"), true, 1},
		"company":                          {company, true, 3},
		"partnered agency":                 {agency(day, true), true, 2},
		"partnered agency, licence over":   {agency(day.Add(-1), true), false, 3},
		"agency without cooperatives":      {agency(day, false), true, 3},
		"agency without licence":           {unlicensed, false, 3},
		"verified without a check":         {&Party{Kind: Company, State: Verified}, false, 3},
		"one of no state that there could": {&Party{Kind: Company, State: "good"}, false, 3},
	} {
		if err := c.p.MayPost(morning); (err == nil) != c.may || err != nil && !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
		if tier := c.p.Tier(morning); tier != c.tier {
			t.Errorf("%s is of tier %d, want %d", name, tier, c.tier)
		}
	}
}

// TestVerificationLasts six months, to the instant, over the ends of short months.
func TestVerificationLasts(t *testing.T) {
	p := partySituation("pending")
	at := time.Date(2026, 8, 31, 15, 59, 59, 0, time.UTC) // the last second of August in Shanghai
	if _, err := p.Decide(Decision{Approve: true, Reason: "papers seen"}, "p-o", at); err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 2, 28, 15, 59, 59, 0, time.UTC)
	if p.MayPost(end.Add(-time.Nanosecond)) != nil || p.MayPost(end) == nil {
		t.Errorf("the verification of %s ends at %s", at, p.Checked.Until)
	}
}
