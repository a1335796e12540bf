package matching

import (
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// TestOrigins: an offer by the engine, by the employer, by the owner: the same
// object, and each side must say yes.
func TestOrigins(t *testing.T) {
	w := newWorld(t)
	p := w.pair(12, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	w.turn()
	engines := w.with(job, p.team)
	w.must(w.decline(p.chair, engines))
	w.turn()
	w.state(engines, Declined)
	if j := w.getJob(job); j.Look.Closed != market.LookAnswered || j.Out() != 0 {
		t.Errorf("the only team has passed, and the first look is %+v", j.Look)
	}

	invited, err := w.invite(p.boss, job, p.team, 0)
	w.must(err)
	if h := w.state(invited, Offered); h.Employer.Yes == nil || h.Owner.Yes != nil || h.People != 4 {
		t.Errorf("the invitation is %+v", h)
	}
	if w.getTeam(p.team).Holds[invited].People != 0 {
		t.Error("an offer holds people")
	}
	w.must(w.yes(p.chair, invited))
	w.state(invited, Negotiating)
	w.must(w.withdraw(p.boss, invited))
	w.turn()
	if h := w.state(invited, Withdrawn); h.Ending.Side != Employer || !h.Released || !w.getTeam(p.team).Holds[invited].Over {
		t.Errorf("it was withdrawn: %+v", h.Ending)
	}

	applied, err := w.apply(p.chair, job, p.team, 3)
	w.must(err)
	if h := w.state(applied, Offered); h.Owner.Yes == nil || h.Holding || w.getTeam(p.team).Holds[applied].People != 3 {
		t.Errorf("the application is %+v", h)
	}
	w.must(w.yes(p.boss, applied))
	w.state(applied, Negotiating)
	w.clean()
}

// TestOffersThatCannotBe leave no handshake behind.
func TestOffersThatCannotBe(t *testing.T) {
	w := newWorld(t)
	p := w.pair(12, 2)
	far := w.pair(12, 2)
	post := w.teamPost(12, 2)
	post.Base, post.RadiusKm = market.Site{Place: "371526"}, 10
	_, err := w.board.EditTeam(w.ctx, w.as(far.chair), w.cmd(far.chair), far.team, post)
	w.must(err)
	draft, err := w.board.CreateTeam(w.ctx, w.as(p.chair), w.cmd(p.chair), p.coop, w.teamPost(5, 1))
	w.must(err)
	own, err := w.board.CreateTeam(w.ctx, w.as(p.boss), w.cmd(p.boss), p.employer, w.teamPost(5, 1))
	w.must(err)
	_, err = w.board.OpenTeam(w.ctx, w.as(p.boss), w.cmd(p.boss), own.ID)
	w.must(err)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	unopened, err := w.board.CreateJob(w.ctx, w.as(p.boss), w.cmd(p.boss), p.employer, w.post(4, "2026-03-10", "2026-03-14"))
	w.must(err)
	for name, c := range map[string]struct {
		err   error
		code  fault.Code
		field string
	}{
		"more than the job":          {second(w.apply(p.chair, job, p.team, 5)), fault.Invalid, "people"},
		"fewer than a group":         {second(w.invite(p.boss, job, p.team, 1)), fault.Invalid, "people"},
		"by another owner":           {second(w.apply(far.chair, job, p.team, 4)), fault.Forbidden, ""},
		"by the other side":          {second(w.apply(p.boss, job, p.team, 4)), fault.Forbidden, ""},
		"an invitation by an owner":  {second(w.invite(p.chair, job, p.team, 4)), fault.Forbidden, ""},
		"no job":                     {second(w.apply(p.chair, "j-none", p.team, 4)), fault.Invalid, "job"},
		"a job that is not seen":     {second(w.apply(p.chair, unopened.ID, p.team, 4)), fault.Invalid, "job"},
		"a draft of one's own":       {second(w.invite(p.boss, unopened.ID, p.team, 4)), fault.Conflict, ""},
		"no team":                    {second(w.invite(p.boss, job, "t-none", 4)), fault.Invalid, "team"},
		"a team that is not seen":    {second(w.invite(p.boss, job, draft.ID, 4)), fault.Invalid, "team"},
		"a team that is not put out": {second(w.apply(p.chair, job, draft.ID, 4)), fault.Conflict, ""},
		"one's own team":             {second(w.invite(p.boss, job, own.ID, 4)), fault.Invalid, "team"},
	} {
		if !fault.Is(c.err, c.code) || blamed(c.err) != c.field {
			t.Errorf("%s: %v, want %s %s", name, c.err, c.code, c.field)
		}
	}
	if n := len(w.of(job)) + len(w.of(unopened.ID)); n != 0 {
		t.Errorf("%d handshakes were made", n)
	}
	// What the two may settle between them is left to them.
	id, err := w.invite(p.boss, job, far.team, 0)
	w.must(err)
	if h := w.state(id, Offered); h.People != 4 || h.Score.DistanceKm < 10 {
		t.Errorf("a team that is far is offered the job for %d people, %+v", h.People, h.Score)
	}
	w.clean()
}

func second(_ string, err error) error { return err }

// TestRepeatedOffers: a repeat gives the same handshake, whatever has become of it,
// of the job and of the team.
func TestRepeatedOffers(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	job := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	cmd := w.cmd(p.chair)
	apply := func() store.Item[Handshake] {
		t.Helper()
		it, err := w.handshakes.Apply(w.ctx, w.as(p.chair), cmd, job, p.team, 0)
		w.must(err)
		return it
	}
	first := apply()
	if again := apply(); again.ID != first.ID || again.Rev != first.Rev || !again.Repeated {
		t.Errorf("the repeat gives %s at %d, repeated %v", again.ID, again.Rev, again.Repeated)
	}
	w.must(w.withdraw(p.chair, first.ID))
	_, err := w.board.CloseTeam(w.ctx, w.as(p.chair), w.cmd(p.chair), p.team, "harvest at home")
	w.must(err)
	_, err = w.board.CloseJob(w.ctx, w.as(p.boss), w.cmd(p.boss), job, "enough people")
	w.must(err)
	if again := apply(); again.ID != first.ID || again.Doc.State != Withdrawn {
		t.Errorf("after all has ended the repeat gives %s, %s", again.ID, again.Doc.State)
	}
	cmd.Hash = "of another request"
	_, err = w.handshakes.Apply(w.ctx, w.as(p.chair), cmd, job, p.team, 0)
	w.want(err, fault.Reused)
	if n := len(w.of(job)); n != 1 {
		t.Errorf("there are %d handshakes", n)
	}
	w.clean()
}

// TestOffersAreCapped: no more people have an offer for one place than the market
// allows, and a team that comes and goes is refused in the end.
func TestOffersAreCapped(t *testing.T) {
	w := newWorld(t)
	employer, boss := w.party(market.Company, false)
	job := w.job(employer, boss, w.post(2, "2026-03-10", "2026-03-14"))
	var refused int
	for range 4 { // three people a place, two places: three offers of two
		coop, chair := w.party(market.Cooperative, false)
		if _, err := w.invite(boss, job, w.team(coop, chair, 2, 2), 0); err != nil {
			w.want(err, fault.Conflict)
			refused++
		}
	}
	if j := w.getJob(job); refused != 1 || j.Out() != 6 {
		t.Errorf("%d were refused, %d people have an offer", refused, j.Out())
	}
	p := w.pair(2, 2)
	other := w.job(p.employer, p.boss, w.post(2, "2026-04-10", "2026-04-14"))
	for i := range 6 {
		id, err := w.apply(p.chair, other, p.team, 0)
		if i == 5 {
			w.want(err, fault.Conflict)
			break
		}
		w.must(err)
		w.must(w.withdraw(p.chair, id))
	}
	w.clean()
}

// TestApplicationWithoutPeople: a team that was free when it was looked at, and is
// not when it is asked, has not applied.
func TestApplicationWithoutPeople(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	one := w.job(p.employer, p.boss, w.post(4, "2026-03-10", "2026-03-14"))
	two := w.job(p.employer, p.boss, w.post(4, "2026-03-12", "2026-03-16"))
	w.db.before = func(_ int, write store.Write) error {
		if write.Collection == "teams" { // somebody is faster
			w.db.before = nil
			_, err := w.apply(p.chair, two, p.team, 0)
			return err
		}
		return nil
	}
	id, err := w.apply(p.chair, one, p.team, 0)
	w.must(err)
	if h := w.state(id, Withdrawn); h.Void == "" || h.Ending.Reason != h.Void || h.Ending.Side != "" {
		t.Errorf("the application ended: %+v", h.Ending)
	}
	_, err = w.apply(p.chair, one, p.team, 0)
	w.want(err, fault.Conflict)
	w.state(w.with(two, p.team), Offered)
	w.clean()
}

// TestLapsedPartiesAreNotOffered: and are again as soon as they are verified anew.
func TestLapsedPartiesAreNotOffered(t *testing.T) {
	w := newWorld(t)
	p := w.pair(4, 2)
	w.clock.Set(shanghai("2026-08-31", "08:00:00").Add(24 * time.Hour)) // half a year later
	for _, party := range []struct{ id, person string }{{p.employer, p.boss}, {p.coop, p.chair}} {
		it, err := w.board.Party(w.ctx, w.as(party.person), party.id)
		w.must(err)
		w.want(it.Doc.MayPost(w.clock.Now()), fault.Conflict)
	}
	employer, boss := w.party(market.Company, false)
	post := w.teamPost(4, 2)
	post.Free = []market.Period{{From: "2026-09-01", To: "2026-12-31"}}
	_, err := w.board.EditTeam(w.ctx, w.as(p.chair), w.cmd(p.chair), p.team, post)
	w.must(err)
	job := w.job(employer, boss, w.post(4, "2026-09-10", "2026-09-14"))
	w.turn()
	_, err = w.invite(boss, job, p.team, 0)
	w.want(err, fault.Conflict)
	if n := len(w.of(job)); n != 0 {
		t.Fatalf("%d offers were made", n)
	}
	_, why, err := w.engine.Candidates(w.ctx, w.as(boss), job)
	w.must(err)
	if len(why) != 1 || why[0].Obstacle != NotVerified {
		t.Errorf("in the way is %+v", why)
	}
	_, err = w.board.DecideParty(w.ctx, w.as(operator), w.cmd(operator), p.coop, market.Decision{Approve: true, Reason: "papers seen again"})
	w.must(err)
	w.turn()
	w.state(w.with(job, p.team), Offered)
	w.clean()
}
