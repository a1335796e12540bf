package matching

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
)

// TestLowerTiersWait: in the first look only cooperatives may be offered the job, or
// apply for it; when it closes, the tiers follow in their order.
func TestLowerTiersWait(t *testing.T) {
	w := newWorld(t)
	p := w.pair(3, 2)
	agency, agent := w.party(market.Agency, true)
	other, somebody := w.party(market.Company, false)
	second := w.team(agency, agent, 4, 2)
	third := w.team(other, somebody, 9, 2)
	s := market.DefaultSettings()
	s.Deadlines.OfferMinutes = 10 * 60 // an offer that ran out would be an answer
	_, err := w.board.ChangeSettings(w.ctx, w.as(operator), w.cmd(operator), county, s, "time to think")
	w.must(err)
	job := w.job(p.employer, p.boss, w.post(9, "2026-03-10", "2026-03-14"))
	w.turn()
	if hs := w.of(job); len(hs) != 1 || hs[0].Doc.Team != p.team {
		t.Fatalf("in the first look %d teams are offered the job", len(hs))
	}
	for person, team := range map[string]string{agent: second, somebody: third} {
		_, err := w.apply(person, job, team, 0)
		w.want(err, fault.Conflict)
		_, err = w.invite(p.boss, job, team, 0)
		w.want(err, fault.Conflict)
	}
	w.clock.Set(w.getJob(job).Look.Ends.Add(-time.Nanosecond))
	w.settle()
	if !w.getJob(job).LookOpen() || len(w.of(job)) != 1 {
		t.Fatal("the first look closed before its end")
	}
	w.clock.Add(time.Nanosecond)
	w.settle()
	if j := w.getJob(job); j.Look.Closed != market.LookTime {
		t.Fatalf("the first look is %+v", j.Look)
	}
	// What the cooperative's offer leaves goes to the second tier first, and the rest
	// to the third.
	want := map[string]int{p.team: 3, second: 4, third: 2}
	for _, it := range w.of(job) {
		if it.Doc.People != want[it.Doc.Team] {
			t.Errorf("the team of tier %d is offered %d places, want %d", it.Doc.Tier, it.Doc.People, want[it.Doc.Team])
		}
	}
	if n := len(w.of(job)); n != 3 {
		t.Errorf("%d teams were offered the job", n)
	}
	w.clock.Add(10 * time.Hour)
	w.settle()
	w.state(w.with(job, p.team), Expired)
	w.clean()
}

// TestLookClosesEarly: when every team that is listed has answered, whatever it
// said; not when the employer has turned them away.
func TestLookClosesEarly(t *testing.T) {
	w := newWorld(t)
	a, b := w.pair(4, 2), w.pair(4, 2)
	other, somebody := w.party(market.Company, false)
	late := w.team(other, somebody, 4, 2)
	job := w.job(a.employer, a.boss, w.post(8, "2026-03-10", "2026-03-14"))
	w.turn()
	first, second := w.with(job, a.team), w.with(job, b.team)
	w.must(w.decline(a.boss, first)) // by the employer: that is no answer of the team's
	w.turn()
	w.must(w.yes(b.chair, second))
	w.turn()
	if j := w.getJob(job); !j.LookOpen() {
		t.Fatalf("the employer has turned the cooperative away, and the first look is over: %+v", j.Look)
	}
	_, err := w.apply(somebody, job, late, 0)
	w.want(err, fault.Conflict)
	id, err := w.apply(a.chair, job, a.team, 0) // it may still come by itself
	w.must(err)
	w.state(id, Offered)
	if j := w.getJob(job); j.Look.Closed != market.LookAnswered {
		t.Errorf("both have said yes, and the first look is %+v", j.Look)
	}
	w.must(w.withdraw(a.chair, id))
	w.turn()
	w.state(w.with(job, late), Offered)
	w.clean()
}

// TestLookOfNobody closes at once, and one that is switched off never opens.
func TestLookOfNobody(t *testing.T) {
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	other, somebody := w.party(market.Company, false)
	team := w.team(other, somebody, 4, 2)
	job := w.job(employer, boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	if j := w.getJob(job); j.Look.Closed != market.LookNobody || !j.Look.Listed {
		t.Errorf("there is no cooperative, and the first look is %+v", j.Look)
	}
	w.state(w.with(job, team), Offered)

	s := market.DefaultSettings()
	s.FirstLookOff = &market.FirstLookOff{Reason: "a flood, all hands are needed", Until: w.clock.Now().Add(time.Hour)}
	_, err := w.board.ChangeSettings(w.ctx, w.as(operator), w.cmd(operator), county, s, "decided by the county")
	w.must(err)
	p := w.pair(4, 2)
	off := w.job(employer, boss, w.post(4, "2026-04-10", "2026-04-14"))
	if j := w.getJob(off); j.Look.Closed != market.LookOff || j.Settings.FirstLookOff.Reason != s.FirstLookOff.Reason {
		t.Errorf("the first look is switched off, and is %+v", j.Look)
	}
	_, err = w.apply(somebody, off, team, 0)
	w.must(err)
	w.clock.Add(time.Hour)
	on := w.job(employer, boss, w.post(4, "2026-05-10", "2026-05-14"))
	w.turn()
	if j := w.getJob(on); !j.LookOpen() || len(j.Look.Teams) != 1 || j.Look.Teams[0].Team != p.team {
		t.Errorf("the first look is on again, and is %+v", j.Look)
	}
	w.clean()
}

// TestTeamThatAppears while the first look is open is listed, and offered what is
// left; after the closing it is owed nothing.
func TestTeamThatAppears(t *testing.T) {
	w := newWorld(t)
	a := w.pair(4, 2)
	job := w.job(a.employer, a.boss, w.post(8, "2026-03-10", "2026-03-14"))
	w.turn()
	feed := w.getJob(job).Look.Feed
	w.clock.Add(time.Hour)
	b := w.pair(4, 2)
	w.turn()
	if j := w.getJob(job); len(j.Look.Teams) != 2 || j.Look.Teams[1].Team != b.team || j.Look.Feed <= feed {
		t.Fatalf("the team that appeared is not listed: %+v", j.Look)
	}
	w.must(w.decline(a.chair, w.with(job, a.team)))
	w.turn()
	if !w.getJob(job).LookOpen() {
		t.Fatal("the first look closed, and one that is listed has not answered")
	}
	w.must(w.decline(b.chair, w.with(job, b.team)))
	w.turn()
	if w.getJob(job).LookOpen() {
		t.Fatal("both have answered, and the first look is open")
	}
	c := w.pair(4, 2)
	w.turn()
	if j := w.getJob(job); len(j.Look.Teams) != 2 {
		t.Error("a team was listed after the closing")
	}
	w.state(w.with(job, c.team), Offered) // as any other
	w.clean()
}

// TestLookWhileDown: a first look that ran out while every node was down closes once,
// and before any lower tier comes in.
func TestLookWhileDown(t *testing.T) {
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	other, somebody := w.party(market.Company, false)
	team := w.team(other, somebody, 4, 2)
	job := w.job(employer, boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.clock.Add(100 * time.Hour)
	_, err := w.apply(somebody, job, team, 0) // the clock closes nothing: the write does
	w.want(err, fault.Conflict)
	w.restart()
	w.settle()
	if j := w.getJob(job); j.Look.Closed != market.LookTime || j.Admitted[0].Tick <= j.Look.Tick {
		t.Errorf("the first look is %+v, and the handshake came at %d", j.Look, j.Admitted[0].Tick)
	}
	w.clean()
}
