package market

import (
	"strings"
	"testing"

	"hezuo/store"
)

// What comes of each event in each situation of a team: as in jobEvents. held is
// an open team, and out a closed one, that has promised 10 of its 12 people to the
// handshake h for some days; ended is an open one that has released them.
const teamEvents = `
                draft  open   closed held   out    ended
edit            draft  open   closed held   out    ended
edit/bad        inval  inval  inval  inval  inval  inval
edit/fewer      draft  open   closed inval  inval  ended
edit/elsewhen   draft  open   closed held   out    ended
open            open   .      open   .      held   .
open/tier2      open   open   open   held   held   ended
close           closed closed .      out    .      closed
close/mute      inval  inval  .      inval  .      inval
hold            conf   held   conf   .      .      conf
hold/fewer      conf   held   conf   held   out    conf
hold/all        conf   held   conf   held   out    conf
hold/toomany    conf   conf   conf   conf   conf   conf
hold/toofew     conf   conf   conf   conf   conf   conf
hold/elsewhen   conf   conf   conf   conf   conf   conf
hold/other      conf   open   conf   conf   conf   ended
release         ended  ended  closed ended  closed .
ask             draft  held   closed held   out    .
ask/answered    .      .      .      .      .      .
`

var teamWays = map[string][]string{
	"draft": {}, "open": {"open"}, "closed": {"open", "close"}, "held": {"open", "hold"}, "out": {"open", "hold", "close"},
	"ended": {"open", "hold", "release"},
}

func teamEvent(t *Team, name string) ([]store.Entry, error) {
	days := Period{"2026-03-10", "2026-03-14"}
	post := goodTeam()
	post.About += "！"
	switch name {
	case "edit":
		return t.Edit(post, morning)
	case "edit/bad":
		post.Name = ""
		return t.Edit(post, morning)
	case "edit/fewer":
		post.Headcount = 9
		return t.Edit(post, morning)
	case "edit/elsewhen":
		post.Free = []Period{{"2026-04-01", "2026-04-30"}}
		return t.Edit(post, morning)
	case "open":
		return t.Open(1, morning)
	case "open/tier2":
		return t.Open(2, morning)
	case "close":
		return t.Close("harvest at home")
	case "close/mute":
		return t.Close(" ")
	case "hold":
		return t.Hold("h", 10, days)
	case "hold/fewer":
		return t.Hold("h", 4, Period{"2026-03-11", "2026-03-12"})
	case "hold/all":
		return t.Hold("h", 12, days)
	case "hold/toomany":
		return t.Hold("h", 13, days)
	case "hold/toofew":
		return t.Hold("h", 1, days)
	case "hold/elsewhen":
		return t.Hold("h", 10, Period{"2026-05-31", "2026-06-01"})
	case "hold/other":
		return t.Hold("h2", 3, days)
	case "release":
		return t.Release("h", days, morning)
	case "ask":
		return t.Ask("h", 1, 10, days), nil
	case "ask/answered":
		return t.Ask("h", 0, 10, days), nil
	}
	panic("no event " + name)
}

func teamSituation(t *testing.T, name string) *Team {
	t.Helper()
	team := &Team{Market: "371502", Owner: "y", Tier: 1, Post: goodTeam(), State: TeamDraft, Created: morning}
	for _, e := range teamWays[name] {
		if _, err := teamEvent(team, e); err != nil {
			t.Fatalf("%s on the way to %s: %v", e, name, err)
		}
	}
	return team
}

func teamShape(t *Team) string {
	h, known := t.Holds["h"]
	switch {
	case known && h.Over && t.State == TeamClosed:
		return "closed"
	case known && h.Over:
		return "ended"
	case h.People > 0 && t.State == TeamClosed:
		return "out"
	case h.People > 0:
		return "held"
	}
	return string(t.State)
}

func TestTeamEveryEvent(t *testing.T) {
	rows(t, teamEvents, func(e, from, want string) {
		team := teamSituation(t, from)
		before := asJSON(t, team)
		entries, err := teamEvent(team, e)
		came(t, e+" in "+from, want, teamShape(team), before, asJSON(t, team), entries, err)
		r := &store.Report{}
		checkTeam(team, "t", r)
		if len(r.Findings) > 0 {
			t.Errorf("%s in %s: %v", e, from, r.Findings)
		}
	})
}

// TestPromiseCanShrink: what is promised can be made smaller on days that the team
// has since said it is not free, because it is promised.
func TestPromiseCanShrink(t *testing.T) {
	team := teamSituation(t, "held")
	post := goodTeam()
	post.Free = []Period{{"2026-03-15", "2026-05-31"}}
	if _, err := team.Edit(post, morning); err != nil {
		t.Fatal(err)
	}
	entries, err := team.Hold("h", 6, Period{"2026-03-11", "2026-03-14"})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[1].Kind != "team.freed" {
		t.Errorf("nobody hears that people were freed: %v", entries)
	}
	if _, err := team.Hold("h", 7, Period{"2026-03-11", "2026-03-14"}); err == nil {
		t.Error("what the team is not free for was promised")
	}
}

// TestOneAnswer: a request has one answer, however late it is asked again, and
// whatever has changed since.
func TestOneAnswer(t *testing.T) {
	days := Period{"2026-03-10", "2026-03-14"}
	team := teamSituation(t, "held")
	team.Ask("h2", 1, 5, days)
	if err := team.Said("h2", 1); err == nil || !strings.Contains(err.Error(), "only 2 of the team") {
		t.Fatalf("5 of 2 people are promised: %v", err)
	}
	if _, err := team.Release("h", days, morning); err != nil {
		t.Fatal(err)
	}
	if entries := team.Ask("h2", 1, 5, days); entries != nil || team.Said("h2", 1) == nil {
		t.Error("the same request has another answer now")
	}
	team.Ask("h2", 2, 5, days)
	if err := team.Said("h2", 2); err != nil || team.Holds["h2"].People != 5 {
		t.Errorf("the next request: %v", err)
	}
	if team.Ask("h2", 1, 3, days); team.Holds["h2"].People != 5 || team.Said("h2", 1) == nil {
		t.Error("a request that came late undid a newer one")
	}
	if team.Ask("h", 9, 1, days); team.Said("h", 9) == nil {
		t.Error("people are promised to what has ended")
	}
}
